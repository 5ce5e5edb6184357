import type { Batch, Batches } from '../core/batch.ts';
import { FoundryError } from '../core/errors.ts';
import type { DataType, TableSchema } from '../core/schema.ts';
import {
  type CursorKind,
  type CursorValue,
  compareCursors,
  cursorKindOf,
  guessCursorKind,
  lookBack,
  parseCursor,
  sameCursor,
} from '../table/cursor-order.ts';
import { textFormat } from '../table/format.ts';
import { hashBag, type RowHash, rowHasher } from '../table/row-hash.ts';
import { type CursorOutcome, type CursorRequest, canRemember, checkBoundary, landsNulls } from './cursor.ts';

/** A bound in comparable form. */
interface Bound {
  readonly text: string;
  readonly value: CursorValue;
}

/**
 * The rows of `batches` that an incremental read is asked for, for sources that cannot ask for exactly these.
 * Whatever lies outside of the request is left out and counted. `onCursor` is called once, after the last batch.
 *
 * @throws DATA001 for a value that is not of the cursor's kind, a NULL where none may be, or too many rows at the end;
 * SCHEMA001 when the rows have no such column.
 */
export async function* trackCursor(
  batches: Batches,
  request: CursorRequest,
  onCursor: (outcome: CursorOutcome) => void,
): Batches {
  const tracker = cursorTracker(request);
  for await (const batch of batches) yield tracker.keep(batch);
  onCursor(tracker.outcome());
}

interface Tracker {
  keep(batch: Batch): Batch;
  outcome(): CursorOutcome;
}

function cursorTracker(request: CursorRequest): Tracker {
  const { column } = request;
  let kind: CursorKind | undefined = request.kind;
  let bounds: Bounds | undefined;
  let reader: ColumnReader | undefined;
  const held = hashBag(request.start?.rows ?? []);
  const later = hashBag(request.until?.rows ?? []);
  const startRows: string[] = [];
  let endRows: string[] = [];
  let end: Bound | undefined;
  let rows = 0;
  const counts = { reread: 0, repeated: 0, outside: 0, nulls: 0 };

  const settle = (text: string, type: DataType): Bounds => {
    kind ??= kindOf(type, text, column);
    bounds ??= boundsOf(kind, request);
    return bounds;
  };

  /** Rows of the batch at hand that are at `end`; hashed after the batch, when most of them are no longer. */
  let rowsAtEnd: number[] = [];
  /** They are more than a commit remembers, and nobody needs them. */
  let forgotten = false;

  /** Whether the row lands. */
  const decide = (batch: Batch, row: number, hash: RowHash, { index, text: textOf, type }: ColumnReader) => {
    rows += 1;
    const raw = batch.columns[index]?.[row];
    if (raw === null || raw === undefined) {
      counts.nulls += 1;
      return landsNulls(request, `row ${rows}`);
    }
    const text = textOf(raw);
    const { start, from, until } = settle(text, type);
    const value = parseCursor(kind ?? 'text', text);
    if (value === undefined) throw notOfKind(column, kind ?? 'text', text, rows);
    if (from !== undefined && compareCursors(value, from.value) < 0) return leave('outside');
    if (until !== undefined && compareCursors(value, until.value) > 0) return leave('outside');
    const toStart = start === undefined ? 1 : compareCursors(value, start.value);
    const isAtUntil = until !== undefined && compareCursors(value, until.value) === 0;
    if (toStart < 0) counts.reread += 1;
    const boundary = toStart === 0 || isAtUntil ? hash(batch, row) : undefined;
    if (boundary !== undefined) {
      if (toStart === 0 && held.take(boundary)) return leave('repeated');
      if (isAtUntil && later.take(boundary)) return leave('repeated');
      if (toStart === 0) startRows.push(boundary);
    }
    const toEnd = end === undefined ? 1 : compareCursors(value, end.value);
    if (toEnd > 0) {
      end = { text, value };
      endRows = [];
      forgotten = false;
      rowsAtEnd = [];
    }
    if (toEnd >= 0) rowsAtEnd.push(row);
    return true;
  };

  const leave = (count: 'outside' | 'repeated'): false => {
    counts[count] += 1;
    return false;
  };

  return {
    keep(batch) {
      if (reader?.schema !== batch.schema) reader = columnReader(batch.schema, column);
      const hash = rowHasher(batch.schema);
      const kept: number[] = [];
      for (let row = 0; row < batch.length; row += 1) {
        if (decide(batch, row, hash, reader)) kept.push(row);
      }
      if (!forgotten) for (const row of rowsAtEnd) endRows.push(hash(batch, row));
      rowsAtEnd = [];
      if (request.recordOnly === true && !canRemember(endRows.length)) {
        forgotten = true;
        endRows = [];
      }
      if (end !== undefined) checkBoundary(column, end.text, endRows.length);
      return pick(batch, kept);
    },
    outcome() {
      const landed = { end: end?.text ?? null, rows: endRows };
      return {
        kind: kind ?? 'text',
        ...endOf(request, kind ?? 'text', landed),
        startRows,
        reread: counts.reread,
        repeated: counts.repeated,
        outside: counts.outside,
        nulls: { rows: counts.nulls, landed: request.first && request.nullRows === 'include' },
      };
    },
  };
}

