import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { databaseLake } from '../../testing/database-lake.ts';
import { openTestPostgres, type TestPostgres } from '../../testing/postgres-database.ts';
import { mayRun } from '../../testing/services.ts';

/** Types whose name alone, without a length, is a type of one place. */
const SIZED = [
  { type: 'char(6)', at: (n: number) => `'${'a'.repeat(n)}'`, of: `lpad(g::text, 6, 'x')` },
  { type: 'padded', at: (n: number) => `'${'a'.repeat(n)}'`, of: `lpad(g::text, 6, 'x')` },
  { type: 'bit(10)', at: (n: number) => `${n}::bit(10)`, of: 'g::bit(10)' },
] as const;

/** Ids and where they are: the first row of a day is at the end of the day before. */
const DAYS: readonly (readonly (readonly [number, number])[])[] = [
  [[1, 1]],
  [
    [2, 1],
    [3, 2],
  ],
  [
    [4, 2],
    [5, 3],
  ],
  [],
];

describe.skipIf(!mayRun('FOUNDRY_TEST_POSTGRES_URL'))('bounds of a type with a length are not cut', () => {
  let db: TestPostgres;
  beforeAll(async () => {
    db = await openTestPostgres();
    await db.run('CREATE DOMAIN padded AS char(6)');
  });
  afterAll(() => db.drop());

  test.each(SIZED)('by a cursor of $type each row lands once', async ({ type, at }) => {
    await db.run(`DROP TABLE IF EXISTS moved; CREATE TABLE moved (id int, at ${type})`);
    const lake = await databaseLake(db.url, { table: 'moved', incremental: { cursor_column: 'at' } });
    try {
      let landed: number[] = [];
      for (const [day, rows] of DAYS.entries()) {
        const values = rows.map(([id, place]) => `(${id}, ${at(place)})`);
        if (values.length > 0) await db.run(`INSERT INTO moved VALUES ${values.join(', ')}`);
        await lake.run(`2025-01-0${day + 1}`);
        landed = [...landed, ...rows.map(([id]) => id)];
        expect(await lake.ids()).toEqual(landed);
      }
    } finally {
      await lake.remove();
    }
  });

  test.each(SIZED)('chunks by a key of $type come to an end, and are the table', async ({ type, of }) => {
    await db.run(`DROP TABLE IF EXISTS keyed; CREATE TABLE keyed (id int, key ${type});
      INSERT INTO keyed SELECT g, ${of} FROM generate_series(1, 300) g`);
    const options = { table: 'keyed', partition_on: 'key', chunk_rows: 70 };
    const lake = await databaseLake(db.url, { ...options, statement_timeout_seconds: 5 });
    try {
      const report = await lake.run('2025-01-01', { signal: AbortSignal.timeout(10_000) });
      expect(report.files).toHaveLength(5);
      expect(await lake.ids()).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    } finally {
      await lake.remove();
    }
  });
});
