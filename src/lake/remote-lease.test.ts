import { beforeAll, describe, expect, test } from 'bun:test';
import { hostname } from 'node:os';
import { NEVER_STOPPED } from '../testing/lake-fixtures.ts';
import { azureTestStore, s3TestStore, type TestStore } from '../testing/object-stores.ts';
import { acquireLease } from './lease.ts';

for (const [name, makeStore] of [
  ['S3', s3TestStore],
  ['Azure', azureTestStore],
] as const) {
  describe(`the lease of a dataset among hosts, on ${name}`, () => {
    let store: TestStore;
    beforeAll(async () => {
      store = await makeStore();
    });
    const own = async (place: string) => Array.fromAsync(store.open(`${place}/.foundry/leases`).list(''));
    const acquire = (place: string, waitSeconds = 0) =>
      acquireLease({ storage: store.open(place) }, 's/t', { signal: NEVER_STOPPED, waitSeconds });
    /** As another host would leave it. */
    const leave = async (place: string, note: object): Promise<void> => {
      const held = await acquire(place);
      const [object] = await own(place);
      await held.release();
      const whole = {
        owner: 'x',
        host: 'other',
        pid: 7,
        command: 'foundry bronze',
        since: '2025-01-05T09:00:00.000Z',
        expires_at: new Date(Date.now() + 60_000).toISOString(),
        ...note,
      };
      await store
        .open(`${place}/.foundry/leases`)
        .put(object?.key ?? '', { bytes: new TextEncoder().encode(JSON.stringify(whole)) });
    };

    test('is a note that names its holder, is gone with it, and shows in no listing', async () => {
      const place = store.place();
      const lease = await acquire(place);
      expect(await own(place)).toHaveLength(1);
      expect(await Array.fromAsync(store.open(place).list(''))).toEqual([]);
      await lease.release();
      expect(await own(place)).toEqual([]);
    });

    test('that another host holds ends a run at once with exit 75, and is left alone', async () => {
      const place = store.place();
      await leave(place, {});
      const error = await acquire(place).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'LOCK001',
        exitCode: 75,
        message: expect.stringContaining('held by process 7 on other since 2025-01-05'),
      });
      expect(await own(place)).toHaveLength(1);
    });

    test('that ran out, was left by a process of this host, or cannot be read is taken over', async () => {
      for (const note of [
        { expires_at: '2025-01-05T09:00:00.000Z' },
        { host: hostname(), pid: 2 ** 22 + 1 },
        { expires_at: 'never' },
      ]) {
        const place = store.place();
        await leave(place, note);
        const lease = await acquire(place);
        await lease.release();
        expect(await own(place)).toEqual([]);
      }
    });

    test('is waited for as long as was said', async () => {
      const place = store.place();
      await leave(place, { expires_at: new Date(Date.now() - 29_500).toISOString() });
      const lease = await acquire(place, 10);
      await lease.release();
    }, 15_000);
  });
}
