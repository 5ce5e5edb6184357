import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages, run } from './packages.ts';
import { startServer } from './process.ts';
import type { RunningService, Service } from './service.ts';
import { freePort, giveAway, unprivileged } from './unprivileged.ts';

const USER = 'foundry';
const PASSWORD = 'postgres-test-password';
const DEBIAN = '/usr/lib/postgresql';

export const postgres: Service = {
  name: 'postgres',
  purpose: 'is the PostgreSQL that database sources are tested on',
  variables: ['FOUNDRY_TEST_POSTGRES_URL'],
  find: () => serverFolder() !== undefined && Bun.which('psql') !== null,
  install: () => installPackages('postgresql', 'postgresql-client', 'openssl'),
  remedy:
    'apt-get install postgresql, or FOUNDRY_TEST_POSTGRES_URL=postgres://user:password@host:port/database of a server for tests (its user must be a superuser)',
  start: startPostgres,
};

/** The newest server that Debian put here, or whichever is on the path. */
function serverFolder(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).map(Number) : [];
  const newest = versions
    .filter((version) => existsSync(join(DEBIAN, String(version), 'bin', 'initdb')))
    .sort((a, b) => b - a)[0];
  if (newest !== undefined) return join(DEBIAN, String(newest), 'bin');
  const initdb = Bun.which('initdb');
  return initdb === null ? undefined : join(initdb, '..');
}

async function startPostgres(folder: string): Promise<RunningService> {
  const bin = serverFolder();
  if (bin === undefined) throw new Error('there is no initdb');
  const data = join(folder, 'data');
  const password = join(folder, 'password');
  writeFileSync(password, PASSWORD);
  mkdirSync(data);
  makeCertificate(folder);
  giveAway(folder);
  const who = ['-U', USER, '-A', 'scram-sha-256', `--pwfile=${password}`];
  run(unprivileged([join(bin, 'initdb'), '-D', data, ...who, '-E', 'UTF8', '--locale=C.UTF-8', '-N']));
  const port = await freePort();
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    ssl: 'on',
    ssl_cert_file: join(folder, 'server.crt'),
    ssl_key_file: join(folder, 'server.key'),
    // Tests outlive no power failure.
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    max_connections: 60,
    log_min_messages: 'warning',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const url = `postgres://${USER}:${PASSWORD}@127.0.0.1:${port}/postgres`;
  const server = await startServer({
    command: [join(bin, 'postgres'), '-D', data, ...flags],
    log: join(folder, 'server.log'),
    isReady: () =>
      Bun.spawnSync([join(bin, 'pg_isready'), '-q', '-h', '127.0.0.1', '-p', String(port)]).exitCode === 0,
    stopSignal: 'SIGQUIT',
  });
  return { env: { FOUNDRY_TEST_POSTGRES_URL: url }, stop: server.stop };
}

/** A certificate for `localhost` that signs itself; Debian's PostgreSQL brings openssl along. */
function makeCertificate(folder: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  run([
    ...['openssl', 'req', '-x509', '-days', '2', '-subj', '/CN=localhost', ...key],
    ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ...['-keyout', join(folder, 'server.key'), '-out', join(folder, 'server.crt')],
  ]);
}
