import type { Dirent } from 'node:fs';
import { lstat, mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { throwIfStopped } from '../core/errors.ts';
import {
  linkOrCopy,
  makeFolder,
  removeTree,
  syncFile,
  syncFolder,
  writeDurable,
} from '../storage/durable.ts';
import { errnoOf, storageFailure } from '../storage/failure.ts';
import { PRIVATE_FOLDER } from '../storage/keys.ts';
import { lock } from '../storage/lock.ts';
import type { LocalFolders } from '../storage/storage.ts';
import { type Attempt, keyOf, lostRace } from './attempt.ts';
import { type Generation, sha256Hex } from './generation.ts';
import { isBronzeSegment, nestingRoot, parseBronzePath, SLICE_SEGMENTS } from './layout.ts';
import { CHECKSUMS_NAME, MANIFEST_NAME } from './manifest.ts';
import { publish } from './publish.ts';

const COMMIT_WAIT_MS = 10 * 60 * 1000;

/**
 * The commit on a local disk: the new generation is assembled out of sight, and takes the place of the old folder in
 * one step. Where the file system cannot do that, or the folder holds other partitions, file by file.
 *
 * @returns what was committed.
 * @throws LOCK001, STG001, INT001; the old generation is whole then.
 */
export async function commitLocally(attempt: Attempt, local: LocalFolders): Promise<Generation> {
  const assembly = join(attempt.staging, 'generation');
  const { generation } = attempt;
  const live = local.path(attempt.path);
  await assemble(generation, assembly);
  if (!(await holdsPartitions(live, attempt))) {
    await carryKeepsakes(live, assembly, new Set(attempt.seen.files));
  }
  await syncFolders(assembly);
  const held = await lock(commitLock(local, attempt), {
    waitMs: COMMIT_WAIT_MS,
    signal: attempt.signal,
    what: `the commit of ${live}`,
  });
  let committed = generation;
  try {
    await refuseLostRace(attempt);
    throwIfStopped(attempt.signal);
    const swapped = !(await holdsPartitions(live, attempt)) && (await local.exchange(assembly, attempt.path));
    if (!swapped) committed = await publish({ ...attempt, generation: assembled(generation, assembly) });
  } finally {
    held.release();
  }
  await removeTree(assembly);
  return committed;
}

/** Few lock files for any number of partitions: two that share one wait for each other a moment. */
function commitLock(local: LocalFolders, { path, pathKeys }: Attempt): string {
  const stripe = sha256Hex(nestingRoot(path, pathKeys)).slice(0, 2);
  return join(local.path(''), PRIVATE_FOLDER, 'locks', `commit-${stripe}.lock`);
}

async function assemble(generation: Generation, folder: string): Promise<void> {
  await makeFolder(folder);
  for (const { file, source } of generation.parts) {
    const target = join(folder, file.path);
    try {
      await mkdir(dirname(target), { recursive: true });
      await syncFile(source);
      await rename(source, target);
    } catch (error) {
      throw storageFailure(`move ${source} to`, target, error);
    }
  }
  await writeDurable(join(folder, MANIFEST_NAME), generation.manifestBytes);
  await writeDurable(join(folder, CHECKSUMS_NAME), generation.checksumsBytes);
}

function assembled(generation: Generation, folder: string): Generation {
  return {
    ...generation,
    parts: generation.parts.map(({ file }) => ({ file, source: join(folder, file.path) })),
  };
}

/** Names that a reader of data would take for rows; an unlisted one must not outlive its generation. */
const DATA_NAME = /\.(?:parquet|csv|tsv|jsonl|ndjson)(?:\.gz|\.zst)?(?:\.tmp)?$|\.tmp$/i;

/** A README or another tool's note in the old folder is kept: it is in nobody's way. */
async function carryKeepsakes(live: string, assembly: string, listed: ReadonlySet<string>): Promise<void> {
  for await (const name of filesBelow(live, '')) {
    const own = name === MANIFEST_NAME || name === CHECKSUMS_NAME;
    if (own || listed.has(name) || DATA_NAME.test(name)) continue;
    const target = join(assembly, name);
    try {
      await mkdir(dirname(target), { recursive: true });
      await linkOrCopy(join(live, name), target);
    } catch (error) {
      const code = errnoOf(error);
      if (code !== 'ENOENT' && code !== 'EEXIST') throw storageFailure('keep', join(live, name), error);
    }
  }
}

async function* filesBelow(root: string, folder: string): AsyncGenerator<string> {
  for (const entry of await entriesOf(join(root, folder))) {
    const name = `${folder}${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(root, `${name}/`);
    else yield name;
  }
}

/**
 * Whether other partitions lie inside this one's folder: a sub-folder with a manifest of its own, or below Bronze
 * a date, hour or batch that an earlier strategy or another tool wrote. Swapping the folder would take them away.
 */
async function holdsPartitions(live: string, { path, pathKeys }: Attempt): Promise<boolean> {
  const bronze = parseBronzePath(path, pathKeys) !== undefined;
  const search = async (folder: string): Promise<boolean> => {
    for (const entry of await entriesOf(folder)) {
      if (!entry.isDirectory()) continue;
      const inner = join(folder, entry.name);
      if (bronze && isBronzeSegment(entry.name, SLICE_SEGMENTS, pathKeys)) return true;
      if ((await exists(join(inner, MANIFEST_NAME))) || (await exists(join(inner, CHECKSUMS_NAME))))
        return true;
      if (await search(inner)) return true;
    }
    return false;
  };
  return search(live);
}

async function refuseLostRace(attempt: Attempt): Promise<void> {
  const current = await attempt.storage.readBytes(keyOf(attempt.path, MANIFEST_NAME));
  const before = attempt.seen.manifest?.bytes;
  const same =
    current === undefined || before === undefined
      ? current === undefined && before === undefined
      : Buffer.compare(current.bytes, before) === 0;
  if (!same) throw lostRace(attempt, current?.bytes);
}

async function syncFolders(folder: string): Promise<void> {
  for (const entry of await entriesOf(folder)) {
    if (entry.isDirectory()) await syncFolders(join(folder, entry.name));
  }
  await syncFolder(folder);
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw storageFailure('list', folder, error);
  }
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return false;
      throw storageFailure('look at', path, error);
    },
  );
}
