import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { COMPRESSIONS, type Compression } from '../../config/spec.ts';
import type { Batch } from '../../core/batch.ts';
import { type Field, parseType, type TableSchema } from '../../core/schema.ts';
import { openPart } from '../open-part.ts';

let folder: string;
let connection: DuckDBConnection;
let files = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'parquet-writer-'));
  connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  await connection.run("SET TimeZone = 'UTC'");
});
afterAll(() => {
  connection.closeSync();
  rmSync(folder, { recursive: true });
});

function table(
  columns: Readonly<Record<string, readonly [type: string, values: readonly unknown[]]>>,
): Batch {
  const fields = Object.entries(columns).map(([name, [type]]): Field => ({ name, type: parseType(type)! }));
  const values = Object.values(columns).map(([, column]) => column);
  return { schema: { fields }, columns: values, length: values[0]?.length ?? 0 };
}

async function write(schema: TableSchema, batches: readonly Batch[], compression: Compression = 'snappy') {
  files += 1;
  const file = join(folder, `part-${files}.parquet`);
  const writer = await openPart('parquet', file, schema, compression);
  try {
    for (const batch of batches) await writer.write(batch);
    return { file, ...(await writer.close()) };
  } finally {
    await writer.abort();
  }
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const reader = await connection.runAndReadAll(sql);
  return reader.getRowObjects() as Record<string, unknown>[];
}

const text = (file: string, column: string) =>
  query(`SELECT CAST("${column}" AS VARCHAR) AS v FROM '${file}'`).then((rows) => rows.map(({ v }) => v));

/** Name of the type in DuckDB, values as held in a batch, and as DuckDB writes them. */
const EXTREMES: Readonly<
  Record<string, readonly [duck: string, values: unknown[], texts: (string | null)[]]>
> = {
  int64: [
    'BIGINT',
    [2n ** 63n - 1n, -(2n ** 63n), 0n, null],
    ['9223372036854775807', '-9223372036854775808', '0', null],
  ],
  int32: ['INTEGER', [2147483647, -2147483648, null], ['2147483647', '-2147483648', null]],
  'decimal(38,10)': [
    'DECIMAL(38,10)',
    [10n ** 38n - 1n, -(10n ** 38n) + 1n, 1n, -1n, 0n, null],
    [
      '9999999999999999999999999999.9999999999',
      '-9999999999999999999999999999.9999999999',
      '0.0000000001',
      '-0.0000000001',
      '0.0000000000',
      null,
    ],
  ],
  'decimal(18,4)': ['DECIMAL(18,4)', [10n ** 18n - 1n, -1n], ['99999999999999.9999', '-0.0001']],
  'decimal(9,2)': ['DECIMAL(9,2)', [999999999n, -999999999n], ['9999999.99', '-9999999.99']],
  timestamp: [
    'TIMESTAMP',
    [-1n, 1704164645000006n, -62135596800000000n, null],
    ['1969-12-31 23:59:59.999999', '2024-01-02 03:04:05.000006', '0001-01-01 00:00:00', null],
  ],
  timestamptz: [
    'TIMESTAMP WITH TIME ZONE',
    [-1n, 1704164645000006n, null],
    ['1969-12-31 23:59:59.999999+00', '2024-01-02 03:04:05.000006+00', null],
  ],
  date: ['DATE', [-1, -719162, 2932896, null], ['1969-12-31', '0001-01-01', '9999-12-31', null]],
  time: ['TIME', [0n, 86_399_999_999n, null], ['00:00:00', '23:59:59.999999', null]],
  double: [
    'DOUBLE',
    [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      5e-324,
      1.7976931348623157e308,
      0.1,
      null,
    ],
    ['nan', 'inf', '-inf', '5e-324', '1.7976931348623157e+308', '0.1', null],
  ],
  boolean: ['BOOLEAN', [true, false, null], ['true', 'false', null]],
  string: ['VARCHAR', ['', null, 'a', '👩‍🚀 é 漢', '"\n\0'], ['', null, 'a', '👩‍🚀 é 漢', '"\n\0']],
  uuid: ['VARCHAR', ['123e4567-e89b-12d3-a456-426614174000'], ['123e4567-e89b-12d3-a456-426614174000']],
  json: ['VARCHAR', ['{"a":1}', null], ['{"a":1}', null]],
  binary: ['BLOB', [new Uint8Array([0, 255, 65]), new Uint8Array(0), null], ['\\x00\\xFFA', '', null]],
};

