import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundryError } from '../../core/errors.ts';
import { doubleBits, PYTHON, readWithDuckdb, readWithPyarrow, type Table } from '../../scenarios/readers.ts';
import { databaseLake } from '../../testing/config-lake.ts';
import { openTestPostgres, type TestPostgres } from '../../testing/postgres-database.ts';
import { mayRun } from '../../testing/services.ts';

/** A column: its type in PostgreSQL, in the lake, and pairs of what is written and what is read back. */
interface Case {
  readonly sql: string;
  readonly type: string;
  readonly values: readonly (readonly [written: string, landed: string])[];
}

const double = (value: number): string => doubleBits(value);
const same = (...values: readonly string[]) => values.map((value) => [`'${value}'`, value] as const);
const ABSENT = '(absent)';
const D38 = '9'.repeat(38);
const WIDE = '9'.repeat(60);

/** Days since 1970 and microseconds since then, as text. */
const day = (text: string): string => String(Date.parse(`${text}T00:00:00Z`) / 86_400_000);
const micros = (text: string, more = 0): string => String(BigInt(Date.parse(text)) * 1000n + BigInt(more));

const CASES: Readonly<Record<string, Case>> = {
  c_int2: { sql: 'int2', type: 'int32', values: same('-32768', '32767', '0') },
  c_int4: { sql: 'int4', type: 'int32', values: same('-2147483648', '2147483647', '0') },
  c_int8: { sql: 'int8', type: 'int64', values: same('-9223372036854775808', '9223372036854775807', '0') },
  c_oid: { sql: 'oid', type: 'int64', values: same('0', '4294967295', '1') },
  c_float4: {
    sql: 'float4',
    type: 'double',
    values: [
      ["'0.1'", double(Math.fround(0.1))],
      ["'3.4028235e38'", double(Math.fround(3.4028235e38))],
      ["'NaN'", double(Number.NaN)],
    ],
  },
  c_float8: {
    sql: 'float8',
    type: 'double',
    values: [
      ["'1.7976931348623157e308'", double(Number.MAX_VALUE)],
      ["'5e-324'", double(5e-324)],
      ["'-Infinity'", double(Number.NEGATIVE_INFINITY)],
      ["'0.1'", double(0.1)],
      ["'-0'", double(-0)],
    ],
  },
  c_dec: {
    sql: 'numeric(38,10)',
    type: 'decimal(38,10)',
    values: [
      [`-${D38.slice(10)}.${'9'.repeat(10)}`, `-${D38.slice(10)}.${'9'.repeat(10)}`],
      ['0', '0.0000000000'],
      ['0.0000000001', '0.0000000001'],
    ],
  },
  c_dec0: {
    sql: 'numeric(38)',
    type: 'decimal(38,0)',
    values: [
      [D38, D38],
      [`-${D38}`, `-${D38}`],
      ['7', '7'],
    ],
  },
  c_neg: {
    sql: 'numeric(5,-2)',
    type: 'decimal(7,0)',
    values: [
      ['1234567', '1234600'],
      ['-99999', '-100000'],
      ['0', '0'],
    ],
  },
  c_small: {
    sql: 'numeric(3,5)',
    type: 'decimal(5,5)',
    values: [
      ['0.00999', '0.00999'],
      ['-0.00001', '-0.00001'],
      ['0', '0.00000'],
    ],
  },
  c_num: {
    sql: 'numeric',
    type: 'string',
    values: same('NaN', 'Infinity', `${WIDE}.${WIDE}`, '1e-130'.length > 0 ? '0.10' : '', '-0.000').map(
      ([w, l]) => [w, l === '-0.000' ? '0.000' : l] as const,
    ),
  },
  c_wide: {
    sql: 'numeric(60,5)',
    type: 'string',
    values: [
      [`${'9'.repeat(55)}.12345`, `${'9'.repeat(55)}.12345`],
      ["'NaN'", 'NaN'],
      ['0', '0.00000'],
    ],
  },
  c_money: {
    sql: 'money',
    type: 'decimal(19,2)',
    values: [
      ["'-92233720368547758.08'", '-92233720368547758.08'],
      ["'92233720368547758.07'", '92233720368547758.07'],
      ["'0.01'", '0.01'],
    ],
  },
  c_bool: {
    sql: 'bool',
    type: 'boolean',
    values: [
      ['true', 'true'],
      ['false', 'false'],
      [ABSENT, ABSENT],
    ],
  },
  c_text: {
    sql: 'text',
    type: 'string',
    values: [
      ["''", ''],
      [`E'a,b "c"\\n\\r\\t\\\\N \\\\. ü 日本 🎉'`, 'a,b "c"\n\r\t\\N \\. ü 日本 🎉'],
      [`'\\N'`, '\\N'],
      [`'\\.'`, '\\.'],
      [`' '`, ' '],
    ],
  },
  c_char: {
    sql: 'char(5)',
    type: 'string',
    values: [
      ["'ab'", 'ab   '],
      ["'abcde'", 'abcde'],
      ["''", '     '],
    ],
  },
  c_varchar: { sql: 'varchar(10)', type: 'string', values: same('x', 'NULL', 'null') },
  c_name: { sql: 'name', type: 'string', values: same('a', 'b') },
  c_bytea: {
    sql: 'bytea',
    type: 'binary',
    values: [
      ["'\\x'", ''],
      ["'\\x00ff0a0d22'", '00ff0a0d22'],
      ["'\\xdeadbeef'", 'deadbeef'],
    ],
  },
  c_date: {
    sql: 'date',
    type: 'date',
    values: [
      ["'0001-01-01'", '-719162'],
      ["'9999-12-31'", '2932896'],
      ["'2024-02-29'", day('2024-02-29')],
    ],
  },
  c_time: {
    sql: 'time',
    type: 'time',
    values: [
      ["'00:00:00'", '0'],
      ["'23:59:59.999999'", '86399999999'],
      ["'12:34:56.5'", '45296500000'],
    ],
  },
  c_timetz: {
    sql: 'timetz',
    type: 'string',
    values: same('12:34:56.789+05:30', '24:00:00-12', '00:00:00+00'),
  },
  c_ts: {
    sql: 'timestamp',
    type: 'timestamp',
    values: [
      ["'0001-01-01 00:00:00'", '-62135596800000000'],
      ["'9999-12-31 23:59:59.999999'", '253402300799999999'],
      ["'2024-03-31 02:30:00.000001'", micros('2024-03-31T02:30:00Z', 1)],
    ],
  },
  c_tstz: {
    sql: 'timestamptz',
    type: 'timestamptz',
    values: [
      ["'2024-03-31 02:30:00.000001+02'", micros('2024-03-31T00:30:00Z', 1)],
      ["'0001-01-01 00:00:00+00'", '-62135596800000000'],
      ["'9999-12-31 23:59:59.999999+00'", '253402300799999999'],
    ],
  },
  c_interval: {
    sql: 'interval',
    type: 'string',
    values: [
      ["'1 year 2 months 3 days 04:05:06.789'", 'P1Y2M3DT4H5M6.789S'],
      ["'-1 day +00:00:01'", 'P-1DT1S'],
      ["'0'", 'PT0S'],
    ],
  },
  c_uuid: {
    sql: 'uuid',
    type: 'string',
    values: same('00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'),
  },
  c_json: {
    sql: 'json',
    type: 'string',
    values: [
      [`'{"a" : 12345678901234567890.10, "b":null}'`, '{"a" : 12345678901234567890.10, "b":null}'],
      [`'null'`, 'null'],
      [`'"x"'`, '"x"'],
    ],
  },
  c_jsonb: {
    sql: 'jsonb',
    type: 'string',
    values: [
      [`'{"a":12345678901234567890.10}'`, '{"a": 12345678901234567890.10}'],
      [`'[]'`, '[]'],
    ],
  },
  c_enum: { sql: 'mood', type: 'string', values: same('sad', 'very, happy') },
  c_domain: {
    sql: 'price',
    type: 'decimal(10,3)',
    values: [
      ['1.5', '1.500'],
      ['9999999.999', '9999999.999'],
    ],
  },
  c_domain2: { sql: 'price2', type: 'decimal(10,3)', values: [['1.5', '1.500']] },
  c_comp: {
    sql: 'pair',
    type: 'string',
    values: [
      [`row(1,'x "y"')::pair`, '{"a":1,"b":"x \\"y\\""}'],
      ['row(NULL,NULL)::pair', '{"a":null,"b":null}'],
    ],
  },
  c_ints: {
    sql: 'int8[]',
    type: 'string',
    values: [
      ["'{1,NULL,9223372036854775807}'", '[1,null,9223372036854775807]'],
      ["'{}'", '[]'],
      ["'{{1,2},{3,4}}'", '[[1,2],[3,4]]'],
      ["'[0:1]={5,6}'", '"[0:1]={5,6}"'],
    ],
  },
  c_texts: {
    sql: 'text[]',
    type: 'string',
    values: [[`ARRAY['a,b','"', NULL, 'NULL', '']`, '["a,b","\\"",null,"NULL",""]']],
  },
  c_range: {
    sql: 'int4range',
    type: 'string',
    values: [
      ["'[1,5]'", '[1,6)'],
      ["'empty'", 'empty'],
      ["'(,3)'", '(,3)'],
    ],
  },
  c_multi: { sql: 'int4multirange', type: 'string', values: [["'{[1,2],[5,6]}'", '{[1,3),[5,7)}']] },
  c_bit: { sql: 'bit(5)', type: 'string', values: [["B'00101'", '00101']] },
  c_varbit: {
    sql: 'varbit',
    type: 'string',
    values: [
      ["B'1'", '1'],
      ["B''", ''],
    ],
  },
  c_xml: { sql: 'xml', type: 'string', values: [['\'<a b="c">ü</a>\'', '<a b="c">ü</a>']] },
  c_inet: { sql: 'inet', type: 'string', values: same('192.168.0.1', '10.0.0.0/8', '::1') },
  c_cidr: { sql: 'cidr', type: 'string', values: same('10.0.0.0/8') },
  c_mac: { sql: 'macaddr', type: 'string', values: same('08:00:2b:01:02:03') },
  c_point: { sql: 'point', type: 'string', values: same('(1.5,-2)') },
  c_tsv: { sql: 'tsvector', type: 'string', values: [["to_tsvector('simple','a b')", "'a':1 'b':2"]] },
  c_geo: {
    sql: 'gis.geometry',
    type: 'binary',
    values: [["'0101000000000000000000F03F0000000000000040'", '0101000000000000000000f03f0000000000000040']],
  },
  'c "odd", näme': { sql: 'int4', type: 'int32', values: same('1') },
};

