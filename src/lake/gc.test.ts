import { beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localStorage } from '../storage/local.ts';
import type { Storage } from '../storage/storage.ts';
import { manifestBody, NEVER_STOPPED, spoolParts } from '../testing/lake-fixtures.ts';
import { azureTestStore, s3TestEndpoint, s3TestStore, type TestStore } from '../testing/object-stores.ts';
import { openPartition } from './commit.ts';
import { collectGarbage } from './gc.ts';
import { acquireLease } from './lease.ts';
import { CHECKSUMS_NAME, MANIFEST_NAME } from './manifest.ts';

const PATH = 'system=s/table=t/pattern=full/dt=2025-01-05';
const LEFT = 'full-part-0009-deadbeef.parquet';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const DAY_MS = 24 * 3_600_000;
/** As if a day and an hour had passed. */
const LATER = {
  olderThanMs: DAY_MS,
  get now() {
    return new Date(Date.now() + DAY_MS + 3_600_000);
  },
};

let s3: TestStore;
let azure: TestStore;
beforeAll(async () => {
  [s3, azure] = await Promise.all([s3TestStore(), azureTestStore()]);
});

const STORAGES: readonly (readonly [string, () => Promise<Storage>])[] = [
  ['a local disk', async () => localStorage(await mkdtemp(join(tmpdir(), 'foundry-gc-')))],
  ['S3', async () => s3.open(s3.place())],
  ['Azure', async () => azure.open(azure.place())],
];

async function landed(storage: Storage): Promise<string[]> {
  const writer = await openPartition({ storage }, PATH, { signal: NEVER_STOPPED });
  const { manifest } = await writer.commit(await spoolParts(writer, ['a', 'b']), manifestBody());
  return [...manifest.files.map(({ path }) => path), MANIFEST_NAME, CHECKSUMS_NAME].sort();
}

async function names(storage: Storage): Promise<string[]> {
  return Array.fromAsync(storage.list(PATH), ({ key }) => key.slice(PATH.length + 1));
}

for (const [name, makeStorage] of STORAGES) {
  describe(`what is left behind on ${name}`, () => {
    const collect = (storage: Storage, remove: boolean, when: { olderThanMs: number; now: Date } = LATER) =>
      collectGarbage({ storage }, '', {
        signal: NEVER_STOPPED,
        remove,
        olderThanMs: when.olderThanMs,
        now: when.now,
      });

    test('is found by its age, removed only when asked for, and live files stay', async () => {
      const storage = await makeStorage();
      const live = await landed(storage);
      await storage.put(`${PATH}/${LEFT}`, { bytes: bytes('left') });
      await storage.put(`${PATH}/README.md`, { bytes: bytes('mine') });
      await storage.put('other/part-0001.parquet', { bytes: bytes('theirs') });
      expect(await collect(storage, true, { olderThanMs: DAY_MS, now: new Date() })).toEqual([]);
      expect(await collect(storage, false)).toMatchObject([
        { key: `${PATH}/${LEFT}`, status: 'found', size_bytes: 4 },
      ]);
      expect(await names(storage)).toContain(LEFT);
      expect(await collect(storage, true)).toMatchObject([{ key: `${PATH}/${LEFT}`, status: 'removed' }]);
      expect(await names(storage)).toEqual([...live, 'README.md'].sort());
      expect(await storage.stat('other/part-0001.parquet')).toBeDefined();
      if (storage.local !== undefined) await rm(storage.local.path(''), { recursive: true });
    });

    test('is no file of a partition inside another one, also where a listing is behind and shows no manifest of it', async () => {
      const storage = await makeStorage();
      await landed(storage);
      const inner = `${PATH}/hour=07`;
      const writer = await openPartition({ storage }, inner, { signal: NEVER_STOPPED });
      const { manifest } = await writer.commit(await spoolParts(writer, ['c']), manifestBody());
      const behind: Storage = {
        ...storage,
        async *list(prefix) {
          for await (const object of storage.list(prefix))
            if (object.key !== `${inner}/${MANIFEST_NAME}`) yield object;
        },
      };
      expect(await collect(behind, true)).toEqual([]);
      expect(await names(storage)).toContain(`hour=07/${manifest.files[0]?.path}`);
      if (storage.local !== undefined) await rm(storage.local.path(''), { recursive: true });
    });

    test('is kept while a run holds its dataset', async () => {
      const storage = await makeStorage();
      await landed(storage);
      await storage.put(`${PATH}/${LEFT}`, { bytes: bytes('left') });
      const lease = await acquireLease({ storage }, 's/t', { signal: NEVER_STOPPED });
      expect(await collect(storage, true)).toMatchObject([
        { status: 'kept', reason: 'a run holds its dataset' },
      ]);
      expect(await names(storage)).toContain(LEFT);
      await lease.release();
      expect(await collect(storage, true)).toMatchObject([{ status: 'removed' }]);
      if (storage.local !== undefined) await rm(storage.local.path(''), { recursive: true });
    });

    test('is left alone where the manifest is broken or another tool’s', async () => {
      const storage = await makeStorage();
      await storage.put(`${PATH}/${MANIFEST_NAME}`, {
        bytes: bytes('{"timestamp": "2024-01-01T00:00:00Z"}'),
      });
      await storage.put(`${PATH}/${LEFT}`, { bytes: bytes('left') });
      expect(await collect(storage, true)).toEqual([]);
      expect(await names(storage)).toContain(LEFT);
      if (storage.local !== undefined) await rm(storage.local.path(''), { recursive: true });
    });
  });
}

test('uploads to S3 that were begun and never completed are found and given up', async () => {
  const place = s3.place();
  const storage = s3.open(place);
  const begun = await fetch(`${s3TestEndpoint()}/${place.slice('s3://'.length)}/${PATH}/${LEFT}?uploads`, {
    method: 'POST',
    headers: { authorization: 'AWS4-HMAC-SHA256 Credential=test/20250105/us-east-1/s3/aws4_request' },
  });
  expect(begun.ok).toBe(true);
  const options = { signal: NEVER_STOPPED, ...LATER, now: LATER.now };
  const upload = { kind: 'upload', key: `${PATH}/${LEFT}` };
  expect(await collectGarbage({ storage }, '', { ...options, remove: false })).toMatchObject([
    { ...upload, status: 'found' },
  ]);
  expect(await collectGarbage({ storage }, '', { ...options, remove: true })).toMatchObject([
    { ...upload, status: 'removed' },
  ]);
  expect(await collectGarbage({ storage }, '', { ...options, remove: true })).toEqual([]);
});
