import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FoundryError } from '../core/errors.ts';
import { localStorage } from '../storage/local.ts';
import { NEVER_STOPPED } from '../testing/lake-fixtures.ts';
import { acquireLease } from './lease.ts';

let base = '';
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'foundry-lease-'));
});
afterAll(() => rm(base, { recursive: true, force: true }));

const HOLDER = `
  import { acquireLease } from ${JSON.stringify(join(import.meta.dir, 'lease.ts'))};
  import { localStorage } from ${JSON.stringify(join(import.meta.dir, '..', 'storage', 'local.ts'))};
  await acquireLease({ storage: localStorage(process.argv[1]) }, process.argv[2], { signal: new AbortController().signal });
  console.log('held');
  await Bun.sleep(60_000);
`;

async function holder(dataset: string) {
  const child = Bun.spawn([process.execPath, '-e', HOLDER, base, dataset], {
    stdout: 'pipe',
    stderr: 'inherit',
  });
  await child.stdout.getReader().read();
  return child;
}

describe('the lease of a dataset', () => {
  const lake = () => ({ storage: localStorage(base) });
  const acquire = (dataset: string, waitSeconds = 0, signal = NEVER_STOPPED) =>
    acquireLease(lake(), dataset, { waitSeconds, signal });

  test('a second run fails at once with exit 75 and names the holder; other datasets are free', async () => {
    const child = await holder('dev/sales/orders');
    const refused = (await acquire('dev/sales/orders').catch((error: unknown) => error)) as FoundryError;
    expect([refused.code, refused.exitCode]).toEqual(['LOCK001', 75]);
    expect(refused.message).toContain(`process ${child.pid}`);
    expect(refused.message).toContain('dev/sales/orders');
    expect(refused.details.host).toBeString();
    expect(refused.details.since).toMatch(/^\d{4}-.*Z$/);
    await (await acquire('dev/sales/orders2')).release();
    child.kill('SIGKILL');
    await child.exited;
  });

  test('it survives nobody: a killed holder frees it', async () => {
    const child = await holder('killed');
    child.kill('SIGKILL');
    await child.exited;
    const lease = await acquire('killed');
    await lease.release();
    await lease.release();
  });

  test('a waiter gets it when the holder ends, and its lock file is never removed', async () => {
    const first = await acquire('waited');
    const second = acquire('waited', 10);
    await Bun.sleep(50);
    await first.release();
    await (await second).release();
    const names = await readdir(join(base, '.foundry', 'locks'));
    expect(names.some((name) => name.startsWith('lease-waited-') && name.endsWith('.lock'))).toBe(true);
  });

  test('a waiter that is stopped stops waiting', async () => {
    const lease = await acquire('stopped');
    const stop = new AbortController();
    const waiting = acquire('stopped', 60, stop.signal).catch((error: unknown) => error);
    stop.abort();
    expect(((await waiting) as FoundryError).code).toBe('INT001');
    await lease.release();
  });

  test('on a storage that is no local disk it holds between the processes of one host', async () => {
    const { local: _, ...storage } = localStorage(base);
    const lease = await acquireLease({ storage }, 'remote', { signal: NEVER_STOPPED });
    const refused = await acquireLease({ storage }, 'remote', { signal: NEVER_STOPPED }).catch(
      (e: unknown) => e,
    );
    expect((refused as FoundryError).code).toBe('LOCK001');
    await lease.release();
  });
});
