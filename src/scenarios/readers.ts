import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/**
 * What a reader found: column types in foundry's names, and every value as text that is equal only where the
 * values are: integers and decimals as digits, doubles as the hex of their bits, dates in days and times and
 * timestamps in microseconds since the epoch, binary as hex, NULL as null.
 */
export interface Table {
  readonly types: Record<string, string>;
  readonly rows: Record<string, string | null>[];
}

const instance = DuckDBInstance.create(':memory:');

/** Rows of any query, as JavaScript values. */
export async function duckdb(sql: string): Promise<Record<string, unknown>[]> {
  const connection = await (await instance).connect();
  try {
    await connection.run(`SET TimeZone = 'UTC'`);
    return (await connection.runAndReadAll(sql)).getRowObjectsJS() as Record<string, unknown>[];
  } finally {
    connection.closeSync();
  }
}

/** Rows of Parquet files (a file, a glob or a folder's), every cell as text. */
export async function parquetRows(glob: string, orderBy = 'ALL'): Promise<Record<string, string | null>[]> {
  const rows = await duckdb(
    `SELECT COLUMNS(*)::VARCHAR FROM read_parquet(${quote(glob)}, hive_partitioning=true, union_by_name=true)
     ORDER BY ${orderBy}`,
  );
  return rows as Record<string, string | null>[];
}

/** The table behind a FROM clause, as DuckDB sees it, in the order that the clause gives. */
export async function readWithDuckdb(from: string): Promise<Table> {
  const described = await duckdb(`DESCRIBE SELECT * FROM ${from}`);
  const columns = described.map((row) => ({
    name: String(row.column_name),
    type: String(row.column_type),
  }));
  const list = columns.map(({ name, type }) => `${asText(name, type)} AS ${identifier(name)}`).join(', ');
  const found = await duckdb(`SELECT ${list} FROM ${from}`);
  return {
    types: Object.fromEntries(
      columns.map(({ name, type }) => [name, DUCKDB_TYPES[type] ?? type.toLowerCase()]),
    ),
    rows: found.map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [
          name,
          typeof value === 'number' ? doubleBits(value) : (value as string | null),
        ]),
      ),
    ),
  };
}

const DUCKDB_TYPES: Readonly<Record<string, string>> = {
  VARCHAR: 'string',
  BIGINT: 'int64',
  INTEGER: 'int32',
  DOUBLE: 'double',
  BOOLEAN: 'boolean',
  DATE: 'date',
  TIME: 'time',
  BLOB: 'binary',
  TIMESTAMP: 'timestamp',
  'TIMESTAMP WITH TIME ZONE': 'timestamptz',
};

function asText(name: string, type: string): string {
  const column = identifier(name);
  if (type === 'DOUBLE') return column;
  if (type === 'DATE') return `(${column} - DATE '1970-01-01')::VARCHAR`;
  if (type === 'BLOB') return `lower(hex(${column}))`;
  if (type === 'TIME' || type.startsWith('TIMESTAMP')) return `epoch_us(${column})::VARCHAR`;
  return `${column}::VARCHAR`;
}

export function doubleBits(value: number): string {
  const bytes = new DataView(new ArrayBuffer(8));
  // Every NaN is one value.
  bytes.setFloat64(0, Number.isNaN(value) ? Number.NaN : value);
  return bytes.getBigUint64(0).toString(16).padStart(16, '0');
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

const ROOT = join(import.meta.dir, '..', '..');

/** A Python that has pyarrow: `FOUNDRY_TEST_PYTHON`, else the tests' own environment; undefined where neither is. */
export const PYTHON = await findPython();

async function findPython(): Promise<string | undefined> {
  const candidates = [process.env.FOUNDRY_TEST_PYTHON, join(ROOT, '.tools', 'venv', 'bin', 'python')];
  for (const candidate of candidates) {
    if (candidate === undefined || (candidate.includes('/') && !existsSync(candidate))) continue;
    const tried = Bun.spawnSync([candidate, '-c', 'import pyarrow'], { stdout: 'ignore', stderr: 'ignore' });
    if (tried.success) return candidate;
  }
  process.stderr.write(
    'SKIPPED: no Python with pyarrow (set FOUNDRY_TEST_PYTHON); pyarrow reads nothing back\n',
  );
  return undefined;
}

/** What pyarrow finds in each path, by its default reading of a file or a folder. One process for all of them. */
export async function readWithPyarrow(paths: readonly string[]): Promise<Table[]> {
  return (await python([join(import.meta.dir, 'read_with_pyarrow.py')], JSON.stringify(paths))) as Table[];
}

/** Runs a Python program and parses what it prints. */
export async function python(args: readonly string[], input = ''): Promise<unknown> {
  if (PYTHON === undefined) throw new Error('there is no Python with pyarrow');
  const running = Bun.spawn([PYTHON, ...args], { stdin: Buffer.from(input), stdout: 'pipe', stderr: 'pipe' });
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(running.stdout).text(),
    new Response(running.stderr).text(),
    running.exited,
  ]);
  if (exitCode !== 0) throw new Error(`python failed: ${stderr}`);
  return stdout === '' ? undefined : JSON.parse(stdout);
}
