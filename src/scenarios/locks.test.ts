import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { acquireLease } from '../lake/lease.ts';
import { openStorage } from '../storage/open.ts';
import { classic, csv, DATE, expectExit, scenario, type Workspace } from './support.ts';

const RUN = ['silver', '--config', 'a.yaml', '--date', DATE];

/** Lands Bronze, and holds the lease that its Silver needs. */
async function held(w: Workspace) {
  await w.put('in.csv', csv(['id', 'at'], [1, '2025-01-01']));
  await w.put(
    'a.yaml',
    classic({ silver: { model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' } }),
  );
  expectExit(await w.run('bronze', '--config', 'a.yaml', '--date', DATE), 0);
  const storage = openStorage(join(w.folder, 'silver_output'));
  return acquireLease({ storage }, 'silver//s/t/v1', { signal: new AbortController().signal });
}

test(
  'scenario 70: a waiter times out with 75 and names the owner, whose lock it leaves in place',
  scenario(async (w) => {
    const lease = await held(w);
    for (const flags of [['--use-locks', '--lock-timeout', '0.3'], []]) {
      const waiter = await w.run(...RUN, ...flags);
      expectExit(waiter, 75);
      expect(waiter.stderr).toContain(`process ${process.pid}`);
    }
    await lease.release();
    expectExit(await w.run(...RUN), 0);
  }),
);

test(
  'a run that may wait goes on once the owner has ended',
  scenario(async (w) => {
    const lease = await held(w);
    const waiting = w.run(...RUN, '--lock-timeout', '20');
    await Bun.sleep(500);
    await lease.release();
    expectExit(await waiting, 0);
  }),
);

test(
  'a timeout that is no number is a usage error',
  scenario(async (w) => {
    const run = await w.run(...RUN, '--lock-timeout', 'soon');
    expectExit(run, 2);
    expect(run.stderr).toContain('--lock-timeout: "soon"');
  }),
);
