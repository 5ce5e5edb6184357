import { FoundryError } from '../../core/errors.ts';
import type { DataType } from '../../core/schema.ts';
import { textCast } from '../../table/cast.ts';
import {
  type CursorKind,
  compareCursors,
  lookBack,
  parseCursor,
  sameCursor,
} from '../../table/cursor-order.ts';
import { textFormat } from '../../table/format.ts';
import { hashBag, rowHasher } from '../../table/row-hash.ts';
import {
  type CursorOutcome,
  type CursorPoint,
  type CursorRequest,
  checkBoundary,
  landsNulls,
} from '../cursor.ts';
import { canonicalBound } from '../cursor-filter.ts';
import { type Condition, selectFrom, selectList } from './base-query.ts';
import { batchOf } from './cells.ts';
import type { ColumnOrder, ResultColumn, TextRow } from './driver.ts';
import { countRows, type QuerySite } from './query-site.ts';

/** What an incremental read reads, settled before the bulk of it begins. */
export interface CursorRead {
  /** Conditions on the bulk: rows strictly between the boundaries; undefined where there is nothing. */
  readonly bulk?: readonly Condition[];
  /** Rows without a cursor value, where they land. */
  readonly nulls?: readonly Condition[];
  /** Rows at the boundaries that land. */
  readonly boundary: readonly TextRow[];
  readonly outcome: CursorOutcome;
}

interface Ordered extends QuerySite {
  readonly column: ResultColumn;
  readonly order: ColumnOrder;
}

/**
 * Decision 10a, asked of the database: the end is fixed first (the largest value, within the snapshot); the rows at the
 * start and at the end are read by themselves, compared by their hashes with what neighbouring commits hold; what lies
 * between lands in bulk. All comparisons are the database's, by the column's own type and collation.
 *
 * @throws SCHEMA001, DATA001, and what the session throws
 */
export async function planCursor(site: QuerySite, request: CursorRequest): Promise<CursorRead> {
  const ordered = { ...site, ...orderedColumn(site, request) };
  const { kind } = ordered.order;
  const start = request.start === undefined ? undefined : bound(ordered, request.start);
  const until = request.until === undefined ? undefined : bound(ordered, request.until);
  const from = lowerBound(kind, start, request.lookback);
  const nulls = await nullRows(ordered, request);
  const common = { kind, outside: 0, nulls: nulls.counted };
  if (start !== undefined && until !== undefined && isBefore(kind, until.value, start.value)) {
    const outcome = { ...common, end: until.value, endRows: [], startRows: [], reread: 0, repeated: 0 };
    return { boundary: [], outcome };
  }
  const end = until?.value ?? (await largest(ordered, start)) ?? start?.value ?? null;
  const isOne = end !== null && start !== undefined && sameCursor(kind, start.value, end);
  const atStart =
    start === undefined
      ? NOTHING
      : await boundaryRows(ordered, start.value, [start, ...(isOne && until !== undefined ? [until] : [])]);
  const atEnd =
    end === null || isOne ? NOTHING : await boundaryRows(ordered, end, until === undefined ? [] : [until]);
  const endRows = isOne ? atStart.hashes : atEnd.hashes;
  if (end !== null)
    checkBoundary(request.column, end, endRows.length + (isOne ? (start?.rows.length ?? 0) : 0));
  const bulk = bulkConditions(ordered, { start: start?.value, from, end, isOne });
  return {
    ...(bulk !== undefined && { bulk }),
    ...(nulls.conditions !== undefined && { nulls: nulls.conditions }),
    boundary: [...atStart.rows, ...atEnd.rows],
    outcome: {
      ...common,
      end,
      endRows,
      startRows: atStart.hashes,
      reread: await rereadRows(ordered, start?.value, from),
      repeated: atStart.repeated + atEnd.repeated,
    },
  };
}

function orderedColumn(
  { columns }: QuerySite,
  { column: name, kind }: CursorRequest,
): { readonly column: ResultColumn; readonly order: ColumnOrder } {
  const column = columns.find((candidate) => candidate.name === name);
  if (column === undefined) {
    throw new FoundryError(
      'SCHEMA001',
      `the query has no cursor column ${name}; it has ${columns.map((candidate) => candidate.name).join(', ')}`,
      { details: { column: name }, hint: 'Select the cursor column in the query.' },
    );
  }
  if (column.order === undefined) {
    throw new FoundryError(
      'DATA001',
      `the column ${name} of type ${column.sourceType} has no order for a cursor`,
      {
        details: { column: name },
        hint: 'Choose a column of numbers, dates, timestamps or text.',
      },
    );
  }
  const own = column.order.kind;
  if (kind !== undefined && own !== kind && (own === 'number') !== (kind === 'number')) {
    throw new FoundryError(
      'CFG001',
      `the cursor column ${name} is of the kind ${own}, but the cursor is of the kind ${kind}`,
      {
        details: { column: name },
        hint: 'Correct cursor_type; where the column has changed, run once with --full-refresh.',
      },
    );
  }
  return { column, order: column.order };
}

/** In canonical form. @throws DATA001 */
function bound({ column, order }: Ordered, { value, rows }: CursorPoint): CursorPoint {
  const text = canonicalBound(order.kind, value);
  if (text === undefined) throw notOfKind(column.name, order.kind, value);
  return { value: text, rows };
}