/** PostGIS is too heavy for the tests: a type that writes hexadecimal text, as its `geometry` does. */
const TYPES = `
CREATE TYPE mood AS ENUM ('sad', 'very, happy');
CREATE DOMAIN price AS numeric(10,3);
CREATE DOMAIN price2 AS price CHECK (VALUE > 0);
CREATE TYPE pair AS (a int, b text);
CREATE SCHEMA gis;
CREATE TYPE gis.geometry;
CREATE FUNCTION gis.geometry_in(cstring) RETURNS gis.geometry LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION gis.geometry_out(gis.geometry) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE gis.geometry (INPUT = gis.geometry_in, OUTPUT = gis.geometry_out, INTERNALLENGTH = VARIABLE);
`;

const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const names = Object.keys(CASES);
const rowCount = Math.max(...Object.values(CASES).map(({ values }) => values.length));

/** Row n has the n-th value of each column, or NULL; the last row is NULL everywhere. */
function rowsOf(pick: 0 | 1): (string | null)[][] {
  const nothing = pick === 0 ? 'NULL' : null;
  return Array.from({ length: rowCount + 1 }, (_, row) =>
    names.map((name) => {
      const value = CASES[name]?.values[row]?.[pick];
      return value === undefined || value === ABSENT ? nothing : value;
    }),
  );
}

