import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { until } from '../../scenarios/support.ts';
import { type DatabaseLake, databaseLake } from '../../testing/database-lake.ts';
import { type MysqlLab, mysqlLab } from '../../testing/mysql-kit.ts';
import { mayRun } from '../../testing/services.ts';

const ROWS = 500;
const all = Array.from({ length: ROWS }, (_, index) => index + 1);
const fill = (table: string): string =>
  `INSERT INTO ${table} SELECT seq, concat('row ', seq), '2025-07-01 12:00:00' FROM seq_1_to_${ROWS}`;
const COLUMNS = '(id int PRIMARY KEY, note text, at datetime)';
const LOCK = `LOCK TABLES loaded WRITE, other WRITE, seq_1_to_${ROWS} READ`;
const OPTIONS = [
  ['as one', {}],
  ['in chunks of one snapshot', { chunk_rows: 200 }],
  ['chunk by chunk', { chunk_rows: 200, partition_on: 'id', consistency: 'chunk' }],
  ['by a cursor', { incremental: { cursor_column: 'id' } }],
] as const;

describe.skipIf(!mayRun('FOUNDRY_TEST_MYSQL_URL'))('a table that a writer has locked', () => {
  let lab: MysqlLab;
  let lake: DatabaseLake | undefined;
  beforeAll(async () => {
    lab = await mysqlLab();
  });
  afterEach(async () => {
    await lab.run('UNLOCK TABLES');
    await lake?.remove();
    lake = undefined;
  });
  afterAll(() => lab.drop());

  const isAwaited = async (): Promise<boolean> =>
    (
      await lab.rows(`SELECT id FROM information_schema.processlist
        WHERE db = '${lab.database}' AND state LIKE 'Waiting for table metadata lock'`)
    ).length > 0;

  test.each(OPTIONS)('is read as it is when he lets it go, %s', async (_, options) => {
    await lab.run('DROP TABLE IF EXISTS loaded, other', `CREATE TABLE loaded ${COLUMNS}`, fill('loaded'));
    await lab.run(`CREATE TABLE other ${COLUMNS}`, LOCK, 'DELETE FROM loaded');
    lake = await databaseLake(lab.url, { table: 'loaded', ...options });
    const running = lake.run('2025-01-05');
    await until('the run waits', isAwaited);
    await lab.run(fill('loaded'), 'UNLOCK TABLES');
    expect((await running).rows).toBe(ROWS);
    expect(await lake.ids()).toEqual(all);
  });

  test('of two tables too, of which one was filled before', async () => {
    await lab.run('DROP TABLE IF EXISTS loaded, other', `CREATE TABLE loaded ${COLUMNS}`);
    await lab.run(`CREATE TABLE other ${COLUMNS}`, fill('other'), LOCK);
    const query =
      'SELECT o.id, (SELECT count(*) FROM loaded) AS n FROM other o WHERE o.id IN (SELECT id FROM loaded)';
    lake = await databaseLake(lab.url, { base_query: query });
    const running = lake.run('2025-01-05');
    await until('the run waits', isAwaited);
    await lab.run(fill('loaded'), 'UNLOCK TABLES');
    expect((await running).rows).toBe(ROWS);
  });

  test('and altered is described as it has become', async () => {
    await lab.run('DROP TABLE IF EXISTS loaded, other', `CREATE TABLE loaded ${COLUMNS}`, fill('loaded'));
    await lab.run(`CREATE TABLE other ${COLUMNS}`, LOCK);
    lake = await databaseLake(lab.url, { table: 'loaded' });
    const running = lake.run('2025-01-05');
    await until('the run waits', isAwaited);
    await lab.run('ALTER TABLE loaded MODIFY at varchar(40)');
    await lab.run("UPDATE loaded SET at = 'noon'", 'UNLOCK TABLES');
    expect((await running).rows).toBe(ROWS);
    expect(new Set((await lake.landed()).map((row) => row.at))).toEqual(new Set(['noon']));
  });
});
