import { afterAll, beforeAll, expect, test } from 'bun:test';
import { openCommitted } from '../lake/reader.ts';
import {
  classic,
  csv,
  DATE,
  expectExit,
  finish,
  openWorkspace,
  runFoundry,
  startFoundry,
  type Workspace,
} from '../scenarios/support.ts';
import { type FaultProxy, faultProxy } from '../testing/fault-proxy.ts';
import { NEVER_STOPPED } from '../testing/lake-fixtures.ts';
import { s3TestEndpoint, s3TestStore, type TestStore } from '../testing/object-stores.ts';

const PATH = `system=s/table=t/pattern=full/dt=${DATE}`;
const rows = (count: number): string => csv(['id'], ...Array.from({ length: count }, (_, id) => [id]));
/** Every request takes minutes: the soak kills at each, a test run at some. */
const STEP = process.env.FOUNDRY_SOAK === '1' ? 1 : 4;

let proxy: FaultProxy;
let store: TestStore;
let w: Workspace;
beforeAll(async () => {
  proxy = await faultProxy(s3TestEndpoint());
  [store, w] = await Promise.all([s3TestStore(proxy.url), openWorkspace()]);
});
afterAll(async () => {
  proxy.close();
  await w.remove();
});

async function committedRows(place: string): Promise<number | undefined> {
  const committed = await openCommitted({ storage: store.open(place) }, PATH, {
    verify: true,
    spool: w.folder,
    signal: NEVER_STOPPED,
  });
  return committed?.manifest?.record_count;
}

test('a run that is killed at any request to S3 leaves the old partition or the new one whole, and a rerun succeeds', async () => {
  const env = { ...store.env, AWS_EC2_METADATA_DISABLED: 'true' };
  for (let at = 1; at < 60; at += STEP) {
    const place = store.place();
    const options = { cwd: w.folder, env };
    const bronze = ['bronze', '-c', 'a.yaml', '--date', DATE];
    await w.put('a.yaml', classic({ run: { local_output_dir: place, max_rows_per_file: 3 } }));
    await w.put('in.csv', rows(7));
    proxy.fault = undefined;
    expectExit(await runFoundry(bronze, options), 0);
    await w.put('in.csv', rows(11));
    proxy.reset();
    const running = startFoundry(bronze, options);
    proxy.fault = ({ n }) =>
      n === at ? { kind: 'meanwhile', work: async () => running.kill('SIGKILL') } : undefined;
    await finish(running);
    proxy.fault = undefined;
    const isReached = proxy.requests.length >= at;
    expect([7, 11]).toContainEqual((await committedRows(place)) ?? 0);
    expectExit(await runFoundry(bronze, options), 0);
    expect(await committedRows(place)).toBe(11);
    if (!isReached) return;
  }
}, 600_000);
