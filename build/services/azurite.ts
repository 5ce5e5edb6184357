import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../step.ts';
import { answers } from './moto.ts';
import { run } from './packages.ts';
import { startServer } from './process.ts';
import type { RunningService, Service } from './service.ts';
import { freePort } from './unprivileged.ts';

const FOLDER = join(ROOT, '.tools', 'azurite');
const MAIN = join(FOLDER, 'node_modules', 'azurite', 'dist', 'src', 'blob', 'main.js');
/** Not a development dependency: its 190 MB would come with every installation. */
const PACKAGE = 'azurite@3.35.0';
/** Azurite's own, the same everywhere. */
const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

export const azurite: Service = {
  name: 'azurite',
  purpose: 'is the Azure Blob Storage that the storages are tested on',
  variables: ['FOUNDRY_TEST_AZURE_URL'],
  find: () => existsSync(MAIN) && Bun.which('node') !== null,
  install: installAzurite,
  remedy: `node and npm (${PACKAGE}), or FOUNDRY_TEST_AZURE_URL=<connection string of an account for tests>`,
  start: startAzurite,
};

function installAzurite(): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'package.json'), '{"private": true}\n');
  const quiet = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund', '--silent'];
  run(['npm', 'install', '--prefix', FOLDER, ...quiet, PACKAGE]);
}

async function startAzurite(folder: string): Promise<RunningService> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/${ACCOUNT}`;
  const server = await startServer({
    command: [
      ...['node', MAIN, '--blobHost', '127.0.0.1', '--blobPort', String(port)],
      ...['--inMemoryPersistence', '--silent', '--disableTelemetry', '--skipApiVersionCheck'],
    ],
    log: join(folder, 'server.log'),
    asSelf: true,
    isReady: () => answers(url),
    stopSignal: 'SIGTERM',
  });
  const connection = `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${url};`;
  return { env: { FOUNDRY_TEST_AZURE_URL: connection }, stop: server.stop };
}
