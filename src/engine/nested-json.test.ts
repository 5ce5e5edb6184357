import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { openEngine } from './duckdb.ts';
import type { Engine } from './engine.ts';
import { landThroughEngine } from './lane.ts';
import { parseNestedType } from './nested-type.ts';
import { readParquetRows } from './parquet-rows.ts';
import { identifier, literal } from './sql.ts';

let root: string;
let engine: Engine;
let runs = 0;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-nested-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

async function write(select: string): Promise<string> {
  runs += 1;
  const file = join(root, `in${runs}.parquet`);
  await engine.execute(`COPY (${select}) TO ${literal(file)} (FORMAT parquet)`);
  return file;
}

/** Column `c` of the rows, as both ways out of Parquet give it; they must agree. */
async function land(...files: string[]): Promise<unknown[]> {
  const input = { format: 'parquet', files } as const;
  const spool = mkdtempSync(join(root, 'spool-'));
  const landed = await landThroughEngine(engine, input, { spool, compression: 'snappy', stem: () => 'part' });
  if (landed === 'declined') throw new Error('declined');
  expect(landed.schema.fields.find(({ name }) => name === 'c')?.type).toEqual({ kind: 'json' });
  const rows = await engine.query(`SELECT c FROM read_parquet(${literal(join(spool, '*'))})`);
  const values = rows.map(({ c }) => c);
  const read: unknown[] = [];
  for await (const { schema, columns } of readParquetRows(engine, input)) {
    read.push(...(columns[schema.fields.findIndex(({ name }) => name === 'c')] ?? []));
  }
  expect(read).toEqual(values);
  return values;
}

const select = (...values: string[]): string => `SELECT unnest([${values.join(', ')}]) AS c`;

