import { FoundryError } from '../core/errors.ts';
import { locationOf } from '../storage/storage.ts';
import { sameCursor } from '../table/cursor-order.ts';
import type { Lake } from './lake.ts';
import { parseBronzePath } from './layout.ts';
import type { Cursor } from './manifest.ts';
import { comparePartitions, type ListedPartition, listPartitions } from './partitions.ts';
import { readManifest } from './reader.ts';

export interface CursorCommit {
  /** Key of the partition. */
  readonly path: string;
  readonly commitId: string;
  readonly cursor: Cursor;
}

/** The commits with a cursor before and after one partition, the nearest first (decision 10a). */
export interface CursorNeighbours {
  readonly earlier: readonly CursorCommit[];
  readonly later: readonly CursorCommit[];
}

/**
 * @param table key of the table's folder, over all its pattern folders
 * @param path the partition that a run is about to write; what lies there now does not count
 * @param startedAt when the batch was first landed, ISO 8601: its place among other batches of the date
 * @throws STATE001 on a broken manifest; STG001.
 */
export async function cursorNeighbours(
  lake: Lake,
  table: string,
  path: string,
  startedAt: string,
): Promise<CursorNeighbours> {
  const address = parseBronzePath(path, lake.pathKeys);
  const self: ListedPartition = { path, manifest: undefined, address, startedAt };
  const others = (await listPartitions(lake, table)).filter((other) => other.path !== path);
  const earlier = others.filter((other) => comparePartitions(other, self) < 0);
  const later = others.filter((other) => comparePartitions(other, self) > 0);
  return { earlier: earlier.flatMap(cursorCommit).reverse(), later: later.flatMap(cursorCommit) };
}

function cursorCommit({ path, manifest }: ListedPartition): CursorCommit[] {
  if (manifest?.cursor === undefined) return [];
  return [{ path, commitId: manifest.commit_id, cursor: manifest.cursor }];
}

/**
 * The commits that together hold the rows at the value where the nearest one ended: those that began and ended there,
 * and the one that came to it.
 */
export function commitsAtEnd(earlier: readonly CursorCommit[]): readonly CursorCommit[] {
  const end = earlier[0]?.cursor.end ?? null;
  const held: CursorCommit[] = [];
  for (const commit of earlier) {
    if (!isAt(commit.cursor, commit.cursor.end, end)) break;
    held.push(commit);
    if (!isAt(commit.cursor, commit.cursor.start, end)) break;
  }
  return held;
}

/** The commits that hold rows at the value where the nearest later one began. */
export function commitsAtStart(later: readonly CursorCommit[]): readonly CursorCommit[] {
  const start = later[0]?.cursor.start ?? null;
  return later.filter(({ cursor }) => isAt(cursor, cursor.start, start));
}

function isAt({ type }: Cursor, value: string | null, place: string | null): boolean {
  return value === null || place === null ? value === place : sameCursor(type, value, place);
}

/** @throws LOCK001 when a commit that this run continues is not what it was. */
export async function checkUnchanged(lake: Lake, commits: readonly CursorCommit[]): Promise<void> {
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
