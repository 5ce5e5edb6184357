import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manifestBody, NEVER_STOPPED, spoolPart } from '../testing/lake-fixtures.ts';
import { PROXIED_STORES } from '../testing/object-stores.ts';
import { queryDuckdb } from '../testing/parquet.ts';
import { openPartition } from './commit.ts';
import { verifyTree } from './verify.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foundry-verify-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(PROXIED_STORES)(
  'each Parquet file on %s is asked for once, its rows told by what was hashed',
  async (name, setUp) => {
    const { proxy, store } = await setUp();
    const file = join(folder, `${name}.parquet`);
    await queryDuckdb(`COPY (SELECT * FROM range(7)) TO '${file}' (FORMAT parquet)`);
    const text = await Bun.file(file).bytes();
    const lake = { storage: store.open(store.place()) };
    const writer = await openPartition(lake, 'system=s/table=t/pattern=full/dt=2025-01-05', {
      signal: NEVER_STOPPED,
      spoolRoot: folder,
    });
    const parts = await Promise.all([7, 7, 8].map((rows, n) => spoolPart(writer, { text, n: n + 1, rows })));
    await writer.commit(parts, manifestBody());
    await writer.discard();
    proxy.reset();
    const [found] = await verifyTree(lake, '', { signal: NEVER_STOPPED, parallel: 2 });
    expect(found?.problems).toMatchObject([{ file: expect.stringContaining('part-0003'), problem: 'rows' }]);
    const asked = proxy.requests.filter(({ path }) => path.includes('.parquet')).map(({ method }) => method);
    expect(asked).toEqual(['GET', 'GET', 'GET']);
    proxy.close();
  },
);
