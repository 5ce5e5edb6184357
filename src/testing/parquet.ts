import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

const VENV_PYTHON = join(import.meta.dir, '..', '..', '.tools', 'venv', 'bin', 'python');

/** Runs one SQL query in DuckDB and gives plain rows: bigint, string, number, boolean and DuckDB's value classes. */
export async function queryDuckdb(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  try {
    const connection = await instance.connect();
    try {
      return (await connection.runAndReadAll(sql)).getRowObjects();
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** Every row of the Parquet files that a path or glob names, with Hive folders as columns where asked. */
export function readParquet(
  glob: string,
  options: { hive?: boolean } = {},
): Promise<Record<string, unknown>[]> {
  const path = glob.replaceAll("'", "''");
  return queryDuckdb(`SELECT * FROM read_parquet('${path}', hive_partitioning = ${options.hive ?? false})`);
}

/**
 * The Python that can import pyarrow; undefined only where FOUNDRY_TEST_ALLOW_MISSING=1 says tests may skip.
 * @throws when it is missing otherwise.
 */
export function pythonWithPyarrow(): string | undefined {
  const python = process.env.FOUNDRY_TEST_PYTHON ?? VENV_PYTHON;
  if (existsSync(python)) return python;
  if (process.env.FOUNDRY_TEST_ALLOW_MISSING === '1') return undefined;
  throw new Error(`no Python with pyarrow at ${python}: \`npm test\` installs it`);
}

/**
 * Runs a Python script that prints one JSON document, and parses it. `args` arrive as `sys.argv[1:]`.
 * @throws with Python's stderr when it fails.
 */
export async function runPyarrow(script: string, ...args: readonly string[]): Promise<unknown> {
  const python = pythonWithPyarrow();
  if (python === undefined) throw new Error('pyarrow is missing; skip this test on pythonWithPyarrow()');
  const child = Bun.spawn([python, '-c', script, ...args], {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`python ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}
