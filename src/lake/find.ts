import { resolve } from 'node:path';
import { type OpenStorageOptions, openStorage } from '../storage/open.ts';
import type { Storage } from '../storage/storage.ts';
import { RUNS_FOLDER } from './run-record.ts';

export interface FoundPartition {
  /** Opened at the base of the lake, where its runs are recorded; above the folder where there are no records. */
  readonly storage: Storage;
  /** Key of the folder below it. */
  readonly path: string;
}

const DEEPEST = 16;

/**
 * Where a folder lies in its lake: the base is the nearest folder above it that holds records of runs.
 * @param location a path of the local disk, or a URI
 * @throws STG001
 */
export async function findInLake(
  location: string,
  options: OpenStorageOptions = {},
): Promise<FoundPartition> {
  const { root, segments } = split(location);
  for (let above = 1; above < Math.min(segments.length, DEEPEST); above += 1) {
    const base = root + segments.slice(0, segments.length - above).join('/');
    const storage = openStorage(base, options);
    for await (const _ of storage.list(RUNS_FOLDER)) {
      return { storage, path: segments.slice(-above).join('/') };
    }
  }
  const path = segments.at(-1) ?? '';
  return { storage: openStorage(root + segments.slice(0, -1).join('/'), options), path };
}

/** What comes before the folders, `/` or `s3://bucket/`, and the folders. */
function split(location: string): { readonly root: string; readonly segments: readonly string[] } {
  const uri = /^[a-z][a-z0-9+.-]*:\/\/[^/]*\/?/i.exec(location)?.[0];
  const root = uri === undefined ? '/' : uri.endsWith('/') ? uri : `${uri}/`;
  const rest = uri === undefined ? resolve(location) : location.slice(uri.length);
  return { root, segments: rest.split('/').filter((segment) => segment !== '') };
}
