import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { FileSourceSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { type DataType, formatType, parseType } from '../core/schema.ts';
import { statInput } from '../formats/input.ts';
import { NOT_TYPED_BY_ENGINE } from '../sources/engine-input.ts';
import { csvForEngine } from '../sources/file/csv-for-engine.ts';
import { dialectOf, openDelimited, readDelimited } from '../sources/file/delimited.ts';
import { inferText } from '../table/infer.ts';
import { openEngine } from './duckdb.ts';
import type { Engine } from './engine.ts';
import { landThroughEngine } from './lane.ts';
import { readParquetRows } from './parquet-rows.ts';
import { textCastSql } from './text-cast.ts';

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-lanes-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

interface Result {
  readonly types: readonly string[];
  readonly columns: readonly (readonly unknown[])[];
}

const request = { signal: new AbortController().signal };
const warn = (): void => undefined;

/** What each lane makes of one file; the row lane's refusal is its error. */
async function bothLanes(
  text: string,
  over: Partial<FileSourceSpec>,
): Promise<{ rows: Result | FoundryError; engine: Result | 'declined' }> {
  const folder = mkdtempSync(join(root, 'run-'));
  const path = join(folder, 'in.csv');
  writeFileSync(path, text);
  const spec: FileSourceSpec = {
    type: 'file',
    path,
    configFolder: folder,
    encoding: 'utf-8',
    quote: '"',
    hasHeader: true,
    nullValues: [],
    types: 'text',
    ...over,
  };
  try {
    const dialect = dialectOf(spec, 'csv');
    const opened = await openDelimited(spec, dialect, [await statInput(path)], request.signal, warn);
    const rows = await gather(readDelimited(spec, opened, request, warn)).catch((error: unknown) => {
      if (error instanceof FoundryError) return error;
      throw error;
    });
    const input = await csvForEngine(spec, opened, request, warn);
    if (input === undefined) return { rows, engine: 'declined' };
    const target = { spool: folder, compression: 'snappy', stem: (n: number) => `part-${n}` } as const;
    const landed = await landThroughEngine(engine, input, target);
    if (landed === 'declined') return { rows, engine: 'declined' };
    const types = landed.schema.fields.map(({ name, type }) => `${name} ${formatType(type)}`);
    if (landed.parts.length === 0) return { rows, engine: { types, columns: types.map(() => []) } };
    const files = landed.parts.map((part) => part.file);
    const { columns } = await gather(readParquetRows(engine, { format: 'parquet', files }));
    return { rows, engine: { types, columns } };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function gather(batches: ReturnType<typeof readDelimited>): Promise<Result> {
  let types: string[] = [];
  let columns: unknown[][] = [];
  for await (const batch of batches) {
    types = batch.schema.fields.map(({ name, type }) => `${name} ${formatType(type)}`);
    if (columns.length === 0) columns = types.map(() => []);
    for (const [index, column] of batch.columns.entries()) columns[index]?.push(...column);
  }
  return { types, columns };
}

const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
const date = fc
  .tuple(fc.integer({ min: 0, max: 10_000 }), two(13), two(32))
  .map(([year, month, day]) => `${String(year).padStart(4, '0')}-${month}-${day}`);
const soundDate = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true })
  .map((day) => day.toISOString().slice(0, 10));
const time = fc
  .tuple(two(23), two(59), fc.option(fc.tuple(two(60), fc.option(digits(8)))))
  .map(
    ([h, m, rest]) =>
      `${h}:${m}${rest === null ? '' : `:${rest[0]}${rest[1] === null ? '' : `.${rest[1]}`}`}`,
  );
const zone = fc.oneof(fc.constantFrom('Z', '', '+00', '-1200', '+05:30', '+24:00', '-00:30', '+0560'));
const stamp = fc
  .tuple(fc.oneof(date, soundDate), fc.constantFrom(' ', 'T'), time, zone)
  .map((parts) => parts.join(''));

/** Texts that one column may be made of; most are of one type, some nearly so. */
const FLAVOURS: readonly fc.Arbitrary<string>[] = [
  fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }).map(String),
  fc.integer({ min: -1000, max: 1000 }).map(String),
  fc.integer().map(String),
  fc.constantFrom('true', 'false', 'TRUE', 'False', 'tRuE', 't', '1', 'ſalse'),
  fc.constantFrom('true', 'false'),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }).map(String),
  fc.integer({ min: -99_999, max: 99_999 }).map((n) => (n / 100).toFixed(2)),
  fc.integer({ min: -99_999, max: 99_999 }).map((n) => String(n / 1000)),
  fc.tuple(fc.constantFrom('', '-', '+'), digits(40), digits(6)).map(([sign, a, b]) => `${sign}${a}.${b}`),
  fc.tuple(fc.constantFrom('', '-', '+'), digits(3), digits(2)).map(([sign, a, b]) => `${sign}${a}.${b}`),
  fc
    .tuple(digits(20), digits(20), fc.integer({ min: -400, max: 400 }))
    .map(([a, b, exponent]) => `${a}.${b}e${exponent}`),
  fc
    .tuple(fc.constantFrom('', '-'), digits(17), digits(17))
    .map(([sign, a, b]) => `${sign}${Number(a)}.${b}`),
  fc.constantFrom(
    '0',
    '-0',
    '007',
    '1.',
    '.5',
    '+1',
    '1e5',
    'NaN',
    'inf',
    '-Infinity',
    ' 1',
    '1_000',
    '0x1F',
    '1.0',
  ),
  date,
  soundDate,
  stamp,
  fc.tuple(soundDate, two(23), two(59)).map(([day, h, m]) => `${day}T${h}:${m}:00Z`),
  fc.tuple(soundDate, two(23), digits(6)).map(([day, h, f]) => `${day} ${h}:00:00.${f}`),
  time,
  fc.uuid(),
  fc.constantFrom(
    'infinity',
    'epoch',
    '2024-02-30',
    '2023-02-29',
    '2024-1-1',
    '2024-01-01 (BC)',
    '24:00',
    '24:00:00',
  ),
  fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', ' ', 'é', '👩‍🚀', '1'), maxLength: 5 }),
];
const flavour = fc.constantFrom(...FLAVOURS.keys());
const TYPES = [
  'int64',
  'int32',
  'boolean',
  'double',
  'decimal(5,2)',
  'decimal(2,2)',
  'decimal(38,6)',
  'decimal(38,0)',
  'date',
  'time',
  'timestamp',
  'timestamptz',
  'uuid',
  'string',
];
/** Types that a flavour has a chance of being. */
const table = fc
  .array(
    flavour.chain((index) =>
      fc.record({
        type: fc.constantFrom(...TYPES),
        cells: fc.array(
          fc.oneof(
            { weight: 30, arbitrary: FLAVOURS[index] as fc.Arbitrary<string> },
            { weight: 2, arbitrary: fc.constantFrom('', 'NA') },
          ),
          { minLength: 0, maxLength: 6 },
        ),
        odd: fc.option(
          fc.constantFrom(...FLAVOURS.keys()).chain((i) => FLAVOURS[i] as fc.Arbitrary<string>),
          {
            freq: 20,
          },
        ),
      }),
    ),
    { minLength: 2, maxLength: 4 },
  )
  .map((columns) => {
    const height = Math.max(...columns.map(({ cells }) => cells.length));
    return columns.map(({ type, cells, odd }, index) => ({
      name: `c${index}`,
      type,
      cells: Array.from({ length: height }, (_, row) =>
        row === 0 && odd !== null ? odd : (cells[row] ?? ''),
      ),
    }));
  });
