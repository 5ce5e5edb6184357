import { FoundryError } from '../core/errors.ts';
import { locationOf } from '../storage/storage.ts';
import type { Lake } from './lake.ts';
import { parseBronzePath } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { comparePartitions, type ListedPartition, listPartitions } from './partitions.ts';
import { readManifest } from './reader.ts';

export interface Commit {
  /** Key of the partition. */
  readonly path: string;
  readonly commitId: string;
}

/** The partition that a run is about to write. */
export interface Place {
  /** Key of the table's folder; its partitions lie below it, over all pattern folders. */
  readonly table: string;
  readonly path: string;
  /** When the batch was first landed, ISO 8601: its place among other batches of the date. */
  readonly startedAt: string;
}

/** The commits before and after one partition, the nearest first (decision 10a). */
export interface Neighbours<T> {
  readonly earlier: readonly T[];
  readonly later: readonly T[];
}

/**
 * The commits around a partition that have what `pick` looks for. What lies at the partition itself does not count.
 * @throws STATE001 on a broken manifest; STG001.
 */
export async function commitsAround<T>(
  lake: Lake,
  { table, path, startedAt }: Place,
  pick: (manifest: Manifest, commit: Commit) => T | undefined,
): Promise<Neighbours<T>> {
  const address = parseBronzePath(path, lake.pathKeys);
  const self: ListedPartition = { path, manifest: undefined, address, startedAt };
  const others = (await listPartitions(lake, table)).filter((other) => other.path !== path);
  const picked = (side: (order: number) => boolean): T[] =>
    others
      .filter((other) => side(comparePartitions(other, self)))
      .flatMap(({ path: at, manifest }) =>
        manifest === undefined ? [] : (pick(manifest, { path: at, commitId: manifest.commit_id }) ?? []),
      );
  return { earlier: picked((order) => order < 0).reverse(), later: picked((order) => order > 0) };
}

/** @throws LOCK001 when a commit that this run continues is not what it was. */
export async function checkUnchanged(lake: Lake, commits: readonly Commit[]): Promise<void> {
  for (const { path, commitId } of commits) {
    const now = await readManifest(lake, path);
    if (now?.commit_id === commitId) continue;
    throw new FoundryError(
      'LOCK001',
      `${locationOf(lake.storage, path)} was replaced while this run continued its cursor`,
      {
        details: { commit_id: commitId },
        hint: 'Nothing was committed. Run again: it will begin where the new commit ends.',
      },
    );
  }
}
