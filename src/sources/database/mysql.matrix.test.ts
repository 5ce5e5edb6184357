import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBBlobValue } from '@duckdb/node-api';
import { FoundryError } from '../../core/errors.ts';
import { databaseLake } from '../../testing/database-lake.ts';
import { landsExactly, type MatrixColumn } from '../../testing/database-matrix.ts';
import { type MysqlLab, mysqlLab } from '../../testing/mysql-kit.ts';
import { MYSQL_MATRIX, mysqlMatrixTable, mysqlMatrixTexts } from '../../testing/mysql-matrix.ts';
import { mayRun } from '../../testing/services.ts';

const COLUMNS: readonly MatrixColumn[] = MYSQL_MATRIX.map(({ lands }, index) => ({
  name: `c${index}`,
  lands,
  texts: mysqlMatrixTexts().map((row) => row[index] ?? null),
}));

describe.skipIf(!mayRun('FOUNDRY_TEST_MYSQL_URL'))('a table with every type of MariaDB', () => {
  let lab: MysqlLab;

  beforeAll(async () => {
    lab = await mysqlLab();
    await lab.run(...mysqlMatrixTable('matrix'));
  });

  afterAll(() => lab.drop());

  test.each([
    ['the engine', false],
    ['the row writer', true],
  ])('lands and reads back equal, in DuckDB and pyarrow, through %s', async (_, csv) => {
    const lake = await databaseLake(lab.url, { table: 'matrix', geometry: 'wkt', csv });
    try {
      await landsExactly(lake, COLUMNS);
    } finally {
      await lake.remove();
    }
  });

  test('leaves the names of its types in the manifest', async () => {
    const lake = await databaseLake(lab.url, { table: 'matrix', geometry: 'wkt' });
    const { location, partition } = await lake.run('2025-01-01');
    const manifest = JSON.parse(readFileSync(join(lake.base, partition, '_metadata.json'), 'utf8'));
    expect(JSON.stringify(manifest)).toContain('"bigint unsigned"');
    expect(location).toContain(partition);
    await lake.remove();
  });

  test.each([
    ['date', "'0000-00-00'"],
    ['datetime', "'2024-00-10 00:00:00'"],
    ['time', "'838:59:59'"],
    ['time', "'-01:00:00'"],
    ['timestamp NULL', "'0000-00-00 00:00:00'"],
  ])('a %s of %s is refused, naming column and row, and lands as text by setting', async (type, value) => {
    await lab.run('DROP TABLE IF EXISTS odd', `CREATE TABLE odd (id int PRIMARY KEY, v ${type})`);
    await lab.run(`INSERT INTO odd VALUES (1, NULL), (2, ${value})`);
    const strict = await databaseLake(lab.url, { table: 'odd' });
    const failed: unknown = await strict.run('2025-01-01').catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(FoundryError);
    expect(failed).toMatchObject({ code: 'DATA001', details: { column: 'v', row: 2 } });
    const text = await databaseLake(lab.url, { table: 'odd', types: { v: 'string' } });
    await text.run('2025-01-01');
    const rows = await text.landed();
    expect(rows.map(({ v }) => v)).toEqual([null, expect.stringContaining(value.slice(1, -1))]);
    await strict.remove();
    await text.remove();
  });

  test.each([
    ['the engine', false],
    ['the row writer', true],
  ])(
    'bytes that are longer than half of the packets of the server land whole, through %s',
    async (_, csv) => {
      await lab.run(
        'DROP TABLE IF EXISTS long_bytes',
        'CREATE TABLE long_bytes (id int PRIMARY KEY, b longblob)',
      );
      await lab.run("INSERT INTO long_bytes VALUES (1, repeat(X'00FF', 5000000)), (2, X'01')");
      const lake = await databaseLake(lab.url, { table: 'long_bytes', csv });
      await lake.run('2025-01-01');
      const [first] = (await lake.landed()).filter(({ id }) => id === 1);
      const { b } = first ?? {};
      expect(b instanceof DuckDBBlobValue ? b.bytes.length : b).toBe(10_000_000);
      await lake.remove();
    },
  );

  test('geometries land as WKB that an independent reader takes', async () => {
    const index = MYSQL_MATRIX.findIndex(({ type }) => type === 'point');
    const lake = await databaseLake(lab.url, { table: 'matrix', columns: ['row_id', `c${index}`] });
    await lake.run('2025-01-01');
    const [first] = (await lake.landed()).filter(({ row_id }) => row_id === 0);
    // Little-endian point: byte order, type 1, x = 1.5, y = -2.
    const point = first?.[`c${index}`];
    if (!(point instanceof DuckDBBlobValue)) throw new Error('there is no point');
    const { bytes } = point;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    expect([
      view.getUint8(0),
      view.getUint32(1, true),
      view.getFloat64(5, true),
      view.getFloat64(13, true),
    ]).toEqual([1, 1, 1.5, -2]);
    await lake.remove();
  });
});
