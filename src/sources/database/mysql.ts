import type { Connection, ConnectionOptions, QueryError, SslOptions } from 'mysql2';
import { FoundryError, throwIfStopped } from '../../core/errors.ts';
import type { CsvBlock } from '../engine-input.ts';
import { readAuthorities } from './authorities.ts';
import type { ConnectionTarget } from './connection-target.ts';
import type { Driver, ResultColumn, Session, SessionOptions, TextRow, TypePolicy } from './driver.ts';
import { guardOf } from './guard.ts';
import { mysqlDialect } from './mysql-dialect.ts';
import { lostMysql, mysqlFailure } from './mysql-errors.ts';
import { csvBlocks, describeStatement, type MysqlWire, runStatement, textBlocks } from './mysql-rows.ts';
import { mysqlColumn } from './mysql-types.ts';
import { inUtc } from './mysql-zones.ts';
import { rowGiving } from './row-giving.ts';
import type { Statement } from './statement.ts';
import { within } from './within.ts';

/** MySQL 5.7 and MariaDB 10.2, or later ones. */
export const mysqlDriver: Driver = { engine: 'mysql', dialect: mysqlDialect, connect };

const DEFAULT_PORT = 3306;
/** How long the server waits for a reader that is busy writing; its own 60 s would end long reads. */
const SLOW_READER_SECONDS = 3600;
const CANCEL_MS = 5000;
const GOODBYE_MS = 1000;

/** @throws AUTH001, EXT001, RETRY001, INT001 */
async function connect(target: ConnectionTarget, options: SessionOptions): Promise<Session> {
  throwIfStopped(options.signal);
  const connection = await openConnection(target, options);
  const waiting: MysqlWire['waiting'] = new Set();
  let ended: Promise<void> | undefined;
  const abandon = () => (ended ??= endConnection(connection, waiting, target, options));
  const wire: MysqlWire = { connection, waiting, abandon };
  const stop = () => void abandon();
  options.signal.addEventListener('abort', stop, { once: true });
  const finish = () => options.signal.removeEventListener('abort', stop);
  try {
    return await prepareSession(wire, target, options, finish);
  } catch (error) {
    finish();
    await abandon();
    throwIfStopped(options.signal);
    throw error;
  }
}

/** `prefer`, which is the custom of MySQL's clients, takes what the server has. */
async function openConnection(target: ConnectionTarget, options: SessionOptions): Promise<Connection> {
  const mode = target.tls ?? 'prefer';
  try {
    return await attempt(target, options, mode !== 'disable');
  } catch (error) {
    if (mode === 'prefer' && Reflect.get(Object(error), 'code') === 'HANDSHAKE_NO_SSL_SUPPORT') {
      return await attempt(target, options, false).catch((second: unknown) => {
        throw mysqlFailure(second, target);
      });
    }
    throwIfStopped(options.signal);
    throw mysqlFailure(error, target);
  }
}

async function attempt(target: ConnectionTarget, options: SessionOptions, tls: boolean): Promise<Connection> {
  const { createConnection } = await import('mysql2');
  const connection = createConnection(driverOptions(target, options, tls));
  // Without a listener a connection that breaks between two statements ends the process.
  connection.on('error', () => undefined);
  const stopped = Promise.withResolvers<never>();
  const stop = () => stopped.reject(new Error('interrupted'));
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([
      stopped.promise,
      new Promise<void>((resolve, reject) => {
        connection.connect((error: QueryError | null) => (error === null ? resolve() : reject(error)));
      }),
    ]);
    return connection;
  } catch (error) {
    connection.destroy();
    throw error;
  } finally {
    options.signal.removeEventListener('abort', stop);
  }
}

function driverOptions(target: ConnectionTarget, options: SessionOptions, tls: boolean): ConnectionOptions {
  const { socket, user, password, database } = target;
  return {
    ...(socket === undefined
      ? { host: target.host, port: target.port ?? DEFAULT_PORT }
      : { socketPath: socket }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password: password.reveal() }),
    ...(database !== undefined && { database }),
    ...(tls && { ssl: tlsOptions(target) }),
    connectTimeout: options.connectTimeoutMs,
    charset: 'utf8mb4_unicode_ci',
    multipleStatements: false,
    // Else a server could ask for any file of this machine.
    flags: ['-LOCAL_FILES'],
    connectAttributes: { program_name: options.applicationName },
    rowsAsArray: true,
  };
}

function tlsOptions({ tls, caFile }: ConnectionTarget): SslOptions {
  const verify = tls === 'verify-ca' || tls === 'verify-full';
  return {
    rejectUnauthorized: verify,
    verifyIdentity: tls === 'verify-full',
    ...(caFile !== undefined && { ca: readAuthorities(caFile) }),
  };
}

