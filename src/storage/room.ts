import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatBytes } from '../core/bytes.ts';
import type { Storage } from './storage.ts';

export interface Room {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/**
 * What this user may still write on the disk of a folder, which need not exist yet. Undefined where the system does
 * not tell.
 */
export async function roomAt(folder: string): Promise<Room | undefined> {
  let place = folder;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  try {
    const { bavail, blocks, bsize } = await statfs(place);
    // Network file systems may answer with nothing at all.
    return blocks === 0 ? undefined : { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return undefined;
  }
}

/** A warning where what is to be read is more than the disk of a lake has room for; undefined where it is not. */
export async function tightRoom(storage: Storage, inputBytes: number): Promise<string | undefined> {
  const folder = storage.local?.path('');
  const room = folder === undefined ? undefined : await roomAt(folder);
  if (room === undefined || inputBytes <= room.freeBytes) return undefined;
  return `the inputs have ${formatBytes(inputBytes)}, and only ${formatBytes(room.freeBytes)} are free on the disk of ${folder}`;
}
