import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { DatabaseLab } from '../testing/database-words.ts';
import { type MysqlLab, mysqlLab } from '../testing/mysql-kit.ts';
import { mayRun } from '../testing/services.ts';
import { tdsLab } from '../testing/tds/lab.ts';
import { parquetRows } from './readers.ts';
import {
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

function config(more: object): object {
  return {
    config_version: 1,
    platform: { bronze: { storage_backend: 'local', local_path: './output' } },
    source: {
      type: 'db',
      system: 's',
      table: 't',
      db: { conn_str_env: 'DB', driver: 'pyodbc', ...more },
      run: { load_pattern: 'cdc' },
    },
  };
}

async function bronze(w: Workspace, url: string, ...flags: string[]) {
  const done = await runFoundry(['bronze', '--config', 'a.yaml', '--output', 'json', ...flags], {
    cwd: w.folder,
    env: { DB: url },
  });
  return { ...done, document: parseDocument(done) };
}

/** The ODBC-style string of the same server. */
function odbc(url: string, driver: string, more = ''): string {
  const { hostname, port, username, password, pathname } = new URL(url);
  const server = driver.includes('SQL Server') ? `${hostname},${port}` : `${hostname};Port=${port}`;
  return `Driver={${driver}};Server=${server};Database=${pathname.slice(1)};UID=${username};PWD=${decodeURIComponent(password)};${more}`;
}

describe.skipIf(!mayRun('FOUNDRY_TEST_MYSQL_URL'))('MariaDB, through the program', () => {
  let lab: MysqlLab;

  beforeAll(async () => {
    lab = await mysqlLab();
  });

  afterAll(() => lab.drop());

  test(
    'an ODBC string, an incremental query, and the next day only what is new',
    scenario(async (w) => {
      await lab.create('orders', { id: 'integer', seen: 'timestamp', note: 'text' });
      await lab.run(
        "INSERT INTO orders VALUES (1, '2024-01-01 00:00:00.000001', 'ä'), (2, '2024-01-02', NULL)",
      );
      await w.put(
        'a.yaml',
        config({
          base_query: 'SELECT * FROM orders WHERE id = 1 OR id > 1 ORDER BY id',
          incremental: { cursor_column: 'seen' },
        }),
      );
      const url = odbc(lab.url, 'MariaDB ODBC 3.1 Driver');
      const first = await bronze(w, url, '--date', DATE);
      expectExit(first, 0);
      expect(first.document.reports[0]).toMatchObject({
        rows: 2,
        lane: 'engine',
        cursor: { end: '2024-01-02T00:00:00.000000' },
      });
      await lab.run("INSERT INTO orders VALUES (3, '2024-01-03', 'new')");
      const second = await bronze(w, url, '--date', '2025-01-06');
      expect(second.document.reports[0]).toMatchObject({ rows: 1 });
      const rows = await parquetRows(`${w.path('output')}/**/*.parquet`, 'id');
      expect(rows.map(({ id, seen, note }) => [id, seen, note])).toEqual([
        ['1', '2024-01-01 00:00:00.000001', 'ä'],
        ['2', '2024-01-02 00:00:00', null],
        ['3', '2024-01-03 00:00:00', 'new'],
      ]);
    }),
  );

  test(
    'Ctrl-C ends the query at the server and lands nothing',
    scenario(async (w) => {
      await w.put('a.yaml', config({ base_query: 'SELECT sleep(600) AS slept' }));
      const running = startFoundry(['bronze', '--config', 'a.yaml', '--date', DATE], {
        cwd: w.folder,
        env: { DB: lab.url },
      });
      const sleeping = async () =>
        (
          await lab.rows(
            "SELECT id FROM information_schema.processlist WHERE info LIKE '%sleep(600)%' AND id <> connection_id()",
          )
        ).length;
      await until('the query', async () => (await sleeping()) === 1);
      running.kill('SIGINT');
      const done = await finish(running);
      expectExit(done, 130);
      await until('its end', async () => (await lab.sessions()).length === 0);
      expect(await w.files('output')).toEqual([]);
    }),
  );

  test(
    'what is wrong is said in the words of the server, without the password',
    scenario(async (w) => {
      await w.put('a.yaml', config({ table: 'not_there' }));
      const missing = await bronze(w, lab.url, '--date', DATE);
      expectExit(missing, 4);
      expect(missing.document.errors[0]).toMatchObject({ code: 'EXT001', details: { error: 1146 } });
      const wrong = await bronze(w, lab.url.replace(/:[^:@]*@/, ':wrong-secret@'), '--date', DATE);
      expectExit(wrong, 4);
      expect(wrong.document.errors[0]?.code).toBe('AUTH001');
      expect(`${wrong.stdout}${wrong.stderr}`).not.toContain('wrong-secret');
    }),
  );
});

describe('SQL Server (the TDS server of the tests), through the program', () => {
  let lab: DatabaseLab;

  beforeAll(async () => {
    lab = await tdsLab();
  });

  afterAll(() => lab.drop());

  test(
    'an ODBC string, an incremental query, and the next day only what is new',
    scenario(async (w) => {
      await lab.create('orders', { id: 'integer', seen: 'timestamp', amount: 'decimal' });
      await lab.run(
        "INSERT INTO orders VALUES (1, '2024-01-01T00:00:00.000001', 12345678901234567890.5), (2, '2024-01-02T00:00:00.000000', NULL)",
      );
      await w.put(
        'a.yaml',
        config({
          base_query: 'WITH x AS (SELECT * FROM orders) SELECT * FROM x ORDER BY id',
          incremental: { cursor_column: 'seen' },
        }),
      );
      const url = odbc(lab.url, 'ODBC Driver 18 for SQL Server', 'Encrypt=no;');
      const first = await bronze(w, url, '--date', DATE);
      expectExit(first, 0);
      expect(first.document.reports[0]).toMatchObject({
        rows: 2,
        cursor: { end: '2024-01-02T00:00:00.000000' },
      });
      await lab.run("INSERT INTO orders VALUES (3, '2024-01-03T00:00:00.000000', 0)");
      expect((await bronze(w, url, '--date', '2025-01-06')).document.reports[0]).toMatchObject({ rows: 1 });
      const rows = await parquetRows(`${w.path('output')}/**/*.parquet`, 'id');
      expect(rows.map(({ id, seen, amount }) => [id, seen, amount])).toEqual([
        ['1', '2024-01-01 00:00:00.000001', '12345678901234567890.5000000000'],
        ['2', '2024-01-02 00:00:00', null],
        ['3', '2024-01-03 00:00:00', '0.0000000000'],
      ]);
    }),
  );

  test(
    'what is wrong is said in the words of the server, without the password',
    scenario(async (w) => {
      await w.put('a.yaml', config({ table: 'not_there' }));
      const missing = await bronze(w, lab.url, '--date', DATE);
      expectExit(missing, 4);
      expect(missing.document.errors[0]).toMatchObject({ code: 'EXT001', details: { error: 208 } });
      const wrong = await bronze(
        w,
        odbc(lab.url, 'SQL Server', 'Encrypt=no;').replace(/PWD=[^;]*/, 'PWD=wrong-secret'),
        '--date',
        DATE,
      );
      expectExit(wrong, 4);
      expect(wrong.document.errors[0]).toMatchObject({ code: 'AUTH001', details: { error: 18_456 } });
      expect(`${wrong.stdout}${wrong.stderr}`).not.toContain('wrong-secret');
    }),
  );
});