async function prepareSession(
  wire: MysqlWire,
  target: ConnectionTarget,
  options: SessionOptions,
  finish: () => void,
): Promise<Session> {
  const guard = guardOf(options.signal, (error, statement) => mysqlFailure(error, target, statement));
  const run = (sql: string) => guard.call(() => runStatement(wire, { sql, params: [] }));

  const [first] = await run('SELECT VERSION()');
  const version = first?.[0] ?? '';
  const mariadb = /mariadb/i.test(version);
  await run(sessionSettings(mariadb, options));
  // The server's own level may be one that shows each statement another state, or what was never committed.
  await run('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
  let closed = false;

  return {
    server: `${mariadb ? 'MariaDB' : 'MySQL'} ${/^[\d.]+/.exec(version)?.[0] ?? version}`,
    // Its snapshot is of the first statement that reads rows, which has its tables by then. One taken before would be
    // of the middle of what a writer does behind LOCK TABLES, for which that statement then waits.
    begin: async () => {
      await run('START TRANSACTION READ ONLY');
    },
    // Names keep their locks to the transaction's end, also of a statement that reads nothing.
    hold: async (statement) => {
      await guard.call(() => runStatement(wire, statement), statement);
    },
    end: async () => {
      await run('COMMIT');
    },
    describe: (query, policy) =>
      guard.call(async () => {
        const fields = rowGiving(await describeStatement(wire, query), query);
        await checkZone(run, policy);
        return fields.map((field): ResultColumn => {
          const quoted = mysqlDialect.identifier(field.name);
          return mysqlColumn(field, `q.${quoted}`, quoted, policy);
        });
      }, query),
    query: (statement) => guard.call(() => runStatement(wire, statement), statement),
    rows: (statement): AsyncIterable<readonly TextRow[]> =>
      guard.stream(() => textBlocks(wire, statement), statement),
    csv: (statement, columns): AsyncIterable<CsvBlock> =>
      guard.stream(() => csvBlocks(wire, statement, columns), statement),
    primaryKey: async (table) => {
      const rows = await guard.call(() => runStatement(wire, primaryKeyOf(table)));
      return rows.length === 1 ? (rows[0]?.[0] ?? undefined) : undefined;
    },
    close: async () => {
      if (closed) return;
      closed = true;
      finish();
      await wire.abandon();
    },
  };
}

/** The columns of the primary key. */
function primaryKeyOf(table: readonly string[]): Statement {
  const [name = '', schema] = [...table].reverse();
  return {
    sql:
      'SELECT column_name FROM information_schema.key_column_usage ' +
      `WHERE constraint_name = 'PRIMARY' AND table_schema = ${schema === undefined ? 'DATABASE()' : '?'} AND table_name = ?`,
    params: schema === undefined ? [name] : [schema, name],
  };
}

/** The clock of the server is kept before the session's is set to UTC: times without a zone are written by it. */
function sessionSettings(mariadb: boolean, options: SessionOptions): string {
  const limit = options.statementTimeoutMs;
  const wait = options.lockTimeoutMs;
  const settings = [
    '@foundry_offset = TIMEDIFF(NOW(), UTC_TIMESTAMP())',
    "SESSION time_zone = '+00:00'",
    `SESSION net_write_timeout = ${SLOW_READER_SECONDS}`,
    ...(limit === undefined
      ? []
      : [mariadb ? `SESSION max_statement_time = ${limit / 1000}` : `SESSION max_execution_time = ${limit}`]),
    ...(wait === undefined ? [] : [`SESSION lock_wait_timeout = ${Math.max(1, Math.ceil(wait / 1000))}`]),
  ];
  return `SET ${settings.join(', ')}`;
}

/** A zone that the server does not know would make NULL of every time. */
async function checkZone(
  run: (sql: string) => Promise<readonly TextRow[]>,
  { timezone }: TypePolicy,
): Promise<void> {
  if (timezone === undefined) return;
  const [row] = await run(`SELECT ${inUtc("'2000-01-01 00:00:00'", timezone)}`);
  if (row?.[0] !== null && row !== undefined) return;
  throw new FoundryError('EXT001', `the server does not know the time zone ${timezone}`, {
    hint: 'Fill its time zone tables (mysql_tzinfo_to_sql), write the zone as an offset such as +02:00, or leave timezone out: the times land as they are.',
  });
}

/** An idle connection is just closed; a statement that runs would go on at the server until it next sends something. */
async function endConnection(
  connection: Connection,
  waiting: MysqlWire['waiting'],
  target: ConnectionTarget,
  options: SessionOptions,
): Promise<void> {
  const { threadId } = connection;
  const busy = waiting.size > 0;
  if (!busy) return await sayGoodbye(connection);
  connection.destroy();
  for (const fail of waiting) fail(lostMysql('the statement was cancelled'));
  await kill(threadId, target, options).catch(() => undefined);
}

/** Else the server's log would count the connection as aborted. */
async function sayGoodbye(connection: Connection): Promise<void> {
  const said = new Promise<void>((resolve) => {
    connection.end(() => resolve());
  });
  await within(GOODBYE_MS, said);
  connection.destroy();
}

async function kill(thread: number, target: ConnectionTarget, options: SessionOptions): Promise<void> {
  const limits = { ...options, connectTimeoutMs: CANCEL_MS, signal: AbortSignal.timeout(CANCEL_MS) };
  const connection = await openConnection(target, limits);
  try {
    await new Promise<void>((resolve) => {
      connection.query(`KILL ${thread}`, () => resolve());
    });
  } finally {
    connection.destroy();
  }
}
