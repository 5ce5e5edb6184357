import { expect, test } from 'bun:test';
import type { DatabaseLake, databaseLake } from './database-lake.ts';
import type { DatabaseLab, DatabaseWords } from './database-words.ts';
import { markedRow, startRowWire } from './row-wire.ts';

/** What the suite of a database has around its tests. */
export interface SuiteTools {
  readonly lab: () => DatabaseLab;
  /** Makes a table and gives its name. */
  readonly table: (columns: Readonly<Record<string, keyof DatabaseWords>>) => Promise<string>;
  readonly lakeOf: (options: Parameters<typeof databaseLake>[1], url?: string) => Promise<DatabaseLake>;
  readonly foldsCase: boolean;
}

/** Reads that are split by a column. */
export function chunkedReads({ lab, table, lakeOf, foldsCase }: SuiteTools): void {
  test('chunks by a key, each in a transaction of its own, are together the table', async () => {
    const t = await table({ id: 'integer', seen: 'integer' });
    for (let n = 0; n < 10; n += 1) {
      const rows = Array.from({ length: 100 }, (_, i) => `(${n * 100 + i}, ${(i * 7) % 13})`);
      await lab().run(`INSERT INTO ${t} VALUES ${rows.join(', ')}`);
    }
    await lab().run(`INSERT INTO ${t} VALUES (NULL, 1)`);
    const lake = await lakeOf({
      table: t,
      chunk_rows: 150,
      partition_on: 'id',
      consistency: 'chunk',
      workers: 2,
    });
    const report = await lake.run('2025-01-01');
    expect(report.rows).toBe(1001);
    expect(report.files.length).toBeGreaterThan(5);
    const landed = (await lake.landed())
      .map(({ id }) => (id === null ? -1 : Number(id)))
      .sort((a, b) => a - b);
    expect(landed).toEqual(Array.from({ length: 1001 }, (_, i) => i - 1));
  });

  test('more rows of one value than a chunk has stay in one, also where it is written in two ways', async () => {
    const t = await table({ id: 'integer', note: 'text' });
    const rows = Array.from({ length: 30 }, (_, id) => `(${id}, '${id < 24 ? 'aA'[id % 2] : 'b'}')`);
    await lab().run(`INSERT INTO ${t} VALUES ${rows.join(', ')}`);
    const lake = await lakeOf({ table: t, partition_on: 'note', chunk_rows: 5 });
    const report = await lake.run('2025-01-01');
    expect(await lake.ids()).toEqual(Array.from({ length: 30 }, (_, id) => id));
    expect(report.files).toHaveLength(foldsCase ? 2 : 3);
  });

  test('a connection that breaks in one of such chunks: that chunk alone is read again', async () => {
    const t = await table({ id: 'integer', note: 'text' });
    for (let n = 0; n < 4000; n += 500) {
      const rows = Array.from({ length: 500 }, (_, i) => `(${n + i}, '${markedRow(n + i)}')`);
      await lab().run(`INSERT INTO ${t} VALUES ${rows.join(', ')}`);
    }
    const wire = await startRowWire(lab().url);
    try {
      wire.cutWhen = (sent, connection) => (sent[connection]?.includes(2500) === true ? 'this' : undefined);
      const lake = await lakeOf(
        {
          table: t,
          chunk_rows: 1000,
          partition_on: 'id',
          consistency: 'chunk',
          workers: 2,
          max_attempts: 2,
        },
        wire.url,
      );
      const report = await lake.run('2025-01-01');
      expect(report).toMatchObject({ rows: 4000, lane: 'engine' });
      expect(await lake.ids()).toEqual(Array.from({ length: 4000 }, (_, i) => i));
      const twice = wire.sentTwice();
      expect(twice).toContain(2500);
      expect(twice.every((id) => id >= 2000 && id < 3000)).toBeTrue();
    } finally {
      await wire.stop();
    }
  });
}
