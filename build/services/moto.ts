import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../step.ts';
import { installPackages, run, succeeds } from './packages.ts';
import { startServer } from './process.ts';
import type { RunningService, Service } from './service.ts';
import { freePort } from './unprivileged.ts';

const VENV = join(ROOT, '.tools', 'moto');
const PYTHON = join(VENV, 'bin', 'python');
const PACKAGES = ['moto[s3]==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5'];

/** A server that speaks S3 and, unlike several others, honours conditional writes. */
export const moto: Service = {
  name: 'moto',
  purpose: 'is the S3 that the storages are tested on',
  variables: ['FOUNDRY_TEST_S3_URL'],
  find: () => succeeds([PYTHON, '-c', 'import moto.server, moto.s3.models, flask_cors']),
  install: installMoto,
  remedy: `python3 and pip (${PACKAGES.join(' ')}), or FOUNDRY_TEST_S3_URL=http://host:port of a server that speaks S3, takes any keys and is for tests`,
  start: startMoto,
};

function installMoto(): void {
  mkdirSync(join(ROOT, '.tools'), { recursive: true });
  if (!succeeds(['python3', '-c', 'import venv, ensurepip'])) installPackages('python3', 'python3-venv');
  if (!existsSync(join(VENV, 'bin', 'pip'))) run(['python3', '-m', 'venv', '--clear', VENV]);
  run([join(VENV, 'bin', 'pip'), 'install', '--quiet', '--only-binary', ':all:', ...PACKAGES]);
}

async function startMoto(folder: string): Promise<RunningService> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const server = await startServer({
    command: [PYTHON, '-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)],
    log: join(folder, 'server.log'),
    env: { PYTHONDONTWRITEBYTECODE: '1' },
    asSelf: true,
    isReady: () => answers(`${url}/moto-api/`),
    stopSignal: 'SIGTERM',
  });
  return { env: { FOUNDRY_TEST_S3_URL: url }, stop: server.stop };
}

/** Whether a web server is there, whatever it says. */
export async function answers(url: string): Promise<boolean> {
  return fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    () => true,
    () => false,
  );
}