const spelling = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|'),
  newline: fc.constantFrom('\n', '\r\n'),
  quoteAll: fc.boolean(),
  bom: fc.boolean(),
});

type Columns = readonly { readonly name: string; readonly type: string; readonly cells: readonly string[] }[];

function spell(
  columns: Columns,
  how: { delimiter: string; newline: string; quoteAll: boolean; bom: boolean },
) {
  const cell = (text: string): string =>
    how.quoteAll || /[",;|\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const height = columns[0]?.cells.length ?? 0;
  const records = [
    columns.map(({ name }) => name),
    ...Array.from({ length: height }, (_, row) => columns.map(({ cells }) => cells[row] ?? '')),
  ];
  return `${how.bom ? '\ufeff' : ''}${records.map((cells) => cells.map(cell).join(how.delimiter) + how.newline).join('')}`;
}

/** How often the engine took the file; a suite in which it always declines proves nothing. */
async function compare(
  types: (columns: Columns) => FileSourceSpec['types'],
  runs: number,
): Promise<{ taken: number }> {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(table, spelling, async (columns, how) => {
      const over = { delimiter: how.delimiter, nullValues: ['NA'], types: types(columns) };
      const found = await bothLanes(spell(columns, how), over);
      if (found.engine === 'declined') return;
      taken += 1;
      expect(found.engine).toEqual(found.rows as Result);
    }),
    { numRuns: runs },
  );
  return { taken };
}

test('both lanes give the same text', async () => {
  expect((await compare(() => 'text', 150)).taken).toBeGreaterThan(60);
}, 60_000);

test('both lanes infer the same types and give the same values, or the engine declines', async () => {
  expect((await compare(() => 'infer', 150)).taken).toBeGreaterThan(40);
}, 60_000);

test('both lanes give the same values of declared types, or the engine declines', async () => {
  const fitting = (cells: readonly string[]): DataType => {
    const inference = inferText();
    for (const cell of cells) if (cell !== '' && cell !== 'NA') inference.add(cell);
    return inference.type();
  };
  const declared = (columns: Columns): Record<string, DataType> =>
    Object.fromEntries(
      columns.map(({ name, type, cells }) => [
        name,
        // Types at random seldom fit; most columns get one that does, so that the engine has something to take.
        TYPES.indexOf(type) < 11 ? fitting(cells) : (parseType(type) as DataType),
      ]),
    );
  expect((await compare(declared, 300)).taken).toBeGreaterThan(40);
}, 60_000);

