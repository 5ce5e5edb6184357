import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { formatType, parseType, STRING } from '../core/schema.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { identifier } from '../engine/sql.ts';
import { writeParquet } from '../testing/silver-kit.ts';
import { relationOf } from './relation.ts';
import { unite, widen } from './widen.ts';

let engine: Engine;
let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-relation-'));
  const limits = { memoryBytes: 512 * 1024 * 1024, threads: 2, spillFolder: root };
  engine = await openEngine(limits, new AbortController().signal);
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true, force: true });
});

const SQL_TYPES = {
  int32: 'INTEGER',
  int64: 'BIGINT',
  'decimal(5,2)': 'DECIMAL(5,2)',
  'decimal(20,0)': 'DECIMAL(20,0)',
  'decimal(38,30)': 'DECIMAL(38,30)',
  double: 'DOUBLE',
  date: 'DATE',
  string: 'VARCHAR',
} as const;
type TypeName = keyof typeof SQL_TYPES;
const TYPE_NAMES = Object.keys(SQL_TYPES) as TypeName[];

const VALUES: Readonly<Record<TypeName, readonly string[]>> = {
  int32: ['0', '-2147483648', '7'],
  int64: ['9223372036854775807', '-5', '0'],
  'decimal(5,2)': ['1.50', '-999.99', '0.00'],
  'decimal(20,0)': ['99999999999999999999', '3'],
  'decimal(38,30)': ['7.000000000000000000000000000000', '0.100000000000000000000000000001'],
  double: ['7.0', '-5.0', '0.1', '-2.5', '1e+300', '1e-07'],
  date: ['2024-02-29', '0001-01-01'],
  string: ['', 'NULL', 'x', '1.0'],
};

test('a path is no pattern: files of a folder x[1] are not those of x1', async () => {
  for (const [folder, value] of [
    ['x[1]', 'own'],
    ['x1', 'other'],
  ] as const) {
    mkdirSync(join(root, folder));
    await engine.execute(`COPY (SELECT '${value}' AS v) TO '${join(root, folder, 'part.parquet')}'`);
  }
  const parts = [{ localPath: join(root, 'x[1]', 'part.parquet'), name: 'part.parquet' }];
  const { sql } = await relationOf(engine, parts, { fields: [] });
  expect(await engine.query(`SELECT v FROM (${sql})`)).toEqual([{ v: 'own' }]);
});

type Cells = readonly (string | null)[];
interface Part {
  readonly types: Readonly<Partial<Record<string, TypeName>>>;
  readonly rows: readonly Readonly<Record<string, string | null>>[];
}

const column = fc.constantFrom(...TYPE_NAMES).chain((type) =>
  fc.record({
    type: fc.constant(type),
    cells: fc.array(fc.constantFrom(null, ...VALUES[type]), { minLength: 3, maxLength: 3 }),
  }),
);
const part: fc.Arbitrary<Part> = fc
  .record({
    columns: fc.dictionary(fc.constantFrom('a', 'b', 'c d', '"'), column, { minKeys: 1 }),
    rows: fc.integer({ min: 0, max: 3 }),
  })
  .map(({ columns, rows }) => ({
    types: Object.fromEntries(Object.entries(columns).map(([name, { type }]) => [name, type])),
    rows: Array.from({ length: rows }, (_, index) =>
      Object.fromEntries(Object.entries(columns).map(([name, { cells }]) => [name, cells[index] ?? null])),
    ),
  }));

async function landed(parts: readonly Part[]) {
  const folder = mkdtempSync(join(root, 'parts-'));
  const inputs = [];
  for (const [index, { types, rows }] of parts.entries()) {
    const localPath = join(folder, `${index}.parquet`);
    const columns = Object.fromEntries(
      Object.entries(types).map(([name, type]) => [name, SQL_TYPES[type ?? 'string']]),
    );
    await writeParquet(engine, localPath, columns, rows);
    inputs.push({ localPath, name: `${index}.parquet` });
  }
  return inputs;
}

/** Equal for numbers of equal value, however they are spelled. */
function canonical(text: string | null, areNumbers: boolean): string | null {
  if (text === '1e-07') return '0.0000001';
  return text === null || !areNumbers || !text.includes('.') ? text : text.replace(/\.?0+$/, '');
}

