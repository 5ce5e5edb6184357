import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { openPart } from '../formats/open-part.ts';
import type { EngineCsvInput } from '../sources/engine-input.ts';
import { cutRanges } from './cut.ts';
import { openEngine } from './duckdb.ts';
import type { Engine } from './engine.ts';
import { landThroughEngine } from './lane.ts';
import { literal, literalList } from './sql.ts';
import type { Landed } from './staged.ts';

let root: string;
let engine: Engine;
let runs = 0;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-lane-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

function write(name: string, text: string): string {
  const file = join(root, name);
  writeFileSync(file, text);
  return file;
}

async function land(text: string, over: Partial<EngineCsvInput>, limits = {}): Promise<Landed | 'declined'> {
  runs += 1;
  const input: EngineCsvInput = {
    format: 'csv',
    files: [write(`in${runs}.csv`, text)],
    delimiter: ',',
    quote: '"',
    hasHeader: true,
    names: ['a', 'b'],
    nullValues: [],
    types: 'text',
    rows: 0,
    longestRecordBytes: 100,
    ...over,
  };
  const spool = mkdtempSync(join(root, 'spool-'));
  const landed = await landThroughEngine(engine, input, {
    spool,
    compression: 'snappy',
    stem: (n) => `full-part-${String(n).padStart(4, '0')}`,
    ...limits,
  });
  expect(readdirSync(spool).length).toBe(landed === 'declined' ? 0 : landed.parts.length);
  return landed;
}

async function valuesOf(landed: Landed | 'declined'): Promise<unknown[][]> {
  if (landed === 'declined') throw new Error('declined');
  if (landed.parts.length === 0) return [];
  const rows = await engine.query(
    `SELECT * FROM read_parquet(${literalList(landed.parts.map((part) => part.file))})`,
  );
  return rows.map((row) => Object.values(row));
}

describe('the engine lane for CSV', () => {
  test('keeps cells as text, byte for byte, with empty cells and null_values as NULL', async () => {
    const landed = await land('a,b\n007, x \n"l\r\n1","q""t"\n,NA\n"",é😀\n', {
      rows: 4,
      nullValues: ['NA'],
    });
    expect(await valuesOf(landed)).toEqual([
      ['007', ' x '],
      ['l\r\n1', 'q"t'],
      [null, null],
      [null, 'é😀'],
    ]);
  });

  test('declines when it finds another number of records, and leaves nothing behind', async () => {
    expect(await land('a,b\n1,2\n', { rows: 2 })).toBe('declined');
  });

  test('declines what it cannot parse strictly', async () => {
    expect(await land('a,b\n1,2\n3\n', { rows: 2 })).toBe('declined');
    expect(await land('a,b\n1,"2\n', { rows: 1 })).toBe('declined');
    expect(await land('a,b\n1,2\r\n3,4\n5,6\r\n', { rows: 3 })).toBe('declined');
  });

  test('declines columns that differ in case only', async () => {
    expect(await land('a,A\n1,2\n', { rows: 1, names: ['a', 'A'] })).toBe('declined');
  });

  test('projects, adds absent columns as NULL, and stops at limitRows', async () => {
    const landed = await land('a,b\n1,2\n3,4\n', { rows: 2, columns: ['b', 'z'], limitRows: 1 });
    expect(await valuesOf(landed)).toEqual([['2', null]]);
  });

  test('zero rows give zero parts and a schema', async () => {
    const landed = await land('a,b\n', { rows: 0 });
    expect(landed === 'declined' ? [] : landed.schema.fields.map((field) => field.name)).toEqual(['a', 'b']);
  });

  test('cuts parts of exactly max_rows_per_file rows, in file order', async () => {
    const rows = Array.from({ length: 5000 }, (_, i) => `${i},v${i}`);
    const landed = await land(`a,b\n${rows.join('\n')}\n`, { rows: 5000 }, { maxRowsPerFile: 1500 });
    if (landed === 'declined') throw new Error('declined');
    expect(landed.parts.map((part) => part.rows)).toEqual([1500, 1500, 1500, 500]);
    expect((await valuesOf(landed)).map((row) => row.join(','))).toEqual(rows);
  });

  test('cuts by the real size of the files', async () => {
    const rows = Array.from({ length: 60_000 }, (_, i) => `${i},${(i * 2654435761) % 2 ** 32}`);
    const landed = await land(`a,b\n${rows.join('\n')}\n`, { rows: 60_000 }, { maxFileSizeBytes: 200_000 });
    if (landed === 'declined') throw new Error('declined');
    expect(landed.parts.length).toBeGreaterThan(2);
    for (const part of landed.parts) expect(part.sizeBytes).toBeLessThan(220_000);
    expect(landed.parts.reduce((sum, part) => sum + part.rows, 0)).toBe(60_000);
  });

  test('reads back every regular text that a writer can produce', async () => {
    const cell = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !text.includes('\0')),
      fc.constantFrom('', '"', 'a,b', 'l\nm', "it's", '\\', '007', 'NULL', '\ttab', ' pad '),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell, cell), { maxLength: 20 }), async (rows) => {
        const text = [['x', 'y y', 'z"'], ...rows]
          .map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(';'))
          .join('\n');
        const landed = await land(`${text}\n`, {
          names: ['x', 'y y', 'z"'],
          delimiter: ';',
          rows: rows.length,
        });
        expect(await valuesOf(landed)).toEqual(rows.map((row) => row.map((value) => value || null)));
      }),
      { numRuns: 40 },
    );
  });
});

