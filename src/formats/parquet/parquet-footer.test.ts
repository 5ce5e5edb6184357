import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { COMPRESSIONS } from '../../config/spec.ts';
import { type Field, formatType, parseType } from '../../core/schema.ts';
import { openPart } from '../open-part.ts';
import { previewParquet, readParquetFooter } from './parquet-footer.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'parquet-footer-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const VALUES: Readonly<Record<string, readonly [value: unknown, text: string]>> = {
  string: ['é', 'é'],
  int32: [-1, '-1'],
  int64: [2n ** 63n - 1n, '9223372036854775807'],
  'decimal(38,10)': [-(10n ** 38n) + 1n, '-9999999999999999999999999999.9999999999'],
  'decimal(18,2)': [-5n, '-0.05'],
  'decimal(4,0)': [7n, '7'],
  double: [0.1, '0.1'],
  boolean: [true, 'true'],
  date: [-1, '1969-12-31'],
  time: [1n, '00:00:00.000001'],
  timestamp: [-1n, '1969-12-31T23:59:59.999999'],
  timestamptz: [-1n, '1969-12-31T23:59:59.999999Z'],
  binary: [new Uint8Array([0, 255]), 'AP8='],
};
const types = Object.keys(VALUES);
const fields: Field[] = types.map((name) => ({ name, type: parseType(name)! }));
const texts = Object.values(VALUES).map(([, text]) => text);

for (const compression of COMPRESSIONS) {
  test(`footer and first rows of a part with ${compression}`, async () => {
    const file = join(folder, `${compression}.parquet`);
    const writer = await openPart('parquet', file, { fields }, compression);
    const columns = Object.values(VALUES).map(([value]) => [value, null, value]);
    await writer.write({ schema: { fields }, columns, length: 3 });
    await writer.close();
    const footer = await readParquetFooter(file);
    expect(footer).toEqual({ rows: 3, rowGroups: 1, columns: fields });
    const preview = await previewParquet(file, 2);
    expect(preview.columns).toEqual(fields);
    expect(preview.rows).toEqual([texts, types.map(() => null)]);
  });
}

test("the footer of DuckDB's files tells the same types", async () => {
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  const file = join(folder, 'duck.parquet');
  await connection.run(
    `COPY (SELECT 'a' AS a, 1::BIGINT AS b, 1.5::DECIMAL(20,3) AS c, DATE '1969-12-31' AS d, [1] AS e,
       TIMESTAMP '2024-01-01' AS f, TIMESTAMPTZ '2024-01-01 00:00:00Z' AS g, 1::FLOAT AS h) TO '${file}'`,
  );
  connection.closeSync();
  const { columns } = await readParquetFooter(file);
  expect(columns.map(({ name, type }) => [name, type === undefined ? undefined : formatType(type)])).toEqual([
    ['a', 'string'],
    ['b', 'int64'],
    ['c', 'decimal(20,3)'],
    ['d', 'date'],
    ['e', undefined],
    ['f', 'timestamp'],
    ['g', 'timestamptz'],
    ['h', undefined],
  ]);
  expect((await previewParquet(file, 10)).rows[0]?.slice(0, 4)).toEqual(['a', '1', '1.500', '1969-12-31']);
});

test('what is no Parquet file is refused', async () => {
  const file = join(folder, 'no.parquet');
  writeFileSync(file, 'id,name\n');
  await expect(readParquetFooter(file)).rejects.toThrow('cannot be read as Parquet');
});
