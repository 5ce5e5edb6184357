import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mariadb, prepareMariadb, runMariadb } from '../../../build/services/mariadb.ts';
import { freePort, giveAway } from '../../../build/services/unprivileged.ts';
import { FoundryError } from '../../core/errors.ts';
import { databaseLake } from '../../testing/database-lake.ts';
import { mysqlLabOn } from '../../testing/mysql-kit.ts';
import { mayRun } from '../../testing/services.ts';
import { selfSigned } from '../../testing/tds/certificate.ts';
import { parseConnectionString } from './connection-string.ts';
import { mysqlDriver } from './mysql.ts';

type Server = Awaited<ReturnType<typeof runMariadb>>;

describe.skipIf(!mayRun('FOUNDRY_TEST_MYSQL_URL') || !mariadb.find())('a MariaDB of its own', () => {
  let folder: string;
  let port: number;
  let server: Server;
  const certificate = () => join(folder, 'cert.pem');
  const start = () =>
    runMariadb(folder, port, [
      `--ssl-cert=${certificate()}`,
      `--ssl-key=${join(folder, 'key.pem')}`,
      '--innodb-flush-log-at-trx-commit=1',
    ]);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'foundry-mariadb-'));
    chmodSync(folder, 0o755);
    port = await freePort();
    prepareMariadb(folder);
    const { key, cert } = selfSigned();
    writeFileSync(join(folder, 'key.pem'), key);
    writeFileSync(certificate(), cert);
    giveAway(folder);
    server = await start();
  });

  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const url = (host = '127.0.0.1') => (server.env.FOUNDRY_TEST_MYSQL_URL ?? '').replace('127.0.0.1', host);

  /** The TLS version of a connection; undefined without TLS. */
  async function tlsOf(query: string, host?: string): Promise<string | undefined> {
    const session = await mysqlDriver.connect(
      parseConnectionString(`${url(host)}${query}`, undefined, 'test'),
      {
        applicationName: 'foundry tests',
        connectTimeoutMs: 5000,
        fetchRows: 1000,
        signal: new AbortController().signal,
      },
    );
    const [row] = await session.query({ sql: "SHOW STATUS LIKE 'ssl_version'", params: [] });
    await session.close();
    return row?.[1] || undefined;
  }

  test('is spoken to in TLS where it can, and only with a certificate that was asked for', async () => {
    const trusted = `sslrootcert=${encodeURIComponent(certificate())}`;
    expect(await tlsOf('')).toStartWith('TLSv1');
    expect(await tlsOf('?sslmode=disable')).toBeUndefined();
    expect(await tlsOf('?sslmode=require')).toStartWith('TLSv1');
    expect(await tlsOf(`?sslmode=verify-ca&${trusted}`)).toStartWith('TLSv1');
    expect(await tlsOf(`?sslmode=verify-full&${trusted}`, 'localhost')).toStartWith('TLSv1');
    const refused: unknown = await tlsOf('?sslmode=verify-full').catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(FoundryError);
    expect((refused as FoundryError).hint).toContain('sslrootcert');
  });

  test('that is killed in the middle of a read and comes back gives every row once', async () => {
    const lab = await mysqlLabOn(url());
    await lab.run('CREATE TABLE t (id int PRIMARY KEY)', 'INSERT INTO t SELECT seq FROM seq_1_to_1500');
    const lake = await databaseLake(lab.url, {
      base_query: 'SELECT id, sleep(0.001) AS slept FROM t',
      max_attempts: 10,
    });
    const running = lake.run('2025-01-01');
    for (let slept = 0; slept === 0; ) {
      await Bun.sleep(50);
      slept = (
        await lab.rows(
          "SELECT id FROM information_schema.processlist WHERE info LIKE '%sleep(0.001)%' AND id <> connection_id()",
        )
      ).length;
    }
    process.kill(server.pid, 'SIGKILL');
    await server.stop();
    server = await start();
    expect((await running).rows).toBe(1500);
    const ids = await lake.ids();
    expect(ids).toEqual(Array.from({ length: 1500 }, (_, index) => index + 1));
    await lake.remove();
  });

  test('that shows others what is not committed is not read so', async () => {
    const lab = await mysqlLabOn(url());
    await lab.run('SET GLOBAL TRANSACTION ISOLATION LEVEL READ UNCOMMITTED');
    await lab.run('CREATE TABLE d (id int PRIMARY KEY)', 'INSERT INTO d VALUES (1)', 'START TRANSACTION');
    const lake = await databaseLake(lab.url, { table: 'd' });
    try {
      await lab.run('INSERT INTO d VALUES (2)');
      await lake.run('2025-01-01');
      expect(await lake.ids()).toEqual([1]);
    } finally {
      await lab.run('ROLLBACK', 'SET GLOBAL TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await lake.remove();
      await lab.drop();
    }
  });
});
