import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { removeTree } from '../storage/durable.ts';
import { errnoOf, storageFailure } from '../storage/failure.ts';
import { PRIVATE_FOLDER } from '../storage/keys.ts';
import { decodePartitionValue } from './hive.ts';
import type { Lake } from './lake.ts';
import { acquireLease } from './lease.ts';
import type { GcOptions, Leftover } from './leftover.ts';

const JOIN_FOLDER = 'join';
export const PROGRESS_NAME = 'progress.json';

/** Where the joins of a local lake keep their progress and chunks, unless their configs name another place. */
export function joinWorkFolder(base: string, id: string): string {
  return join(base, PRIVATE_FOLDER, JOIN_FOLDER, id);
}

/** Of an asset's path, the part that all of its loads share. */
export const TABLE = /^(?:env=([^/]+)\/)?domain=([^/]+)\/entity=([^/]+)\/(v\d+)(?:\/|$)/;

/** One name per table, that of Silver's runs where the output is an asset: two runs never write side by side. */
export function joinLeaseName(path: string): string {
  const [, environment = '', domain, entity, version] = TABLE.exec(path) ?? [];
  if (domain === undefined || entity === undefined || version === undefined) return `join/${path}`;
  const decoded = [environment, domain, entity].map((segment) => decodePartitionValue(segment) ?? segment);
  return ['silver', ...decoded, version].join('/');
}

/**
 * Chunks of joins that were killed and not run again: only a run of the same output would go on with them, and the
 * next date is another one.
 * @throws STG001, INT001.
 */
export async function deadJoinWork(lake: Lake, prefix: string, options: GcOptions): Promise<Leftover[]> {
  const { local } = lake.storage;
  if (local === undefined) return [];
  const base = local.path('');
  const found: Leftover[] = [];
  for (const id of await namesIn(joinWorkFolder(base, ''))) {
    const folder = joinWorkFolder(base, id);
    const path = await outputOf(folder, base);
    // Without a progress nothing tells whose it is: then it is the whole lake's.
    if (prefix !== '' && path !== prefix && path?.startsWith(`${prefix}/`) !== true) continue;
    const work = await sizeOf(folder);
    if (options.now.getTime() - work.newestMs <= options.olderThanMs) continue;
    const leftover = {
      kind: 'join',
      key: `${PRIVATE_FOLDER}/${JOIN_FOLDER}/${id}`,
      size_bytes: work.bytes,
      since: new Date(work.newestMs).toISOString(),
    } as const;
    if (!options.remove) found.push({ ...leftover, status: 'found' });
    else if (await removed(lake, folder, path, options)) found.push({ ...leftover, status: 'removed' });
    else found.push({ ...leftover, status: 'kept', reason: 'a run holds its dataset' });
  }
  return found;
}

async function removed(
  lake: Lake,
  folder: string,
  path: string | undefined,
  { signal }: GcOptions,
): Promise<boolean> {
  const lease =
    path === undefined
      ? undefined
      : await acquireLease(lake, joinLeaseName(path), { signal }).catch((error: unknown) => {
          if (error instanceof FoundryError && error.code === 'LOCK001') return 'held' as const;
          throw error;
        });
  if (lease === 'held') return false;
  try {
    await removeTree(folder);
    return true;
  } finally {
    await lease?.release();
  }
}

/** Key of the partition that the work is for. */
async function outputOf(folder: string, base: string): Promise<string | undefined> {
  try {
    const content: unknown = JSON.parse(await readFile(join(folder, PROGRESS_NAME), 'utf8'));
    const output = typeof content === 'object' && content !== null && 'output' in content && content.output;
    const below = join(base, '/');
    return typeof output === 'string' && output.startsWith(below) ? output.slice(below.length) : undefined;
  } catch {
    return undefined;
  }
}

async function sizeOf(folder: string): Promise<{ readonly bytes: number; readonly newestMs: number }> {
  let bytes = 0;
  let newestMs = 0;
  const names = await readdir(folder, { recursive: true });
  for (const name of ['.', ...names]) {
    // What is gone meanwhile belongs to a run that is under way: its folder is young.
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.isFile() === true) bytes += found.size;
    newestMs = Math.max(newestMs, found?.mtimeMs ?? Date.now());
  }
  return { bytes, newestMs };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw storageFailure('list', folder, error);
  }
}
