import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { FoundryError } from '../core/errors.ts';
import { chunkedReads } from './database-chunks.ts';
import { type DatabaseLake, databaseLake } from './database-lake.ts';
import type { DatabaseLab, DatabaseWords } from './database-words.ts';
import { conservesRows } from './database-writers.ts';

export interface DatabaseSuite {
  readonly name: string;
  readonly open: () => Promise<DatabaseLab>;
  readonly skip?: boolean;
  /** Whether `'a' = 'A'` in a text column of the lab. */
  readonly foldsCase: boolean;
}

type LakeOptions = Parameters<typeof databaseLake>[1];

/** What must hold for incremental and chunked reads of any database; see decision 10a. */
export function databaseSuite({ name, open, skip = false, foldsCase }: DatabaseSuite): void {
  describe.skipIf(skip)(`incremental reads of ${name}`, () => {
    let lab: DatabaseLab;
    const lakes: DatabaseLake[] = [];
    let tables = 0;

    beforeAll(async () => {
      lab = await open();
    });

    afterAll(async () => {
      for (const lake of lakes) await lake.remove();
      await lab.drop();
    });

    const table = async (columns: Readonly<Record<string, keyof DatabaseWords>>): Promise<string> => {
      tables += 1;
      await lab.create(`t${tables}`, columns);
      return `t${tables}`;
    };

    const lakeOf = async (options: LakeOptions, url = lab.url): Promise<DatabaseLake> => {
      const lake = await databaseLake(url, options);
      lakes.push(lake);
      return lake;
    };

    const bySeen = (from: string, more: LakeOptions['incremental'] = {}): Promise<DatabaseLake> =>
      lakeOf({ table: from, incremental: { cursor_column: 'seen', ...more } });

    test('a seeded cursor and rows beyond it: they land, and the cursor is the largest of them (scenario 40)', async () => {
      const t = await table({ id: 'integer', seen: 'integer' });
      await lab.run(`INSERT INTO ${t} VALUES (1, 99), (2, 101), (3, 105)`);
      const lake = await lakeOf({
        base_query: `SELECT id, seen FROM ${t}`,
        incremental: { cursor_column: 'seen', initial_value: '100' },
      });
      const report = await lake.run('2025-01-01');
      expect(report).toMatchObject({ rows: 2, cursor: { column: 'seen', end: '105' } });
      expect(await lake.ids()).toEqual([2, 3]);
    });

    test('11 comes after 9, and a failed run leaves the cursor where it was (scenario 41)', async () => {
      const t = await table({ id: 'integer', seen: 'integer' });
      for (let n = 1; n <= 11; n += 1) await lab.run(`INSERT INTO ${t} VALUES (${n}, ${n})`);
      const lake = await bySeen(t);
      expect((await lake.run('2025-01-01')).cursor?.end).toBe('11');
      await lab.run(`INSERT INTO ${t} VALUES (12, 12)`);
      const stopped = new AbortController();
      stopped.abort();
      expect(await codeOf(lake.run('2025-01-02', { signal: stopped.signal }))).toBe('INT001');
      expect(await lake.run('2025-01-02')).toMatchObject({ rows: 1, cursor: { start: '11', end: '12' } });
      expect(await lake.ids()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    });

    test.each([
      ['ORDER BY', (t: string) => `SELECT id, seen FROM ${t} ORDER BY seen DESC`],
      ['OR', (t: string) => `SELECT id, seen FROM ${t} WHERE id = 1 OR id > 1`],
      [
        'a subquery with WHERE',
        (t: string) => `SELECT id, seen FROM ${t} WHERE id IN (SELECT id FROM ${t} WHERE id > 0)`,
      ],
      ['a common table', (t: string) => `WITH x AS (SELECT id, seen FROM ${t}) SELECT id, seen FROM x`],
      ['GROUP BY', (t: string) => `SELECT id, max(seen) AS seen FROM ${t} GROUP BY id`],
      ['a comment at its end', (t: string) => `SELECT id, seen FROM ${t} -- where seen > 1`],
    ])('a query with %s is filtered as a whole (scenario 42)', async (_, query) => {
      const t = await table({ id: 'integer', seen: 'integer' });
      await lab.run(`INSERT INTO ${t} VALUES (1, 1), (2, 2)`);
      const lake = await lakeOf({ base_query: query(t), incremental: { cursor_column: 'seen' } });
      await lake.run('2025-01-01');
      await lab.run(`INSERT INTO ${t} VALUES (3, 3)`);
      expect(await lake.run('2025-01-02')).toMatchObject({ rows: 1 });
      expect(await lake.ids()).toEqual([1, 2, 3]);
    });

    test('rows that come late with the last cursor value land, and those that landed do not again', async () => {
      const t = await table({ id: 'integer', seen: 'integer' });
      await lab.run(`INSERT INTO ${t} VALUES (1, 5), (2, 5)`);
      const lake = await bySeen(t);
      await lake.run('2025-01-01');
      await lab.run(`INSERT INTO ${t} VALUES (3, 5), (2, 5), (4, 6)`);
      expect(await lake.run('2025-01-02')).toMatchObject({ rows: 3, cursor: { repeated: 2, end: '6' } });
      expect(await lake.ids()).toEqual([1, 2, 2, 3, 4]);
    });

    test('a backfill between two landed days stops where the later one began', async () => {
      const t = await table({ id: 'integer', seen: 'integer' });
      await lab.run(`INSERT INTO ${t} VALUES (1, 1)`);
      const lake = await bySeen(t);
      await lake.run('2025-01-01');
      await lab.run(`INSERT INTO ${t} VALUES (2, 2), (3, 3)`);
      await lake.run('2025-01-03');
      await lab.run(`INSERT INTO ${t} VALUES (4, 4)`);
      const backfill = await lake.run('2025-01-02');
      expect(backfill).toMatchObject({ cursor: { start: '1', end: '1' } });
      await lake.run('2025-01-04');
      expect(await lake.ids()).toEqual([1, 2, 3, 4]);
    });

    test('a rerun of a day gives the same rows, although more came since for a later one', async () => {
      const t = await table({ id: 'integer', seen: 'integer' });
      await lab.run(`INSERT INTO ${t} VALUES (1, 1)`);
      const lake = await bySeen(t);
      await lake.run('2025-01-01');
      await lab.run(`INSERT INTO ${t} VALUES (2, 2)`);
      await lake.run('2025-01-02');
      await lab.run(`INSERT INTO ${t} VALUES (3, 3)`);
      await lake.run('2025-01-03');
      await lake.run('2025-01-02');
      expect(await lake.ids('2025-01-02')).toEqual([2]);
      expect(await lake.ids()).toEqual([1, 2, 3]);
    });

    test('timestamps are compared with every digit of a microsecond', async () => {
      const t = await table({ id: 'integer', seen: 'timestamp' });
      const at = (micros: string) => `'2024-01-01T10:00:00.${micros}'`;
      await lab.run(`INSERT INTO ${t} VALUES (1, ${at('000001')}), (2, ${at('000002')})`);
      const lake = await bySeen(t);
      expect((await lake.run('2025-01-01')).cursor?.end).toBe('2024-01-01T10:00:00.000002');
      await lab.run(`INSERT INTO ${t} VALUES (3, ${at('000003')})`);
      expect(await lake.run('2025-01-02')).toMatchObject({ rows: 1, cursor: { repeated: 1 } });
      expect(await lake.ids()).toEqual([1, 2, 3]);
    });

    test('decimals are compared by all of their digits', async () => {
      const t = await table({ id: 'integer', seen: 'decimal' });
      await lab.run(`INSERT INTO ${t} VALUES (1, 12345678901234567890.0000000001)`);
      const lake = await bySeen(t);
      expect((await lake.run('2025-01-01')).cursor?.end).toBe('12345678901234567890.0000000001');
      await lab.run(`INSERT INTO ${t} VALUES (2, 12345678901234567890.0000000002)`);
      expect(await lake.run('2025-01-02')).toMatchObject({ rows: 1 });
      expect(await lake.ids()).toEqual([1, 2]);
    });

    test('texts are compared by the rule of their column', async () => {
      const t = await table({ id: 'integer', seen: 'text' });
      await lab.run(`INSERT INTO ${t} VALUES (1, 'a'), (2, 'B')`);
      const lake = await bySeen(t);
      expect((await lake.run('2025-01-01')).cursor?.end).toBe(foldsCase ? 'B' : 'a');
      await lab.run(`INSERT INTO ${t} VALUES (3, 'c'), (4, '${foldsCase ? 'b' : 'a'}')`);
      await lake.run('2025-01-02');
      expect(await lake.ids()).toEqual([1, 2, 3, 4]);
    });

    test('rows without a cursor value land once, with the first run, and are counted', async () => {
      const t = await table({ id: 'integer', seen: 'integer' });
      await lab.run(`INSERT INTO ${t} VALUES (1, NULL), (2, 2)`);
      const lake = await bySeen(t);
      expect(await lake.run('2025-01-01')).toMatchObject({ rows: 2 });
      await lab.run(`INSERT INTO ${t} VALUES (3, 3)`);
      expect(await lake.run('2025-01-02')).toMatchObject({ rows: 1 });
      expect(await lake.ids()).toEqual([1, 2, 3]);
      const strict = await bySeen(t, { null_rows: 'fail' });
      expect(await codeOf(strict.run('2025-01-01'))).toBe('DATA001');
    });

    test('a lookback reads again what changed late', async () => {
      const t = await table({ id: 'integer', seen: 'integer' });
      await lab.run(`INSERT INTO ${t} VALUES (1, 10), (2, 20)`);
      const lake = await bySeen(t, { lookback: 5 });
      await lake.run('2025-01-01');
      await lab.run(`INSERT INTO ${t} VALUES (3, 16), (4, 12)`);
      expect(await lake.run('2025-01-02')).toMatchObject({ rows: 1, cursor: { reread: 1 } });
      expect(await lake.ids()).toEqual([1, 2, 3]);
    });

    test('an empty slice carries the cursor on', async () => {
      const t = await table({ id: 'integer', seen: 'integer' });
      await lab.run(`INSERT INTO ${t} VALUES (1, 1)`);
      const lake = await bySeen(t);
      await lake.run('2025-01-01');
      expect(await lake.run('2025-01-02')).toMatchObject({
        status: 'empty',
        cursor: { start: '1', end: '1' },
      });
      await lab.run(`INSERT INTO ${t} VALUES (2, 2)`);
      await lake.run('2025-01-03');
      expect(await lake.ids()).toEqual([1, 2]);
    });

    test('placeholders of a query are bound', async () => {
      const t = await table({ id: 'integer', seen: 'integer', note: 'text' });
      await lab.run(`INSERT INTO ${t} VALUES (1, 1, 'x''y'), (2, 2, 'z')`);
      const lake = await lakeOf({
        base_query: `SELECT id FROM ${t} WHERE note = :note AND id >= :low`,
        params: { note: "x'y", low: '1' },
      });
      await lake.run('2025-01-01');
      expect(await lake.ids()).toEqual([1]);
    });

    chunkedReads({ lab: () => lab, table, lakeOf, foldsCase });

    test('while others write, no row is lost and none lands twice in the same state', async () => {
      tables += 1;
      await conservesRows(lab, `t${tables}`, 8);
    });
  });
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'it went well',
    (error: unknown) => (error instanceof FoundryError ? error.code : String(error)),
  );
}
