import type { ConnectionPool, config as DriverConfig } from 'mssql';
import { messageOf, throwIfStopped } from '../../core/errors.ts';
import { readAuthorities } from './authorities.ts';
import type { ConnectionTarget } from './connection-target.ts';
import type { Driver, ResultColumn, Session, SessionOptions } from './driver.ts';
import { guardOf } from './guard.ts';
import { mssqlDialect } from './mssql-dialect.ts';
import { mssqlFailure } from './mssql-errors.ts';
import { describeBatch, type MssqlWire, runBatch, textBlocks } from './mssql-rows.ts';
import { mssqlColumn } from './mssql-types.ts';
import { rowGiving } from './row-giving.ts';
import type { Statement } from './statement.ts';
import { within } from './within.ts';

/** SQL Server 2016 or later, and Azure SQL. */
export const mssqlDriver: Driver = { engine: 'mssql', dialect: mssqlDialect, connect };

const DEFAULT_PORT = 1433;
const CLOSE_MS = 5000;

/** @throws AUTH001, EXT001, RETRY001, INT001 */
async function connect(target: ConnectionTarget, options: SessionOptions): Promise<Session> {
  throwIfStopped(options.signal);
  const { MAX, NVarChar } = await import('mssql');
  const pool = await openPool(target, options);
  const wire: MssqlWire = {
    pool,
    text: NVarChar(MAX),
    timeoutMs: options.statementTimeoutMs,
    running: new Set(),
  };
  const stop = () => void stopAll(wire);
  options.signal.addEventListener('abort', stop, { once: true });
  const finish = () => options.signal.removeEventListener('abort', stop);
  try {
    return await prepareSession(wire, target, options, finish);
  } catch (error) {
    finish();
    void closeWithin(pool);
    throwIfStopped(options.signal);
    throw mssqlFailure(error, target);
  }
}

/** Encrypted and verified unless the connection string says otherwise, which is the custom of SQL Server's drivers. */
async function openPool(target: ConnectionTarget, options: SessionOptions): Promise<ConnectionPool> {
  const mode = target.tls ?? 'verify-full';
  try {
    return await attempt(target, options, mode !== 'disable', mode === 'require' || mode === 'prefer');
  } catch (error) {
    if (mode === 'prefer' && /did not negotiate encryption/i.test(messageOf(error))) {
      return await attempt(target, options, false, true).catch((second: unknown) => {
        throw mssqlFailure(second, target);
      });
    }
    throwIfStopped(options.signal);
    throw mssqlFailure(error, target);
  }
}

async function attempt(
  target: ConnectionTarget,
  options: SessionOptions,
  encrypt: boolean,
  trust: boolean,
): Promise<ConnectionPool> {
  const { ConnectionPool: Pool } = await import('mssql');
  let sealed = false;
  const said: ServerWord[] = [];
  const pool = new Pool({
    ...driverConfig(target, options, encrypt, trust),
    beforeConnect: (connection) => {
      // Another connection would silently be outside of the transaction, and of the session's settings.
      if (sealed) throw Object.assign(new Error('the connection was lost'), { code: 'ESOCKET' });
      connection.on('errorMessage', (word: ServerWord) => said.push(word));
    },
  });
  pool.on('error', () => undefined);
  const stop = () => void closeWithin(pool);
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    await pool.connect();
    // The pool has only tried a connection so far; this one stays.
    await pool.request().batch('SET NOCOUNT OFF');
    sealed = true;
    return pool;
  } catch (error) {
    stop();
    // Why a login failed is said before that it failed, and the driver tells only the latter.
    const [first] = said;
    throw first === undefined
      ? error
      : Object.assign(new Error(first.message), { number: first.number, cause: error });
  } finally {
    options.signal.removeEventListener('abort', stop);
  }
}

interface ServerWord {
  readonly number: number;
  readonly message: string;
}