describe('parts of any columns', () => {
  test('become one relation that holds every value of every row at its place', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 5 }), async (parts) => {
        const { sql, schema, widened, absent } = await relationOf(engine, await landed(parts), {
          fields: [],
        });
        const names = [...new Set(parts.flatMap(({ types }) => Object.keys(types)))];
        expect(schema.fields.map(({ name }) => name)).toEqual(names);
        const list = names.map((name, index) => `${identifier(name)}::VARCHAR AS c${index}`).join(', ');
        const found = await engine.query(
          `SELECT "__file" AS f, "__row" AS r, ${list} FROM (${sql}) ORDER BY f, r`,
        );
        const holding = (name: string) =>
          parts.flatMap(({ types, rows }) => (rows.some((row) => row[name] != null) ? [types[name]] : []));
        const areNumbers = (name: string): boolean =>
          holding(name).every((type) => type !== 'string' && type !== 'date');
        const actual = found.map((row): [number, number, Cells] => [
          Number(row.f),
          Number(row.r),
          names.map((name, index) => canonical(row[`c${index}`] as string | null, areNumbers(name))),
        ]);
        const expected = parts.flatMap(({ rows }, file) =>
          rows.map((row, at): [number, number, Cells] => [
            file,
            at,
            names.map((name) => canonical(row[name] ?? null, areNumbers(name))),
          ]),
        );
        expect(actual).toEqual(expected);

        const several = names.filter((name) => new Set(holding(name)).size > 1);
        const told = widened.map((change) => change.column);
        expect(told.filter((name) => holding(name).length > 0).sort()).toEqual(several.sort());
        const filled = parts.filter(({ rows }) => rows.length > 0);
        const lacking = names.filter((name) => filled.some(({ types }) => types[name] === undefined));
        expect(absent.map((problem) => problem.column)).toEqual(lacking);
      }),
      { numRuns: 80 },
    );
  }, 60_000);
});

describe('widening', () => {
  const type = fc
    .constantFrom(...TYPE_NAMES, 'decimal(38,10)', 'timestamp')
    .map((name) => parseType(name) ?? STRING);

  test('depends neither on the order of types nor on how often one comes', () => {
    fc.assert(
      fc.property(fc.array(type, { minLength: 1, maxLength: 4 }), fc.nat(), (types, turn) => {
        const turned = types.map((_, index) => types[(index + turn) % types.length] ?? STRING);
        expect(widen(turned)).toEqual(widen(types));
        expect(widen([...types, ...turned])).toEqual(widen(types));
      }),
    );
  });

  const numbers = async (...parts: readonly (readonly [TypeName, ...string[]])[]) => {
    const inputs = await landed(
      parts.map(([type, ...values]) => ({ types: { a: type }, rows: values.map((a) => ({ a })) })),
    );
    const { sql, schema, widened } = await relationOf(engine, inputs, { fields: [] });
    const rows = await engine.query(`SELECT a::VARCHAR AS a FROM (${sql}) ORDER BY "__file", "__row"`);
    expect(widened.map(({ to }) => to)).toEqual(schema.fields.map(({ type }) => formatType(type)));
    return [formatType(schema.fields[0]?.type ?? STRING), ...rows.map(({ a }) => String(a))];
  };

  test('makes doubles of integers and decimals where each comes back as it was', async () => {
    expect(await numbers(['int32', '9'], ['double', '9.0', '0.1'])).toEqual(['double', '9.0', '9.0', '0.1']);
    expect(await numbers(['double', '9.5'], ['int64', '9007199254740992'])).toEqual([
      'double',
      '9.5',
      '9007199254740992.0',
    ]);
    expect(await numbers(['decimal(5,2)', '9.10'], ['double', '9.1'])).toEqual(['double', '9.1', '9.1']);
  });

  test('else decimals where all of them fit, in as many digits as they have', async () => {
    const large = '9007199254740993';
    expect(await numbers(['int64', large], ['double', '0.5', '1e-07'])).toEqual([
      'decimal(23,7)',
      `${large}.0000000`,
      '0.5000000',
      '0.0000001',
    ]);
    expect(await numbers(['int64', '9'], ['decimal(38,30)', '9.000000000000000000000000000000'])).toEqual([
      'decimal(1,0)',
      '9',
      '9',
    ]);
  });

  test('else text, in which equal numbers are spelled alike', async () => {
    expect(
      await numbers(
        ['int64', '9007199254740993', '9'],
        ['double', '9.0', '1e+300', '-0.5', 'nan'],
        ['decimal(5,2)', '9.00', '-0.50'],
      ),
    ).toEqual(['string', '9007199254740993', '9', '9', '1e+300', '-0.5', 'NaN', '9', '-0.5']);
  });

  test('of a column that holds nothing takes the types as they are', () => {
    const of = (name: string) => ({ fields: [{ name: 'a', type: parseType(name) ?? STRING }] });
    const none = unite([of('int64'), of('string')], () => true);
    expect(none.schema).toEqual(of('string'));
    const one = unite([of('int64'), of('string')], (index) => index === 1);
    expect(one).toEqual({ schema: of('int64'), widened: [], numbers: new Map() });
  });
});