function notOfKind(column: string, kind: CursorKind, value: string): FoundryError {
  return new FoundryError(
    'DATA001',
    `the cursor ${column} = ${JSON.stringify(value)} is not of the kind ${kind}`,
    {
      details: { column, value },
      hint: 'Correct initial_value or the rows with this value; where the column has changed, run once with --full-refresh.',
    },
  );
}

function lowerBound(kind: CursorKind, start: CursorPoint | undefined, lookback: string | undefined) {
  if (start === undefined || lookback === undefined) return start?.value;
  return lookBack(kind, start.value, lookback);
}

/** Only kinds whose order is not the database's own business can be compared here. */
function isBefore(kind: CursorKind, a: string, b: string): boolean {
  const [left, right] = [parseCursor(kind, a), parseCursor(kind, b)];
  return kind !== 'text' && left !== undefined && right !== undefined && compareCursors(left, right) < 0;
}

/** The largest value beyond the start, as canonical text; null where there is none. Works for types without `max`. */
async function largest(site: Ordered, start: CursorPoint | undefined): Promise<string | null> {
  const { column, order, base, dialect, session } = site;
  const { expression } = order;
  const condition: Condition =
    start === undefined ? { sql: () => `${expression} IS NOT NULL` } : compare(order, '>', start.value);
  const [row] = await session.query(
    selectFrom(base, dialect, column.select, [condition], { orderBy: `${expression} DESC`, limit: 1 }),
  );
  const text = row?.[0] ?? null;
  return text === null ? null : canonicalText(site, text);
}

const KIND_TYPES: Readonly<Record<Exclude<CursorKind, 'number' | 'text'>, DataType>> = {
  date: { kind: 'date' },
  time: { kind: 'time' },
  timestamp: { kind: 'timestamp', unit: 'micros', utc: false },
  timestamptz: { kind: 'timestamp', unit: 'micros', utc: true },
};

function canonicalText({ column, order }: Ordered, text: string): string {
  const { kind } = order;
  if (kind === 'text') return text;
  if (kind === 'number') {
    if (parseCursor(kind, text) === undefined) throw notOfKind(column.name, kind, text);
    return text;
  }
  const value = textCast(KIND_TYPES[kind])(text);
  if (value === undefined) throw notOfKind(column.name, kind, text);
  return textFormat(KIND_TYPES[kind])(value);
}

interface Boundary {
  readonly rows: readonly TextRow[];
  /** Of the rows that land. */
  readonly hashes: readonly string[];
  readonly repeated: number;
}

const NOTHING: Boundary = { rows: [], hashes: [], repeated: 0 };

/** More than a commit can hold, so that there is no need to read on. */
const BOUNDARY_READ = 20_001;

async function boundaryRows(site: Ordered, value: string, held: readonly CursorPoint[]): Promise<Boundary> {
  const { session, base, dialect, columns, order, column, origin } = site;
  const statement = selectFrom(base, dialect, selectList(columns), [compare(order, '=', value)], {
    limit: BOUNDARY_READ,
  });
  const all: TextRow[] = [];
  for await (const block of session.rows(statement)) all.push(...block);
  if (all.length >= BOUNDARY_READ) checkBoundary(column.name, value, all.length);
  const batch = batchOf(columns, all, origin);
  const hash = rowHasher(batch.schema);
  const bags = held.map(({ rows }) => hashBag(rows));
  const rows: TextRow[] = [];
  const hashes: string[] = [];
  all.forEach((cells, index) => {
    const key = hash(batch, index);
    if (bags.some((bag) => bag.take(key))) return;
    rows.push(cells);
    hashes.push(key);
  });
  return { rows, hashes, repeated: all.length - rows.length };
}

function compare({ expression, bound: cast }: ColumnOrder, operator: string, value: string): Condition {
  return { sql: (place) => `${expression} ${operator} ${cast(place)}`, param: value };
}

/** Strictly between the boundaries, and again what the lookback asks for. */
function bulkConditions(
  { order }: Ordered,
  {
    start,
    from,
    end,
    isOne,
  }: { start: string | undefined; from: string | undefined; end: string | null; isOne: boolean },
): readonly Condition[] | undefined {
  if (end === null) return undefined;
  const before = compare(order, '<', end);
  if (start === undefined || from === undefined) return [before];
  if (from === start) return isOne ? undefined : [compare(order, '>', start), before];
  return [compare(order, '>=', from), before, compare(order, '<>', start)];
}

async function rereadRows(
  site: Ordered,
  start: string | undefined,
  from: string | undefined,
): Promise<number> {
  if (start === undefined || from === undefined || from === start) return 0;
  return countRows(site, [compare(site.order, '>=', from), compare(site.order, '<', start)]);
}

async function nullRows(site: Ordered, request: CursorRequest) {
  const condition: Condition = { sql: () => `${site.order.expression} IS NULL` };
  const rows = await countRows(site, [condition]);
  const landed =
    rows > 0
      ? landsNulls(request, `${rows} rows of ${site.origin}`)
      : request.first && request.nullRows === 'include';
  return { counted: { rows, landed }, conditions: rows > 0 && landed ? [condition] : undefined };
}
