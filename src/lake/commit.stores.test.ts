import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import type { Storage } from '../storage/storage.ts';
import { commitSuite } from '../testing/commit-suite.ts';
import type { FaultProxy, HttpFault, ProxiedRequest } from '../testing/fault-proxy.ts';
import { manifestBody, NEVER_STOPPED, spoolParts } from '../testing/lake-fixtures.ts';
import { azureTestStore, PROXIED_STORES, s3TestStore, type TestStore } from '../testing/object-stores.ts';
import { openPartition } from './commit.ts';
import { MANIFEST_NAME } from './manifest.ts';
import { openCommitted } from './reader.ts';

const PATH = 'system=s/table=t/pattern=full/dt=2025-01-05';

let s3: TestStore;
let azure: TestStore;
let spool = '';
beforeAll(async () => {
  [s3, azure, spool] = await Promise.all([
    s3TestStore(),
    azureTestStore(),
    mkdtemp(join(tmpdir(), 'foundry-commit-')),
  ]);
});
afterAll(() => rm(spool, { recursive: true, force: true }));

const isSoak = process.env.FOUNDRY_SOAK === '1';

commitSuite('S3', async () => s3.open(s3.place()), { every: isSoak ? 1 : 3 });
commitSuite('Azure', async () => azure.open(azure.place()), { every: isSoak ? 1 : 4 });

async function land(storage: Storage, texts: readonly string[], signal = NEVER_STOPPED): Promise<string> {
  const writer = await openPartition({ storage }, PATH, { signal, spoolRoot: spool });
  try {
    const parts = await spoolParts(writer, texts);
    return (await writer.commit(parts, manifestBody())).manifest.commit_id;
  } finally {
    await writer.discard();
  }
}

/** The texts of the partition as it was committed, checked against its manifest. */
async function committed(storage: Storage): Promise<string[]> {
  const opened = await openCommitted({ storage }, PATH, { verify: true, spool, signal: NEVER_STOPPED });
  return Promise.all((opened?.files ?? []).map(({ localPath }) => Bun.file(localPath).text()));
}

const OLD = ['keep', 'old 1', 'old 2'];
const NEW = ['keep', 'new'];

