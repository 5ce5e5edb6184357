import { createHash, randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, link, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { makeFolder, removeEmptyFolders, syncFile, syncFolder, writeDurable } from './durable.ts';
import { exchangeFolders } from './exchange.ts';
import { errnoOf, storageFailure } from './failure.ts';
import { checkKey, PRIVATE_FOLDER } from './keys.ts';
import { listFolder, localEtag, storedObject } from './local-list.ts';
import { lock } from './lock.ts';
import {
  ConditionFailed,
  type LocalFolders,
  type PutBody,
  type PutCondition,
  type Storage,
  type StoredObject,
} from './storage.ts';

const LOCK_WAIT_MS = 60_000;

/**
 * A folder of a local disk as a Storage. Objects are written aside, flushed, and given their name in one step, so a
 * reader sees the old bytes or the new ones. Locks and half-written files lie in `<base>/.foundry`.
 */
export function localStorage(base: string): Storage {
  const root = resolve(base);
  const description = `file://${root}`;
  const pathOf = (key: string): string => (key === '' ? root : join(root, checkKey(key, description)));

  const statKey = async (key: string): Promise<StoredObject | undefined> => {
    const path = pathOf(key);
    try {
      const found = await stat(path, { bigint: true });
      return found.isFile() ? storedObject(key, found) : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw storageFailure('look at', path, error);
    }
  };

  /** Nothing else in the lake changes the object meanwhile. */
  const alone = async (
    key: string,
    work: (current: StoredObject | undefined) => Promise<void>,
  ): Promise<void> => {
    const stripe = createHash('sha256').update(key).digest('hex').slice(0, 2);
    const held = await lock(join(root, PRIVATE_FOLDER, 'locks', `put-${stripe}.lock`), {
      waitMs: LOCK_WAIT_MS,
      signal: new AbortController().signal,
      what: pathOf(key),
    });
    try {
      await work(await statKey(key));
    } finally {
      held.release();
    }
  };

  const place = async (staged: string, key: string, condition: PutCondition | undefined): Promise<void> => {
    const path = pathOf(key);
    if (condition === undefined) return rename(staged, path);
    if (condition === 'ifAbsent' && (await linkIfAbsent(staged, path, key))) return;
    const expected = condition === 'ifAbsent' ? undefined : condition.ifMatch;
    await alone(key, async (current) => {
      if (current?.etag !== expected) throw new ConditionFailed(key);
      await rename(staged, path);
    });
  };

  const put = async (key: string, body: PutBody, condition?: PutCondition): Promise<StoredObject> => {
    const path = pathOf(key);
    const scratch = join(root, PRIVATE_FOLDER, 'tmp');
    await makeFolder(scratch);
    const staged = join(scratch, `${randomUUID()}.tmp`);
    try {
      await stage(body, staged);
      await placeInFolder(path, () => place(staged, key, condition));
      await syncFolder(dirname(path));
    } catch (error) {
      if (error instanceof ConditionFailed) throw error;
      throw storageFailure('write', path, error);
    } finally {
      await unlink(staged).catch(() => undefined);
    }
    const stored = await statKey(key);
    if (stored === undefined) throw new FoundryError('STG001', `${path} vanished while it was written`);
    return stored;
  };

  const local: LocalFolders = {
    path: pathOf,
    async exchange(staged, key) {
      const live = pathOf(key);
      await makeFolder(dirname(live));
      if (!exchangeFolders(staged, live)) return false;
      await syncFolder(dirname(live));
      await syncFolder(dirname(staged));
      return true;
    },
  };

  return {
    description,
    local,
    stat: statKey,
    put,
    list: (prefix) => listFolder(root, prefix === '' ? '' : checkKey(prefix, description)),
    async readBytes(key) {
      const path = pathOf(key);
      try {
        return await readWhole(path);
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw storageFailure('read', path, error);
      }
    },
    async *read(key, range) {
      const path = pathOf(key);
      // The end of a stream is its last byte.
      const end = range?.end === undefined ? undefined : range.end - 1;
      try {
        yield* createReadStream(path, {
          start: range?.start ?? 0,
          highWaterMark: 1 << 20,
          ...(end !== undefined && { end }),
        });
      } catch (error) {
        throw storageFailure('read', path, error);
      }
    },
    async download(key, file) {
      const path = pathOf(key);
      try {
        await copyFile(path, file, constants.COPYFILE_FICLONE);
      } catch (error) {
        throw storageFailure(`copy ${path} to`, file, error);
      }
    },
    async remove(key) {
      const path = pathOf(key);
      try {
        await unlink(path);
      } catch (error) {
        if (isAbsent(error)) return;
        throw storageFailure('remove', path, error);
      }
      await removeEmptyFolders(dirname(path), root);
    },
  };
}

/** The bytes and the etag of one version: the file may be replaced by name while it is read. */
async function readWhole(path: string): Promise<{ readonly bytes: Uint8Array; readonly etag: string }> {
  for (;;) {
    const before = await stat(path, { bigint: true });
    const bytes = await readFile(path);
    const after = await stat(path, { bigint: true });
    if (localEtag(before) === localEtag(after)) return { bytes, etag: localEtag(after) };
  }
}

async function stage(body: PutBody, staged: string): Promise<void> {
  if ('bytes' in body) return writeDurable(staged, body.bytes);
  try {
    await copyFile(body.file, staged, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  } catch (error) {
    throw storageFailure(`copy ${body.file} to`, staged, error);
  }
  await syncFile(staged);
}

/** `link` refuses an existing name in one step. False where the file system has no hard links. */
async function linkIfAbsent(staged: string, path: string, key: string): Promise<boolean> {
  try {
    await link(staged, path);
    return true;
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EEXIST') throw new ConditionFailed(key);
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'EOPNOTSUPP' || code === 'ENOSYS') return false;
    throw error;
  }
}

/** Another run may remove the folder as empty between its creation and the placing. */
async function placeInFolder(path: string, place: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    await makeFolder(dirname(path));
    try {
      return await place();
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' || attempt === 5) throw error;
    }
  }
}

function isAbsent(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
