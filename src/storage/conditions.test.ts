import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPartition } from '../lake/commit.ts';
import { openCommitted } from '../lake/reader.ts';
import { type FaultProxy, faultProxy } from '../testing/fault-proxy.ts';
import { manifestBody, NEVER_STOPPED, spoolParts } from '../testing/lake-fixtures.ts';
import { s3TestEndpoint, s3TestStore, type TestStore } from '../testing/object-stores.ts';
import { ConditionFailed, type Storage } from './storage.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a store that does not know conditional writes', () => {
  let proxy: FaultProxy;
  let store: TestStore;
  let spool = '';
  beforeAll(async () => {
    proxy = await faultProxy(s3TestEndpoint());
    proxy.dropped = new Set(['if-none-match', 'if-match']);
    store = await s3TestStore(proxy.url);
    spool = await mkdtemp(join(tmpdir(), 'foundry-conditions-'));
  });
  afterAll(async () => {
    proxy.close();
    await rm(spool, { recursive: true, force: true });
  });

  const open = (told: string[] = []): Storage => store.open(place, { warn: (message) => told.push(message) });
  let place = '';

  test('is found out by a probe, told once, and its conditions are kept by lock objects that do not stay', async () => {
    place = store.place();
    const told: string[] = [];
    const storage = open(told);
    const { etag } = await storage.put('k', { bytes: bytes('1') }, 'ifAbsent');
    const twice = await storage.put('k', { bytes: bytes('2') }, 'ifAbsent').catch((error: unknown) => error);
    const stale = await storage
      .put('k', { bytes: bytes('2') }, { ifMatch: 'no' })
      .catch((error: unknown) => error);
    expect([twice, stale]).toEqual([expect.any(ConditionFailed), expect.any(ConditionFailed)]);
    await storage.put('k', { bytes: bytes('3') }, { ifMatch: etag });
    expect(told).toEqual([expect.stringContaining('does not honour conditional writes')]);
    const all = await Array.fromAsync(store.open(`${place}/.foundry`).list(''));
    expect(all).toEqual([]);
  }, 30_000);

  test('lets one of several writers at a time win', async () => {
    place = store.place();
    await open().put('k', { bytes: bytes('old') });
    const etag = (await open().stat('k'))?.etag ?? '';
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'c'].map((text) => open().put('k', { bytes: bytes(text) }, { ifMatch: etag })),
    );
    const won = outcomes.filter(({ status }) => status === 'fulfilled');
    expect(won).toHaveLength(1);
  }, 60_000);

  test('holds commits like any other: the second of two that began alike loses', async () => {
    place = store.place();
    const path = 'system=s/table=t/pattern=full/dt=2025-01-05';
    const begin = () => openPartition({ storage: open() }, path, { signal: NEVER_STOPPED, spoolRoot: spool });
    const [first, second] = [await begin(), await begin()];
    await first.commit(await spoolParts(first, ['one']), manifestBody());
    const lost = await second
      .commit(await spoolParts(second, ['two']), manifestBody())
      .catch((error: unknown) => error);
    await second.discard();
    expect(lost).toMatchObject({ code: 'LOCK001' });
    const committed = await openCommitted({ storage: open() }, path, {
      verify: true,
      spool,
      signal: NEVER_STOPPED,
    });
    expect(committed?.files).toHaveLength(1);
  }, 60_000);
});