function driverConfig(
  target: ConnectionTarget,
  options: SessionOptions,
  encrypt: boolean,
  trust: boolean,
): DriverConfig {
  const { user, password, database, instance, caFile } = target;
  return {
    server: target.host,
    ...(instance === undefined && { port: target.port ?? DEFAULT_PORT }),
    ...(instance !== undefined && target.port !== undefined && { port: target.port }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password: password.reveal() }),
    ...(database !== undefined && { database }),
    connectionTimeout: options.connectTimeoutMs,
    // The driver's own limit ends with the first row.
    requestTimeout: 0,
    pool: {
      min: 0,
      max: 1,
      idleTimeoutMillis: 2_147_483_647,
      acquireTimeoutMillis: options.connectTimeoutMs,
    },
    validateConnection: false,
    options: {
      encrypt,
      trustServerCertificate: trust,
      ...(instance !== undefined && target.port === undefined && { instanceName: instance }),
      ...(caFile !== undefined && { cryptoCredentialsDetails: { ca: readAuthorities(caFile) } }),
      appName: options.applicationName,
      readOnlyIntent: target.readOnlyIntent === true,
      useUTC: true,
    },
  };
}

async function prepareSession(
  wire: MssqlWire,
  target: ConnectionTarget,
  options: SessionOptions,
  finish: () => void,
): Promise<Session> {
  const guard = guardOf(options.signal, (error, statement) => mssqlFailure(error, target, statement));
  const query = (statement: Statement) => guard.call(() => runBatch(wire, statement), statement);
  const batch = (sql: string) =>
    guard.call(async () => {
      await wire.pool.request().batch(sql);
    });
  const version = await query({
    sql: "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128))",
    params: [],
  });
  const state = await query({
    sql: 'SELECT snapshot_isolation_state FROM sys.databases WHERE name = DB_NAME()',
    params: [],
  });
  const snapshot = state[0]?.[0] === '1';
  if (options.lockTimeoutMs !== undefined)
    await batch(`SET LOCK_TIMEOUT ${Math.round(options.lockTimeoutMs)}`);
  let closed = false;
  return {
    server: `SQL Server ${version[0]?.[0] ?? ''}`.trimEnd(),
    begin: async () => {
      await batch(`SET TRANSACTION ISOLATION LEVEL ${snapshot ? 'SNAPSHOT' : 'READ COMMITTED'}`);
      await batch('BEGIN TRANSACTION');
    },
    // The server knows no session that can only read, so whatever a query did is taken back.
    end: () => batch('IF @@TRANCOUNT > 0 ROLLBACK'),
    describe: (statement, policy) =>
      guard.call(async () => {
        const columns = rowGiving(await describeBatch(wire, statement), statement);
        return columns.map((column): ResultColumn => {
          const quoted = mssqlDialect.identifier(column.name);
          return mssqlColumn(column, `q.${quoted}`, quoted, policy);
        });
      }, statement),
    query,
    rows: (statement) => guard.stream(() => textBlocks(wire, statement), statement),
    primaryKey: async (table) => {
      const rows = await query(primaryKeyOf(table));
      return rows.length === 1 ? (rows[0]?.[0] ?? undefined) : undefined;
    },
    close: async () => {
      if (closed) return;
      closed = true;
      finish();
      await stopAll(wire);
    },
  };
}

/** The columns of the primary key. */
function primaryKeyOf(table: readonly string[]): Statement {
  const name = table.map((part) => mssqlDialect.identifier(part)).join('.');
  return {
    sql:
      'SELECT c.name FROM sys.indexes i ' +
      'JOIN sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id ' +
      'JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id ' +
      'WHERE i.is_primary_key = 1 AND i.object_id = OBJECT_ID(@p1)',
    params: [name],
  };
}

/** Attention first, so that the server stops; it rolls back by itself once the connection is gone. */
async function stopAll({ pool, running }: MssqlWire): Promise<void> {
  for (const request of running) request.cancel();
  await closeWithin(pool);
}

async function closeWithin(pool: ConnectionPool): Promise<void> {
  await within(CLOSE_MS, pool.close());
}
