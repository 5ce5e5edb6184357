import type { NullCursorRows } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { type CursorKind, guessCursorKind, lookBack } from '../table/cursor-order.ts';

/** A value of the cursor column, and the rows at it that neighbouring commits hold. */
export interface CursorPoint {
  /** Canonical text, as `table/format.ts` writes it; an initial value as the config has it. */
  readonly value: string;
  /** Hashes (`table/row-hash.ts`) of those rows, each as often as the row landed. */
  readonly rows: readonly string[];
}

/**
 * Which rows an incremental read is asked for (decision 10a): from `start` less `lookback` to `until`, both included,
 * without the rows that the points list. Rows at a point that it does not list came late, and land.
 */
export interface CursorRequest {
  readonly column: string;
  /** As declared, or as earlier commits recorded it; absent: the source decides. */
  readonly kind?: CursorKind;
  /** Absent: from the very beginning. */
  readonly start?: CursorPoint;
  readonly lookback?: string;
  /** Where a later commit began. */
  readonly until?: CursorPoint;
  /** No earlier commit holds rows of this table: the only read that lands rows without a cursor value. */
  readonly first: boolean;
  readonly nullRows: NullCursorRows;
  /** All rows are wanted, and the end is only recorded: more rows may be at it than a commit remembers. */
  readonly recordOnly?: true;
}

/** What an incremental read did; all counts are of rows. */
export interface CursorOutcome {
  readonly kind: CursorKind;
  /** The largest value that landed, else `start`; `until` where that was given. Null: there is none yet. */
  readonly end: string | null;
  /** Hashes of the rows at `end` that this commit holds. */
  readonly endRows: readonly string[];
  /** Hashes of the rows at `start` that this commit holds. */
  readonly startRows: readonly string[];
  /** Landed again through the lookback. */
  readonly reread: number;
  /** Left out, since a neighbouring commit holds them. */
  readonly repeated: number;
  /** Left out, since they lie outside of what was asked for. */
  readonly outside: number;
  /** Rows whose cursor is NULL, and whether they landed. */
  readonly nulls: { readonly rows: number; readonly landed: boolean };
}

/** Rows that may share the last cursor value of a commit. */
const BOUNDARY_CAP = 10_000;

/** Whether a commit can remember so many rows at one cursor value. */
export function canRemember(rows: number): boolean {
  return rows <= BOUNDARY_CAP;
}

/** @throws DATA001 when more rows share one cursor value than a commit remembers. */
export function checkBoundary(column: string, value: string, rows: number): void {
  if (canRemember(rows)) return;
  throw new FoundryError(
    'DATA001',
    `more than ${BOUNDARY_CAP.toLocaleString('en-US')} rows have the cursor value ${column} = ${value}; the next run could not tell them from new ones`,
    {
      details: { column, value },
      hint: 'Choose a cursor column with more distinct values, e.g. a number that grows, or a time with a finer unit.',
    },
  );
}

/** Whether rows without a cursor value land. @throws DATA001 where the config says that there are none. */
export function landsNulls(request: CursorRequest, where: string): boolean {
  if (request.nullRows === 'fail') {
    throw new FoundryError('DATA001', `${where}: the cursor column ${request.column} is NULL`, {
      details: { column: request.column },
      hint: 'Such rows have no place in an incremental read. Correct them at the source, or set null_rows of the incremental settings to include or exclude.',
    });
  }
  return request.first && request.nullRows === 'include';
}

/** From which value on rows are asked for: the start, moved back by the lookback. @throws CFG001 where that does not fit */
export function startOf({ kind, start, lookback }: CursorRequest): string | undefined {
  if (start === undefined || lookback === undefined) return start?.value;
  return lookBack(kind ?? guessCursorKind(start.value), start.value, lookback);
}
