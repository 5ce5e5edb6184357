import type { ConnectionPool, ISqlType, Request } from 'mssql';
import type { TextRow } from './driver.ts';
import { type CellText, cellText } from './mssql-cells.ts';
import type { MssqlColumn } from './mssql-types.ts';
import type { Statement } from './statement.ts';

/** A pool of one connection, and what runs on it. */
export interface MssqlWire {
  readonly pool: ConnectionPool;
  /** nvarchar(max): the type of every parameter. */
  readonly text: ISqlType;
  /** Absent: no limit. The server has none of its own, so the client cancels. */
  readonly timeoutMs: number | undefined;
  readonly running: Set<Request>;
}

const BLOCK_ROWS = 1000;
const BLOCKS_AHEAD = 2;

/** The columns of a batch, which is not run. @throws the driver's error */
export async function describeBatch(
  { pool, text }: MssqlWire,
  { sql, params }: Statement,
): Promise<readonly MssqlColumn[]> {
  const request = pool.request();
  request.arrayRowMode = false;
  request.input('tsql', text, sql);
  request.input('params', text, params.map((_, index) => `@p${index + 1} nvarchar(max)`).join(', '));
  const { recordset } = await request.execute<Record<string, unknown>>('sp_describe_first_result_set');
  return recordset
    .filter((row) => row.is_hidden !== true)
    .map((row) => ({
      name: String(row.name ?? ''),
      systemType: typeof row.system_type_name === 'string' ? row.system_type_name : undefined,
      userType: typeof row.user_type_name === 'string' ? row.user_type_name : undefined,
      collation: typeof row.collation_name === 'string' ? row.collation_name : undefined,
    }));
}

/** Rows as text, read only as fast as they are taken. @throws the driver's error */
export async function* textBlocks(wire: MssqlWire, statement: Statement): AsyncGenerator<readonly TextRow[]> {
  const request = wire.pool.request();
  request.stream = true;
  request.arrayRowMode = true;
  statement.params.forEach((value, index) => {
    request.input(`p${index + 1}`, wire.text, value);
  });
  const ready: TextRow[][] = [];
  let block: TextRow[] = [];
  let cells: readonly CellText[] = [];
  let paused = false;
  let done = false;
  let failure: unknown;
  let wake: (() => void) | undefined;
  const notify = () => {
    wake?.();
    wake = undefined;
  };
  const finish = () => {
    done = true;
    notify();
  };
  // The first error says what went wrong; others follow from it.
  const fail = (error: unknown) => {
    failure ??= error;
  };
  request.on('recordset', (columns: unknown) => {
    cells = cellsOf(columns);
  });
  request.on('row', (row: readonly unknown[]) => {
    block.push(row.map((value, index) => (value === null ? null : (cells[index]?.(value) ?? String(value)))));
    if (block.length < BLOCK_ROWS) return;
    ready.push(block);
    block = [];
    if (ready.length >= BLOCKS_AHEAD && !paused) {
      paused = true;
      request.pause();
    }
    notify();
  });
  request.on('error', fail);
  request.on('done', finish);
  const timer = limitTime(wire, request, fail);
  wire.running.add(request);
  void request.query(statement.sql).catch((error: unknown) => {
    fail(error);
    finish();
  });
  const resume = () => {
    if (!paused) return;
    paused = false;
    request.resume();
  };
  try {
    for (;;) {
      const next = ready.shift();
      if (next !== undefined) {
        yield next;
        if (ready.length === 0) resume();
      } else if (done) break;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    if (failure !== undefined) throw failure;
    if (block.length > 0) yield block;
  } finally {
    clearTimeout(timer);
    if (!done) {
      request.cancel();
      resume();
    }
    wire.running.delete(request);
  }
}

function limitTime({ timeoutMs }: MssqlWire, request: Request, fail: (error: unknown) => void) {
  if (timeoutMs === undefined) return undefined;
  return setTimeout(() => {
    const message = `the statement took longer than statement_timeout_seconds: ${timeoutMs / 1000}`;
    fail(Object.assign(new Error(message), { code: 'ESTATEMENT' }));
    request.cancel();
  }, timeoutMs);
}

function cellsOf(columns: unknown): readonly CellText[] {
  if (!Array.isArray(columns)) return [];
  return columns.map((column: { type?: { declaration?: string }; scale?: number }) =>
    cellText(column.type?.declaration ?? '', column.scale),
  );
}

/** A small result. @throws the driver's error */
export async function runBatch(wire: MssqlWire, statement: Statement): Promise<readonly TextRow[]> {
  const rows: TextRow[] = [];
  for await (const block of textBlocks(wire, statement)) rows.push(...block);
  return rows;
}
