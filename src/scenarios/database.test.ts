import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTestPostgres, type TestPostgres } from '../testing/postgres-database.ts';
import { mayRun } from '../testing/services.ts';
import { parquetRows } from './readers.ts';
import {
  BRONZE,
  DATE,
  expectExit,
  finish,
  parseDocument,
  runFoundry,
  scenario,
  startFoundry,
  until,
  type Workspace,
} from './support.ts';

const EXAMPLES = join(import.meta.dir, '..', '..', 'fixtures', 'examples');

describe.skipIf(!mayRun('FOUNDRY_TEST_POSTGRES_URL'))('databases, through the program', () => {
  let db: TestPostgres;

  beforeAll(async () => {
    db = await openTestPostgres();
  });

  afterAll(async () => {
    await db?.drop();
  });

  const config = (more: object, run: object = { load_pattern: 'cdc' }): object => ({
    config_version: 1,
    platform: { bronze: { storage_backend: 'local', local_path: './output' } },
    source: { type: 'db', system: 's', table: 't', db: { conn_str_env: 'DB', ...more }, run },
  });

  const bronze = async (w: Workspace, date = DATE, ...flags: string[]) => {
    const done = await runFoundry(
      ['bronze', '--config', 'a.yaml', '--date', date, '--output', 'json', ...flags],
      {
        cwd: w.folder,
        env: { DB: db.url },
      },
    );
    return { ...done, document: parseDocument(done) };
  };

  test(
    '40: a state file seeds the cursor, the query is wrapped, and the next run continues from the commit',
    scenario(async (w) => {
      await db.run(
        `CREATE TABLE s40 (id int, v text); INSERT INTO s40 VALUES (99, 'a'), (101, 'b'), (105, 'c')`,
      );
      await w.put('.state/s_t_cursor.json', '{"cursor": "100", "last_run": "2024-12-31"}');
      await w.put(
        'a.yaml',
        config({ base_query: 'SELECT id, v FROM s40', incremental: { cursor_column: 'id' } }),
      );
      const first = await bronze(w);
      expectExit(first, 0);
      expect(first.document.reports[0]).toMatchObject({
        rows: 2,
        cursor: { column: 'id', start: '100', end: '105' },
      });
      const folder = BRONZE.replace('pattern=full', 'pattern=cdc');
      expect(await parquetRows(`${w.path(folder)}/*.parquet`, 'id')).toMatchObject([
        { id: '101' },
        { id: '105' },
      ]);
      expect((await w.read(`${folder}/_metadata.json`)).cursor).toMatchObject({ column: 'id', end: '105' });
      await db.run(`INSERT INTO s40 VALUES (106, 'd')`);
      const second = await bronze(w, '2025-01-06');
      expect(second.document.reports[0]).toMatchObject({ rows: 1, cursor: { start: '105', end: '106' } });
    }),
  );

  test(
    '41: numbers are compared as numbers; a run that cannot write leaves the cursor, and the next lands the rows',
    scenario(async (w) => {
      await db.run('CREATE TABLE s41 (id int); INSERT INTO s41 SELECT generate_series(1, 9)');
      await w.put('a.yaml', config({ table: 's41', incremental: { cursor_column: 'id' } }));
      expectExit(await bronze(w), 0);
      await db.run('INSERT INTO s41 VALUES (10), (11)');
      // Where the next partition belongs, a file stands in the way.
      await w.put('output/system=s/table=t/pattern=cdc/dt=2025-01-06', 'no folder');
      const failed = await bronze(w, '2025-01-06');
      expect(failed.document.errors[0]?.code).toBe('STG001');
      const again = await bronze(w, '2025-01-07');
      expect(again.document.reports[0]).toMatchObject({ rows: 2, cursor: { start: '9', end: '11' } });
    }),
  );

  test(
    '42: ORDER BY, OR and subqueries stay what they were under the filter',
    scenario(async (w) => {
      await db.run(
        `CREATE TABLE s42 (id int, kind text); INSERT INTO s42 VALUES (1, 'where'), (2, 'b'), (3, 'c')`,
      );
      await w.put(
        'a.yaml',
        config({
          base_query: `SELECT id, kind FROM s42 WHERE kind = 'where' OR id IN (SELECT id FROM s42 WHERE id > 1) ORDER BY id DESC; -- all`,
          incremental: { cursor_column: 'id', initial_value: 2 },
        }),
      );
      const { document } = await bronze(w);
      expect(document.reports[0]).toMatchObject({ rows: 2, cursor: { end: '3' } });
    }),
  );

  test(
    'a plan asks nobody; --check-connections says what works, and what keeps the rest from working',
    scenario(async (w) => {
      await db.run('CREATE TABLE checked (id int, v text)');
      await w.put('a.yaml', config({ table: 'checked' }));
      const plan = await runFoundry(['bronze', '--config', 'a.yaml', '--dry-run', '--output', 'json'], {
        cwd: w.folder,
        env: { DB: 'postgres://nobody:secret@nowhere.invalid/db' },
      });
      expectExit(plan, 0);
      expect(plan.stdout).toContain('table checked on postgres nowhere.invalid/db');
      expect(plan.stdout).not.toContain('secret');
      const checked = await bronze(w, DATE, '--check-connections');
      expectExit(checked, 0);
      expect(checked.document.reports[0].source.connection).toMatch(
        /^PostgreSQL \d.* on postgres .*: 2 columns$/,
      );
      await w.put('a.yaml', config({ table: 'not_there' }));
      const missing = await bronze(w, DATE, '--check-connections');
      expectExit(missing, 4);
      expect(missing.document.errors[0]).toMatchObject({ code: 'EXT001' });
      expect(await w.files('output')).toEqual([]);
    }),
  );

  test(
    'Ctrl-C ends the query on the server, lands nothing, and the run with 130',
    scenario(async (w) => {
      await w.put(
        'a.yaml',
        config({ base_query: 'select pg_sleep(60)::text as s', application_name: `i-${db.name}` }),
      );
      const running = startFoundry(['bronze', '--config', 'a.yaml', '--date', DATE], {
        cwd: w.folder,
        env: { DB: db.url },
      });
      const sessions = () =>
        db.query(`select query from pg_stat_activity where application_name = 'i-${db.name}'`);
      await until('the query', async () =>
        (await sessions()).some(({ query }) => String(query).includes('pg_sleep')),
      );
      running.kill('SIGINT');
      const done = await finish(running);
      expect(done.exitCode).toBe(130);
      await until('its end', async () => (await sessions()).length === 0);
      expect(await w.files('output')).toEqual([]);
    }),
  );

  test(
    'the password is in nothing that is printed or written',
    scenario(async (w) => {
      const password = new URL(db.url).password;
      await db.run('CREATE TABLE plain (id int); INSERT INTO plain VALUES (1)');
      await w.put('a.yaml', config({ table: 'plain' }));
      const done = await bronze(w, DATE, '--verbose');
      expectExit(done, 0);
      const files = await Promise.all(
        (await w.files('output'))
          .filter((name) => name.endsWith('.json'))
          .map((name) => Bun.file(w.path('output', name)).text()),
      );
      for (const text of [done.stdout, done.stderr, ...files]) expect(text).not.toContain(password);
    }),
  );

  test(
    'the two examples land and are promoted',
    scenario(async (w) => {
      await db.run(`
        CREATE TABLE invoices (invoice_id int, customer_id int, amount numeric(10,2), updated_at timestamptz);
        INSERT INTO invoices VALUES (1, 7, 10.50, '2025-01-01+00'), (1, 7, 11.50, '2025-01-02+00'), (2, 8, 1, '2025-01-01+00');
        CREATE TABLE customers (customer_id int, name text, email text, region text, updated_at timestamp);
        INSERT INTO customers VALUES (1, ' Ann ', 'a@x.example', 'EU', '2025-01-01'), (1, 'Ann B', '', 'EU', '2025-01-02'), (2, 'Bob', 'b@x.example', 'US', '2025-01-01')`);
      const env = { ERP_DB_URL: db.url, CUSTOMER_DB_URL: db.url };
      for (const name of ['db_example.yaml', 'db_complex.yaml']) {
        await w.put(name, readFileSync(join(EXAMPLES, name), 'utf8'));
        const done = await runFoundry(['run-intent', '--config', name, '--date', DATE, '--output', 'json'], {
          cwd: w.folder,
          env,
        });
        expectExit(done, 0);
      }
      const invoices = await parquetRows(`${w.path('silver')}/**/*.parquet`, 'invoice_id');
      expect(invoices.map(({ invoice_id, amount }) => [invoice_id, amount])).toEqual([
        ['1', '11.50'],
        ['2', '1.00'],
      ]);
      const customers = await parquetRows(`${w.path('silver_output')}/**/current*.parquet`, 'customer_id');
      expect(customers.map((row) => [row.customer_id, row.name, row.email_address])).toEqual([
        ['1', 'Ann B', null],
        ['2', 'Bob', 'b@x.example'],
      ]);
    }),
  );
});
