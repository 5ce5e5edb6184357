import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FoundryError } from '../../core/errors.ts';
import { until } from '../../scenarios/support.ts';
import { type DatabaseLake, databaseLake } from '../../testing/database-lake.ts';
import { openTestPostgres, type TestPostgres } from '../../testing/postgres-database.ts';
import { mayRun } from '../../testing/services.ts';
import { startTcpProxy } from '../../testing/tcp-proxy.ts';
import { parseConnectionString } from './connection-string.ts';
import { postgresDriver } from './postgres.ts';

type Options = Parameters<typeof databaseLake>[1];

describe.skipIf(!mayRun('FOUNDRY_TEST_POSTGRES_URL'))('PostgreSQL', () => {
  let db: TestPostgres;
  const lakes: DatabaseLake[] = [];

  beforeAll(async () => {
    db = await openTestPostgres();
    await db.run(
      `CREATE TABLE numbers (id int PRIMARY KEY, note text);
       INSERT INTO numbers SELECT g, 'row ' || g FROM generate_series(1, 20000) g;
       CREATE ROLE ${db.name}_reader LOGIN PASSWORD 'reader';
       CREATE TABLE hidden (id int); REVOKE ALL ON hidden FROM PUBLIC; ANALYZE numbers`,
    );
  });

  afterAll(async () => {
    for (const lake of lakes) await lake.remove();
    await db.run(`DROP OWNED BY ${db.name}_reader; DROP ROLE ${db.name}_reader`);
    await db?.drop();
  });

  const lakeOf = async (options: Options, url = db.url): Promise<DatabaseLake> => {
    const lake = await databaseLake(url, { max_attempts: 1, connect_timeout_seconds: 5, ...options });
    lakes.push(lake);
    return lake;
  };

  const refusal = async (options: Options, url = db.url, signal?: AbortSignal): Promise<FoundryError> => {
    const lake = await lakeOf(options, url);
    try {
      await lake.run('2025-01-05', signal === undefined ? {} : { signal });
    } catch (error) {
      expect(await lake.landed()).toEqual([]);
      return error as FoundryError;
    }
    throw new Error('it was not refused');
  };

  const changed = (change: (url: URL) => void): string => {
    const url = new URL(db.url);
    change(url);
    return url.href;
  };

  const all = Array.from({ length: 20_000 }, (_, index) => index + 1);

  describe('says what is wrong, with the server’s own words', () => {
    test('a wrong password', async () => {
      const error = await refusal(
        { table: 'numbers' },
        changed((url) => {
          url.password = 'hunter2';
        }),
      );
      expect(error.code).toBe('AUTH001');
      expect(error.message).toContain('password authentication failed for user');
      expect(`${error.message}${error.hint}${JSON.stringify(error.details)}`).not.toContain('hunter2');
    });

    test('a database, a host and a port that are not there', async () => {
      const database = await refusal(
        { table: 'numbers' },
        changed((url) => {
          url.pathname = '/nowhere';
        }),
      );
      expect([database.code, database.message]).toEqual([
        'EXT001',
        expect.stringContaining('"nowhere" does not exist'),
      ]);
      const host = await refusal(
        { table: 'numbers' },
        changed((url) => {
          url.hostname = 'nowhere.invalid';
        }),
      );
      expect(['EXT001', 'RETRY001']).toContain(host.code);
      expect(host.message).toContain('nowhere.invalid');
      const port = await refusal(
        { table: 'numbers' },
        changed((url) => {
          url.port = '1';
        }),
      );
      expect(port.code).toBe('RETRY001');
      expect(port.message).toContain('gave up after 1 attempt');
    });

    test.each([
      [{ table: 'no_such_table' }, 'relation "no_such_table" does not exist', '42P01'],
      [
        { base_query: 'select id,\n  nothing from numbers' },
        'column "nothing" does not exist (line 2, column 3)',
        '42703',
      ],
      [{ base_query: 'select id form numbers where' }, 'syntax error', '42601'],
      [{ base_query: 'select 1/(id-1) as x from numbers' }, 'division by zero', '22012'],
    ] as const)('%j', async (options, message, state) => {
      const error = await refusal(options);
      expect(error.code).toBe('EXT001');
      expect(error.message).toContain(message);
      expect(error.details.sqlstate).toBe(state);
      expect(error.message).toContain('the query:');
    });

    test('a name that stands twice, and what is no SELECT', async () => {
      const twice = await refusal({ base_query: 'select id, note as id from numbers' });
      expect([twice.code, twice.message]).toEqual(['DATA001', expect.stringContaining('"id" stands twice')]);
      const written = await refusal({ base_query: 'delete from numbers' });
      expect([written.code, written.hint]).toEqual(['CFG001', expect.stringContaining('SELECT')]);
    });

    test('a table that this user may not read', async () => {
      const error = await refusal(
        { table: 'hidden' },
        changed((url) => {
          url.username = `${db.name}_reader`;
          url.password = 'reader';
        }),
      );
      expect([error.code, error.message]).toEqual(['EXT001', expect.stringContaining('permission denied')]);
      expect(error.hint).toContain('SELECT');
    });

    test('a query that writes', async () => {
      await db.run(
        `CREATE TABLE written (n int); CREATE FUNCTION write_it() RETURNS int LANGUAGE sql AS 'INSERT INTO written VALUES (1) RETURNING n'`,
      );
      const error = await refusal({ base_query: 'select write_it() as n' });
      expect(error.message).toContain('read-only transaction');
      expect(await db.query('select * from written')).toEqual([]);
    });

    test('a parameter’s value is in no message', async () => {
      const error = await refusal({
        base_query: 'select id from numbers where note = :secret and nothing = 1',
        params: { secret: 'hunter2' },
      });
      expect(error.message).toContain('where note = $1');
      expect(error.message).not.toContain('hunter2');
    });

    test('a statement that takes too long', async () => {
      const slow = await refusal({
        base_query: 'select id, pg_sleep(1)::text from numbers',
        statement_timeout_seconds: 0.2,
      });
      expect([slow.code, slow.message]).toEqual(['EXT001', expect.stringContaining('statement timeout')]);
      expect(slow.hint).toContain('statement_timeout_seconds');
    });

    test('a variable that is not set', async () => {
      const lake = await lakeOf({ table: 'numbers' }, '');
      await expect(lake.run('2025-01-05')).rejects.toMatchObject({ code: 'AUTH001' });
    });
  });

  describe('is read in parallel', () => {
    test('by where the rows lie, each chunk a part of its own', async () => {
      const lake = await lakeOf({ table: 'numbers', workers: 3 });
      const report = await lake.run('2025-01-05');
      expect(report.files).toHaveLength(3);
      expect(await lake.ids()).toEqual(all);
    });

    test('by ranges of a column of a query, also of texts', async () => {
      for (const column of ['id', 'note']) {
        const lake = await lakeOf({
          base_query: 'select id, note from numbers',
          partition_on: column,
          workers: 2,
          chunk_rows: 6000,
        });
        const report = await lake.run('2025-01-05');
        expect(report.files).toHaveLength(4);
        expect(await lake.ids()).toEqual(all);
      }
    });

    test('in one snapshot: rows that move and vanish meanwhile are neither lost nor doubled', async () => {
      await db.run(
        `CREATE TABLE moving (id int PRIMARY KEY, pad text); INSERT INTO moving SELECT g, repeat('x', 500) FROM generate_series(1, 5000) g`,
      );
      const lake = await lakeOf({ table: 'moving', workers: 3, chunk_rows: 400 });
      let stop = false;
      const write = (async () => {
        for (let n = 0; !stop; n += 1) {
          await db.run(
            `UPDATE moving SET pad = pad || 'y' WHERE id % 50 = ${n % 50}; DELETE FROM moving WHERE id = ${100_000 + n}; INSERT INTO moving VALUES (${100_001 + n}, 'z')`,
          );
        }
      })();
      await lake.run('2025-01-05');
      stop = true;
      await write;
      const landed = await lake.ids();
      expect(new Set(landed).size).toBe(landed.length);
      expect(landed.filter((id) => id <= 5000)).toEqual(all.slice(0, 5000));
    });

    test('and only by what says where to split', async () => {
      const error = await refusal({ base_query: 'select id, note from numbers', workers: 2 });
      expect([error.code, error.hint]).toEqual(['CFG001', expect.stringContaining('partition_on')]);
    });
  });

  test('the session is named, read-only and gone after the run; a stopped run ends the query on the server', async () => {
    const stopped = new AbortController();
    const sleeping = refusal(
      { base_query: 'select pg_sleep(30)::text as s', application_name: `f-${db.name}` },
      db.url,
      stopped.signal,
    );
    const sessions = () =>
      db.query(`select state, query from pg_stat_activity where application_name = 'f-${db.name}'`);
    await until('the query', async () =>
      (await sessions()).some(({ query }) => String(query).includes('pg_sleep')),
    );
    stopped.abort();
    expect((await sleeping).code).toBe('INT001');
    await until('its end', async () => (await sessions()).length === 0);
  });

  test.each(['rows', 'csv'] as const)(
    '%s of a session that is closed meanwhile do not end as if they were all',
    async (kind) => {
      const target = parseConnectionString(db.url, undefined, 'test');
      const session = await postgresDriver.connect(target, {
        applicationName: 'foundry tests',
        connectTimeoutMs: 5000,
        fetchRows: 1000,
        signal: new AbortController().signal,
      });
      const statement = { sql: 'SELECT a.id FROM numbers a, numbers b', params: [] };
      const reading = async (): Promise<void> => {
        const blocks = kind === 'rows' ? session.rows(statement) : session.csv?.(statement, 1);
        for await (const _ of blocks ?? []) await session.close();
      };
      await expect(reading()).rejects.toMatchObject({ code: 'RETRY001' });
    },
  );

  test('a pause between chunks ends with the run', async () => {
    const stopped = new AbortController();
    const lake = await lakeOf({ table: 'numbers', chunk_rows: 5000, chunk_delay_seconds: 60 });
    const running = lake.run('2025-01-05', { signal: stopped.signal });
    await Bun.sleep(700);
    stopped.abort();
    await expect(running).rejects.toMatchObject({ code: 'INT001' });
  });

  test('a lost connection is tried again from the start, and lands everything once', async () => {
    const server = new URL(db.url);
    const proxy = await startTcpProxy(server.hostname, Number(server.port));
    try {
      const lake = await lakeOf(
        { table: 'numbers', max_attempts: 3 },
        changed((url) => {
          url.port = String(proxy.port);
        }),
      );
      proxy.cutAfterBytes = 100_000;
      const running = lake.run('2025-01-05');
      await Bun.sleep(300);
      proxy.cutAfterBytes = undefined;
      await running;
      expect(await lake.ids()).toEqual(all);
    } finally {
      await proxy.stop();
    }
  });

  test('TLS: required, verified, and refused where the authority is not known', async () => {
    const one = { base_query: `select ssl::text as v from pg_stat_ssl where pid = pg_backend_pid()` };
    const land = async (mode: string): Promise<unknown[]> => {
      const lake = await lakeOf(
        one,
        changed((url) => {
          url.search = `?sslmode=${mode}`;
        }),
      );
      await lake.run('2025-01-05');
      return (await lake.landed()).map(({ v }) => v);
    };
    const [server] = await db.query('show ssl');
    if (server?.ssl !== 'on') throw new Error('the server for tests has no TLS');
    expect(await land('require')).toEqual(['true']);
    expect(await land('prefer')).toEqual(['true']);
    expect(await land('disable')).toEqual(['false']);
    const unknown = await refusal(
      one,
      changed((url) => {
        url.search = '?sslmode=verify-full';
      }),
    );
    expect([unknown.code, unknown.hint]).toEqual(['EXT001', expect.stringContaining('sslrootcert')]);
    const [{ setting = '' } = {}] = await db.query(
      `select setting from pg_settings where name = 'ssl_cert_file'`,
    );
    const folder = await mkdtemp(join(tmpdir(), 'foundry-ca-'));
    const authority = join(folder, 'ca.crt');
    await writeFile(
      authority,
      String((await db.query(`select pg_read_file('${setting}') as text`))[0]?.text ?? ''),
    );
    expect(await land(`verify-full&sslrootcert=${encodeURIComponent(authority)}`)).toEqual(['true']);
    await rm(folder, { recursive: true });
  });

  test('a record longer than the engine’s buffers lands by the other lane', async () => {
    const lake = await lakeOf({
      base_query: `select 1 as id, repeat('é', 3000000) as v union all select 2, 'x'`,
    });
    const report = await lake.run('2025-01-05');
    expect(report.lane).toBe('rows');
    expect((await lake.landed()).map(({ v }) => String(v).length).sort()).toEqual([1, 3_000_000]);
  });

  test('dates of the run are parameters', async () => {
    const lake = await lakeOf({
      base_query: `select {{run_date}}::date as a, :start_date::date as b, {{ end_date }}::date - 1 as c where current_date > {{run_date}}`,
    });
    await lake.run('2024-02-29');
    expect((await lake.landed()).map(({ a, b, c }) => [a, b, c].map(String))).toEqual([
      ['2024-02-29', '2024-02-29', '2024-02-29'],
    ]);
  });

  test('the cursor’s bounds go into the query where it asks for them', async () => {
    await db.run(
      `CREATE TABLE seen (id int, at timestamptz); INSERT INTO seen VALUES (1, '2024-01-01 00:00:00.000001+00'), (2, '2024-01-02+00')`,
    );
    const lake = await lakeOf({
      base_query: 'select id, at from seen where at >= :since and at <= :until',
      incremental: { cursor_column: 'at', initial_value: '2024-01-01' },
    });
    expect(await lake.run('2025-01-01')).toMatchObject({
      rows: 2,
      cursor: { end: '2024-01-02T00:00:00.000000Z' },
    });
    await db.run(`INSERT INTO seen VALUES (3, '2024-01-03+00'), (4, '2999-01-01+00')`);
    expect(await lake.run('2025-01-02')).toMatchObject({ rows: 1 });
    expect(await lake.ids()).toEqual([1, 2, 3]);
  });

  test('a cursor of texts that are numbers is compared as the config says', async () => {
    await db.run(`CREATE TABLE codes (id int, code text); INSERT INTO codes VALUES (1, '9'), (2, '11')`);
    const lake = await lakeOf({
      table: 'codes',
      incremental: { cursor_column: 'code', cursor_type: 'int64' },
    });
    expect(await lake.run('2025-01-01')).toMatchObject({ cursor: { end: '11' } });
    await db.run(`INSERT INTO codes VALUES (3, '100')`);
    expect(await lake.run('2025-01-02')).toMatchObject({ rows: 1, cursor: { end: '100' } });
  });

  test('other types with an order are cursors too', async () => {
    await db.run(
      `CREATE TYPE size AS ENUM ('small', 'large', 'huge'); CREATE TABLE sized (id int, s size, u uuid); INSERT INTO sized VALUES (1, 'small', '00000000-0000-0000-0000-000000000001'), (2, 'large', 'f0000000-0000-0000-0000-000000000000')`,
    );
    const byEnum = await lakeOf({ table: 'sized', incremental: { cursor_column: 's' } });
    expect(await byEnum.run('2025-01-01')).toMatchObject({ cursor: { end: 'large' } });
    const byUuid = await lakeOf({ table: 'sized', incremental: { cursor_column: 'u' } });
    expect(await byUuid.run('2025-01-01')).toMatchObject({
      cursor: { end: 'f0000000-0000-0000-0000-000000000000' },
    });
    await db.run(`INSERT INTO sized VALUES (3, 'huge', 'f0000000-0000-0000-0000-000000000001')`);
    expect(await byEnum.run('2025-01-02')).toMatchObject({ rows: 1 });
    expect(await byUuid.run('2025-01-02')).toMatchObject({ rows: 1 });
  });
});
