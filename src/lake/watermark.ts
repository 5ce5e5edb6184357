import { sameCursor } from '../table/cursor-order.ts';
import type { Lake } from './lake.ts';
import type { Cursor } from './manifest.ts';
import { type Commit, commitsAround, type Neighbours, type Place } from './neighbours.ts';

export interface CursorCommit extends Commit {
  readonly cursor: Cursor;
}

/** The commits with a cursor around one partition. @throws as `commitsAround` */
export function cursorNeighbours(lake: Lake, place: Place): Promise<Neighbours<CursorCommit>> {
  return commitsAround(lake, place, ({ cursor }, commit) =>
    cursor === undefined ? undefined : { ...commit, cursor },
  );
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