test('a value is valid for both lanes, and the same, or valid for none', async () => {
  const FIT: readonly (readonly [string, readonly string[]])[] = [
    ['int64', ['0', '-1', '9223372036854775807', '-9223372036854775808']],
    ['int32', ['0', '-2147483648', '2147483647']],
    ['boolean', ['true', 'FALSE', 'tRuE']],
    [
      'double',
      ['1', '1.', '.5', '+1.5', '-0', '1e5', '1E-5', '5e-324', '0.1', '123456789012345678901234567890'],
    ],
    [
      'decimal(5,2)',
      ['1', '-0', '+1.5', '007.50', '999.99', '0.10000', '000000000000000000000000000000000001.2'],
    ],
    ['decimal(2,2)', ['0.99', '-0.01', '00.5', '0']],
    ['decimal(38,0)', ['99999999999999999999999999999999999999', '-1.000']],
    ['date', ['0001-01-01', '9999-12-31', '2024-02-29']],
    ['time', ['00:00', '23:59:59', '12:00:00.5', '12:00:00.1234560']],
    ['timestamp', ['2024-01-01 00:00', '0001-01-01T23:59:59.999999', '2024-02-29T12:00:00.100000000']],
    [
      'timestamptz',
      ['2024-01-01T00:00Z', '2024-01-01 00:00:00.5+05:30', '0001-01-01T00:00:00+2359', '2024-01-01T00:00-01'],
    ],
    ['uuid', ['EBB90252-3060-4c77-8f07-7fd95944e90f']],
  ];
  for (const [type, texts] of FIT) {
    const file = `a,b\n${texts.map((text) => `${text},x\n`).join('')}`;
    const found = await bothLanes(file, { types: { a: parseType(type) as DataType } });
    expect(found.engine).not.toBe('declined');
    expect(found.engine).toEqual(found.rows as Result);
  }
  const MISFITS: readonly (readonly [string, readonly string[]])[] = [
    ['int64', ['9223372036854775808', '1e3', '007', '+1', ' 1', '1.0', '-0', '1_000', '0x1F']],
    ['int32', ['2147483648', '-2147483649']],
    ['boolean', ['t', '1', 'yes', 'falſe']],
    ['double', ['1e400', 'x', ' 1', '1_0', '1e', '0x1F']],
    ['decimal(5,2)', ['1000', '0.001', '1e2', '1.', '.5', ' 1']],
    ['decimal(2,2)', ['1', '1.0', '0.999']],
    [
      'date',
      [
        '0000-01-01',
        '2024-02-30',
        '2024-1-1',
        '10000-01-01',
        'infinity',
        '2024-01-01 ',
        'epoch',
        '2024/01/01',
      ],
    ],
    ['time', ['24:00', '24:00:00', '12:60', '12:00:60', '12:00:00.1234567', '1:00']],
    [
      'timestamp',
      [
        '2024-01-01',
        '2024-01-01T00:00Z',
        '2024-01-01T00:00:00.1234567',
        '2024-01-01T24:00',
        '0000-01-01T00:00',
      ],
    ],
    [
      'timestamptz',
      [
        '2024-01-01T00:00',
        '2024-01-01T00:00+24:00',
        '2024-01-01T00:00+00:60',
        '2024-01-01T00:00 Z',
        '2024-01-01T00:00z',
      ],
    ],
    ['uuid', ['ebb90252-3060-4c77-8f07-7fd95944e90', '{ebb90252-3060-4c77-8f07-7fd95944e90f}']],
  ];
  for (const [type, texts] of MISFITS) {
    for (const text of texts) {
      const found = await bothLanes(`a,b\n"${text}",x\n`, { types: { a: parseType(type) as DataType } });
      expect([type, text, found.rows instanceof FoundryError, found.engine]).toEqual([
        type,
        text,
        true,
        'declined',
      ]);
    }
  }
}, 60_000);

test('doubles of any digits are the same in both lanes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.oneof(
          fc
            .tuple(digits(25), digits(25), fc.integer({ min: -330, max: 310 }))
            .map(([a, b, e]) => `${a}.${b}e${e}`),
          fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
          fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value.toPrecision(21)),
          fc.integer({ min: 1, max: 2 ** 31 }).map((n) => String((2 ** 53 + n) / 1024 + 2 ** -12)),
        ),
        { minLength: 200, maxLength: 200 },
      ),
      async (texts) => {
        const file = `a,b\n${texts.map((text) => `${text},x\n`).join('')}`;
        const found = await bothLanes(file, { types: { a: { kind: 'double' } } });
        if (found.engine !== 'declined') expect(found.engine).toEqual(found.rows as Result);
      },
    ),
    { numRuns: 30 },
  );
}, 60_000);

test('the types that sources keep from the engine are those that it cannot cast', () => {
  for (const name of [...TYPES, 'json', 'binary']) {
    const type = parseType(name) as DataType;
    expect([name, textCastSql(type, 'x') === undefined]).toEqual([name, NOT_TYPED_BY_ENGINE.has(type.kind)]);
  }
});
