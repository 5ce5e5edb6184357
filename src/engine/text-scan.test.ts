import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import type { DataType } from '../core/schema.ts';
import { textCast } from '../table/cast.ts';
import { formatDecimal } from '../table/format.ts';
import { textScanSql } from './text-scan.ts';

let folder: string;
let instance: DuckDBInstance;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'foundry-text-scan-'));
  instance = await DuckDBInstance.create(':memory:');
});

afterAll(() => {
  instance.closeSync();
  rmSync(folder, { recursive: true });
});

/** What the engine reads of the texts as an exact column; undefined where it refuses. */
async function scanned(
  type: DataType,
  texts: readonly string[],
): Promise<readonly (string | null)[] | undefined> {
  const file = join(folder, 'cells.csv');
  writeFileSync(file, texts.map((text) => `${text},x\n`).join(''));
  const other = { name: 'other', type: { kind: 'string' }, form: 'plain', exact: true } as const;
  const sql = textScanSql([{ name: 'cell', type, form: 'plain', exact: true }, other], file);
  const connection = await instance.connect();
  try {
    await connection.run("SET TimeZone = 'UTC'");
    const found = await connection.runAndReadAll(`SELECT cell::VARCHAR FROM (${sql})`);
    return found.getRowsJS().map((row) => row[0] as string | null);
  } catch {
    return undefined;
  } finally {
    connection.closeSync();
  }
}

const DECIMALS = fc
  .record({ precision: fc.integer({ min: 1, max: 38 }), scale: fc.integer({ min: 0, max: 38 }) })
  .filter(({ precision, scale }) => scale <= precision);

test('decimals of every width are the values that the row lane makes of their text', async () => {
  await fc.assert(
    fc.asyncProperty(
      DECIMALS.chain((type) =>
        fc.tuple(
          fc.constant(type),
          fc.array(
            fc.bigInt({
              min: -(10n ** BigInt(type.precision)) + 1n,
              max: 10n ** BigInt(type.precision) - 1n,
            }),
            { minLength: 1, maxLength: 5 },
          ),
        ),
      ),
      async ([{ precision, scale }, values]) => {
        const type = { kind: 'decimal', precision, scale } as const;
        const texts = values.map((value) => formatDecimal(value, scale));
        const found = await scanned(type, texts);
        // DuckDB leaves out the zero before the point where a decimal has no whole digits.
        expect(found?.map((text) => textCast(type)(text?.replace(/^(-?)\./, '$10.') ?? ''))).toEqual([
          ...values,
        ]);
      },
    ),
    { numRuns: 150 },
  );
});

test.each<[DataType, string]>([
  [{ kind: 'timestamp', unit: 'micros', utc: true }, '0000-00-00 00:00:00Z'],
  [{ kind: 'timestamp', unit: 'micros', utc: true }, 'abc'],
  [{ kind: 'timestamp', unit: 'micros', utc: false }, '2024-13-01 00:00:00'],
  [{ kind: 'timestamp', unit: 'micros', utc: true }, 'infinity'],
  [{ kind: 'date' }, '0000-00-00'],
  [{ kind: 'time' }, '838:59:59'],
  [{ kind: 'decimal', precision: 30, scale: 2 }, 'NaN'],
  [{ kind: 'decimal', precision: 30, scale: 2 }, '99999999999999999999999999999.00'],
  [{ kind: 'int32' }, '2147483648'],
])('%j refuses %s, and does not make NULL of it', async (type, text) => {
  expect(await scanned(type, [text])).toBeUndefined();
});
