import { expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from './process.ts';
import type { Service } from './service.ts';
import { startServices } from './start.ts';

const present: Service = {
  name: 'sleeper',
  purpose: 'sleeps',
  variables: ['FOUNDRY_TEST_SLEEPER_URL'],
  find: () => true,
  install: () => undefined,
  remedy: 'sleep more',
  async start(folder) {
    const server = await startServer({
      command: ['sleep', '1000'],
      log: join(folder, 'log'),
      isReady: () => true,
      stopSignal: 'SIGTERM',
    });
    return { env: { FOUNDRY_TEST_SLEEPER_URL: `sleep:${server.pid}:${folder}` }, stop: server.stop };
  },
};

/** Whether it runs; one that ended and waits to be buried does not. */
function runs(pid: number): boolean {
  return existsSync(`/proc/${pid}/status`) && !/^State:\s*Z/m.test(statusOf(pid));
}

function statusOf(pid: number): string {
  return new TextDecoder().decode(Bun.spawnSync(['cat', `/proc/${pid}/status`]).stdout);
}

test('a service runs as nobody who matters, and neither it nor its folder outlasts stop()', async () => {
  const services = await startServices([present]);
  const [, pid = '', folder = ''] = (services.env.FOUNDRY_TEST_SLEEPER_URL ?? '').split(':');
  expect(runs(Number(pid))).toBeTrue();
  // It begins as the program that puts the other user's rights on.
  const isItself = (): boolean => /^Name:\s*sleep$/m.test(statusOf(Number(pid)));
  for (let tries = 0; tries < 200 && !isItself(); tries++) await Bun.sleep(20);
  expect(statusOf(Number(pid))).not.toMatch(/^Uid:\s*0/m);
  await Promise.all([services.stop(), services.stop()]);
  expect(runs(Number(pid))).toBeFalse();
  expect(existsSync(folder)).toBeFalse();
});

test('a server ends with the process that started it, however that dies', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'foundry-test-'));
  const script = `const { startServer } = await import(${JSON.stringify(join(import.meta.dir, 'process.ts'))});
    const server = await startServer({ command: ['sleep', '1000'], log: ${JSON.stringify(join(folder, 'log'))}, isReady: () => true, stopSignal: 'SIGTERM' });
    console.log(server.pid); await Bun.sleep(60_000);`;
  const parent = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' });
  const { value } = await parent.stdout.getReader().read();
  const pid = Number(new TextDecoder().decode(value));
  expect(runs(pid)).toBeTrue();
  parent.kill('SIGKILL');
  await parent.exited;
  for (let tries = 0; tries < 100 && runs(pid); tries++) await Bun.sleep(20);
  expect(runs(pid)).toBeFalse();
  rmSync(folder, { recursive: true });
});

test('what cannot be had is missing, and keeps the other services from nothing', async () => {
  const absent: Service = {
    ...present,
    name: 'absent',
    find: () => false,
    install: () => {
      throw new Error('no such package');
    },
  };
  const services = await startServices([absent, present]);
  expect(services.missing.map(({ name }) => name)).toEqual(['absent']);
  expect(services.env.FOUNDRY_TEST_SLEEPER_URL).toStartWith('sleep:');
  await services.stop();
});

test('a server that the environment names is used instead of one of ours', async () => {
  process.env.FOUNDRY_TEST_SLEEPER_URL = 'sleep:elsewhere';
  try {
    const services = await startServices([present]);
    expect(services.env).toEqual({});
    expect(services.missing).toEqual([]);
    await services.stop();
  } finally {
    delete process.env.FOUNDRY_TEST_SLEEPER_URL;
  }
});

test('a server that does not start says what it printed last', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'foundry-test-'));
  const failing = startServer({
    command: ['sh', '-c', 'echo "the port is taken"; exit 1'],
    log: join(folder, 'log'),
    isReady: () => false,
    stopSignal: 'SIGTERM',
  });
  await expect(failing).rejects.toThrow('the port is taken');
  expect(readdirSync(folder)).toEqual(['log']);
  rmSync(folder, { recursive: true });
});