describe('the engine lane for Parquet', () => {
  async function parquet(select: string): Promise<string> {
    runs += 1;
    const file = join(root, `in${runs}.parquet`);
    await engine.execute(`COPY (${select}) TO ${literal(file)} (FORMAT parquet)`);
    return file;
  }
  const target = () => ({
    spool: mkdtempSync(join(root, 'spool-')),
    compression: 'zstd' as const,
    stem: (n: number) => `p${n}`,
  });

  test('keeps every flat type exactly and names it', async () => {
    const file =
      await parquet(`SELECT 9223372036854775807 AS i, 18446744073709551615::UBIGINT AS u, 1::TINYINT AS t,
      1.5::FLOAT AS f, 'e'::ENUM('e') AS e, '00000000-0000-0000-0000-00000000000a'::UUID AS id,
      12345678901234567890123456.0123456789::DECIMAL(38,10) AS d, TIMESTAMPTZ '2025-01-01 00:00:00.000001+00' AS z,
      '\\xAA'::BLOB AS b, TIMESTAMP_S '1960-01-01 00:00:00' AS s`);
    const landed = await landThroughEngine(engine, { format: 'parquet', files: [file] }, target());
    if (landed === 'declined') throw new Error('declined');
    expect(landed.schema.fields.map((field) => field.type.kind)).toEqual([
      'int64',
      'decimal',
      'int32',
      'double',
      'string',
      'uuid',
      'decimal',
      'timestamp',
      'binary',
      'timestamp',
    ]);
    const [row] = await engine.query(
      `SELECT i::VARCHAR i, u::VARCHAR u, d::VARCHAR d, epoch_us(z)::VARCHAR z, s::VARCHAR s, typeof(id) id FROM ${literal(landed.parts[0]!.file)}`.replace(
        /FROM ('.*')$/,
        'FROM read_parquet($1)',
      ),
    );
    expect(row).toEqual({
      i: '9223372036854775807',
      u: '18446744073709551615',
      d: '12345678901234567890123456.0123456789',
      z: '1735689600000001',
      s: '1960-01-01 00:00:00',
      id: 'VARCHAR',
    });
  });

  test('refuses a column that neither Parquet types nor JSON text keep, by name', async () => {
    const file = await parquet('SELECT 1 AS a, MAP {[1, 2]: 3} AS tags');
    await expect(landThroughEngine(engine, { format: 'parquet', files: [file] }, target())).rejects.toThrow(
      /"tags"/,
    );
  });

  test('refuses decimals of more than 38 digits, nested ones too, which the engine would read as doubles', async () => {
    for (const value of ['1.50::DECIMAL(38,2)', '[1.50::DECIMAL(38,2)]']) {
      const file = await parquet(`SELECT ${value} AS price, 1 AS a`);
      const wider = readFileSync(file, 'latin1').replaceAll('\x15\x04\x15\x4c', '\x15\x04\x15\x50');
      writeFileSync(file, wider, 'latin1');
      await expect(landThroughEngine(engine, { format: 'parquet', files: [file] }, target())).rejects.toThrow(
        /"price" has decimals of 40 digits/,
      );
      const others = await landThroughEngine(
        engine,
        { format: 'parquet', files: [file], columns: ['a'] },
        target(),
      );
      expect(await valuesOf(others)).toEqual([[1]]);
    }
  });

  test('refuses a column without a name, which the engine would give one', async () => {
    const fields = [{ name: '', type: { kind: 'int32' } as const }];
    const file = join(root, 'no-name.parquet');
    const writer = await openPart('parquet', file, { fields }, 'none');
    await writer.write({ schema: { fields }, columns: [[1]], length: 1 });
    await writer.close();
    await expect(landThroughEngine(engine, { format: 'parquet', files: [file] }, target())).rejects.toThrow(
      /has no name/,
    );
  });

  test('refuses nanoseconds that microseconds cannot hold, naming row and value', async () => {
    const file = await parquet(
      `SELECT unnest([TIMESTAMP_NS '2025-01-01 00:00:00.000001', TIMESTAMP_NS '2025-01-01 00:00:00.000000001']) AS ts`,
    );
    await expect(landThroughEngine(engine, { format: 'parquet', files: [file] }, target())).rejects.toThrow(
      /row 2 of column "ts" holds 2025-01-01 00:00:00.000000001/,
    );
  });

  test('unites files by column name', async () => {
    const files = [
      await parquet("SELECT 1 AS a, 'x' AS b"),
      await parquet("SELECT 'y' AS b, 2::BIGINT AS a"),
    ];
    const landed = await landThroughEngine(engine, { format: 'parquet', files }, target());
    expect(await valuesOf(landed)).toEqual([
      [1n, 'x'],
      [2n, 'y'],
    ]);
  });

  test('refuses a value that the common type of files of several types would change', async () => {
    const land = async (...values: readonly string[]) => {
      const files = await Promise.all(values.map((value) => parquet(`SELECT ${value} AS v`)));
      return landThroughEngine(engine, { format: 'parquet', files }, target());
    };
    for (const [value, other] of [
      ['9007199254740993', '0.5::DOUBLE'],
      ['16777217::INTEGER', '0.5::FLOAT'],
      ['0.1::DECIMAL(3,1)', '0.5::FLOAT'],
      ['0.12345678901234567890::DECIMAL(38,20)', '0.5::DOUBLE'],
      ['0.5::DECIMAL(10,5)', '1::DECIMAL(38,0)'],
    ] as const) {
      await expect(land(other, value)).rejects.toThrow(
        /\.parquet: column "v" holds .* \(.*\), which the type of all files together, .*, does not keep exactly/,
      );
    }
    // A member of the same name has a type of its own.
    const struct = "{'v': 'x'} AS s, ";
    expect(await valuesOf(await land(`${struct}7`, `${struct}0.5::DOUBLE`))).toEqual([
      ['{"v":"x"}', 7],
      ['{"v":"x"}', 0.5],
    ]);
    expect(await valuesOf(await land('9007199254740992', '0.5::DOUBLE', "'nan'::DOUBLE"))).toEqual([
      [9007199254740992],
      [0.5],
      [Number.NaN],
    ]);
  });
});

test('cut ranges cover every row once and respect the row limit', () => {
  const group = fc.record({
    rows: fc.integer({ min: 0, max: 50 }),
    compressedBytes: fc.integer({ min: 0, max: 1000 }),
  });
  fc.assert(
    fc.property(
      fc.array(group),
      fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
      fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
      (groups, maxRowsPerFile, maxFileSizeBytes) => {
        const ranges = cutRanges(groups, {
          ...(maxRowsPerFile === undefined ? {} : { maxRowsPerFile }),
          ...(maxFileSizeBytes === undefined ? {} : { maxFileSizeBytes }),
        });
        const total = groups.reduce((sum, { rows }) => sum + rows, 0);
        let next = 0;
        for (const { from, to } of ranges) {
          expect(from).toBe(next);
          expect(to).toBeGreaterThan(from);
          expect(to - from).toBeLessThanOrEqual(maxRowsPerFile ?? total);
          next = to;
        }
        expect(next).toBe(total);
      },
    ),
  );
});