/**
 * Where a commit ends: at `until` where that is given, else at the largest value that landed, never before `start`.
 * @param landed the largest value that this read landed, and the hashes of the rows at it
 * @throws DATA001 when more rows are at the end than the next run can tell from new ones
 */
export function endOf(
  { column, start, until }: Pick<CursorRequest, 'column' | 'start' | 'until'>,
  kind: CursorKind,
  landed: { readonly end: string | null; readonly rows: readonly string[] },
): { readonly end: string | null; readonly endRows: readonly string[] } {
  const end = until?.value ?? furthest(kind, start?.value ?? null, landed.end);
  if (end === null) return { end, endRows: [] };
  const isAtEnd = (value: string | null | undefined): boolean =>
    typeof value === 'string' && sameCursor(kind, value, end);
  const endRows = isAtEnd(landed.end) ? landed.rows : [];
  checkBoundary(column, end, endRows.length + (isAtEnd(start?.value) ? (start?.rows.length ?? 0) : 0));
  return { end, endRows };
}

/** Rows that a lookback brought again may all lie before the start. */
function furthest(kind: CursorKind, start: string | null, landed: string | null): string | null {
  const [from, to] = [start, landed].map((text) => (text === null ? undefined : parseCursor(kind, text)));
  return to === undefined || (from !== undefined && compareCursors(to, from) < 0) ? start : landed;
}

interface Bounds {
  readonly start?: Bound;
  /** `start` less the lookback. */
  readonly from?: Bound;
  readonly until?: Bound;
}

function boundsOf(kind: CursorKind, { column, start, lookback, until }: CursorRequest): Bounds {
  const bound = (written: string): Bound => {
    const text = canonicalBound(kind, written);
    const value = text === undefined ? undefined : parseCursor(kind, text);
    if (text === undefined || value === undefined) throw notOfKind(column, kind, written);
    return { text, value };
  };
  if (start === undefined) return until === undefined ? {} : { until: bound(until.value) };
  const begin = bound(start.value);
  return {
    start: begin,
    from: lookback === undefined ? begin : bound(lookBack(kind, begin.text, lookback)),
    ...(until !== undefined && { until: bound(until.value) }),
  };
}

/** An initial value may be a date where times are compared, and leave the zone out, which is UTC then. */
export function canonicalBound(kind: CursorKind, text: string): string | undefined {
  const spellings = kind.startsWith('timestamp')
    ? [text, `${text}T00:00:00`, `${text}Z`, `${text}T00:00:00Z`]
    : [text];
  return spellings.find((spelling) => parseCursor(kind, spelling) !== undefined);
}

function kindOf(type: DataType, text: string, column: string): CursorKind {
  const kind = type.kind === 'string' ? guessCursorKind(text) : cursorKindOf(type);
  if (kind !== undefined) return kind;
  throw new FoundryError('DATA001', `the column ${column} of type ${type.kind} has no order for a cursor`, {
    hint: 'Choose a column of numbers, dates, timestamps or text.',
  });
}

function notOfKind(column: string, kind: CursorKind, text: string, row?: number): FoundryError {
  const where = row === undefined ? `the cursor ${column}` : `row ${row}: the cursor ${column}`;
  return new FoundryError('DATA001', `${where} = ${JSON.stringify(text)} is not of the kind ${kind}`, {
    details: { column, value: text, ...(row !== undefined && { row }) },
    hint: 'Declare the kind of the column (cursor_type of the incremental settings), or run once with --full-refresh where the column has changed.',
  });
}

interface ColumnReader {
  readonly schema: TableSchema;
  readonly index: number;
  readonly type: DataType;
  readonly text: (value: unknown) => string;
}

function columnReader(schema: TableSchema, column: string): ColumnReader {
  const index = schema.fields.findIndex(({ name }) => name === column);
  const type = schema.fields[index]?.type;
  if (type === undefined) {
    const names = schema.fields.map(({ name }) => name).join(', ');
    throw new FoundryError('SCHEMA001', `the rows have no cursor column ${column}; they have ${names}`, {
      details: { column },
      hint: 'Name a column that the source gives.',
    });
  }
  return { schema, index, type, text: textFormat(type) };
}

function pick(batch: Batch, rows: readonly number[]): Batch {
  if (rows.length === batch.length) return batch;
  return {
    ...batch,
    columns: batch.columns.map((column) => rows.map((row) => column[row])),
    length: rows.length,
  };
}
