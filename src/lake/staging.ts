import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, readdir, rm, rmdir, stat, unlink } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { makeFolder, removeTree } from '../storage/durable.ts';
import { errnoOf, storageFailure } from '../storage/failure.ts';
import { PRIVATE_FOLDER } from '../storage/keys.ts';
import { type FileLock, lock, tryLock } from '../storage/lock.ts';
import type { Storage } from '../storage/storage.ts';

/** A private folder of one attempt. While its owner lives, a kernel-freed lock keeps sweepers away. */
export interface StagingFolder {
  readonly path: string;
  /** Idempotent; never fails: what cannot be removed is swept by a later run. */
  remove(): Promise<void>;
}

interface StagingPlace {
  /** Holds one folder `<id>` and one lock `<id>.lock` an attempt; exists only while it is needed. */
  readonly root: string;
  /** Held while an attempt is created, removed or swept, so that these never meet. */
  readonly gate: string;
}

const GATE_WAIT_MS = 60_000;
const DAY_MS = 24 * 60 * 60 * 1000;
const NEVER = new AbortController().signal;

/**
 * A new private folder on the target's own file system where the target is a local disk; below `spoolRoot` (or the
 * system's temporary folder) otherwise. What dead owners left in the same place is removed.
 *
 * @throws STG001 when the place is not writable; INT001.
 */
export async function openStaging(
  storage: Storage,
  options: { readonly spoolRoot?: string; readonly signal: AbortSignal },
): Promise<StagingFolder> {
  const place = await stagingPlace(storage, options.spoolRoot);
  const id = randomUUID();
  const path = join(place.root, id);
  const held = await withGate(place, options.signal, async () => {
    await sweep(place.root);
    await makeFolder(place.root);
    const own = ownLock(join(place.root, `${id}.lock`));
    await makeFolder(path);
    return own;
  });
  let removed = false;
  return {
    path,
    async remove() {
      if (removed) return;
      removed = true;
      await removeTree(path);
      await withGate(place, NEVER, () => forget(place.root, id, held)).catch(() => held.release());
    },
  };
}

async function stagingPlace(storage: Storage, spoolRoot: string | undefined): Promise<StagingPlace> {
  if (storage.local === undefined) return temporaryPlace(spoolRoot);
  const base = storage.local.path('');
  await makeFolder(base);
  await sweepHalfWritten(join(base, PRIVATE_FOLDER, 'tmp'));
  const gate = join(base, PRIVATE_FOLDER, 'locks', 'staging.lock');
  // Beside the base no glob below the base can meet a staged or replaced generation.
  if (await canStageBeside(base)) {
    return { root: join(dirname(base), `.foundry-staging-${basename(base)}`), gate };
  }
  return { root: join(base, PRIVATE_FOLDER, 'staging'), gate };
}

async function canStageBeside(base: string): Promise<boolean> {
  const parent = dirname(base);
  if (parent === base) return false;
  try {
    await access(parent, constants.W_OK | constants.X_OK);
    return (await stat(base)).dev === (await stat(parent)).dev;
  } catch {
    return false;
  }
}

async function temporaryPlace(spoolRoot: string | undefined): Promise<StagingPlace> {
  if (spoolRoot !== undefined) return { root: join(spoolRoot, 'spool'), gate: join(spoolRoot, 'spool.lock') };
  const { uid } = userInfo();
  const folder = join(tmpdir(), `foundry-spool-${uid}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const owner = (await stat(folder)).uid;
    if (owner !== uid && uid >= 0) {
      throw new FoundryError('STG001', `${folder} belongs to another user`, {
        hint: 'Set TMPDIR to a folder of your own.',
      });
    }
  } catch (error) {
    throw storageFailure('create the folder', folder, error);
  }
  return { root: join(folder, 'spool'), gate: join(folder, 'spool.lock') };
}

async function withGate<T>(place: StagingPlace, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  const gate = await lock(place.gate, {
    waitMs: GATE_WAIT_MS,
    signal,
    what: `the staging folder ${place.root}`,
  });
  try {
    return await work();
  } finally {
    gate.release();
  }
}

function ownLock(file: string): FileLock {
  const held = tryLock(file);
  if (held === undefined) throw new Error(`a fresh lock is held already: ${file}`);
  return held;
}

async function sweep(root: string): Promise<void> {
  const names = await readdir(root).catch(() => []);
  const ids = new Set(names.map((name) => name.replace(/\.lock.*$/, '')));
  for (const id of ids) {
    try {
      const dead = tryLock(join(root, `${id}.lock`));
      if (dead === undefined) continue;
      await removeTree(join(root, id));
      await forget(root, id, dead);
    } catch {
      // What cannot be removed now must not stop a run; a later sweep tries again.
    }
  }
}

async function forget(root: string, id: string, held: FileLock): Promise<void> {
  held.release();
  const left = await stat(join(root, id)).then(
    () => true,
    () => false,
  );
  if (!left) await unlink(join(root, `${id}.lock`)).catch(() => undefined);
  await rmdir(root).catch(() => undefined);
}

/** Writes that a kill cut short; a live write is never a day old. */
async function sweepHalfWritten(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw storageFailure('list', folder, error);
  });
  for (const name of names) {
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > DAY_MS)
      await rm(path, { force: true }).catch(() => undefined);
  }
}
