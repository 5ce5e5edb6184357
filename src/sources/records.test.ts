import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Batch } from '../core/batch.ts';
import { formatType } from '../core/schema.ts';
import { expectSame, naiveMembers, recordPages } from '../testing/json-oracle.ts';
import type { RecordBlock } from './json-rows.ts';
import { openRecords, type RecordOptions } from './records.ts';
import { ReadAgain, type ReadRequest, type RejectedRow } from './source.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'records-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Pages of record texts, as an API gives them. */
async function* pages(all: readonly (readonly string[])[], taken: { pages: number } = { pages: 0 }) {
  for (const [index, texts] of all.entries()) {
    taken.pages += 1;
    yield {
      origin: `page ${index + 1}`,
      texts: texts.map((text, at) => ({ text, line: at + 1 })),
    } satisfies RecordBlock;
  }
}

const options = (more: Partial<RecordOptions> = {}): RecordOptions => ({
  name: 'the API',
  place: (origin, line) => `${origin}, record ${line}`,
  warn() {},
  ...more,
});

interface Landed {
  readonly batches: readonly Batch[];
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly reads: number;
}

/** Reads as Bronze does: forgets what it has, and reads once more, where it is told to. */
async function land(
  blocks: AsyncIterable<RecordBlock>,
  more: Partial<RecordOptions> = {},
  request: Partial<ReadRequest> = {},
): Promise<Landed> {
  const records = openRecords(blocks, options(more));
  for (let reads = 1; ; reads += 1) {
    const batches: Batch[] = [];
    try {
      const signal = new AbortController().signal;
      for await (const batch of records.batches({ signal, spool: folder, ...request })) batches.push(batch);
    } catch (error) {
      if (error instanceof ReadAgain && reads === 1) continue;
      throw error;
    }
    const fields = batches[0]?.schema.fields ?? [];
    return {
      batches,
      reads,
      columns: fields.map(({ name, type }) => `${name} ${formatType(type)}`),
      rows: batches.flatMap(({ columns, length }) =>
        Array.from({ length }, (_, row) => columns.map((column) => column[row])),
      ),
    };
  }
}

const rows = (count: number, from: number, text: (i: number) => string): string[] =>
  Array.from({ length: count }, (_, i) => text(from + i));
const window = { rows: 10, chars: 1e9 };

describe('a column keeps every digit when a later page widens it', () => {
  const CASES: readonly [string, string, string, unknown, unknown][] = [
    ['int64', '7', 'int64', 7n, 7n],
    ['to decimal', '9223372036854775808', 'decimal(19,0)', 7n, 9223372036854775808n],
    ['to text', '"x"', 'string', '7', 'x'],
    ['to text, by a nested value', '{"a": 1.10}', 'string', '7', '{"a":1.10}'],
    ['to double', '0.5', 'double', 7, 0.5],
    ['to text, by a number that nothing holds', '1e999', 'string', '7', '1e999'],
    ['not at all by null', 'null', 'int64', 7n, null],
  ];
  for (const [name, last, type, first, value] of CASES) {
    test(name, async () => {
      const source = pages([rows(30, 0, () => '{"n":7}'), rows(20, 0, () => '{"n":7}'), [`{"n":${last}}`]]);
      const landed = await land(source, { window });
      expect(landed.columns).toEqual([`n ${type}`]);
      expect(landed.rows).toHaveLength(51);
      expect([landed.rows[0]?.[0], landed.rows[50]?.[0]]).toEqual([first, value]);
      expect(landed.reads).toBe(type === 'int64' ? 1 : 2);
    });
  }

  test('also as it was written, where it becomes text', async () => {
    const source = pages([['{"n":1.50}', '{"n":1e5}'], rows(20, 0, () => '{"n":-0}'), ['{"n":"x"}']]);
    const landed = await land(source, { window: { rows: 1, chars: 1e9 } });
    expect(landed.rows.map(([n]) => n).slice(0, 3)).toEqual(['1.50', '1e5', '-0']);
  });
});

describe('a column that appears after the first window', () => {
  test('is NULL in the rows before it, and starts a batch that says so', async () => {
    const source = pages([
      rows(30, 0, (i) => `{"id":${i}}`),
      ['{"id":30}', '{"id":31,"late":"x"}', '{"id":32}'],
    ]);
    const landed = await land(source, { window });
    expect(landed.columns).toEqual(['id int64', 'late string']);
    expect(landed.batches.map(({ length, lateColumns }) => [length, lateColumns])).toEqual([
      [31, undefined],
      [2, ['late']],
    ]);
    expect(landed.rows.map(([, late]) => late).filter((late) => late !== null)).toEqual(['x']);
  });

  test('is not late where it is declared', async () => {
    const source = pages([rows(30, 0, (i) => `{"id":${i}}`), ['{"id":31,"late":"x"}']]);
    const declared = { types: { late: { kind: 'string' } as const }, columns: ['late', 'id'] };
    const landed = await land(source, { window, ...declared });
    expect(landed).toMatchObject({ reads: 1, columns: ['late string', 'id int64'] });
    expect(landed.batches.every(({ lateColumns }) => lateColumns === undefined)).toBe(true);
  });
});

