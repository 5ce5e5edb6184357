import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { formatType, parseType, STRING } from '../core/schema.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { identifier } from '../engine/sql.ts';
import { writeParquet } from '../testing/silver-kit.ts';
import { relationOf, unite, widen } from './relation.ts';

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
  date: ['2024-02-29', '0001-01-01'],
  string: ['', 'NULL', 'x', '1.0'],
};

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

/** Equal for numbers of equal value, whatever their scale. */
function canonical(text: string | null, type: string): string | null {
  const isNumber = type.startsWith('decimal') || type.startsWith('int');
  return text === null || !isNumber || !text.includes('.') ? text : text.replace(/\.?0+$/, '');
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
        const typeOf = (name: string): string =>
          formatType(schema.fields.find((field) => field.name === name)?.type ?? STRING);
        const actual = found.map((row): [number, number, Cells] => [
          Number(row.f),
          Number(row.r),
          names.map((name, index) => canonical(row[`c${index}`] as string | null, typeOf(name))),
        ]);
        const expected = parts.flatMap(({ rows }, file) =>
          rows.map((row, at): [number, number, Cells] => [
            file,
            at,
            names.map((name) => canonical(row[name] ?? null, typeOf(name))),
          ]),
        );
        expect(actual).toEqual(expected);

        const holding = (name: string) =>
          parts.flatMap(({ types, rows }) => (rows.some((row) => row[name] != null) ? [types[name]] : []));
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
    .constantFrom(...TYPE_NAMES, 'double', 'decimal(38,10)', 'timestamp')
    .map((name) => parseType(name) ?? STRING);

  test('depends neither on the order of types nor on how they are grouped', () => {
    fc.assert(
      fc.property(type, type, type, (a, b, c) => {
        expect(widen(a, b)).toEqual(widen(b, a));
        const [left, right] = [widen(widen(a, b), c), widen(a, widen(b, c))];
        expect(left).toEqual(right);
      }),
    );
  });

  test('of a column that holds nothing takes the types as they are', () => {
    const of = (name: string) => ({ fields: [{ name: 'a', type: parseType(name) ?? STRING }] });
    const none = unite([of('int64'), of('string')], () => true);
    expect(none.schema).toEqual(of('string'));
    const one = unite([of('int64'), of('string')], (index) => index === 1);
    expect(one).toEqual({ schema: of('int64'), widened: [] });
  });
});
