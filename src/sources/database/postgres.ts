import { segmentsOf } from '../../config/database/sql-text.ts';
import { FoundryError, throwIfStopped } from '../../core/errors.ts';
import { type ConnectionTarget, describeTarget } from './connection-target.ts';
import type { Driver, Session, SessionOptions, TextRow } from './driver.ts';
import { catalogColumns, type DescribedColumn } from './postgres-catalog.ts';
import { copyBlocks, type Gatherer } from './postgres-copy.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { postgresFailure } from './postgres-errors.ts';
import { ctidRanges, primaryKeyOf } from './postgres-ranges.ts';
import { refuseRewritten } from './postgres-rewritten.ts';
import { openSocket, sendCancel, tlsOption } from './postgres-socket.ts';
import { gatherCsv, gatherRows } from './postgres-text.ts';
import { resultColumn } from './postgres-types.ts';
import type { Statement } from './statement.ts';

const CANCEL_TIMEOUT_MS = 5000;

export const postgresDriver: Driver = { engine: 'postgres', dialect: postgresDialect, connect };

async function connect(target: ConnectionTarget, options: SessionOptions): Promise<Session> {
  throwIfStopped(options.signal);
  const { default: postgres } = await import('postgres');
  const where = describeTarget(target);
  const ssl = tlsOption(target);
  let isConnected = false;
  const sql = postgres({
    host: target.host,
    port: target.port ?? 5432,
    database: target.database ?? target.user ?? 'postgres',
    username: target.user ?? 'postgres',
    password: () => target.password?.reveal() ?? '',
    ssl,
    max: 1,
    fetch_types: false,
    prepare: false,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: Math.ceil(options.connectTimeoutMs / 1000),
    connection: { application_name: target.applicationName ?? options.applicationName },
    onnotice: () => undefined,
    // The driver would connect again by itself and go on outside of the transaction: what is lost stays lost.
    socket: async () => {
      if (isConnected) throw lost(where);
      isConnected = true;
      return openSocket(target, options.connectTimeoutMs);
    },
  } as Parameters<typeof postgres>[0] & object);
  return openSession(sql, target, options, where);
}

function lost(where: string): FoundryError {
  return new FoundryError('RETRY001', `${where}: the connection was lost`, {
    hint: 'Nothing was committed. Run again.',
  });
}

type Sql = ReturnType<typeof import('postgres')>;
type Backend = { readonly pid: number; readonly secret: number };
interface Described {
  readonly columns: readonly DescribedColumn[];
  /** Of the parameters, by object id. */
  readonly types: readonly number[];
}