function expected(): Table {
  return {
    types: { n: 'int32', ...Object.fromEntries(names.map((name) => [name, CASES[name]?.type ?? ''])) },
    rows: rowsOf(1).map((row, index) => ({
      n: String(index),
      ...Object.fromEntries(names.map((name, column) => [name, row[column] ?? null])),
    })),
  };
}

describe.skipIf(!mayRun('FOUNDRY_TEST_POSTGRES_URL'))('PostgreSQL’s types', () => {
  let db: TestPostgres;

  beforeAll(async () => {
    db = await openTestPostgres();
    process.env.PG_TYPES = db.url;
    const columns = names.map((name) => `${quote(name)} ${CASES[name]?.sql}`).join(', ');
    const rows = rowsOf(0).map((row, index) => `(${index}, ${row.join(', ')})`);
    await db.run(`${TYPES} CREATE TABLE matrix (n int PRIMARY KEY, ${columns});`);
    await db.run(`INSERT INTO matrix VALUES ${rows.join(',\n')}`);
  });

  afterAll(async () => {
    await db?.drop();
  });

  test.each(['engine', 'rows'] as const)(
    'land and read back equal at their extremes, by the lane of the %s',
    async (lane) => {
      const lake = await databaseLake({
        db: { conn_str_env: 'PG_TYPES', base_query: 'select * from matrix order by n' },
        run: lane === 'rows' ? { write_csv: true } : {},
      });
      try {
        const report = await lake.run('2025-01-05');
        expect(report.lane).toBe(lane);
        const [part = ''] = await lake.files();
        // Beside the lake, so that no folder's name is read as a column.
        const file = join(lake.base, '..', 'part.parquet');
        await copyFile(part, file);
        const want = expected();
        const found = await readWithDuckdb(`read_parquet('${file}') ORDER BY n`);
        expect(found.types).toEqual(want.types);
        found.rows.forEach((row, index) => {
          // DuckDB writes no zero before the point where the type has no digits there.
          const c_small = (row.c_small ?? null)?.replace(/^(-?)\./, '$10.') ?? null;
          const seen: Record<string, string | null> = { ...row, c_small };
          expect(seen).toEqual(want.rows[index] ?? {});
        });
        if (PYTHON !== undefined) expect(await readWithPyarrow([file])).toEqual([want]);
        const manifest = JSON.parse(await Bun.file(join(part, '..', '_metadata.json')).text());
        expect(manifest.source.types).toMatchObject({
          n: 'integer',
          c_dec: 'numeric(38,10)',
          c_char: 'character(5)',
          c_ints: 'bigint[]',
          c_enum: 'mood',
          c_domain2: 'numeric(10,3)',
          c_geo: 'gis.geometry',
        });
      } finally {
        await lake.remove();
      }
    },
  );

  /** What has no type in the lake, or more digits than it: a table `odd` of two rows, the second of which has it. */
  const ODD = [
    ['date', "'infinity'", 'infinity', 'date'],
    ['date', "'-infinity'", '-infinity', 'date'],
    ['date', "'0044-03-15 BC'", '0044-03-15 BC', 'date'],
    ['date', "'10000-01-01'", '10000-01-01', 'date'],
    ['time', "'24:00:00'", '24:00:00', 'time'],
    ['timestamp', "'infinity'", 'infinity', 'timestamp'],
    ['timestamp', "'4714-11-24 00:00:00 BC'", '4714-11-24 00:00:00 BC', 'timestamp'],
    ['timestamp', "'294276-12-31 23:59:59.999999'", '294276-12-31 23:59:59.999999', 'timestamp'],
    ['timestamptz', "'-infinity'", '-infinity', 'timestamptz'],
    ['timestamptz', "'0001-01-01 00:00:00+01'", '0001-12-31 23:00:00+00 BC', 'timestamptz'],
    ['numeric(10,2)', "'NaN'", 'NaN', 'decimal(10,2)'],
  ] as const;

  test.each(ODD)(
    '%s %s is refused naming column, row and value, and lands as text where the config says so',
    async (type, written, text, name) => {
      await db.run(
        `DROP TABLE IF EXISTS odd; CREATE TABLE odd (id int PRIMARY KEY, v ${type}); INSERT INTO odd VALUES (7, NULL), (8, ${written})`,
      );
      const source = { conn_str_env: 'PG_TYPES', base_query: 'select id, v from odd order by id' };
      for (const run of [{}, { write_csv: true }]) {
        const strict = await databaseLake({ db: source, run });
        const refusal = await strict.run('2025-01-05').then(
          () => undefined,
          (error: unknown) => error as FoundryError,
        );
        expect(refusal?.code).toBe('DATA001');
        expect(refusal?.message).toContain(
          `row 2, id = 8: the value of v is "${text}", which ${name} does not hold`,
        );
        expect(refusal?.hint).toContain('types: {v: string}');
        expect(await strict.files()).toEqual([]);
        await strict.remove();
        const loose = await databaseLake({ db: { ...source, types: { v: 'string' } }, run });
        await loose.run('2025-01-05');
        expect((await loose.landed()).rows.map(({ v }) => v)).toEqual([null, text]);
        await loose.remove();
      }
    },
  );

  test('numbers without a precision are text, or refused, or what the config says they are', async () => {
    await db.run(
      `DROP TABLE IF EXISTS odd; CREATE TABLE odd (id int, v numeric); INSERT INTO odd VALUES (1, 1.50), (2, 12345678901234567890.125)`,
    );
    const source = { conn_str_env: 'PG_TYPES', table: 'odd' };
    const land = async (more: object) => {
      const lake = await databaseLake({ db: { ...source, ...more } });
      try {
        await lake.run('2025-01-05');
        const { types, rows } = await lake.landed();
        return [types.v, ...rows.map(({ v }) => v)];
      } catch (error) {
        return [(error as FoundryError).message];
      } finally {
        await lake.remove();
      }
    };
    expect(await land({})).toEqual(['string', '1.50', '12345678901234567890.125']);
    expect(await land({ types: { v: 'decimal(38,3)' } })).toEqual([
      'decimal(38,3)',
      '1.500',
      '12345678901234567890.125',
    ]);
    // A digit too many is never rounded away.
    expect((await land({ types: { v: 'decimal(38,2)' } }))[0]).toContain(
      'the value of v is "12345678901234567890.125"',
    );
    expect((await land({ wide_decimals: 'fail' }))[0]).toContain('the column v has no declared precision');
  });

  test('a computed number keeps its digits too', async () => {
    const lake = await databaseLake({
      db: {
        conn_str_env: 'PG_TYPES',
        base_query:
          'select sum(x)::numeric as total, avg(x) as mean, count(*) from (values (1.10), (2.25)) v (x)',
      },
    });
    await lake.run('2025-01-05');
    expect((await lake.landed()).rows).toEqual([{ total: '3.35', mean: '1.6750000000000000', count: '2' }]);
    await lake.remove();
  });

  test('times without a zone become instants of the zone that the config names, over summer time too', async () => {
    await db.run(
      `DROP TABLE IF EXISTS odd; CREATE TABLE odd (id int, v timestamp, d date); INSERT INTO odd VALUES (1, '2024-03-31 01:59:59', '2024-03-31'), (2, '2024-03-31 03:00:00.000001', NULL), (3, '2024-10-27 03:00:00', NULL)`,
    );
    const lake = await databaseLake({
      db: { conn_str_env: 'PG_TYPES', table: 'odd', timezone: 'Europe/Berlin' },
    });
    await lake.run('2025-01-05');
    const { types, rows } = await lake.landed();
    expect(types).toEqual({ id: 'int32', v: 'timestamptz', d: 'date' });
    expect(rows.map(({ v }) => v)).toEqual([
      micros('2024-03-31T00:59:59Z'),
      micros('2024-03-31T01:00:00Z', 1),
      micros('2024-10-27T02:00:00Z'),
    ]);
    await lake.remove();
  });

  test('rows that do not fit are kept aside where error handling is on', async () => {
    await db.run(
      `DROP TABLE IF EXISTS odd; CREATE TABLE odd (id int, v date); INSERT INTO odd VALUES (1, '2024-01-01'), (2, 'infinity'), (3, NULL)`,
    );
    const lake = await databaseLake({
      db: { conn_str_env: 'PG_TYPES', table: 'odd' },
      silver: {
        primary_keys: ['id'],
        error_handling: { enabled: true, max_bad_records: 1, max_bad_percent: 50 },
      },
    });
    const report = await lake.run('2025-01-05');
    expect(report).toMatchObject({ rows: 2, quarantined: 1 });
    await lake.remove();
  });

  test('spatial values land as text where the config says so', async () => {
    await db.run(
      `CREATE FUNCTION gis.st_asewkt(gis.geometry) RETURNS text LANGUAGE sql AS $$ SELECT 'SRID=4326;POINT(1 2)' $$`,
    );
    const lake = await databaseLake({
      db: { conn_str_env: 'PG_TYPES', base_query: 'select c_geo from matrix where n = 0', geometry: 'wkt' },
    });
    await lake.run('2025-01-05');
    expect((await lake.landed()).rows).toEqual([{ c_geo: 'SRID=4326;POINT(1 2)' }]);
    await lake.remove();
  });

  test('the results of one column: NULL, empty text and a lone \\N stay apart', async () => {
    const lake = await databaseLake({
      db: {
        conn_str_env: 'PG_TYPES',
        base_query: String.raw`select v from (values (1, ''), (2, NULL), (3, '\N'), (4, ' ')) t (n, v) order by n`,
      },
    });
    const report = await lake.run('2025-01-05');
    expect(report.lane).toBe('engine');
    expect((await lake.landed()).rows.map(({ v }) => v)).toEqual(['', null, '\\N', ' ']);
    await lake.remove();
  });

  test('no rows give an empty table that has its columns', async () => {
    const lake = await databaseLake({
      db: { conn_str_env: 'PG_TYPES', base_query: 'select n, c_dec from matrix where false' },
    });
    const report = await lake.run('2025-01-05');
    expect(report).toMatchObject({ status: 'empty', rows: 0 });
    const manifest = JSON.parse(
      await Bun.file(join(lake.base, 'system=s/table=t/pattern=full/dt=2025-01-05/_metadata.json')).text(),
    );
    expect(manifest.schema).toEqual([
      { name: 'n', type: 'int32' },
      { name: 'c_dec', type: 'decimal(38,10)' },
    ]);
    await lake.remove();
  });
});
