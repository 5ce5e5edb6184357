import { DuckDBBlobValue, type DuckDBConnection, DuckDBInstance, type DuckDBType } from '@duckdb/node-api';
import { describeColumns } from './matrix-handler.ts';
import type { Answer } from './respond.ts';
import type { Handler, Request, Session } from './server.ts';
import { type Column, type SqlType, sqlType } from './sql-type.ts';
import { asServerMessage, refusedBySqlServer, toDuckDb } from './transact-sql.ts';
import type { TdsValue } from './values.ts';

export interface TdsDatabase {
  readonly handler: Handler;
  readonly endSession: (session: Session) => void;
  /** Columns as `name type`, types as SQL Server writes them. */
  create(table: string, columns: Readonly<Record<string, string>>): Promise<void>;
  /** Statements of DuckDB, for what else writes to the tables. */
  run(sql: string): Promise<void>;
  /** Says whether ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION was done. */
  allowSnapshots(allowed: boolean): Promise<void>;
  close(): void;
}

/**
 * Tables behind a TDS server: DuckDB, told apart in types, and with SQL Server's words for errors. Text ignores
 * case, as in the server's usual collation; times are kept as text of 100 ns (instants in UTC, with a Z), whose order
 * is theirs.
 */
export async function openTdsDatabase(): Promise<TdsDatabase> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const admin = await instance.connect();
  const declared = new Map<string, SqlType>();
  const sessions = new Map<Session, Promise<DuckDBConnection>>();
  await admin.run(`
    CREATE SCHEMA dbo; CREATE SCHEMA sys;
    CREATE TABLE sys.databases (name VARCHAR, snapshot_isolation_state UTINYINT, is_read_committed_snapshot_on BOOLEAN);
    INSERT INTO sys.databases VALUES ('test', 1, false);
    CREATE MACRO tds_datetime2(x) AS ${padded(27)};
    ${['datetime', 'smalldatetime'].map((type) => `CREATE MACRO tds_${type}(x) AS ${refusesFinerText(padded(27))};`).join('\n')}
    CREATE MACRO tds_datetimeoffset(x) AS ${padded(27)} || 'Z';
    CREATE MACRO tds_time(x) AS ${padded(16)};
    CREATE MACRO db_name() AS 'test';
    CREATE MACRO serverproperty(x) AS '16.0.1000.6';
    CREATE MACRO switchoffset(x, minutes) AS x;
    CREATE MACRO sysutcdatetime() AS strftime(now() AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%f') || '0';
    CREATE MACRO sysdatetime() AS sysutcdatetime();
    SET search_path = 'dbo,main';
  `);
  const connectionOf = (session: Session) => {
    const known = sessions.get(session);
    if (known !== undefined) return known;
    const opened = instance.connect().then(async (connection) => {
      await connection.run("SET search_path = 'dbo,main'");
      return connection;
    });
    sessions.set(session, opened);
    return opened;
  };
  return {
    async *handler(request) {
      const connection = await connectionOf(request.session);
      yield* answers(connection, request, declared);
    },
    endSession: (session) => {
      void sessions.get(session)?.then((connection) => connection.closeSync());
      sessions.delete(session);
    },
    create: async (table, columns) => {
      const definitions = Object.entries(columns).map(([name, text]) => {
        const type = sqlType(text);
        declared.set(name.toLowerCase(), type);
        return `"${name}" ${storedAs(type)}`;
      });
      await admin.run(`CREATE OR REPLACE TABLE dbo."${table}" (${definitions.join(', ')})`);
    },
    run: async (sql) => {
      await admin.run(sql);
    },
    allowSnapshots: async (allowed) => {
      await admin.run(`UPDATE sys.databases SET snapshot_isolation_state = ${allowed ? 1 : 0}`);
    },
    close: () => {
      admin.closeSync();
      instance.closeSync();
    },
  };
}

/** Of a text, the older types take no more than three digits of a second, zeros or not. */
function refusesFinerText(sql: string): string {
  return `CASE WHEN regexp_matches(x, '[.]\\d{4}') THEN error('Conversion failed when converting date and/or time from character string.') ELSE ${sql} END`;
}

function padded(width: number): string {
  return `rpad(replace(rtrim(x, 'Z'), ' ', 'T') || CASE WHEN contains(x, '.') THEN '' ELSE '.' END, ${width}, '0')`;
}

