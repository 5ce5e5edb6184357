import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { ColumnShaping, SilverSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { type DataType, parseType } from '../core/schema.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { promoteRows, type Rows, silverSpec } from '../testing/silver-kit.ts';
import { withNewNames } from './rename.ts';

let engine: Engine;
let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-shape-'));
  const limits = { memoryBytes: 512 * 1024 * 1024, threads: 2, spillFolder: root };
  engine = await openEngine(limits, new AbortController().signal);
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true, force: true });
});

function shaping(over: Partial<ColumnShaping>): ColumnShaping {
  return { renames: {}, order: [], types: {}, trimStrings: false, emptyStringsAsNull: false, ...over };
}

function typed(types: Readonly<Record<string, string>>): Readonly<Record<string, DataType>> {
  return Object.fromEntries(
    Object.entries(types).map(([name, type]) => [name, parseType(type) ?? { kind: 'string' }]),
  );
}

/** A classic config: every column is kept. */
function classic(over: Partial<SilverSpec>): SilverSpec {
  const { attributes: _none, schemaMode: _any, ...rest } = silverSpec({ model: 'scd_type_1' });
  return withNewNames({ ...rest, ...over });
}

const LENIENT = { enabled: true, maxBadRecords: 1000, maxBadPercent: 100 };
const TEXT = { id: 'VARCHAR', ts: 'VARCHAR', v: 'VARCHAR' };

async function refusal(work: Promise<unknown>): Promise<FoundryError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof FoundryError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('new names', () => {
  const spec = silverSpec({
    keys: ['a'],
    orderColumn: 'b',
    attributes: ['a', 'c', 'd'],
    partitioning: { columns: ['c'], keepColumns: false },
    shaping: shaping({
      renames: { a: 'b', b: 'a', c: 'x' },
      order: ['a', 'c'],
      types: typed({ c: 'int64' }),
    }),
  });

  test('reach everything that may name a column; a name that is old and new is the old one', () => {
    expect(withNewNames(spec)).toMatchObject({
      keys: ['b'],
      orderColumn: 'a',
      attributes: ['x', 'd'],
      partitioning: { columns: ['x'] },
      shaping: { types: { x: { kind: 'int64' } } },
    });
  });

  test('stand in column_order as they will be', () => {
    expect(withNewNames(spec).shaping?.order).toEqual(['a', 'x']);
  });

  test('swap two columns and their values', async () => {
    const swapped = classic({
      keys: ['id'],
      orderColumn: 'ts',
      shaping: shaping({ renames: { v: 'w', w: 'v' }, order: ['v'] }),
    });
    const { artifacts } = await promoteRows(engine, root, swapped, { ...TEXT, w: 'VARCHAR' }, [
      [{ id: '1', ts: '2025-01-01', v: 'was v', w: 'was w' }],
    ]);
    expect(artifacts.current).toEqual([{ v: 'was w', id: '1', ts: '2025-01-01', w: 'was v' }]);
  });
});

describe('cleaning', () => {
  test('strips all white space of Unicode, and makes NULL only of what is then empty', async () => {
    const spec = classic({ shaping: shaping({ trimStrings: true, emptyStringsAsNull: true }) });
    const values = [' a b\t\n', '\u00a0\u3000', '', 'NULL', '\u200b', null];
    const rows = values.map((v, id) => ({ id: String(id), ts: '2025-01-01', v }));
    const { artifacts } = await promoteRows(engine, root, spec, TEXT, [rows]);
    expect(artifacts.current?.map((row) => row.v)).toEqual(['a b', null, null, 'NULL', '\u200b', null]);
  });

  test('leaves empty texts where only trimming is asked for, and blanks where only NULL is', async () => {
    const of = async (over: Partial<ColumnShaping>) => {
      const rows = [' ', ''].map((v, id) => ({ id: String(id), ts: '2025-01-01', v }));
      const { artifacts } = await promoteRows(engine, root, classic({ shaping: shaping(over) }), TEXT, [
        rows,
      ]);
      return artifacts.current?.map((row) => row.v);
    };
    expect(await of({ trimStrings: true })).toEqual(['', '']);
    expect(await of({ emptyStringsAsNull: true })).toEqual([' ', null]);
  });

  test('makes rows of one key of those that differ by white space only', async () => {
    const spec = classic({ shaping: shaping({ trimStrings: true }) });
    const { artifacts } = await promoteRows(engine, root, spec, TEXT, [
      [
        { id: 'k ', ts: ' 2025-01-01', v: 'old' },
        { id: ' k', ts: '2025-01-02 ', v: 'new' },
      ],
    ]);
    expect(artifacts.current).toEqual([{ id: 'k', ts: '2025-01-02', v: 'new' }]);
  });
});

