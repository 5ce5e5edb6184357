import type { DatabaseSourceSpec } from '../../config/database/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import type { CursorKind } from '../../table/cursor-order.ts';
import type { CsvBlock } from '../engine-input.ts';
import type { ReadRequest, SourceContext } from '../source.ts';
import {
  type BaseQuery,
  baseQuery,
  type Condition,
  datePlaceholders,
  type PlaceholderValues,
  selectFrom,
  selectList,
} from './base-query.ts';
import { schemaOf } from './cells.ts';
import type { Connected } from './connections.ts';
import { encodeCsv } from './csv-text.ts';
import { type CursorRead, planCursor } from './cursor-read.ts';
import type { ResultColumn, Session, TextRow, TypePolicy } from './driver.ts';
import { type SessionPool, sessionPool } from './session-pool.ts';
import { splitRead } from './split.ts';
import type { Statement } from './statement.ts';

/** One read of a database: settled, and about to begin. */
export interface Reading {
  readonly columns: readonly ResultColumn[];
  readonly chunks: readonly ReadChunk[];
  readonly workers: number;
  /** Whether a chunk that failed so may be read again by itself, and its rows still fit those of the others. */
  mayRepeat(error: unknown): boolean;
  /** After the last chunk: tells what the cursor came to. */
  done(): void;
  /** Whatever the state of it; never throws. */
  close(): Promise<void>;
}

/** Given from its start each time that it is asked for. */
export interface ReadChunk {
  rows(): AsyncIterable<readonly TextRow[]>;
  csv(): AsyncIterable<CsvBlock>;
}

/**
 * Connects, opens the snapshot, describes the query and decides what is read.
 * @throws what sessions throw; CFG001, SCHEMA001, DATA001
 */
