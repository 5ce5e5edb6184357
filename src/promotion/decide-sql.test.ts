import { expect, test } from 'bun:test';
import { tmpdir } from 'node:os';
import type { DataType } from '../core/schema.ts';
import { openEngine } from '../engine/duckdb.ts';
import { decideSql } from './decide-sql.ts';

const INT64: DataType = { kind: 'int64' };
const TIMESTAMP: DataType = { kind: 'timestamp', unit: 'micros', utc: false };
const DOUBLE: DataType = { kind: 'double' };

test.each([
  [
    'the whole range of integers',
    INT64,
    'BIGINT',
    ['-9223372036854775808', '-1', '0', '9223372036854775807'],
  ],
  ['times before 1970, and infinite ones', TIMESTAMP, 'TIMESTAMP', ['-infinity', '1815-12-10', 'infinity']],
  ['fractions, by a window', DOUBLE, 'DOUBLE', ['-1.5', '-0.25', '3e300']],
] as const)('the last row of a key is found over %s', async (_, type, sqlType, values) => {
  const engine = await openEngine({ memoryBytes: 300e6, threads: 1, spillFolder: tmpdir() });
  try {
    // Key k has the values up to the k-th, newest first, and every value twice.
    const rows = values.flatMap((_value, key) =>
      [...values.slice(0, key + 1).toReversed(), ...values.slice(0, key + 1)].map(
        (value, row) => `(${key}, '${value}'::${sqlType}, 7::BIGINT, ${row}::BIGINT)`,
      ),
    );
    await engine.execute(
      `CREATE TEMP TABLE bronze_rows AS SELECT * FROM (VALUES ${rows.join(', ')}) t(id, seen, "__file", "__row")`,
    );
    const sql = decideSql({
      keys: ['id'],
      order: { type, sql: 'seen' },
      compared: [],
      daily: false,
      kind: 'versions',
      latestOnly: true,
      deleteMode: 'ignore',
    });
    const found = await engine.query(
      `SELECT "__file"::INT AS file, "__row"::INT AS row, "__rows"::INT AS n, "__order" = ([${values.map((value) => `'${value}'::${sqlType}`).join(', ')}])[(n / 2)::INT] AS same FROM (SELECT *, "__rows" AS n FROM (${sql})) ORDER BY n`,
    );
    expect(found).toEqual(
      values.map((_value, key) => ({ file: 7, row: 2 * key + 1, n: 2 * (key + 1), same: true })),
    );
  } finally {
    await engine.close();
  }
});