describe('types', () => {
  test('order rows by the type of the order column, text by its code points where it is declared as text', async () => {
    const newest = async (type: string, values: readonly string[]) => {
      const spec = classic({ shaping: shaping({ types: typed({ ts: type }) }) });
      const rows = values.map((ts) => ({ id: '1', ts, v: 'x' }));
      return (await promoteRows(engine, root, spec, TEXT, [rows])).artifacts.current?.[0]?.ts;
    };
    expect(await newest('int64', ['9', '11'])).toBe('11');
    expect(await newest('string', ['9', '11'])).toBe('9');
    expect(await newest('string', ['01HZX', '01HZW', 'zz', 'Z'])).toBe('zz');
    expect(await newest('timestamp', ['2025-01-02T00:00', '2025-01-01T23:59:59.5'])).toBe(
      '2025-01-02 00:00:00',
    );
  });

  test('that a value does not fit, refuse the run with its place and its text as it landed', async () => {
    const spec = classic({ shaping: shaping({ trimStrings: true, types: typed({ v: 'int32' }) }) });
    const rows = [
      { id: '1', ts: '2025-01-01', v: ' 7 ' },
      { id: '2', ts: '2025-01-01', v: ' 7.5 ' },
    ];
    const error = await refusal(promoteRows(engine, root, spec, TEXT, [rows]));
    expect(error.code).toBe('QUAL001');
    expect(error.message).toBe(
      '1 of 2 rows cannot be promoted; the first is row 2 of dt=2025-01-05/part-0.parquet: value does not fit type int32 in column v (v: " 7.5 ")',
    );
  });

  test('say the reason of the first column that does not fit, before keys and order are judged', async () => {
    const types = typed({ v: 'int32', w: 'date' });
    const spec = classic({ errorHandling: LENIENT, shaping: shaping({ types }) });
    const rows = [
      { id: null, ts: 'x', v: 'a', w: 'b' },
      { id: null, ts: '2025-01-01', v: '1', w: '2025-02-29' },
      { id: null, ts: '2025-01-01', v: '1', w: null },
      { id: '1', ts: '2025-01-01', v: null, w: '2025-02-28' },
    ];
    const { promoted } = await promoteRows(engine, root, spec, { ...TEXT, w: 'VARCHAR' }, [rows]);
    expect(promoted.quarantine.reasons).toEqual({
      'null value in key column id': 1,
      'value does not fit type date in column w': 1,
      'value does not fit type int32 in column v': 1,
    });
    expect(promoted.counts).toMatchObject({ read: 4, live: 1, quarantined: 3 });
  });

  test('hold for every batch, whatever type it landed in', async () => {
    const spec = silverSpec({
      model: 'state_scd1',
      shaping: shaping({ types: typed({ v: 'decimal(10,2)' }) }),
    });
    const { artifacts, promoted } = await promoteRows(
      engine,
      root,
      spec,
      TEXT,
      [[{ id: '1', ts: '2025-01-01', v: '1.5' }], [{ id: '2', ts: '2025-01-01', v: '2' }]],
      undefined,
      [TEXT, { ...TEXT, v: 'INTEGER' }],
    );
    expect(artifacts.state_current?.map((row) => row.v)).toEqual(['1.50', '2.00']);
    expect(promoted.promotion.relation.widened).toEqual([
      { column: 'v', from: ['string', 'int32'], to: 'string' },
    ]);
  });
});

describe('every row that was read', () => {
  const cell = fc.oneof(
    fc.constantFrom('1', '2', ' 2', '', ' ', 'x', '2025-01-01', '2025-01-02T10:00', 'soon', '1.5', '007'),
    fc.constant(null),
  );
  const time = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('2025-01-02T10:00', ' 2025-01-02T10:00') },
    cell,
  );
  const row = fc.record({ id: cell, ts: time, v: fc.oneof(cell, fc.constantFrom(null, '1')) });

  test('is live, superseded or set aside with its original values, as a naive reading says', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 30 }),
        fc.boolean(),
        fc.boolean(),
        async (rows, trimStrings, emptyStringsAsNull) => {
          const shape = { trimStrings, emptyStringsAsNull, types: typed({ v: 'int32', ts: 'timestamp' }) };
          const spec = classic({ errorHandling: LENIENT, shaping: shaping(shape) });
          const half = Math.floor(rows.length / 2);
          const batches: Rows[] = [rows.slice(0, half), rows.slice(half)];
          const { promoted, artifacts } = await promoteRows(engine, root, spec, TEXT, batches);
          const good = rows.filter((candidate) => isGood(candidate, trimStrings, emptyStringsAsNull));
          const clean = (text: string | null) => (trimStrings ? (text?.trim() ?? null) : text);
          const keys = new Set(good.map(({ id }) => clean(id)));
          expect(promoted.counts.read).toBe(rows.length);
          expect(promoted.counts.quarantined).toBe(rows.length - good.length);
          expect(promoted.counts.live).toBe(keys.size);
          expect(new Set(artifacts.current?.map(({ id }) => id))).toEqual(new Set(keys));
          const aside = promoted.parts.find((part) => part.role === 'quarantine');
          const lines = aside === undefined ? '' : await Bun.file(aside.file).text();
          const kept = lines.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
          expect(kept.map(({ id, ts, v }) => ({ id, ts, v }))).toEqual(
            rows.filter((candidate) => !isGood(candidate, trimStrings, emptyStringsAsNull)),
          );
        },
      ),
      { numRuns: 40 },
    );
  }, 60_000);

  function isGood(
    { id, ts, v }: Readonly<Record<string, string | null>>,
    trims: boolean,
    nulls: boolean,
  ): boolean {
    const clean = (text: string | null | undefined): string | null => {
      const trimmed = trims ? text?.trim() : text;
      return trimmed === undefined || (nulls && trimmed === '') ? null : trimmed;
    };
    const [key, time, value] = [clean(id), clean(ts), clean(v)];
    return key !== null && time === '2025-01-02T10:00' && (value === null || value === '1' || value === '2');
  }
});
