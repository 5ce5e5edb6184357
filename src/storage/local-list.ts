import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { errnoOf, storageFailure } from './failure.ts';
import { compareKeys, PRIVATE_FOLDER } from './keys.ts';
import type { StoredObject } from './storage.ts';

interface FileStat {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly mtime: Date;
  readonly ino: bigint;
}

/** Every replacement is a new inode, so the etag changes even when size and time do not. */
export function localEtag(found: FileStat): string {
  return `${found.ino.toString(36)}-${found.size.toString(36)}-${found.mtimeNs.toString(36)}`;
}

export function storedObject(key: string, found: FileStat): StoredObject {
  return { key, sizeBytes: Number(found.size), etag: localEtag(found), modifiedAt: found.mtime };
}

/**
 * Every file below `prefix` (a folder, `''` for all), sorted by key. Symbolic links are followed; a link back to
 * one of its own parents is an error, since the listing could never be complete.
 */
export async function* listFolder(root: string, prefix: string): AsyncGenerator<StoredObject> {
  yield* walk(root, prefix, []);
}

async function* walk(root: string, folder: string, parents: readonly string[]): AsyncGenerator<StoredObject> {
  const path = join(root, folder);
  const identity = await folderIdentity(path);
  if (identity === undefined) return;
  if (parents.includes(identity)) {
    throw new FoundryError('STG001', `${path} links back to one of its own parent folders`, {
      hint: 'Remove the symbolic link.',
    });
  }
  for (const { name, key, entry } of await sortedEntries(path, folder)) {
    if (folder === '' && name === PRIVATE_FOLDER) continue;
    if (entry === 'folder') yield* walk(root, key, [...parents, identity]);
    else yield { ...entry, key };
  }
}

interface Entry {
  readonly name: string;
  readonly key: string;
  readonly entry: 'folder' | StoredObject;
}

/** A folder sorts as `name/`, so that the keys below it come where object stores list them. */
async function sortedEntries(path: string, folder: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const dirent of await readFolder(path)) {
    const key = folder === '' ? dirent.name : `${folder}/${dirent.name}`;
    const entry = dirent.isDirectory() ? 'folder' : await fileOrLink(join(path, dirent.name), key);
    if (entry !== undefined) entries.push({ name: dirent.name, key, entry });
  }
  const sortKey = ({ name, entry }: Entry): string => (entry === 'folder' ? `${name}/` : name);
  return entries.sort((a, b) => compareKeys(sortKey(a), sortKey(b)));
}

async function readFolder(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw storageFailure('list', path, error);
  }
}

/** Undefined for what vanished meanwhile, and for sockets and the like. */
async function fileOrLink(path: string, key: string): Promise<Entry['entry'] | undefined> {
  try {
    const found = await stat(path, { bigint: true });
    if (found.isDirectory()) return 'folder';
    return found.isFile() ? storedObject(key, found) : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw storageFailure('look at', path, error);
  }
}

async function folderIdentity(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path, { bigint: true });
    return found.isDirectory() ? `${found.dev}:${found.ino}` : undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
    throw storageFailure('list', path, error);
  }
}
