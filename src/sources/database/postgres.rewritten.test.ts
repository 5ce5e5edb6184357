import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { until } from '../../scenarios/support.ts';
import { type DatabaseLake, databaseLake } from '../../testing/database-lake.ts';
import { openTestPostgres, type TestPostgres } from '../../testing/postgres-database.ts';
import { mayRun } from '../../testing/services.ts';

const ROWS = 500;
const all = Array.from({ length: ROWS }, (_, index) => index + 1);
const FILL = `INSERT INTO loaded SELECT g, 'row ' || g FROM generate_series(1, ${ROWS}) g`;
const RELOADS = [
  `TRUNCATE loaded; ${FILL}`,
  'ALTER TABLE loaded ALTER id TYPE bigint',
  `DROP TABLE loaded; CREATE TABLE loaded (id int PRIMARY KEY, note text); ${FILL}`,
];

describe.skipIf(!mayRun('FOUNDRY_TEST_POSTGRES_URL'))('a table that is made anew', () => {
  let db: TestPostgres;
  let lake: DatabaseLake;
  beforeAll(async () => {
    db = await openTestPostgres();
  });
  afterAll(() => db.drop());

  const isHeld = async (): Promise<boolean> =>
    (
      await db.query(`SELECT 1 FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE d.datname = current_database() AND l.mode = 'AccessExclusiveLock' AND l.granted`)
    ).length > 0;

  /** Reads while the table is made anew, which the run has to wait for. */
  const readMeanwhile = async (reload: string, options: Parameters<typeof databaseLake>[1]) => {
    await db.run(`DROP TABLE IF EXISTS loaded CASCADE; CREATE TABLE loaded (id int PRIMARY KEY, note text);
      ${FILL}`);
    if (options.base_query !== undefined) await db.run('CREATE VIEW seen AS SELECT * FROM loaded');
    lake = await databaseLake(db.url, { max_attempts: 3, ...options });
    try {
      const reloaded = db.alone(`BEGIN; ${reload}; SELECT pg_sleep(0.7); COMMIT`);
      await until('the lock', isHeld);
      const ended = await lake.run('2025-01-05').catch((error: unknown) => error);
      await reloaded;
      return { ended, ids: await lake.ids() };
    } finally {
      await lake.remove();
    }
  };

  for (const reload of RELOADS) {
    test.each([
      ['as one', {}],
      ['in chunks of one snapshot', { chunk_rows: 200, workers: 2 }],
      ['chunk by chunk', { chunk_rows: 200, partition_on: 'id', consistency: 'chunk' as const }],
    ])(`by ${reload.slice(0, 12)} is read whole by who waited for it, %s`, async (_, options) => {
      expect((await readMeanwhile(reload, { table: 'loaded', ...options })).ids).toEqual(all);
    });
  }

  test('is read whole through a view too', async () => {
    const { ids } = await readMeanwhile(RELOADS[0] ?? '', { base_query: 'SELECT * FROM seen' });
    expect(ids).toEqual(all);
  });

  test('is no empty table where nothing is tried again', async () => {
    const { ended, ids } = await readMeanwhile(RELOADS[0] ?? '', { table: 'loaded', max_attempts: 1 });
    expect(ended).toMatchObject({ code: 'RETRY001', details: { rewritten: 'loaded' } });
    expect(ids).toEqual([]);
  });

  test('a parameter that stands for a char(n) is not cut', async () => {
    await db.run(
      `CREATE TABLE coded (id int, code char(5)); INSERT INTO coded VALUES (1, 'a'), (2, 'ab'), (3, 'abc')`,
    );
    const query = 'SELECT id, code FROM coded WHERE code = :code';
    lake = await databaseLake(db.url, { base_query: query, params: { code: 'ab' } });
    try {
      await lake.run('2025-01-05');
      expect(await lake.ids()).toEqual([2]);
    } finally {
      await lake.remove();
    }
  });
});
