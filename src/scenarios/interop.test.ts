import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  doubleBits,
  duckdb,
  identifier,
  PYTHON,
  parquetRows,
  python,
  quote,
  readWithDuckdb,
  readWithPyarrow,
  type Table,
} from './readers.ts';
import { classic, DATE, expectExit, openWorkspace, type Workspace } from './support.ts';

/** One value of each kind at its limits; `text` is how CSV and JSON spell it, `value` what readers must find. */
type Cell = readonly [text: string, value: string] | null;
interface Kind {
  readonly name: string;
  readonly type: string;
  readonly cells: readonly Cell[];
}

const micros = (text: string): string => {
  const [whole = '', fraction = ''] = text.replace('Z', '').split('.');
  return String(BigInt(Date.parse(`${whole}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0')));
};
const days = (text: string): string => String(Date.parse(text) / 86_400_000);
const stamp = (text: string): Cell => [text, micros(text)];
const day = (text: string): Cell => [text, days(text)];
const same = (text: string): Cell => [text, text];
const double = (text: string, value = Number(text)): Cell => [text, doubleBits(value)];
const MEGABYTE = 'Zeichen🙂'.repeat(95_000);

const KINDS: readonly Kind[] = [
  { name: 'n', type: 'int32', cells: [same('0'), same('1'), same('2'), same('3'), same('4'), same('5')] },
  {
    name: 'i64',
    type: 'int64',
    cells: [
      same('9223372036854775807'),
      same('-9223372036854775808'),
      same('9007199254740993'),
      same('0'),
      null,
      same('-1'),
    ],
  },
  {
    name: 'i32',
    type: 'int32',
    cells: [same('2147483647'), same('-2147483648'), null, same('0'), same('1'), same('-1')],
  },
  {
    name: 'dec',
    type: 'decimal(38,10)',
    cells: [
      same('9999999999999999999999999999.9999999999'),
      same('-9999999999999999999999999999.9999999999'),
      same('0.0000000001'),
      same('0.0000000000'),
      null,
      ['12.5', '12.5000000000'],
    ],
  },
  {
    name: 'ts',
    type: 'timestamp',
    cells: [
      stamp('2025-01-05T10:11:12.123456'),
      stamp('1969-12-31T23:59:59.999999'),
      stamp('0001-01-01T00:00:00.000000'),
      stamp('9999-12-31T23:59:59.999999'),
      null,
      ['2025-03-30 02:30:00', micros('2025-03-30T02:30:00')],
    ],
  },
  {
    name: 'tz',
    type: 'timestamptz',
    cells: [
      stamp('2025-01-05T10:11:12.123456Z'),
      ['2025-01-05T10:11:12.123456+05:30', micros('2025-01-05T04:41:12.123456')],
      ['1969-12-31T23:59:59.999999-00:01', micros('1970-01-01T00:00:59.999999')],
      stamp('9999-12-31T23:59:59.999999Z'),
      null,
      stamp('1900-01-01T00:00:00.000001Z'),
    ],
  },
  {
    name: 'd',
    type: 'date',
    cells: [
      day('1969-12-31'),
      day('1582-10-14'),
      day('0001-01-01'),
      day('9999-12-31'),
      null,
      day('2024-02-29'),
    ],
  },
  {
    name: 't',
    type: 'time',
    cells: [
      ['00:00:00', '0'],
      ['23:59:59.999999', '86399999999'],
      ['12:30', '45000000000'],
      null,
      ['00:00:00.000001', '1'],
      ['01:02:03', '3723000000'],
    ],
  },
  {
    name: 'f',
    type: 'double',
    cells: [
      double('NaN'),
      double('Infinity'),
      double('-Infinity'),
      double('5e-324'),
      double('1.7976931348623157e308'),
      double('-0.0'),
    ],
  },
  {
    name: 'b',
    type: 'boolean',
    cells: [same('true'), same('false'), null, same('true'), same('false'), null],
  },
  {
    name: 'bin',
    type: 'binary',
    cells: [
      ['AP+AfwA=', '00ff807f00'],
      null,
      ['AA==', '00'],
      ['Zm91bmRyeQ==', '666f756e647279'],
      null,
      ['/w==', 'ff'],
    ],
  },
  {
    name: 's',
    type: 'string',
    cells: [
      same('with "quotes", commas\nand a line end'),
      same(MEGABYTE),
      same('👩‍👩‍👧‍👦 Zoë Ωмега 漢字'),
      null,
      same(' padded '),
      same('NULL'),
    ],
  },
];

const COUNT = 6;
const EXPECTED: Table = {
  types: Object.fromEntries(KINDS.map(({ name, type }) => [name, type])),
  rows: Array.from({ length: COUNT }, (_, i) =>
    Object.fromEntries(KINDS.map(({ name, cells }) => [name, cells[i]?.[1] ?? null])),
  ),
};
/** The same cells as the text that they are without types, often enough for the engine to be worth its start. */
const REPEATS = 4;
const EXPECTED_TEXT: Table = {
  types: Object.fromEntries(KINDS.map(({ name }) => [name, 'string'])),
  rows: Array.from({ length: REPEATS * COUNT }, (_, i) =>
    Object.fromEntries(KINDS.map(({ name, cells }) => [name, cells[i % COUNT]?.[0] ?? null])),
  ),
};
const expectedOf = (landing: string): Table => (landing.startsWith('csv_text') ? EXPECTED_TEXT : EXPECTED);
const TYPES = Object.fromEntries(KINDS.map(({ name, type }) => [name, type]));

function asCsv(repeats = 1): string {
  const quotedCell = (cell: Cell | undefined): string =>
    cell == null ? '' : `"${cell[0].replaceAll('"', '""')}"`;
  const rows = Array.from({ length: COUNT * repeats }, (_, i) =>
    KINDS.map(({ cells }) => quotedCell(cells[i % COUNT])).join(','),
  );
  return `${KINDS.map(({ name }) => name).join(',')}\n${rows.join('\n')}\n`;
}

/** Integers and booleans as JSON's own, everything else as text. */
function asJsonl(): string {
  return Array.from({ length: COUNT }, (_, i) => {
    const members = KINDS.map(({ name, type, cells }) => {
      const text = cells[i]?.[0];
      const bare = type.startsWith('int') || type === 'boolean';
      return `${JSON.stringify(name)}:${text === undefined ? 'null' : bare ? text : JSON.stringify(text)}`;
    });
    return `{${members.join(',')}}\n`;
  }).join('');
}

async function makeParquet(w: Workspace): Promise<void> {
  await w.put('typed.csv', asCsv());
  const sql: Readonly<Record<string, string>> = {
    int32: 'INTEGER',
    int64: 'BIGINT',
    'decimal(38,10)': 'DECIMAL(38,10)',
    timestamp: 'TIMESTAMP',
    timestamptz: 'TIMESTAMPTZ',
    date: 'DATE',
    time: 'TIME',
    double: 'DOUBLE',
    boolean: 'BOOLEAN',
    string: 'VARCHAR',
  };
  const columns = KINDS.map(({ name, type }) =>
    type === 'binary'
      ? `from_base64(${identifier(name)}) AS ${identifier(name)}`
      : `${identifier(name)}::${sql[type]} AS ${identifier(name)}`,
  );
  await duckdb(
    `COPY (SELECT ${columns} FROM read_csv(${quote(w.path('typed.csv'))}, all_varchar=true, header=true, delim=',', quote='"',
      escape='"', max_line_size=4000000, nullstr='')) TO ${quote(w.path('typed.parquet'))}`,
  );
}

interface Landing {
  readonly name: string;
  readonly file: object;
  /** Absent where either may be taken. */
  readonly lane?: 'engine' | 'rows';
  readonly compression: string;
  readonly csv: boolean;
}

const LANDINGS: readonly Landing[] = [
  { name: 'csv_text', file: { path: 'text.csv' }, lane: 'engine', compression: 'zstd', csv: false },
  { name: 'csv_text_rows', file: { path: 'text.csv' }, lane: 'rows', compression: 'snappy', csv: true },
  { name: 'csv_typed', file: { path: 'typed.csv', types: TYPES }, compression: 'snappy', csv: false },
  {
    name: 'csv_rows',
    file: { path: 'typed.csv', types: TYPES },
    lane: 'rows',
    compression: 'zstd',
    csv: true,
  },
  {
    name: 'jsonl_rows',
    file: { path: 'typed.jsonl', types: TYPES },
    lane: 'rows',
    compression: 'gzip',
    csv: false,
  },
  {
    name: 'jsonl_none',
    file: { path: 'typed.jsonl', types: TYPES },
    lane: 'rows',
    compression: 'none',
    csv: false,
  },
  {
    name: 'jsonl_snappy',
    file: { path: 'typed.jsonl', types: TYPES },
    lane: 'rows',
    compression: 'snappy',
    csv: false,
  },
  {
    name: 'parquet_engine',
    file: { path: 'typed.parquet' },
    lane: 'engine',
    compression: 'zstd',
    csv: false,
  },
  { name: 'parquet_gzip', file: { path: 'typed.parquet' }, lane: 'engine', compression: 'gzip', csv: false },
  { name: 'parquet_none', file: { path: 'typed.parquet' }, lane: 'engine', compression: 'none', csv: false },
  { name: 'parquet_rows', file: { path: 'typed.parquet' }, lane: 'rows', compression: 'snappy', csv: true },
];

const bronzeOf = (table: string): string => `output/system=s/table=${table}/pattern=full/dt=${DATE}`;
const silverOf = (table: string): string => `silver_output/domain=s/entity=${table}/v1/load_date=${DATE}`;

async function fileOf(w: Workspace, partition: string, format: 'parquet' | 'csv'): Promise<string> {
  const manifest = await w.read(`${partition}/_metadata.json`);
  const files = manifest.files.filter((file: { format: string }) => file.format === format);
  expect(files).toHaveLength(1);
  return w.path(partition, files[0].path);
}

/** Long texts shortened to their length and hash, so that a difference can be read. */
function short(table: Table): Table {
  const cell = (text: string | null): string | null =>
    text !== null && text.length > 200 ? `${text.length} characters, ${Bun.hash(text)}` : text;
  return {
    types: table.types,
    rows: table.rows.map((row) =>
      Object.fromEntries(Object.entries(row).map(([name, text]) => [name, cell(text)])),
    ),
  };
}

describe('every kind of value at its limits', () => {
  let w: Workspace;
  const lanes: Record<string, string> = {};
  beforeAll(async () => {
    w = await openWorkspace();
    await makeParquet(w);
    await w.put('typed.jsonl', asJsonl());
    await w.put('text.csv', asCsv(REPEATS));
    for (const { name, file, compression, csv } of LANDINGS) {
      const formats = { write_csv: csv, parquet_compression: compression };
      await w.put(
        `${name}.yaml`,
        classic({
          source: { table: name },
          file: { ...file },
          run: formats,
          silver: { model: 'periodic_snapshot', ...formats },
        }),
      );
    }
    const configs = LANDINGS.map(({ name }) => `${name}.yaml`).join(',');
    const { document } = await w.json(0, 'run-intent', '--config', configs, '--date', DATE);
    for (const report of document.reports) {
      if (report.layer === 'bronze') lanes[report.dataset.replace('s.', '')] = report.lane;
    }
  });
  afterAll(() => w.remove());

  test('each landing took the lane that it is here to prove', () => {
    expect(lanes).toMatchObject(
      Object.fromEntries(LANDINGS.flatMap(({ name, lane }) => (lane === undefined ? [] : [[name, lane]]))),
    );
  });

  for (const { name, compression, csv } of LANDINGS) {
    test(`DuckDB reads ${name} back from Bronze and Silver with equal types and values`, async () => {
      for (const partition of [bronzeOf(name), silverOf(name)]) {
        const file = await fileOf(w, partition, 'parquet');
        const found = await readWithDuckdb(`read_parquet(${quote(file)}, hive_partitioning=false)`);
        expect(short(found)).toEqual(short(expectedOf(name)));
        const codecs = await duckdb(
          `SELECT DISTINCT compression AS codec FROM parquet_metadata(${quote(file)})`,
        );
        expect(codecs).toEqual([
          { codec: compression === 'none' ? 'UNCOMPRESSED' : compression.toUpperCase() },
        ]);
      }
    });

    if (csv) {
      test(`the CSV of ${name} holds the same values, for DuckDB as text and for foundry with the same types`, async () => {
        const expected = expectedOf(name);
        for (const [layer, partition] of [
          ['bronze', bronzeOf(name)],
          ['silver', silverOf(name)],
        ] as const) {
          const path = await fileOf(w, partition, 'csv');
          const rows = await duckdb(
            `SELECT * FROM read_csv(${quote(path)}, all_varchar=true, header=true, allow_quoted_nulls=false, max_line_size=4000000)`,
          );
          for (const column of ['s', 'i64', 'i32', 'dec', 'b']) {
            expect(rows.map((row) => row[column])).toEqual(expected.rows.map((row) => row[column] ?? null));
          }
          const table = `${name}_${layer}_again`;
          await w.put(`${table}.yaml`, classic({ source: { table }, file: { path, types: expected.types } }));
          expectExit(await w.run('bronze', '--config', `${table}.yaml`, '--date', DATE), 0);
          const again = await fileOf(w, bronzeOf(table), 'parquet');
          const found = await readWithDuckdb(`read_parquet(${quote(again)}, hive_partitioning=false)`);
          expect(short(found)).toEqual(short(expected));
        }
      });
    }
  }

  test.skipIf(PYTHON === undefined)(
    'pyarrow reads all of them back from Bronze and Silver with equal types and values',
    async () => {
      const read = LANDINGS.flatMap(({ name }) =>
        [bronzeOf(name), silverOf(name)].map((partition) => ({ name, partition })),
      );
      const tables = await readWithPyarrow(
        await Promise.all(read.map(({ partition }) => fileOf(w, partition, 'parquet'))),
      );
      for (const [i, { name, partition }] of read.entries()) {
        expect([partition, short(tables[i] as Table)]).toEqual([partition, short(expectedOf(name))]);
      }
    },
  );

  test.skipIf(PYTHON === undefined)(
    'pyarrow tells null from empty text in CSV that foundry wrote',
    async () => {
      await w.put('empty.jsonl', '{"id":1,"s":""}\n{"id":2,"s":null}\n{"id":3,"s":"x"}\n');
      await w.put(
        'e.yaml',
        classic({
          source: { table: 'e' },
          file: { path: 'empty.jsonl' },
          run: { write_csv: true, write_parquet: false },
          silver: { write_csv: true },
        }),
      );
      expectExit(await w.run('run-intent', '--config', 'e.yaml', '--date', DATE), 0);
      const files = [
        await fileOf(w, bronzeOf('e'), 'csv'),
        await fileOf(w, silverOf('e'), 'csv'),
        await fileOf(w, silverOf('e'), 'parquet'),
      ];
      const tables = await readWithPyarrow(files);
      for (const table of tables) expect(table.rows.map((row) => row.s)).toEqual(['', null, 'x']);
    },
  );
});

describe('Parquet that others wrote', () => {
  let w: Workspace;
  beforeAll(async () => {
    w = await openWorkspace();
  });
  afterAll(() => w.remove());

  /** Lands and promotes a Parquet file in both lanes, and gives what DuckDB reads in Silver. */
  async function landed(table: string, path: string): Promise<Table[]> {
    const configs: string[] = [];
    for (const write_csv of [false, true]) {
      const name = `${table}_${write_csv ? 'rows' : 'engine'}`;
      configs.push(name);
      await w.put(
        `${name}.yaml`,
        classic({ source: { table: name }, file: { path }, run: { write_csv }, silver: {} }),
      );
    }
    const { document } = await w.json(
      0,
      'run-intent',
      '--config',
      configs.map((name) => `${name}.yaml`).join(','),
      '--date',
      DATE,
    );
    expect(
      document.reports.filter((report) => report.layer === 'bronze').map((report) => report.lane),
    ).toEqual(['engine', 'rows']);
    const tables: Table[] = [];
    for (const name of configs) {
      for (const partition of [bronzeOf(name), silverOf(name)]) {
        const file = await fileOf(w, partition, 'parquet');
        tables.push(await readWithDuckdb(`read_parquet(${quote(file)}, hive_partitioning=false)`));
      }
    }
    return tables;
  }

  test('every flat type of DuckDB lands in both lanes with nothing lost', async () => {
    const file = w.path('duckdb.parquet');
    await duckdb(`COPY (SELECT * FROM (VALUES
      (127::TINYINT, 32767::SMALLINT, 2147483647::INTEGER, 9223372036854775807::BIGINT, 255::UTINYINT, 65535::USMALLINT,
       4294967295::UINTEGER, 18446744073709551615::UBIGINT, 0.1::FLOAT, 0.1::DOUBLE, 99.99::DECIMAL(4,2), 1.5::DECIMAL(9,1), 1.5::DECIMAL(18,3),
       DATE '1582-10-15', TIME '23:59:59.999999', TIMESTAMP '1969-12-31 23:59:59.999999', TIMESTAMP_S '2025-01-05 10:00:00',
       TIMESTAMP_MS '2025-01-05 10:00:00.123', TIMESTAMP_NS '2025-01-05 10:00:00.123456', TIMESTAMPTZ '2025-01-05 10:00:00.123456+02',
       '\\x00\\xFF'::BLOB, 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'::UUID, 'b'::ENUM('a', 'b'), true, '{"a": [1]}'::JSON, 'ü'),
      (-128, -32768, -2147483648, -9223372036854775808, 0, 0, 0, 0, 'NaN'::FLOAT, '-inf'::DOUBLE, -99.99, -0.1, -0.001, DATE '0001-01-01',
       TIME '00:00:00', TIMESTAMP '0001-01-01 00:00:00', TIMESTAMP_S '1900-01-01 00:00:00', TIMESTAMP_MS '1900-01-01 00:00:00.001',
       TIMESTAMP_NS '1900-01-01 00:00:00.000001', TIMESTAMPTZ '1900-01-01 00:00:00+00', ''::BLOB, '00000000-0000-0000-0000-000000000000', 'a', false, 'null', ''),
      (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
      ) AS v(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, d4, d9, d18, d, t, ts, ts_s, ts_ms, ts_ns, tz, bin, id, e, b, j, s)) TO ${quote(file)}`);
    const expected: Table = {
      types: {
        ...{ i8: 'int32', i16: 'int32', i32: 'int32', i64: 'int64', u8: 'int32', u16: 'int32', u32: 'int64' },
        ...{
          u64: 'decimal(20,0)',
          f32: 'double',
          f64: 'double',
          d4: 'decimal(4,2)',
          d9: 'decimal(9,1)',
          d18: 'decimal(18,3)',
        },
        ...{
          d: 'date',
          t: 'time',
          ts: 'timestamp',
          ts_s: 'timestamp',
          ts_ms: 'timestamp',
          ts_ns: 'timestamp',
          tz: 'timestamptz',
        },
        ...{ bin: 'binary', id: 'string', e: 'string', b: 'boolean', j: 'string', s: 'string' },
      },
      rows: [
        {
          ...{
            i8: '127',
            i16: '32767',
            i32: '2147483647',
            i64: '9223372036854775807',
            u8: '255',
            u16: '65535',
            u32: '4294967295',
          },
          ...{
            u64: '18446744073709551615',
            f32: doubleBits(Math.fround(0.1)),
            f64: doubleBits(0.1),
            d4: '99.99',
            d9: '1.5',
            d18: '1.500',
          },
          ...{
            d: days('1582-10-15'),
            t: '86399999999',
            ts: '-1',
            ts_s: micros('2025-01-05T10:00:00'),
            ts_ms: micros('2025-01-05T10:00:00.123'),
          },
          ...{
            ts_ns: micros('2025-01-05T10:00:00.123456'),
            tz: micros('2025-01-05T08:00:00.123456'),
            bin: '00ff',
          },
          ...{ id: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', e: 'b', b: 'true', j: '{"a": [1]}', s: 'ü' },
        },
        {
          ...{
            i8: '-128',
            i16: '-32768',
            i32: '-2147483648',
            i64: '-9223372036854775808',
            u8: '0',
            u16: '0',
            u32: '0',
            u64: '0',
          },
          ...{
            f32: doubleBits(Number.NaN),
            f64: doubleBits(-Infinity),
            d4: '-99.99',
            d9: '-0.1',
            d18: '-0.001',
            d: days('0001-01-01'),
            t: '0',
          },
          ...{
            ts: micros('0001-01-01T00:00:00'),
            ts_s: micros('1900-01-01T00:00:00'),
            ts_ms: micros('1900-01-01T00:00:00.001'),
          },
          ...{ ts_ns: micros('1900-01-01T00:00:00.000001'), tz: micros('1900-01-01T00:00:00'), bin: '' },
          ...{ id: '00000000-0000-0000-0000-000000000000', e: 'a', b: 'false', j: 'null', s: '' },
        },
        Object.fromEntries(
          'i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 d4 d9 d18 d t ts ts_s ts_ms ts_ns tz bin id e b j s'
            .split(' ')
            .map((name) => [name, null]),
        ),
      ],
    };
    for (const table of await landed('duckdb', file)) expect(table).toEqual(expected);
  });

  test.skipIf(PYTHON === undefined)(
    'every flat type of pyarrow, INT96 and dictionaries included, lands in both lanes with nothing lost',
    async () => {
      await python(['-c', WRITE_WITH_PYARROW, w.folder]);
      const expected: Table = {
        types: {
          ...{
            i8: 'int32',
            u8: 'int32',
            i16: 'int32',
            u16: 'int32',
            i32: 'int32',
            u32: 'int64',
            i64: 'int64',
            u64: 'decimal(20,0)',
          },
          ...{
            f32: 'double',
            f64: 'double',
            dec: 'decimal(38,10)',
            small: 'decimal(9,2)',
            d32: 'date',
            t32: 'time',
            t64: 'time',
          },
          ...{
            s: 'timestamp',
            ms: 'timestamp',
            us: 'timestamp',
            ns: 'timestamp',
            zoned: 'timestamptz',
            dict: 'string',
            large: 'string',
          },
          ...{ bin: 'binary', fixed: 'binary', b: 'boolean', empty: 'string' },
        },
        rows: [
          {
            ...{
              i8: '-128',
              u8: '255',
              i16: '-32768',
              u16: '65535',
              i32: '-2147483648',
              u32: '4294967295',
              i64: '-9223372036854775808',
            },
            ...{
              u64: '18446744073709551615',
              f32: doubleBits(Math.fround(0.1)),
              f64: doubleBits(5e-324),
              small: '-1234567.89',
            },
            ...{ dec: '9999999999999999999999999999.9999999999', d32: '-1', t32: '1', t64: '1' },
            ...{
              s: micros('1900-01-01T00:00:00'),
              ms: micros('2025-01-05T10:00:00.123'),
              us: micros('2025-01-05T10:00:00.123456'),
            },
            ...{
              ns: micros('2025-01-05T10:00:00.123456'),
              zoned: micros('2025-01-05T09:00:00.123456'),
              dict: 'x',
              large: '🙂',
            },
            ...{ bin: '00ff', fixed: '01020304', b: 'true', empty: null },
          },
          Object.fromEntries(
            'i8 u8 i16 u16 i32 u32 i64 u64 f32 f64 dec small d32 t32 t64 s ms us ns zoned dict large bin fixed b empty'
              .split(' ')
              .map((name) => [name, null]),
          ),
        ],
      };
      // t32 is one millisecond.
      const [row] = expected.rows;
      if (row !== undefined) row.t32 = '1000';
      for (const name of ['v26', 'v10', 'zstd', 'gzip', 'lz4', 'brotli']) {
        const types = name === 'v10' ? { ...expected.types } : expected.types;
        for (const table of await landed(`arrow_${name}`, w.path(`${name}.parquet`))) {
          expect([name, table]).toEqual([name, { types, rows: expected.rows }]);
        }
      }
      await w.put('case.yaml', classic({ source: { table: 'case' }, file: { path: 'case.parquet' } }));
      const folded = await w.run('bronze', '--config', 'case.yaml', '--date', DATE);
      expectExit(folded, 3);
      for (const word of ['case.parquet', '"id"', '"ID"']) expect(folded.stderr).toContain(word);
      for (const table of await landed('whole', w.path('whole.parquet'))) {
        expect(table.rows.map(({ at }) => at)).toEqual(['0', '-1', null]);
      }
      await w.put('fine.yaml', classic({ source: { table: 'fine' }, file: { path: 'fine.parquet' } }));
      const fine = await w.run('bronze', '--config', 'fine.yaml', '--date', DATE);
      expectExit(fine, 3);
      expect(fine.stderr).toContain('"at" holds 1969-12-31T23:59:59.999998999Z, finer');
      for (const table of await landed('int96', w.path('int96.parquet'))) {
        expect(table).toEqual({
          types: { at: 'timestamp', id: 'int64' },
          rows: [
            { at: micros('2025-01-05T10:00:00.123456'), id: '1' },
            { at: micros('1969-12-31T23:59:59.999999'), id: '2' },
            { at: null, id: '3' },
          ],
        });
      }
    },
  );
});

const WRITE_WITH_PYARROW = `
import sys
from datetime import date, datetime, time, timezone
from decimal import Decimal
import pyarrow as pa
import pyarrow.parquet as pq

folder = sys.argv[1]
at = datetime(2025, 1, 5, 10, 0, 0, 123456)
columns = {
    "i8": ([-128, None], pa.int8()), "u8": ([255, None], pa.uint8()), "i16": ([-32768, None], pa.int16()),
    "u16": ([65535, None], pa.uint16()), "i32": ([-2147483648, None], pa.int32()), "u32": ([4294967295, None], pa.uint32()),
    "i64": ([-9223372036854775808, None], pa.int64()), "u64": ([18446744073709551615, None], pa.uint64()),
    "f32": ([0.1, None], pa.float32()), "f64": ([5e-324, None], pa.float64()),
    "dec": ([Decimal("9999999999999999999999999999.9999999999"), None], pa.decimal128(38, 10)),
    "small": ([Decimal("-1234567.89"), None], pa.decimal128(9, 2)),
    "d32": ([date(1969, 12, 31), None], pa.date32()), "t32": ([time(0, 0, 0, 1000), None], pa.time32("ms")),
    "t64": ([time(0, 0, 0, 1), None], pa.time64("us")), "s": ([datetime(1900, 1, 1), None], pa.timestamp("s")),
    "ms": ([at.replace(microsecond=123000), None], pa.timestamp("ms")), "us": ([at, None], pa.timestamp("us")),
    "ns": ([at, None], pa.timestamp("ns")),
    "zoned": ([at.replace(hour=9, tzinfo=timezone.utc), None], pa.timestamp("us", tz="Europe/Berlin")),
    "dict": (["x", None], pa.dictionary(pa.int32(), pa.string())), "large": (["🙂", None], pa.large_string()),
    "bin": ([b"\\x00\\xff", None], pa.binary()), "fixed": ([bytes([1, 2, 3, 4]), None], pa.binary(4)),
    "b": ([True, None], pa.bool_()), "empty": ([None, None], pa.string()),
}
table = pa.table({name: pa.array(values, kind) for name, (values, kind) in columns.items()})
pq.write_table(table, folder + "/v26.parquet")
old = table.set_column(table.schema.get_field_index("u32"), "u32", table["u32"])
pq.write_table(old, folder + "/v10.parquet", version="1.0", use_dictionary=False, data_page_version="1.0")
for codec in ("zstd", "gzip", "lz4", "brotli"):
    pq.write_table(table, folder + "/" + codec + ".parquet", compression=codec, data_page_version="2.0")
pq.write_table(pa.table({"id": [1], "ID": [2]}), folder + "/case.parquet")
stamps = pa.array([at, datetime(1969, 12, 31, 23, 59, 59, 999999), None], pa.timestamp("us"))
pq.write_table(pa.table({"at": stamps, "id": [1, 2, 3]}), folder + "/int96.parquet", use_deprecated_int96_timestamps=True)
for name, last in (("whole", 1000), ("fine", 1001)):
    instants = pa.array([0, -last, None], pa.timestamp("ns", "Europe/Berlin"))
    pq.write_table(pa.table({"at": instants, "id": [1, 2, 3]}), folder + "/" + name + ".parquet")
`;

describe('shapes of tables', () => {
  /** Makes the file large enough for the engine to be worth its start. */
  const PADDING = 'x'.repeat(700);
  let w: Workspace;
  beforeAll(async () => {
    w = await openWorkspace();
    const names = Array.from({ length: 2000 }, (_, i) => `c${i}`);
    await w.put(
      'wide.csv',
      `${names.join(',')}\n${[0, 1, 2].map((row) => names.map((_, i) => `${row}-${i}${PADDING}`).join(',')).join('\n')}\n`,
    );
    await w.put(
      'wide.jsonl',
      [0, 1, 2]
        .map(
          (row) =>
            `${JSON.stringify(Object.fromEntries(names.map((name, i) => [name, `${row}-${i}${PADDING}`])))}\n`,
        )
        .join(''),
    );
    await w.put('none.csv', 'id,v\n');
    const both: readonly (readonly [string, string])[] = [
      ['wide_engine', 'wide.csv'],
      ['wide_rows', 'wide.jsonl'],
      ['none', 'none.csv'],
    ];
    for (const [table, path] of both)
      await w.put(`${table}.yaml`, classic({ source: { table }, file: { path }, silver: {} }));
    const { document } = await w.json(
      0,
      ...['run-intent', '--config', both.map(([table]) => `${table}.yaml`).join(','), '--date', DATE],
    );
    expect(document.reports.flatMap((report) => report.lane ?? [])).toEqual(['engine', 'rows', 'rows']);
  });
  afterAll(() => w.remove());

  test('2,000 columns are read back by DuckDB and pyarrow, in their order', async () => {
    const partitions = ['wide_engine', 'wide_rows'].flatMap((table) => [bronzeOf(table), silverOf(table)]);
    const files = await Promise.all(partitions.map((partition) => fileOf(w, partition, 'parquet')));
    const arrow = PYTHON === undefined ? [] : await readWithPyarrow(files);
    for (const [i, file] of files.entries()) {
      const tables = [
        await readWithDuckdb(`read_parquet(${quote(file)}, hive_partitioning=false)`),
        ...arrow.slice(i, i + 1),
      ];
      for (const { types, rows } of tables) {
        expect(Object.keys(types)).toEqual(Array.from({ length: 2000 }, (_, c) => `c${c}`));
        expect(rows.map((row) => [row.c0, row.c1999])).toEqual(
          [0, 1, 2].map((row) => [`${row}-0${PADDING}`, `${row}-1999${PADDING}`]),
        );
      }
    }
  });

  test('zero rows are an empty table with its columns in Silver', async () => {
    const files = (await w.files(silverOf('none'))).filter((name) => name.endsWith('.parquet'));
    expect(files).toHaveLength(1);
    const file = w.path(silverOf('none'), files[0] ?? '');
    const expected = { types: { id: 'string', v: 'string' }, rows: [] };
    expect(await readWithDuckdb(`read_parquet(${quote(file)}, hive_partitioning=false)`)).toEqual(expected);
    if (PYTHON !== undefined) expect(await readWithPyarrow([file])).toEqual([expected]);
  });

  test('a column of which every value is NULL keeps its place, in CSV that Silver reads as well', async () => {
    await w.put('nulls.jsonl', '{"only":null}\n{"only":null}\n{"only":"x"}\n{"only":""}\n');
    await w.put(
      'nulls.yaml',
      classic({
        source: { table: 'nulls' },
        file: { path: 'nulls.jsonl' },
        run: { write_csv: true, write_parquet: false },
        silver: { write_csv: true },
      }),
    );
    expectExit(await w.run('run-intent', '--config', 'nulls.yaml', '--date', DATE), 0);
    const found = await readWithDuckdb(
      `read_parquet(${quote(await fileOf(w, silverOf('nulls'), 'parquet'))}, hive_partitioning=false)`,
    );
    expect(found.rows.map((row) => row.only)).toEqual([null, null, 'x', '']);
  });
});

describe('a load partition as a whole', () => {
  const REGIONS = ['x y', 'x_y', 'a/b', 'ünï🙂', 'a=b', '%20', "o'clock", '..', null];
  let w: Workspace;
  beforeAll(async () => {
    w = await openWorkspace();
    const rows = REGIONS.flatMap((region, i) => [
      { id: i * 2, region, n: 1, at: '2025-01-01T00:00:00' },
      { id: i * 2 + 1, region, n: 2, at: '2025-01-02T00:00:00' },
    ]);
    await w.put('in.jsonl', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    const config = (keep_columns: boolean) => ({
      model: 'scd_type_1',
      primary_keys: ['id'],
      order_column: 'at',
      partitioning: { columns: ['region', 'n'], keep_columns },
    });
    await w.put(
      'p.yaml',
      classic({ file: { path: 'in.jsonl' }, run: { max_rows_per_file: 4 }, silver: config(false) }),
    );
    await w.put(
      'k.yaml',
      classic({ source: { table: 'k' }, file: { path: 'in.jsonl' }, silver: config(true) }),
    );
    expectExit(await w.run('run-intent', '--config', 'p.yaml,k.yaml', '--date', DATE), 0);
  });
  afterAll(() => w.remove());

  const expected = REGIONS.flatMap((region, i) => [
    { id: String(i * 2), region, n: '1' },
    { id: String(i * 2 + 1), region, n: '2' },
  ]);
  const facts = (rows: readonly Record<string, string | null>[]) =>
    rows
      .map((row) => ({ id: row.id ?? null, region: row.region ?? null, n: row.n ?? null }))
      .sort((a, b) => Number(a.id) - Number(b.id));

  test('DuckDB with hive_partitioning finds every row under its own value', async () => {
    expect(facts(await parquetRows(w.path(silverOf('t'), '**', '*.parquet')))).toEqual(expected);
  });

  test('keep_columns: true keeps the partition columns in the files as well', async () => {
    const found = await readWithDuckdb(
      `read_parquet(${quote(w.path(silverOf('k'), '**', '*.parquet'))}, hive_partitioning=false)`,
    );
    expect(facts(found.rows)).toEqual(expected);
    const plain = await readWithDuckdb(
      `read_parquet(${quote(w.path(silverOf('t'), '**', '*.parquet'))}, hive_partitioning=false)`,
    );
    expect(Object.keys(plain.types)).toEqual(['id', 'at']);
  });

  test.skipIf(PYTHON === undefined)(
    "pyarrow's default reading of the folder finds every row under its own value",
    async () => {
      const [silver, bronze] = await readWithPyarrow([w.path(silverOf('t')), w.path(bronzeOf('t'))]);
      expect(facts(silver?.rows ?? [])).toEqual(expected);
      expect(facts(bronze?.rows ?? [])).toEqual(expected);
    },
  );

  test('a Bronze folder of several parts is read whole, and above it the folders give the columns', async () => {
    const rows = await parquetRows(w.path('output', '**', '*.parquet'));
    expect(rows).toHaveLength(expected.length * 2);
    expect(new Set(rows.map((row) => row.dt))).toEqual(new Set([DATE]));
    expect(new Set(rows.map((row) => row.table))).toEqual(new Set(['t', 'k']));
  });

  test('Silver of a partitioned table is promoted again from its Bronze with the same bytes', async () => {
    const before = Object.entries(await w.snapshot(silverOf('t'))).filter(([name]) =>
      name.endsWith('.parquet'),
    );
    const { document } = await w.json(0, 'silver', '--config', 'p.yaml', '--date', DATE);
    expect(document.reports[0].status).toBe('unchanged');
    expect(
      Object.entries(await w.snapshot(silverOf('t'))).filter(([name]) => name.endsWith('.parquet')),
    ).toEqual(before);
  });
});