const FAULTS: readonly { readonly behaviour: HttpFault; readonly lasting?: true }[] = [
  { behaviour: { kind: 'answer', status: 503, code: 'SlowDown' } },
  { behaviour: { kind: 'lost answer' } },
  { behaviour: { kind: 'reset' } },
  { behaviour: { kind: 'silence' } },
  { behaviour: { kind: 'cut' } },
  { behaviour: { kind: 'slow', ms: 150 }, lasting: true },
  { behaviour: { kind: 'answer', status: 403, code: 'AccessDenied' } },
  { behaviour: { kind: 'answer', status: 403, code: 'AccessDenied' }, lasting: true },
  { behaviour: { kind: 'answer', status: 400, code: 'ExpiredToken' } },
  { behaviour: { kind: 'answer', status: 503, code: 'SlowDown' }, lasting: true },
];
for (const [name, setUp] of PROXIED_STORES) {
  describe(`commits on ${name} whose requests fail`, () => {
    let proxy: FaultProxy;
    let store: TestStore;
    beforeAll(async () => {
      ({ proxy, store } = await setUp());
    });
    afterAll(() => proxy.close());

    /** Its own breaker's memory of failures must not outlive a test. */
    const faulty = (place: string): Storage =>
      store.open(place, { answerMs: 400, retry: { attempts: 3, baseMs: 2, capMs: 5 } });
    const straight = (place: string): Storage => {
      const { open, connections } = name === 'S3' ? s3 : azure;
      return open(place, { connections });
    };

    /** One commit over another, with a fault at one of its requests. */
    const survives = async (at: number, behaviour: HttpFault, lasting: boolean): Promise<void> => {
      const place = store.place();
      await land(straight(place), OLD);
      proxy.reset();
      proxy.fault = ({ n }) => ((lasting ? n >= at : n === at) ? behaviour : undefined);
      const outcome = await land(faulty(place), NEW).catch((error: unknown) => error);
      proxy.fault = undefined;
      const found = await committed(straight(place));
      expect([OLD, NEW]).toContainEqual(found);
      if (typeof outcome === 'string') expect(found).toEqual(NEW);
      else expect(outcome).toBeInstanceOf(FoundryError);
      await land(straight(place), NEW);
      expect(await committed(straight(place))).toEqual(NEW);
    };

    /** How many requests a commit takes, once the store is known. */
    const requestsOfCommit = async (): Promise<number> => {
      const place = store.place();
      await land(straight(place), OLD);
      await land(faulty(place), OLD);
      proxy.reset();
      await land(faulty(place), NEW);
      return proxy.requests.length;
    };

    test('a fault at any request leaves the old partition or the new one whole, and a rerun succeeds', async () => {
      const requests = await requestsOfCommit();
      expect(requests).toBeGreaterThan(6);
      for (let at = 1; at <= requests; at += 1) {
        for (const [index, { behaviour, lasting }] of FAULTS.entries()) {
          // Every fault at every request takes minutes: the soak does that, each test run a part of it.
          if (isSoak || (at + index) % FAULTS.length === 0) await survives(at, behaviour, lasting === true);
        }
      }
    }, 600_000);

    test('a run that is stopped at any request leaves the old partition or the new one whole', async () => {
      for (let at = 1; at < 40; at += isSoak ? 1 : 2) {
        const place = store.place();
        await land(straight(place), OLD);
        const stop = new AbortController();
        proxy.reset();
        proxy.fault = ({ n }) => {
          if (n === at) stop.abort();
          return undefined;
        };
        const storage = store.open(place, { signal: stop.signal });
        const outcome = await land(storage, NEW, stop.signal).catch((error: unknown) => error);
        proxy.fault = undefined;
        const found = await committed(straight(place));
        expect([OLD, NEW]).toContainEqual(found);
        if (typeof outcome === 'string') expect(found).toEqual(NEW);
        if (proxy.requests.length < at) return;
        await land(straight(place), NEW);
        expect(await committed(straight(place))).toEqual(NEW);
      }
    }, 120_000);

    test('of two hosts that race at any request exactly one wins, and the other changes nothing', async () => {
      for (let at = 1; at < 40; at += 1) {
        const place = store.place();
        await land(straight(place), OLD);
        proxy.reset();
        let rival: unknown;
        proxy.fault = ({ n }) =>
          n === at
            ? {
                kind: 'meanwhile',
                work: async () => {
                  rival = await land(straight(place), ['theirs']).catch((error: unknown) => error);
                },
              }
            : undefined;
        const own = await land(faulty(place), NEW).catch((error: unknown) => error);
        proxy.fault = undefined;
        const found = await committed(straight(place));
        if (rival === undefined) {
          expect(found).toEqual(NEW);
          return;
        }
        expect(typeof rival).toBe('string');
        const isManifestIn = typeof own === 'string';
        // The rival came before this run's look or after its commit, or this run lost.
        if (isManifestIn) expect([NEW, ['theirs']]).toContainEqual(found);
        else {
          if (!(own instanceof FoundryError)) throw own;
          expect(own.code).toBe('LOCK001');
          expect(found).toEqual(['theirs']);
        }
      }
    }, 120_000);

    test('an answer to the commit that got lost is found to be ours, by its commit_id', async () => {
      const place = store.place();
      await land(straight(place), OLD);
      proxy.reset();
      let lost = 0;
      proxy.fault = (request) => {
        if (!isManifestPut(request)) return undefined;
        lost += 1;
        return lost === 1 ? { kind: 'lost answer' } : undefined;
      };
      const id = await land(faulty(place), NEW);
      proxy.fault = undefined;
      const read = await straight(place).readBytes(`${PATH}/${MANIFEST_NAME}`);
      expect(JSON.parse(new TextDecoder().decode(read?.bytes)).commit_id).toBe(id);
      expect(lost).toBe(2);
    });

    test('an ETag that changed between the look and the commit loses, exit 75, and its parts are cleared away', async () => {
      const place = store.place();
      await land(straight(place), OLD);
      const writer = await openPartition({ storage: faulty(place) }, PATH, {
        signal: NEVER_STOPPED,
        spoolRoot: spool,
      });
      const parts = await spoolParts(writer, ['mine']);
      await land(straight(place), ['theirs']);
      const error = await writer.commit(parts, manifestBody()).catch((thrown: unknown) => thrown);
      await writer.discard();
      expect([(error as FoundryError).code, (error as FoundryError).exitCode]).toEqual(['LOCK001', 75]);
      const keys = await Array.fromAsync(straight(place).list(PATH), ({ key }) => key);
      expect(keys.filter((key) => key.endsWith('.parquet'))).toHaveLength(1);
      expect(await committed(straight(place))).toEqual(['theirs']);
    });
  });
}

function isManifestPut({ method, path }: ProxiedRequest): boolean {
  return method === 'PUT' && path.includes(MANIFEST_NAME);
}
