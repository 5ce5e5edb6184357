import { copyFile, link, mkdir, mkdtemp, open, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { errnoOf, storageFailure } from './failure.ts';

/** Flushes a file's bytes to the disk. @throws STG001 */
export async function syncFile(path: string): Promise<void> {
  return sync(path, 'r+');
}

/** Makes the names in a folder durable; Windows does that by itself and opens no folders. @throws STG001 */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform !== 'win32') await sync(path, 'r');
}

async function sync(path: string, flags: 'r' | 'r+'): Promise<void> {
  try {
    const handle = await open(path, flags);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw storageFailure('flush to disk', path, error);
  }
}

/** Creates a folder with its parents, and makes every new name durable. @throws STG001 */
export async function makeFolder(path: string): Promise<void> {
  let first: string | undefined;
  try {
    first = await mkdir(path, { recursive: true });
  } catch (error) {
    throw storageFailure('create the folder', path, error);
  }
  if (first === undefined) return;
  for (let folder = dirname(path); folder.length >= dirname(first).length; folder = dirname(folder)) {
    await syncFolder(folder);
    if (folder === dirname(folder)) return;
  }
}

/** A new private folder in the system's temporary one, for the caller to remove. @throws STG001 */
export async function temporaryFolder(prefix: string): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), prefix));
  } catch (error) {
    throw storageFailure('create a folder in', tmpdir(), error);
  }
}

/** Writes a new file and flushes it; the folder's entry is flushed by the caller. @throws STG001 */
export async function writeDurable(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const handle = await open(path, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw storageFailure('write', path, error);
  }
}

/** A second name for a file, or a copy where the file system has no hard links. @throws EEXIST as it is; STG001 */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EEXIST' || code === 'ENOENT') throw error;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK' && code !== 'EXDEV') {
      throw storageFailure('link', to, error);
    }
    await copyFile(from, to, 1);
    await syncFile(to);
  }
}

/** Removes a tree; what cannot be removed stays for a later sweep. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

/** Removes the folder and then its parents below `base`, as long as they are empty. */
export async function removeEmptyFolders(folder: string, base: string): Promise<void> {
  for (let path = folder; path.startsWith(`${base}/`); path = dirname(path)) {
    const removed = await rmdir(path).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}
