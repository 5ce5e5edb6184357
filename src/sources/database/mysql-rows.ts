import type { Connection, FieldPacket, QueryError } from 'mysql2';
import type { CsvBlock } from '../engine-input.ts';
import type { TextRow } from './driver.ts';
import { csvRows } from './mysql-csv.ts';
import { lostMysql } from './mysql-errors.ts';
import { isBinary, type MysqlField } from './mysql-types.ts';
import type { Statement } from './statement.ts';

/** A connection, and what waits for it: the driver tells nobody when it is destroyed. */
export interface MysqlWire {
  readonly connection: Connection;
  readonly waiting: Set<(error: unknown) => void>;
  /** Ends the connection, and what runs on it at the server. */
  readonly abandon: () => Promise<void>;
}

const BLOCK_ROWS = 1000;
const BLOCKS_AHEAD = 2;
const CSV_BLOCK_BYTES = 256 * 1024;

/** The columns of a statement, which is prepared and not run. @throws the driver's error */
export function describeStatement(
  { connection, waiting }: MysqlWire,
  { sql }: Statement,
): Promise<readonly MysqlField[]> {
  return settle(waiting, (resolve, reject) => {
    connection.prepare(sql, (error, statement) => {
      if (error !== null) return reject(error);
      const columns: unknown = Reflect.get(statement, 'columns');
      resolve(Array.isArray(columns) ? (columns as readonly FieldPacket[]) : []);
      connection.unprepare(sql);
    });
  });
}

/** A small result. @throws the driver's error */
export async function runStatement(wire: MysqlWire, statement: Statement): Promise<readonly TextRow[]> {
  const rows: TextRow[] = [];
  for await (const block of textBlocks(wire, statement)) rows.push(...block);
  return rows;
}

/**
 * Parameters are bound to variables of the session by a prepared statement, and used by another: only so do they stay
 * out of the SQL while the rows come as text.
 */
async function bind({ connection, waiting }: MysqlWire, { sql, params }: Statement): Promise<string> {
  if (params.length === 0) return sql;
  const names = params.map((_, index) => `@foundry_p${index + 1}`);
  const assignments = ['@foundry_sql', ...names].map((name) => `${name} = ?`).join(', ');
  const run = (text: string, values: readonly (string | null)[]) =>
    settle<void>(waiting, (resolve, reject) => {
      const done = (error: QueryError | null) => (error === null ? resolve() : reject(error));
      if (values.length === 0) connection.query(text, done);
      else connection.execute(text, [...values], done);
    });
  await run(`SET ${assignments}`, [sql, ...params]);
  await run('PREPARE foundry_statement FROM @foundry_sql', []);
  return `EXECUTE foundry_statement USING ${names.join(', ')}`;
}

function settle<T>(
  waiting: Set<(error: unknown) => void>,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  waiting.add(reject);
  start(resolve, reject);
  return promise.finally(() => waiting.delete(reject));
}

/** Rows as text, read only as fast as they are taken. @throws the driver's error */
export async function* textBlocks(wire: MysqlWire, statement: Statement): AsyncGenerator<readonly TextRow[]> {
  const sql = await bind(wire, statement);
  yield* blocks<readonly TextRow[]>(wire, (give) => {
    let block: TextRow[] = [];
    let binary: readonly boolean[] = [];
    const query = wire.connection.query({ sql, rowsAsArray: true, typeCast: false });
    query.on('fields', (fields: unknown) => {
      binary = binaryColumns(fields);
    });
    query.on('result', (row: unknown) => {
      if (!Array.isArray(row)) return;
      block.push(
        row.map((value: unknown, index) =>
          Buffer.isBuffer(value) ? value.toString(binary[index] === true ? 'hex' : 'utf8') : null,
        ),
      );
      if (block.length < BLOCK_ROWS) return;
      give(block);
      block = [];
    });
    return { query, rest: () => (block.length > 0 ? block : undefined) };
  });
}

function binaryColumns(fields: unknown): readonly boolean[] {
  return Array.isArray(fields) ? fields.map((field: MysqlField) => isBinary(field)) : [];
}

interface RowPacket {
  readonly buffer: Uint8Array;
  readonly offset: number;
  readonly end: number;
  isEOF(): boolean;
}

type RowStep = (this: unknown, packet: RowPacket, connection: unknown) => unknown;

/**
 * Rows as CSV, taken where the driver hands over each row's packet, before it makes values of it, which costs more
 * than all the rest. The driver has no such door of its own: its version is pinned, and a test fails where the step
 * has changed. A block's bytes are another's once the next block is asked for.
 * @throws the driver's error
 */
export async function* csvBlocks(
  wire: MysqlWire,
  statement: Statement,
  columns: number,
): AsyncGenerator<CsvBlock> {
  const sql = await bind(wire, statement);
  yield* blocks<CsvBlock>(wire, (give, fail) => {
    const query = wire.connection.query({ sql, rowsAsArray: true });
    let rows = csvRows(Array.from({ length: columns }, () => false));
    query.on('fields', (fields: unknown) => {
      rows = csvRows(binaryColumns(fields));
    });
    const last = Reflect.get(query, 'row') as RowStep;
    const take: RowStep = function (packet, from) {
      if (packet.isEOF()) return last.call(this, packet, from);
      try {
        rows.add(packet.buffer, packet.offset, packet.end);
      } catch (error) {
        fail(error);
      }
      if (rows.length >= CSV_BLOCK_BYTES) give(rows.take());
      return take;
    };
    Reflect.set(query, 'row', take);
    return {
      query,
      rest: () => (rows.length > 0 ? rows.take() : undefined),
      reuse: (block) => rows.reuse(block),
    };
  });
}

interface Reading<T> {
  readonly query: ReturnType<Connection['query']>;
  /** What is left when the last row has come. */
  readonly rest: () => T | undefined;
  /** Told of each block that was taken and done with. */
  readonly reuse?: (block: T) => void;
}

/** Blocks of a running query, which waits at the server while a few of them are not taken. */
async function* blocks<T>(
  { connection, waiting, abandon }: MysqlWire,
  start: (give: (block: T) => void, fail: (error: unknown) => void) => Reading<T>,
): AsyncGenerator<T> {
  const ready: T[] = [];
  let done = false;
  let failure: unknown;
  let wake: (() => void) | undefined;
  const notify = () => {
    wake?.();
    wake = undefined;
  };
  const fail = (error: unknown) => {
    failure ??= error ?? lostMysql('the connection was lost');
    notify();
  };
  waiting.add(fail);
  connection.on('error', fail);
  connection.on('end', fail);
  const { query, rest, reuse } = start((block) => {
    ready.push(block);
    if (ready.length >= BLOCKS_AHEAD) connection.pause();
    notify();
  }, fail);
  query.on('error', fail);
  query.on('end', () => {
    done = true;
    notify();
  });
  try {
    for (;;) {
      const next = failure === undefined ? ready.shift() : undefined;
      if (next !== undefined) {
        yield next;
        reuse?.(next);
        if (ready.length === 0) connection.resume();
      } else if (failure !== undefined) throw failure;
      else if (done) break;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    const last = rest();
    if (last !== undefined) yield last;
  } finally {
    for (const event of ['error', 'end'] as const) connection.off(event, fail);
    // What was not read stands in the way of any further statement.
    if (!done) await abandon();
    waiting.delete(fail);
  }
}