describe('DuckDB reads what was written, exactly', () => {
  for (const [type, [duckType, values, texts]] of Object.entries(EXTREMES)) {
    for (const compression of COMPRESSIONS) {
      test(`${type} with ${compression}`, async () => {
        const batch = table({ v: [type, values] });
        const { file } = await write(batch.schema, [batch], compression);
        expect(await text(file, 'v')).toEqual(texts);
        expect((await query(`DESCRIBE SELECT * FROM '${file}'`))[0]?.column_type).toBe(duckType);
      });
    }
    test(`${type}: filters find each value, so the statistics are right`, async () => {
      const batch = table({ v: [type, values], n: ['int32', values.map((_, index) => index)] });
      const { file } = await write(batch.schema, [batch]);
      for (const [index, expected] of texts.entries()) {
        if (expected === null || type === 'binary' || expected.includes('\0')) continue;
        const found = await query(
          `SELECT n FROM '${file}' WHERE v = CAST('${expected.replaceAll("'", "''")}' AS ${duckType})`,
        );
        expect(found).toEqual([{ n: index }]);
      }
    });
  }

  test('filters find NaN beyond every number', async () => {
    const batch = table({ v: ['double', [1, Number.NaN, 2, null]] });
    const { file } = await write(batch.schema, [batch]);
    for (const filter of ['v > 5', "v = 'nan'::DOUBLE", 'isnan(v)']) {
      expect(await query(`SELECT v FROM '${file}' WHERE ${filter}`)).toEqual([{ v: Number.NaN }]);
    }
    expect(await query(`SELECT max(v) AS v FROM '${file}'`)).toEqual([{ v: Number.NaN }]);
  });

  test('a repeated -0 stays -0, beside 0', async () => {
    const values = Array.from({ length: 1000 }, (_, index) => (index % 2 === 0 ? 0 : -0));
    const batch = table({ v: ['double', values] });
    const { file } = await write(batch.schema, [batch]);
    const rows = (await connection.runAndReadAll(`SELECT v FROM '${file}'`)).getRows();
    expect(rows.every(([value], index) => Object.is(value, values[index]))).toBe(true);
  });

  test('repeated values, long runs and all-null columns', async () => {
    const n = 5000;
    const of = (value: (index: number) => unknown): unknown[] =>
      Array.from({ length: n }, (_, i) => value(i));
    const batch = table({
      same: ['string', of(() => 'x')],
      few: ['string', of((i) => ['a', 'b', null, ''][i % 4])],
      nothing: ['string', of(() => null)],
      no_number: ['double', of(() => null)],
      no_truth: ['boolean', of(() => null)],
      no_bytes: ['binary', of(() => null)],
      no_amount: ['decimal(20,2)', of(() => null)],
      days: ['date', of((i) => Math.floor(i / 100) - 20)],
    });
    for (const compression of COMPRESSIONS) {
      const { file, rows } = await write(batch.schema, [batch], compression);
      expect(rows).toBe(n);
      const found = (
        await connection.runAndReadAll(`SELECT * REPLACE (days - DATE '1970-01-01' AS days) FROM '${file}'`)
      ).getColumns();
      expect(found.map((column) => column.map((v) => (typeof v === 'bigint' ? Number(v) : v)))).toEqual(
        batch.columns as never,
      );
    }
  });

  test('strings of 1 MB', async () => {
    const values = ['a'.repeat(1_000_000), '👩‍🚀'.repeat(100_000), null, ''];
    const batch = table({ v: ['string', values] });
    const { file } = await write(batch.schema, [batch]);
    expect(await text(file, 'v')).toEqual(values);
  });

  test('2,000 columns', async () => {
    const columns = Array.from({ length: 2000 }, (_, i) => [`c${i}`, ['int64', [BigInt(i), null]]] as const);
    const batch = table(Object.fromEntries(columns));
    const { file } = await write(batch.schema, [batch]);
    const [first, second] = (await connection.runAndReadAll(`SELECT * FROM '${file}'`)).getRows();
    expect(first).toEqual(columns.map((_, i) => BigInt(i)));
    expect(second?.every((value) => value === null)).toBe(true);
  });

  test('zero rows keep the schema', async () => {
    const batch = table(Object.fromEntries(Object.keys(EXTREMES).map((type, i) => [`c${i}`, [type, []]])));
    const { file, rows } = await write(batch.schema, []);
    expect(rows).toBe(0);
    expect(await query(`SELECT count(*) AS n FROM '${file}'`)).toEqual([{ n: 0n }]);
    const described = await query(`DESCRIBE SELECT * FROM '${file}'`);
    expect(described.map(({ column_type }) => column_type)).toEqual(
      Object.values(EXTREMES).map(([duck]) => duck),
    );
  });
});