describe('declared columns and types', () => {
  test('are there with zero records, and with a warning where no record has them', async () => {
    const types = { id: { kind: 'int64' } as const, at: { kind: 'date' } as const };
    const warnings: string[] = [];
    const warn = (message: string) => warnings.push(message);
    expect(await land(pages([]), { types })).toMatchObject({ columns: ['id int64', 'at date'], rows: [] });
    expect((await land(pages([]))).batches).toEqual([]);
    expect(await land(pages([['{"id":1,"att":"x"}']]), { types, warn })).toMatchObject({
      columns: ['id int64', 'att string', 'at date'],
      rows: [[1n, 'x', null]],
    });
    expect(warnings).toEqual([
      'the API: no record has the column "at" (did you mean "att"?): it lands as NULLs',
    ]);
  });

  test('refuse what does not fit, naming page, record and column, or hand it over', async () => {
    const source = () => pages([rows(25, 0, (i) => `{"id":${i}}`), ['{"id":"x"}', '{"id":26}']]);
    const types = { id: { kind: 'int64' } as const };
    await expect(land(source(), { types, window })).rejects.toThrow(
      'page 2, record 1: column "id": "x" is not exactly an int64',
    );
    const rejected: RejectedRow[] = [];
    const onRejected = async (row: RejectedRow) => {
      rejected.push(row);
    };
    expect((await land(source(), { types, window }, { onRejected })).rows).toHaveLength(26);
    expect(rejected).toMatchObject([{ file: 'page 2', line: 1, cells: ['x'], column: 'id' }]);
  });
});

test('records that are no objects land in the column "value"', async () => {
  expect(await land(pages([['1', '"x"', '[1, 2]', 'null']]))).toMatchObject({
    columns: ['value string'],
    rows: [['1'], ['x'], ['[1,2]'], [null]],
  });
});

test('a preview takes no page more than it needs, and its types are those of its rows', async () => {
  const taken = { pages: 0 };
  const source = pages(
    [rows(3, 0, (i) => `{"id":${i}}`), rows(3, 3, (i) => `{"id":${i}}`), ['{"id":"x"}']],
    taken,
  );
  expect(await land(source, {}, { limitRows: 5 })).toMatchObject({
    columns: ['id int64'],
    rows: [[0n], [1n], [2n], [3n], [4n]],
  });
  expect(taken.pages).toBe(2);
});

test('records keyed by id are told from a table of ten thousand columns', async () => {
  const keyed = `{${rows(10_001, 0, (i) => `"id${i}":{}`).join(',')}}`;
  await expect(land(pages([[keyed]]))).rejects.toThrow(
    'more than 10000 different members, such as "id10000"',
  );
});

test('a name twice in one record, a record that is no JSON, and records without members are refused', async () => {
  await expect(land(pages([['{"a":1}', '{"a":1,"a":2}']]))).rejects.toThrow(
    'page 1, record 2: the name "a" stands twice',
  );
  await expect(land(pages([['{"a":1}', '{"a":01}']]))).rejects.toThrow('page 1, record 2: not a JSON value');
  await expect(land(pages([['{}', '{}']]))).rejects.toThrow('the API: none of its 2 records has a member');
});

test('nothing is left in the spool, whether read to the end, twice, or given up', async () => {
  const source = () => pages([rows(30, 0, () => '{"n":1}'), ['{"n":2}', '{"n":"x"}']]);
  await land(source(), { window });
  for await (const _ of openRecords(source(), options({ window })).batches({
    signal: new AbortController().signal,
    spool: folder,
  }))
    break;
  expect(readdirSync(folder)).toEqual([]);
});

describe('any records on any pages', () => {
  test('read back as they were written: digits, NULL, absence; whatever the window', async () => {
    await fc.assert(
      fc.asyncProperty(recordPages, fc.integer({ min: 1, max: 20 }), async (all, size) => {
        const texts = all.flat();
        fc.pre(texts.some((text) => !/^\{\s*\}$/.test(text)));
        const landed = await land(pages(all), { window: { rows: size, chars: 1e9 } });
        const whole = await land(pages([texts]));
        expect(landed.columns).toEqual(whole.columns);
        expect(landed.rows).toEqual(whole.rows);
        expect(landed.reads).toBeLessThanOrEqual(2);
        expect(landed.rows).toHaveLength(texts.length);
        for (const [index, text] of texts.entries()) {
          const members = naiveMembers(text);
          for (const [at, column] of landed.columns.entries()) {
            const [name = '', type = ''] = [
              column.slice(0, column.lastIndexOf(' ')),
              column.slice(column.lastIndexOf(' ') + 1),
            ];
            expectSame(members.get(name), landed.rows[index]?.[at], type);
          }
          for (const name of members.keys())
            expect(landed.columns.map((column) => column.slice(0, column.lastIndexOf(' ')))).toContain(name);
        }
      }),
      { numRuns: 250 },
    );
  }, 60_000);
});