describe('nested Parquet as JSON text', () => {
  const CASES: readonly [string, string, string | null][] = [
    [
      '64-bit integers',
      '[9007199254740993, -9223372036854775808]',
      '[9007199254740993,-9223372036854775808]',
    ],
    ['unsigned integers', '[18446744073709551615::UBIGINT]', '[18446744073709551615]'],
    [
      'decimals',
      `[12345678901234567890.1234567890::DECIMAL(38,10), 1.5]`,
      '[12345678901234567890.1234567890,1.5000000000]',
    ],
    ['decimals below one', `['-.50'::DECIMAL(2,2), 0, '.07']`, '[-0.50,0.00,0.07]'],
    ['narrow decimals', `['1'::DECIMAL(4,2), '-99.99']`, '[1.00,-99.99]'],
    ['doubles', `[0.1::DOUBLE, 1e300, '-0.0', 5e-324]`, '[0.1,1e+300,-0.0,5e-324]'],
    ['what JSON has no number for', `['nan'::DOUBLE, 'inf', '-inf']`, '["NaN","Infinity","-Infinity"]'],
    ['floats', '[0.1::FLOAT]', '[0.10000000149011612]'],
    ['dates', `[DATE '2024-02-29', '0001-01-01', '9999-12-31']`, '["2024-02-29","0001-01-01","9999-12-31"]'],
    [
      'timestamps',
      `[TIMESTAMP '2024-01-01 00:00:00.1', '9999-12-31 23:59:59.999999']`,
      '["2024-01-01T00:00:00.100000","9999-12-31T23:59:59.999999"]',
    ],
    ['instants', `[TIMESTAMPTZ '2024-01-01 00:00:00+02']`, '["2023-12-31T22:00:00.000000Z"]'],
    ['whole nanoseconds', `['2024-01-01 00:00:00.000001'::TIMESTAMP_NS]`, '["2024-01-01T00:00:00.000001"]'],
    ['times', `[TIME '12:00:00.5']`, '["12:00:00.5"]'],
    ['binary', `['\\x00\\xFFab'::BLOB, '']`, '["AP9hYg==",""]'],
    ['booleans', '[true, false, NULL]', '[true,false,null]'],
    ['text', `['a"b\\\n'||chr(9), 'é😀', '', 'null']`, '["a\\"b\\\\\\n\\t","é😀","","null"]'],
    ['UUIDs', `['ebb90252-3060-4c77-8f07-7fd95944e90f'::UUID]`, '["ebb90252-3060-4c77-8f07-7fd95944e90f"]'],
    ['an empty list', '[]::INT[]', '[]'],
    ['a list of NULL', '[NULL]::INT[]', '[null]'],
    ['NULL', 'NULL::INT[]', null],
    ['structs', `{'b': NULL::INT, 'a': {'x y': 1, 'q"r': [2]}}`, '{"b":null,"a":{"x y":1,"q\\"r":[2]}}'],
    ['lists of lists', '[[1], [], NULL, [NULL, 2]]', '[[1],[],null,[null,2]]'],
    ['lists of structs', `[{'a': [{'b': 1}, NULL]}, NULL]`, '[{"a":[{"b":1},null]},null]'],
    ['maps', `MAP {'k"': [1], '': NULL}`, '{"k\\"":[1],"":null}'],
    ['maps of numbers', `MAP {9007199254740993: MAP {true: 'x'}}`, '{"9007199254740993":{"true":"x"}}'],
    ['maps of dates', `MAP {DATE '2024-01-01': 1}`, '{"2024-01-01":1}'],
    ['an empty map', 'MAP {}::MAP(VARCHAR, INT)', '{}'],
    ['a NULL map', 'NULL::MAP(VARCHAR, INT)', null],
  ];
  for (const [name, value, json] of CASES) {
    test(`${name}`, async () => {
      expect(await land(await write(select(value)))).toEqual([json]);
    });
  }

  const REFUSED: readonly [string, string, string][] = [
    [
      'times finer than microseconds',
      `['2024-01-01 00:00:00.000000001'::TIMESTAMP_NS]`,
      'finer than the microseconds',
    ],
    [
      'dates before year 1',
      `[DATE '0044-03-15 (BC)']`,
      'a date outside the years 1 to 9999: 0044-03-15 (BC)',
    ],
    ['infinite dates', `[DATE 'infinity']`, 'a date outside the years'],
    ['timestamps after 9999', `[TIMESTAMP '10000-01-01 00:00:00']`, 'a date outside the years'],
    ['infinite instants', `[TIMESTAMPTZ '-infinity']`, 'a date outside the years'],
    ['keys that are nested', `MAP {[1]: 2}`, 'keep exactly'],
  ];
  for (const [name, value, message] of REFUSED) {
    test(`${name} are refused, naming the column`, async () => {
      const failure = await land(await write(select(value))).catch((error: Error) => error);
      expect(failure).toMatchObject({ code: 'DATA001' });
      expect(String(failure)).toContain('column "c" ');
      expect(String(failure)).toContain(message);
    });
  }

  test('a struct whose members differ in case only is refused by their path', async () => {
    const script = 'CREATE OR REPLACE TABLE t AS SELECT {aa: 1, bb: 2} AS c';
    await engine.execute(script);
    const file = join(root, 'case.parquet');
    await engine.execute(`COPY t TO ${literal(file)} (FORMAT parquet)`);
    const bytes = Buffer.from(await Bun.file(file).bytes());
    for (let at = bytes.indexOf('bb'); at !== -1; at = bytes.indexOf('bb', at + 1)) bytes.write('AA', at);
    await Bun.write(file, bytes);
    await expect(land(file)).rejects.toThrow('the columns "c.aa" and "c.AA" cannot be told apart');
  });

  test('files whose structs differ give the union of their members', async () => {
    const one = await write(`SELECT {'a': 1, 'b': 2} AS c`);
    const other = await write(`SELECT {'c': 'x', 'a': 9007199254740993} AS c`);
    expect(await land(one, other)).toEqual([
      '{"a":1,"b":2,"c":null}',
      '{"a":9007199254740993,"b":null,"c":"x"}',
    ]);
  });

  type Made = { readonly type: string; readonly sql: string; readonly json: string };
  const leaf: fc.Arbitrary<Made[]> = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => made('BIGINT', `${n}`, `${n}`)),
    fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }).map((n) => {
      const digits = String(n < 0n ? -n : n).padStart(6, '0');
      const text = `${n < 0n ? '-' : ''}${digits.slice(0, -5)}.${digits.slice(-5)}`;
      return made('DECIMAL(18,5)', literal(text), text);
    }),
    fc.string({ unit: 'grapheme', maxLength: 4 }).map((text) => {
      const safe = text.replaceAll('\0', '');
      return made('VARCHAR', literal(safe), JSON.stringify(safe));
    }),
    fc.uint8Array({ maxLength: 4 }).map((bytes) => {
      const base64 = Buffer.from(bytes).toString('base64');
      return made('BLOB', `from_base64(${literal(base64)})`, JSON.stringify(base64));
    }),
  );
  const orNull = (some: Made[]): fc.Arbitrary<Made[]> =>
    fc.boolean().map((isNull) => (isNull ? made(some[0]!.type, 'NULL', 'null') : some));
  function made(type: string, sql: string, json: string): Made[] {
    return [{ type, sql: `(${sql})::${type}`, json }];
  }
  const { tree } = fc.letrec<{ tree: Made[] }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf.chain(orNull),
      tie('tree').chain(([one]) =>
        fc.integer({ min: 0, max: 3 }).map((count) => {
          const items = Array.from({ length: count }, (_, i) => (i === 1 ? 'NULL' : one!.sql));
          const json = Array.from({ length: count }, (_, i) => (i === 1 ? 'null' : one!.json));
          return made(`${one!.type}[]`, `[${items.join(', ')}]`, `[${json.join(',')}]`);
        }),
      ),
      fc
        .array(tie('tree'), { minLength: 1, maxLength: 3 })
        .map((members) => {
          const names = members.map((_, i) => ['a', 'b c', 'select'][i]!);
          return made(
            `STRUCT(${members.map(([one], i) => `${identifier(names[i]!)} ${one!.type}`).join(', ')})`,
            `struct_pack(${members.map(([one], i) => `${identifier(names[i]!)} := ${one!.sql}`).join(', ')})`,
            `{${members.map(([one], i) => `${JSON.stringify(names[i])}:${one!.json}`).join(',')}}`,
          );
        })
        .chain(orNull),
      fc
        .tuple(tie('tree'), fc.uniqueArray(fc.string({ maxLength: 3 }), { maxLength: 2 }))
        .map(([[one], keys]) =>
          made(
            `MAP(VARCHAR, ${one!.type})`,
            `map([${keys.map(literal).join(', ')}]::VARCHAR[], [${keys.map(() => one!.sql).join(', ')}]::${one!.type}[])`,
            `{${keys.map((key) => `${JSON.stringify(key)}:${one!.json}`).join(',')}}`,
          ),
        ),
    ),
  }));

  test('any nesting of lists, structs and maps is the JSON text that a naive writer gives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(tree, { minLength: 1, maxLength: 1 }), async ([some]) => {
        const [{ type, sql, json }] = some as [Made];
        const file = await write(`SELECT [${sql}]::${type}[] AS c`);
        expect(await land(file)).toEqual([`[${json}]`]);
        expect(parseNestedType(`${type}[]`)?.kind).toBe('list');
      }),
      { numRuns: 80 },
    );
  }, 60_000);
});