async function* answers(
  connection: DuckDBConnection,
  request: Request,
  declared: ReadonlyMap<string, SqlType>,
): AsyncGenerator<Answer> {
  const control = controlStatement(request.text);
  if (control === 'set') return;
  if (control !== undefined) {
    await connection.run(control.sql);
    yield { kind: 'transaction', event: control.event };
    return;
  }
  const parameter = (name: string) =>
    request.parameters.find((one) => one.name.toLowerCase() === name)?.value ?? undefined;
  const describe = request.procedure?.toLowerCase().endsWith('sp_describe_first_result_set') === true;
  if (request.procedure !== undefined && !describe) {
    yield { kind: 'error', number: 2812, message: `Could not find stored procedure '${request.procedure}'.` };
    return;
  }
  const text = describe ? (parameter('@tsql') ?? '') : request.text;
  const refused = refusedBySqlServer(text);
  if (refused !== undefined) {
    yield { kind: 'error', ...refused };
    return;
  }
  const sql = toDuckDb(text);
  try {
    if (describe) {
      const result = await connection.run(`SELECT * FROM (${sql}) LIMIT 0`, nullsFor(sql));
      yield describeColumns(columnsOf(result.columnNames(), result.columnTypes(), declared));
      return;
    }
    const values = Object.fromEntries(request.parameters.map(({ name, value }) => [name.slice(1), value]));
    const used = Object.fromEntries(Object.entries(values).filter(([name]) => usesParameter(sql, name)));
    const stop = () => connection.interrupt();
    request.signal.addEventListener('abort', stop);
    try {
      const result = await connection.stream(sql, used);
      const columns = columnsOf(result.columnNames(), result.columnTypes(), declared);
      yield { kind: 'rows', columns, rows: rowsOf(result) };
    } finally {
      request.signal.removeEventListener('abort', stop);
    }
  } catch (error) {
    if (!request.signal.aborted) yield { kind: 'error', ...asServerMessage(error) };
  }
}

function usesParameter(sql: string, name: string): boolean {
  return new RegExp(`\\$${name}\\b`).test(sql);
}

function nullsFor(sql: string): Record<string, null> {
  return Object.fromEntries([...sql.matchAll(/\$(\w+)/g)].map((match) => [match[1] ?? '', null]));
}

type Control = { readonly sql: string; readonly event: 'begun' | 'committed' | 'rolledBack' };

function controlStatement(text: string): Control | 'set' | undefined {
  const bare = text.trim().replace(/;$/, '');
  if (/^begin\s+tran/i.test(bare)) return { sql: 'BEGIN TRANSACTION', event: 'begun' };
  if (/^commit/i.test(bare)) return { sql: 'COMMIT', event: 'committed' };
  if (/rollback(\s+tran\w*)?$/i.test(bare)) return { sql: 'ROLLBACK', event: 'rolledBack' };
  return /^set\s/i.test(bare) && !/\bselect\b/i.test(bare) ? 'set' : undefined;
}

async function* rowsOf(
  result: Awaited<ReturnType<DuckDBConnection['stream']>>,
): AsyncGenerator<readonly TdsValue[]> {
  for (;;) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return;
    for (const row of chunk.getRows()) yield row.map(asText);
  }
}

function asText(value: unknown): TdsValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (value instanceof DuckDBBlobValue) return value.bytes;
  const text = String(value);
  if (text.startsWith('{"type":')) return JSON.parse(text) as { type: string; value: string };
  return text;
}

function columnsOf(
  names: readonly string[],
  types: readonly DuckDBType[],
  declared: ReadonlyMap<string, SqlType>,
): readonly Column[] {
  return names.map((name, index) => {
    const stored = String(types[index]);
    const known = declared.get(name.toLowerCase());
    const type = known !== undefined && storedAs(known).split(' ')[0] === stored ? known : generic(stored);
    return { name, type, nullable: true };
  });
}

const STORED: Readonly<Record<string, string>> = {
  bit: 'BOOLEAN',
  tinyint: 'UTINYINT',
  smallint: 'SMALLINT',
  int: 'INTEGER',
  bigint: 'BIGINT',
  real: 'FLOAT',
  float: 'DOUBLE',
  money: 'DECIMAL(19,4)',
  smallmoney: 'DECIMAL(10,4)',
  date: 'DATE',
  uniqueidentifier: 'UUID',
  binary: 'BLOB',
  varbinary: 'BLOB',
  image: 'BLOB',
  timestamp: 'BLOB',
};

function storedAs(type: SqlType): string {
  if (type.name === 'decimal' || type.name === 'numeric') return `DECIMAL(${type.precision},${type.scale})`;
  if (/char$|text$/.test(type.name)) return 'VARCHAR COLLATE NOCASE';
  return STORED[type.name] ?? 'VARCHAR';
}

function generic(stored: string): SqlType {
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(stored);
  if (decimal !== null) return sqlType(`decimal(${decimal[1]},${decimal[2]})`);
  if (/^(?:HUGEINT|UBIGINT)$/.test(stored)) return sqlType('decimal(38,0)');
  if (/^(?:TINYINT|USMALLINT|UINTEGER)$/.test(stored)) return sqlType('bigint');
  const name = Object.keys(STORED).find((type) => STORED[type] === stored);
  return sqlType(name === undefined ? 'nvarchar(max)' : name === 'binary' ? 'varbinary(max)' : name);
}
