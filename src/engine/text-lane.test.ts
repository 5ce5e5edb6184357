import { expect, test } from 'bun:test';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import type { DataType } from '../core/schema.ts';
import { doubleBits, readWithDuckdb } from '../scenarios/readers.ts';
import { encodeCsv } from '../sources/database/csv-text.ts';
import type { EngineTextColumn, EngineTextInput } from '../sources/engine-input.ts';
import { textCast } from '../table/cast.ts';
import { formatDecimal } from '../table/format.ts';
import { openEngine } from './duckdb.ts';
import { landText } from './text-lane.ts';

const MICROS = { kind: 'timestamp', unit: 'micros' } as const;
const two = fc.integer({ min: 0, max: 99 }).map((n) => String(n).padStart(2, '0'));
const fraction = fc.option(fc.integer({ min: 1, max: 999_999 }), { nil: undefined });
const date = fc
  .tuple(
    fc.integer({ min: 1, max: 12_000 }),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 28 }),
  )
  .map(
    ([year, month, day]) =>
      `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`,
  );
const clock = fc
  .tuple(
    fc.integer({ min: 0, max: 23 }),
    fc.integer({ min: 0, max: 59 }),
    fc.integer({ min: 0, max: 59 }),
    fraction,
  )
  .map(
    ([h, m, s, f]) =>
      [h, m, s].map((n) => String(n).padStart(2, '0')).join(':') + (f === undefined ? '' : `.${f}`),
  );
const odd = (...texts: readonly string[]) => fc.constantFrom(...texts);
const mostly = (usual: fc.Arbitrary<string>, rare: fc.Arbitrary<string>) =>
  fc.oneof({ arbitrary: usual, weight: 60 }, { arbitrary: rare, weight: 1 });
const instant = fc.tuple(date, clock).map((parts) => parts.join(' '));

/** What a database writes for values of these types. */
const CELLS: readonly { type: DataType; form?: 'hex'; exact?: false; cells: fc.Arbitrary<string> }[] = [
  { type: { kind: 'int32' }, cells: fc.integer().map(String) },
  { type: { kind: 'int64' }, cells: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) },
  {
    type: { kind: 'double' },
    cells: mostly(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      odd('NaN', 'Infinity', '-Infinity', '1e+300', '-0'),
    ),
  },
  {
    type: { kind: 'decimal', precision: 12, scale: 2 },
    cells: mostly(
      fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), two).map((parts) => parts.join('.')),
      odd('NaN'),
    ),
  },
  {
    type: { kind: 'decimal', precision: 6, scale: 2 },
    exact: false,
    cells: mostly(
      fc.tuple(fc.integer({ min: -999, max: 999 }), two).map((parts) => parts.join('.')),
      odd('1.234', '12345.00', '1.500'),
    ),
  },
  { type: { kind: 'boolean' }, cells: odd('true', 'false') },
  {
    type: { kind: 'date' },
    cells: mostly(date, odd('infinity', '-infinity', '0044-03-15 BC', '10000-01-01')),
  },
  { type: { kind: 'time' }, cells: mostly(clock, odd('24:00:00')) },
  { type: { ...MICROS, utc: false }, cells: mostly(instant, odd('infinity', '0044-03-15 10:00:00 BC')) },
  {
    type: { ...MICROS, utc: true },
    cells: mostly(
      instant.map((text) => `${text}+00`),
      odd('-infinity', '0044-03-15 10:00:00+00 BC'),
    ),
  },
  {
    type: { kind: 'string' },
    cells: fc.oneof(fc.string({ unit: 'grapheme' }), odd('', '\\N', '"', 'a,b', '\n', '\r\n', 'NULL', ' ')),
  },
  {
    type: { kind: 'binary' },
    form: 'hex',
    cells: fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes).toString('hex')),
  },
];

const columns: readonly EngineTextColumn[] = CELLS.map(({ type, form, exact }, index) => ({
  name: `v${index}`,
  type,
  form: form ?? 'plain',
  exact: exact ?? true,
}));

/** As the tests' reader writes what the row lane would have landed; undefined where that refuses the text. */
function landed(text: string, { type, form }: EngineTextColumn): string | undefined {
  if (form === 'hex') return text;
  const value = textCast(type)(text);
  if (value === undefined) return undefined;
  if (type.kind === 'double') return doubleBits(value as number);
  return type.kind === 'decimal' ? formatDecimal(value as bigint, type.scale) : String(value);
}

test('the pipe gives the values of the row lane, and whatever that refuses it declines', async () => {
  const spool = await mkdtemp(join(tmpdir(), 'foundry-text-lane-'));
  const engine = await openEngine({ memoryBytes: 200e6, threads: 1, spillFolder: spool });
  const row = fc.tuple(...CELLS.map(({ cells }) => fc.option(cells, { nil: null, freq: 8 })));
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (rows, size) => {
          const input: EngineTextInput = {
            format: 'text',
            columns,
            concurrency: 1,
            chunks: [
              {
                async *blocks() {
                  for (let at = 0; at < rows.length; at += size) yield encodeCsv(rows.slice(at, at + size));
                },
              },
            ],
          };
          const want = rows.map((cells) =>
            Object.fromEntries(
              columns.map((column, index) => [
                column.name,
                cells[index] == null ? null : landed(cells[index], column),
              ]),
            ),
          );
          const isKept = want.every((cells) => !Object.values(cells).includes(undefined));
          const result = await landText(engine, input, { spool, compression: 'none', stem: (n) => `p-${n}` });
          expect(result === 'declined').toBe(!isKept);
          if (result === 'declined') return;
          const [part] = result.parts;
          const found = await readWithDuckdb(`read_parquet('${part?.file}')`);
          expect(found.rows as unknown).toEqual(want);
          await rm(part?.file ?? '');
          expect(await readdir(spool)).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  } finally {
    await engine.close();
    await rm(spool, { recursive: true, force: true });
  }
});
