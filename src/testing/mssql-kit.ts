import { randomBytes } from 'node:crypto';
import { ConnectionPool } from 'mssql';
import { parseConnectionString } from '../sources/database/connection-string.ts';
import type { DatabaseLab, DatabaseWords } from './database-words.ts';
import { MATRIX, type MatrixEntry } from './tds/matrix.ts';
import type { TdsValue } from './tds/values.ts';

/** A real SQL Server for tests, where there is one; its user must be allowed to create databases. */
export const REAL_MSSQL = process.env.FOUNDRY_TEST_MSSQL_URL ?? '';

const WORDS: DatabaseWords = {
  integer: 'bigint',
  decimal: 'decimal(38,10)',
  timestamp: 'datetime2(6)',
  text: 'varchar(100) COLLATE Latin1_General_CI_AS',
};

/** A database of its own on that server, with snapshots. */
export async function realMssqlLab(): Promise<DatabaseLab> {
  const target = parseConnectionString(REAL_MSSQL, 'mssql', 'FOUNDRY_TEST_MSSQL_URL');
  const name = `foundry_${randomBytes(6).toString('hex')}`;
  const connect = (database: string) =>
    new ConnectionPool({
      server: target.host,
      port: target.port ?? 1433,
      user: target.user ?? '',
      password: target.password?.reveal() ?? '',
      database,
      options: { encrypt: target.tls !== 'disable', trustServerCertificate: true },
    }).connect();
  const master = await connect('master');
  await master.request().batch(`CREATE DATABASE ${name}`);
  await master.request().batch(`ALTER DATABASE ${name} SET ALLOW_SNAPSHOT_ISOLATION ON`);
  const pool = await connect(name);
  const run = async (sql: string): Promise<void> => {
    await pool.request().batch(sql);
  };
  const url = new URL(REAL_MSSQL);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    create: (table, columns) => {
      const list = Object.entries(columns).map(([column, word]) => `${column} ${WORDS[word]}`);
      return run(`CREATE TABLE ${table} (${list.join(', ')})`);
    },
    run,
    drop: async () => {
      await pool.close();
      await master.request().batch(`ALTER DATABASE ${name} SET SINGLE_USER WITH ROLLBACK IMMEDIATE`);
      await master.request().batch(`DROP DATABASE ${name}`);
      await master.close();
    },
  };
}

/** What a table can be given: all but the versions that the server itself makes. */
export const INSERTABLE: readonly MatrixEntry[] = MATRIX.filter(({ type }) => type !== 'rowversion');

/** Statements that make the table of the matrix; the columns are named by `nameOf`, the first is `row_id`. */
export function matrixStatements(
  entries: readonly MatrixEntry[],
  nameOf: (index: number) => string,
): readonly string[] {
  const columns = entries.map(({ type }, index) => `${nameOf(index)} ${type} NULL`);
  const rows = [0, 1, 2].map((row) =>
    entries.map(({ type, values }) => literal(type, (values[row] ?? values.at(-1))?.[0] ?? null)),
  );
  return [
    `CREATE TABLE matrix (${columns.join(', ')})`,
    ...rows.map((row) => `INSERT INTO matrix VALUES (${row.join(', ')})`),
    `INSERT INTO matrix (${nameOf(0)}) VALUES (NULL)`,
  ];
}

function literal(type: string, value: TdsValue): string {
  if (value === null) return 'NULL';
  if (value instanceof Uint8Array) return `CAST(0x${Buffer.from(value).toString('hex')} AS ${type})`;
  if (typeof value !== 'string') return `CAST(${literal(value.type, value.value)} AS ${type})`;
  return `CAST(N'${value.replaceAll("'", "''")}' AS ${type})`;
}
