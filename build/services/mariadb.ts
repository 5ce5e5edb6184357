import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages, run } from './packages.ts';
import { startServer } from './process.ts';
import type { RunningService, Service } from './service.ts';
import { freePort, giveAway, unprivileged } from './unprivileged.ts';

const USER = 'foundry';
const PASSWORD = 'mariadb-test-password';
const DATABASE = 'foundry';

export const mariadb: Service = {
  name: 'mariadb',
  purpose: 'is the MariaDB that database sources are tested on',
  variables: ['FOUNDRY_TEST_MYSQL_URL'],
  find: () => ['mariadbd', 'mariadb-install-db', 'mariadb'].every((name) => which(name) !== undefined),
  install: () => installPackages('mariadb-server-core', 'mariadb-client-core'),
  remedy:
    'apt-get install mariadb-server-core mariadb-client-core, or FOUNDRY_TEST_MYSQL_URL=mysql://user:password@host:port/database of a server for tests (its user must have all privileges)',
  start: startMariadb,
};

/** Servers lie in /usr/sbin, which is not on everybody's path. */
function which(name: string): string | undefined {
  return Bun.which(name, { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` }) ?? undefined;
}

async function startMariadb(folder: string): Promise<RunningService> {
  const port = await freePort();
  prepareMariadb(folder);
  return runMariadb(folder, port);
}

/** Makes the empty data of a server in a folder. */
export function prepareMariadb(folder: string): void {
  const data = join(folder, 'data');
  const temporary = join(folder, 'tmp');
  const setup = join(folder, 'setup.sql');
  mkdirSync(data);
  mkdirSync(temporary);
  writeFileSync(
    setup,
    [
      `CREATE DATABASE IF NOT EXISTS ${DATABASE} CHARACTER SET utf8mb4;`,
      `CREATE USER IF NOT EXISTS '${USER}'@'%' IDENTIFIED BY '${PASSWORD}';`,
      `GRANT ALL PRIVILEGES ON *.* TO '${USER}'@'%' WITH GRANT OPTION;`,
      '',
    ].join('\n'),
  );
  giveAway(folder);
  run(
    unprivileged([
      which('mariadb-install-db') ?? 'mariadb-install-db',
      '--no-defaults',
      `--datadir=${data}`,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      '--skip-name-resolve',
    ]),
  );
}

/** Starts a server on data that `prepareMariadb` made; further arguments are the server's own. */
export async function runMariadb(
  folder: string,
  port: number,
  further: readonly string[] = [],
): Promise<RunningService & { readonly pid: number }> {
  const temporary = join(folder, 'tmp');
  const server = await startServer({
    command: [
      which('mariadbd') ?? 'mariadbd',
      '--no-defaults',
      `--datadir=${join(folder, 'data')}`,
      `--tmpdir=${temporary}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      `--socket=${join(folder, 'socket')}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--init-file=${join(folder, 'setup.sql')}`,
      '--skip-name-resolve',
      // Tests outlive no power failure.
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-buffer-pool-size=128M',
      '--innodb-log-file-size=48M',
      ...further,
    ],
    log: join(folder, 'server.log'),
    isReady: () =>
      Bun.spawnSync([
        which('mariadb') ?? 'mariadb',
        ...['--no-defaults', '-h127.0.0.1', `-P${port}`, `-u${USER}`, `-p${PASSWORD}`],
        ...['-e', 'SELECT 1', DATABASE],
      ]).exitCode === 0,
    stopSignal: 'SIGTERM',
  });
  const url = `mysql://${USER}:${PASSWORD}@127.0.0.1:${port}/${DATABASE}`;
  return { env: { FOUNDRY_TEST_MYSQL_URL: url }, stop: server.stop, pid: server.pid };
}