async function openSession(
  sql: Sql,
  target: ConnectionTarget,
  options: SessionOptions,
  where: string,
): Promise<Session> {
  let backend: Backend | undefined;
  let server = '';
  let running = 0;
  let isClosed = false;

  const guarded = async <T>(statement: Statement, work: () => PromiseLike<T>): Promise<T> => {
    throwIfStopped(options.signal);
    if (isClosed) throw lost(where);
    running += 1;
    try {
      return await work();
    } catch (error) {
      throwIfStopped(options.signal);
      throw postgresFailure(error, where, server === '' ? undefined : statement);
    } finally {
      running -= 1;
    }
  };

  const query = (statement: Statement): Promise<readonly TextRow[]> =>
    guarded(statement, async () => {
      const params = [...statement.params];
      // Raw: the driver's own parsers would turn times into Dates, which end at the millisecond.
      const asked = sql.unsafe(statement.sql, params, { prepare: false, ...EXTENDED }).raw();
      const rows = (await asked) as unknown as (Buffer | null)[][];
      backend ??= (asked as unknown as { readonly state: Backend }).state;
      return rows.map((row) => row.map((cell) => (cell === null ? null : cell.toString('utf8'))));
    });

  const run = async (text: string): Promise<void> => {
    await guarded({ sql: text, params: [] }, () => sql.unsafe(text));
  };

  const describe = (statement: Statement): Promise<Described> =>
    guarded(statement, () => describedWhole(sql.unsafe(statement.sql)));

  /**
   * COPY takes no parameters. Each is bound to a setting of the transaction, which the statement reads, as the type
   * that the server itself finds for the place: the value never becomes part of the SQL.
   */
  const bound = async (statement: Statement): Promise<string> => {
    if (statement.params.length === 0) return statement.sql;
    const { types } = await describe(statement);
    const names = await query({
      sql: 'SELECT t.oid::text, format_type(t.oid, -1) FROM pg_catalog.pg_type t WHERE t.oid = ANY ($1::text::oid[])',
      params: [`{${[...new Set(types)].join(',')}}`],
    });
    const nameOf = new Map(names.map(([oid, name]) => [Number(oid), name ?? 'text']));
    const calls = statement.params.map(
      (_, index) => `set_config('foundry.p${index + 1}', $${index + 1}, true)`,
    );
    await query({ sql: `SELECT ${calls.join(', ')}`, params: statement.params });
    const place = (n: number): string =>
      `(current_setting('foundry.p${n}')::${nameOf.get(types[n - 1] ?? 0) ?? 'text'})`;
    return segmentsOf(statement.sql, postgresDialect.lexis)
      .map(({ kind, text }) =>
        kind === 'code' ? text.replaceAll(/\$(\d+)/g, (_, n: string) => place(Number(n))) : text,
      )
      .join('');
  };

  const cancel = async (): Promise<void> => {
    if (running === 0 || backend === undefined || isClosed) return;
    await sendCancel(target, backend, CANCEL_TIMEOUT_MS).catch(() => undefined);
  };

  const close = async (): Promise<void> => {
    if (isClosed) return;
    isClosed = true;
    options.signal.removeEventListener('abort', stop);
    await sql.end({ timeout: 0 }).catch(() => undefined);
  };

  const stop = (): void => {
    void cancel().then(close);
  };
  options.signal.addEventListener('abort', stop, { once: true });

  async function* copy<T>(
    statement: Statement,
    format: string,
    gather: (give: (block: T) => void) => Gatherer<T>,
  ): AsyncGenerator<T> {
    const text = await bound(statement);
    throwIfStopped(options.signal);
    if (isClosed) throw lost(where);
    let isOver = false;
    running += 1;
    try {
      yield* copyBlocks(sql.unsafe(`COPY (${text}\n) TO STDOUT (${format})`), gather);
      isOver = true;
      // Closed meanwhile, it ends as if all rows had been sent.
      if (isClosed) throw lost(where);
      await refuseRewritten(where, query);
    } catch (error) {
      isOver = true;
      throwIfStopped(options.signal);
      throw postgresFailure(error, where, statement);
    } finally {
      // Who leaves early would otherwise wait for all the rows that nobody wants.
      if (!isOver) await cancel().then(close);
      running -= 1;
    }
  }

  const session: Session = {
    get server() {
      return server;
    },
    async begin(snapshot) {
      await run('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
      if (snapshot !== undefined) {
        if (!/^[0-9A-Za-z-]+$/.test(snapshot)) throw new Error(`${snapshot} is no snapshot`);
        await run(`SET TRANSACTION SNAPSHOT '${snapshot}'`);
      }
      const settings = Object.entries(transactionSettings(options));
      await run(
        `SELECT ${settings.map(([name, value]) => `set_config('${name}', '${value}', true)`).join(', ')}`,
      );
    },
    end: () => run('COMMIT'),
    async exportSnapshot() {
      const [row] = await query({ sql: 'SELECT pg_export_snapshot()', params: [] });
      return row?.[0] ?? '';
    },
    async describe(statement, policy) {
      const { columns } = await describe(statement);
      await refuseRewritten(where, query);
      const found = await catalogColumns(columns, query);
      return found.map((column) => resultColumn(column, policy));
    },
    query,
    rows: (statement) => copy(statement, 'FORMAT text', gatherRows),
    csv(statement, columns) {
      // One empty cell alone would be an empty line, which readers of CSV pass over.
      const quoted = columns === 1 ? ', FORCE_QUOTE *' : '';
      return copy(statement, `FORMAT csv, NULL '\\N'${quoted}`, gatherCsv);
    },
    physicalRanges: (table, wish) => ctidRanges(query, table, wish),
    primaryKey: (table) => primaryKeyOf(query, table),
    close,
  };
  try {
    const [row] = await query({ sql: `SELECT current_setting('server_version')`, params: [] });
    server = `PostgreSQL ${row?.[0] ?? ''}`;
  } catch (error) {
    await close();
    throw error;
  }
  return session;
}

/**
 * What a statement gives, once the server is done with it. The driver tells it earlier; an error between these two
 * moments (a statement timeout) makes it take the answers to what is asked next for others, and wait for ever.
 */
async function describedWhole(statement: ReturnType<Sql['unsafe']>): Promise<Described> {
  const asked = statement.describe() as unknown as {
    resolve(result: unknown): void;
    reject(error: unknown): void;
  };
  let answers = 0;
  const isDone = new Promise<void>((done, failed) => {
    const [resolve, reject] = [asked.resolve.bind(asked), asked.reject.bind(asked)];
    asked.resolve = (result) => {
      answers += 1;
      resolve(result);
      if (answers === 2) done();
    };
    asked.reject = (error) => {
      reject(error);
      failed(error);
    };
  });
  isDone.catch(() => undefined);
  const described = (await asked) as unknown as Described;
  await isDone;
  return described;
}

/** The extended protocol, also without parameters: its answers are told apart from those of a script. */
const EXTENDED = { simple: false } as object;

/** Of each transaction, so that a connection from a pool is given back as it was. */
function transactionSettings({ statementTimeoutMs, lockTimeoutMs }: SessionOptions): Record<string, string> {
  const milliseconds = (value: number): string => `${Math.ceil(value)}ms`;
  return {
    DateStyle: 'ISO, YMD',
    IntervalStyle: 'iso_8601',
    TimeZone: 'UTC',
    extra_float_digits: '3',
    bytea_output: 'hex',
    xmlbinary: 'base64',
    standard_conforming_strings: 'on',
    ...(statementTimeoutMs !== undefined && { statement_timeout: milliseconds(statementTimeoutMs) }),
    ...(lockTimeoutMs !== undefined && { lock_timeout: milliseconds(lockTimeoutMs) }),
  };
}