describe('parts', () => {
  test('row groups stay below 8 MB of values, however the batches are cut', async () => {
    const wide = table({ v: ['string', Array.from({ length: 40 }, (_, i) => String(i).repeat(500_000))] });
    const { file } = await write(wide.schema, [wide], 'none');
    const groups = await query(
      `SELECT row_group_id, row_group_num_rows, total_uncompressed_size AS size FROM parquet_metadata('${file}')`,
    );
    expect(groups.length).toBeGreaterThan(2);
    for (const { size } of groups) expect(Number(size)).toBeLessThan(8_100_000);
    expect(await query(`SELECT count(*) AS n, count(DISTINCT v) AS d FROM '${file}'`)).toEqual([
      { n: 40n, d: 40n },
    ]);
  });

  test('size, rows and SHA-256 are those of the file', async () => {
    const batch = table({ v: ['int64', Array.from({ length: 300_000 }, (_, i) => BigInt(i))] });
    const part = await write(batch.schema, [batch, batch]);
    const bytes = readFileSync(part.file);
    expect(part.rows).toBe(600_000);
    expect(part.sizeBytes).toBe(bytes.length);
    expect(part.sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  test('the size grows while rows are written', async () => {
    const batch = table({ v: ['int64', Array.from({ length: 122_880 }, (_, i) => BigInt(i * 7919))] });
    const writer = await openPart('parquet', join(folder, 'growing'), batch.schema, 'snappy');
    await writer.write(batch);
    const before = writer.sizeBytes;
    await writer.write(batch);
    expect(writer.sizeBytes).toBeGreaterThan(before + 100_000);
    await writer.abort();
    await writer.abort();
  });

  test('the same rows give the same bytes', async () => {
    const batch = table({ v: ['string', ['a', null, 'b']] });
    const [first, second] = [await write(batch.schema, [batch]), await write(batch.schema, [batch])];
    expect(first.sha256).toBe(second.sha256);
  });

  test('half a surrogate pair and a decimal beyond its precision are refused with row and column', async () => {
    const torn = table({ v: ['string', ['ok', '\ud83d']] });
    await expect(write(torn.schema, [torn])).rejects.toThrow('row 2, column "v"');
    const large = table({ v: ['decimal(4,2)', [9999n, 10000n]] });
    await expect(write(large.schema, [large])).rejects.toThrow('row 2, column "v"');
  });

  test('a file that exists is not overwritten', async () => {
    const batch = table({ v: ['string', ['a']] });
    const { file } = await write(batch.schema, [batch]);
    await expect(openPart('parquet', file, batch.schema, 'none')).rejects.toThrow('EEXIST');
  });
});