export async function openReading(
  spec: DatabaseSourceSpec,
  connected: Connected,
  origin: string,
  context: SourceContext,
  request: ReadRequest,
): Promise<Reading> {
  const { dialect } = connected.driver;
  const session = await connected.connect(request.signal);
  const pool = sessionPool(session, () => connected.connect(request.signal), spec.split, request.signal);
  try {
    await session.begin();
    const base = baseQuery(spec, dialect, await placeholders(spec, connected, session, context, request));
    const columns = await settledColumns(session, base, connected, origin, typePolicy(spec, request));
    const site = { session, dialect, base, columns, origin };
    const cursor = request.cursor === undefined ? undefined : await planCursor(site, request.cursor);
    const bulk = cursor === undefined ? [] : cursor.bulk;
    const ranges = bulk === undefined ? [] : await splitRead(site, spec.split, bulk);
    const limit = Math.min(
      spec.limitRows ?? Number.POSITIVE_INFINITY,
      request.limitRows ?? Number.POSITIVE_INFINITY,
    );
    const select = (conditions: readonly Condition[]): Statement =>
      selectFrom(base, dialect, selectList(columns), conditions, Number.isFinite(limit) ? { limit } : {});
    await pool.open();
    return {
      columns,
      chunks: chunksOf(ranges.map(select), cursor, select, { pool, base, columns }),
      workers: Math.min(spec.split.workers, Math.max(1, ranges.length)),
      mayRepeat: pool.mayRepeat,
      done: () => {
        if (cursor !== undefined) request.onCursor?.(cursor.outcome);
      },
      close: () => pool.close(),
    };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/** The columns of a query, whose tables stay as they are from here on where the database can hold them. */
async function settledColumns(
  session: Session,
  base: BaseQuery,
  { driver: { dialect } }: Connected,
  origin: string,
  policy: TypePolicy,
): Promise<readonly ResultColumn[]> {
  const describe = async (): Promise<readonly ResultColumn[]> => {
    const columns = await session.describe(base.described, policy);
    checkResult(columns, origin);
    return columns;
  };
  const columns = await describe();
  if (session.hold === undefined) return columns;
  await session.hold(selectFrom(base, dialect, '1', [], { limit: 0 }));
  return await describe();
}

/** Before the query is wrapped, when the server's complaint would be of SQL that nobody wrote. @throws DATA001, CFG001 */
function checkResult(columns: readonly ResultColumn[], origin: string): void {
  if (columns.length === 0) {
    throw new FoundryError('CFG001', `${origin}: the query gives no columns`, {
      hint: 'Write a SELECT; foundry only reads.',
    });
  }
  schemaOf(columns, origin);
}

/** What a read would find: the server, and the columns of the query, which is described and not run. */
export async function lookAt(
  spec: DatabaseSourceSpec,
  connected: Connected,
  { runDate }: SourceContext,
  signal: AbortSignal,
): Promise<{ readonly server: string; readonly columns: readonly ResultColumn[] }> {
  const session = await connected.connect(signal);
  try {
    await session.begin();
    // The bounds of a cursor are not known here; any text stands for them, since nothing is compared.
    const cursor = { since: '', until: '' };
    const values = { ...datePlaceholders(runDate), ...spec.params, ...cursor };
    const base = baseQuery(spec, connected.driver.dialect, values);
    return {
      server: session.server,
      columns: await session.describe(base.described, typePolicy(spec, { signal })),
    };
  } finally {
    await session.close();
  }
}

function typePolicy(spec: DatabaseSourceSpec, { cursor }: ReadRequest): TypePolicy {
  return {
    types: spec.types,
    wideDecimals: spec.wideDecimals,
    geometry: spec.geometry,
    ...(spec.timezone !== undefined && { timezone: spec.timezone }),
    ...(cursor?.kind !== undefined && { cursor: { column: cursor.column, kind: cursor.kind } }),
  };
}

async function placeholders(
  spec: DatabaseSourceSpec,
  { driver: { dialect } }: Connected,
  session: Session,
  { runDate }: SourceContext,
  { cursor }: ReadRequest,
): Promise<PlaceholderValues> {
  const fixed = { ...datePlaceholders(runDate), ...spec.params };
  if (cursor === undefined || spec.query.kind !== 'query') return fixed;
  const isAsked = /\buntil\b/.test(spec.query.sql) && cursor.until === undefined;
  const kind: CursorKind = cursor.kind ?? 'timestamptz';
  const now = isAsked ? dialect.now(kind) : undefined;
  if (isAsked && now === undefined && /(?::|\{\{\s*)until\b/.test(spec.query.sql)) {
    throw new FoundryError('CFG001', `:until has no value for a cursor of the kind ${kind}`, {
      hint: 'Leave :until out: the end of each read is fixed when it begins.',
    });
  }
  const [row] = now === undefined ? [] : await session.query({ sql: `SELECT ${now}`, params: [] });
  const shown = (value: string | undefined) =>
    value === undefined || kind === 'text' ? value : (dialect.cursorText?.(value) ?? value);
  return {
    ...fixed,
    since: shown(cursor.start?.value),
    until: shown(cursor.until?.value ?? row?.[0] ?? undefined),
  };
}

interface Site {
  readonly pool: SessionPool;
  readonly base: BaseQuery;
  readonly columns: readonly ResultColumn[];
}

/** The bulk in its chunks; the last has the rows without a cursor and at the boundaries behind it. */
function chunksOf(
  bulk: readonly Statement[],
  cursor: CursorRead | undefined,
  select: (conditions: readonly Condition[]) => Statement,
  site: Site,
): readonly ReadChunk[] {
  const tail = cursor?.nulls === undefined ? [] : [select(cursor.nulls)];
  const boundary = cursor?.boundary ?? [];
  const last = bulk.length - 1;
  const chunks = bulk.map((statement, index) =>
    index === last ? chunk([statement, ...tail], boundary, site) : chunk([statement], [], site),
  );
  if (chunks.length > 0) return chunks;
  return [chunk(tail, boundary, site)];
}

function chunk(
  statements: readonly Statement[],
  boundary: readonly TextRow[],
  { pool, columns }: Site,
): ReadChunk {
  return {
    async *rows() {
      if (statements.length > 0) {
        yield* pool.using(async function* (session) {
          for (const statement of statements) yield* session.rows(statement);
        });
      }
      if (boundary.length > 0) yield boundary;
    },
    async *csv() {
      if (statements.length > 0) {
        yield* pool.using(async function* (session) {
          for (const statement of statements) yield* csvOf(session, statement, columns.length);
        });
      }
      if (boundary.length > 0) yield encodeCsv(boundary);
    },
  };
}

async function* csvOf(session: Session, statement: Statement, columns: number): AsyncGenerator<CsvBlock> {
  if (session.csv !== undefined) yield* session.csv(statement, columns);
  else for await (const rows of session.rows(statement)) yield encodeCsv(rows);
}
