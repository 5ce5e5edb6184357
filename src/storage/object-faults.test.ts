import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FoundryError } from '../core/errors.ts';
import type { FaultProxy, HttpFault } from '../testing/fault-proxy.ts';
import { PROXIED_STORES, type TestStore } from '../testing/object-stores.ts';
import { ConditionFailed, type Storage } from './storage.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const BUSY: HttpFault = { kind: 'answer', status: 503, code: 'SlowDown' };
const MEGABYTE = 1 << 20;

for (const [name, setUp] of PROXIED_STORES) {
  describe(`${name} on a bad day`, () => {
    let proxy: FaultProxy;
    let store: TestStore;
    let scratch = '';
    beforeAll(async () => {
      ({ proxy, store } = await setUp());
      scratch = await mkdtemp(join(tmpdir(), 'foundry-faults-'));
    });
    afterAll(async () => {
      proxy.close();
      await rm(scratch, { recursive: true, force: true });
    });

    /** An opened storage, whose first requests (the probe) are over. */
    const open = async (options: Parameters<TestStore['open']>[1] = {}): Promise<Storage> => {
      proxy.fault = undefined;
      const storage = store.open(store.place(), { answerMs: 300, ...options });
      await storage.put('first', { bytes: bytes('x') }, 'ifAbsent');
      proxy.reset();
      return storage;
    };
    const failing = (n: number, fault: HttpFault): void => {
      proxy.fault = (request) => (request.n === n ? fault : undefined);
    };
    const failureOf = (work: Promise<unknown>): Promise<FoundryError> =>
      work.then(
        () => {
          throw new Error('it did not fail');
        },
        (error: FoundryError) => error,
      );

    test.each([
      ['503', BUSY],
      ['500', { kind: 'answer', status: 500, code: 'InternalError' }],
      ['a connection that is reset', { kind: 'reset' }],
      ['an answer that gets lost', { kind: 'lost answer' }],
      ['no answer at all', { kind: 'silence' }],
    ] as [string, HttpFault][])('%s once is overcome by every verb', async (_name, fault) => {
      const storage = await open();
      const verbs: (() => Promise<unknown>)[] = [
        () => storage.put('k', { bytes: bytes('one') }),
        () => storage.put('new', { bytes: bytes('two') }, 'ifAbsent'),
        () => storage.stat('k'),
        () => storage.readBytes('k'),
        () => Array.fromAsync(storage.read('k', { start: 1, end: 2 })),
        () => Array.fromAsync(storage.list('')),
        () => storage.remove('k'),
      ];
      for (const verb of verbs) {
        proxy.reset();
        failing(1, fault);
        await verb();
      }
      proxy.fault = undefined;
      expect((await storage.readBytes('new'))?.bytes).toEqual(Buffer.from('two'));
      expect(await storage.stat('k')).toBeUndefined();
    });

    test('what stays away ends in RETRY001, exit 75, naming what was asked', async () => {
      const storage = await open({ retry: { attempts: 3, baseMs: 1, capMs: 1 } });
      proxy.fault = () => BUSY;
      const error = await failureOf(storage.readBytes('a b'));
      expect(error.code).toBe('RETRY001');
      expect(error.exitCode).toBe(75);
      expect(error.message).toContain('/a b: ');
      expect(error.toString()).toMatch(
        /backend_type=(s3|azure), operation=download, (bucket|container)=t-.*, key=\w+\/a b, error_type=SlowDown, status=503, attempts=3/,
      );
      expect(proxy.requests).toHaveLength(3);
    });

    test('a conditional write whose answer got lost is found to be ours', async () => {
      const storage = await open();
      failing(1, { kind: 'lost answer' });
      const made = await storage.put('mine', { bytes: bytes('mine') }, 'ifAbsent');
      expect((await storage.readBytes('mine'))?.etag).toBe(made.etag);
      proxy.reset();
      failing(1, { kind: 'silence' });
      const again = await storage.put('mine', { bytes: bytes('more') }, { ifMatch: made.etag });
      expect((await storage.stat('mine'))?.etag).toBe(again.etag);
    });

    test('a conditional write that another writer overtook after a lost answer is refused', async () => {
      const storage = await open();
      failing(1, {
        kind: 'meanwhile',
        work: async () => {
          proxy.fault = undefined;
          await storage.put('theirs', { bytes: bytes('theirs') }, 'ifAbsent');
        },
      });
      expect(
        await storage.put('theirs', { bytes: bytes('mine') }, 'ifAbsent').catch((e: unknown) => e),
      ).toBeInstanceOf(ConditionFailed);
      expect((await storage.readBytes('theirs'))?.bytes).toEqual(Buffer.from('theirs'));
    });

    test('refused credentials and missing rights are told apart, at once', async () => {
      const storage = await open();
      for (const [status, code, expected, hint] of [
        [403, 'InvalidAccessKeyId', 'AUTH001', 'connection'],
        [400, 'ExpiredToken', 'AUTH001', 'new credentials'],
        [403, 'AccessDenied', 'STG001', /s3:PutObject|Contributor/],
      ] as const) {
        proxy.reset();
        proxy.fault = () => ({ kind: 'answer', status, code });
        const error = await failureOf(storage.put('k', { bytes: bytes('x') }));
        expect(error.code).toBe(expected);
        expect(error.hint).toMatch(hint);
        expect(proxy.requests).toHaveLength(1);
      }
    });

    test('a body that breaks off is read on from where it broke, and whole', async () => {
      const storage = await open();
      const content = Buffer.from(Array.from({ length: 3 * MEGABYTE }, (_, n) => n % 251));
      await storage.put('long', { bytes: content });
      proxy.reset();
      proxy.fault = ({ n }) => (n <= 3 ? { kind: 'cut' } : undefined);
      const file = join(scratch, 'long');
      await storage.download('long', file);
      expect(Buffer.compare(await readFile(file), content)).toBe(0);
      expect(proxy.requests.length).toBe(4);
    });

    test('an object that was replaced while it broke off is not put together of two versions', async () => {
      const storage = await open();
      await storage.put('v', { bytes: Buffer.alloc(MEGABYTE, 'a') });
      proxy.reset();
      proxy.fault = ({ n }) => (n === 1 ? { kind: 'cut' } : undefined);
      const reading = (async () => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of storage.read('v')) {
          if (chunks.push(chunk) === 1) await storage.put('v', { bytes: Buffer.alloc(MEGABYTE, 'b') });
        }
        return Buffer.concat(chunks);
      })();
      const got: unknown = await reading.catch((error: unknown) => error);
      expect((got as FoundryError).code).toBe('STG001');
    });

    test('an upload in parts gets over a failed part, and gives up nothing half', async () => {
      const storage = await open({ answerMs: 10_000 });
      const file = join(scratch, 'parts');
      const content = Buffer.from(Array.from({ length: 20 * MEGABYTE }, (_, n) => (n * 7) % 253));
      await writeFile(file, content);
      for (const [n, fault] of [
        [3, BUSY],
        [4, { kind: 'reset' }],
        [5, { kind: 'lost answer' }],
      ] as [number, HttpFault][]) {
        proxy.reset();
        failing(n, fault);
        await storage.put(`big-${n}`, { file }, 'ifAbsent').catch((error: unknown) => {
          // A lost answer to the last step of a large upload is for the caller to look into.
          if (!(error instanceof ConditionFailed)) throw error;
        });
        proxy.fault = undefined;
        const hash = createHash('sha256');
        for await (const chunk of storage.read(`big-${n}`)) hash.update(chunk);
        expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
      }
      proxy.reset();
      proxy.fault = ({ method, path }) =>
        method === 'PUT' && /partNumber=2|comp=block&/.test(path)
          ? { kind: 'answer', status: 403, code: 'AccessDenied' }
          : undefined;
      expect((await failureOf(storage.put('refused', { file }))).code).toBe('STG001');
      expect(await storage.stat('refused')).toBeUndefined();
      if (name === 'S3')
        expect(
          proxy.requests.some(({ method, path }) => method === 'DELETE' && path.includes('uploadId=')),
        ).toBe(true);
    }, 60_000);

    test('a listing that goes in circles, or ends without an end, is an error and no shorter listing', async () => {
      const storage = await open();
      const isListing = (path: string): boolean => /list-type=2|comp=list/.test(path);
      proxy.fault = ({ path }) =>
        isListing(path)
          ? {
              kind: 'forge',
              body: (text) =>
                text
                  .replace(
                    /<IsTruncated>false<\/IsTruncated>/,
                    '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>',
                  )
                  .replace(/<NextMarker ?\/>|<NextMarker><\/NextMarker>/, '<NextMarker>t</NextMarker>'),
            }
          : undefined;
      expect((await failureOf(Array.fromAsync(storage.list('')))).code).toBe('STG001');
    });

    test('a bucket that is not there is named, with what to do', async () => {
      proxy.fault = undefined;
      const storage = store.open(`${store.uri.slice(0, store.uri.indexOf('://') + 3)}none-${randomUUID()}/x`);
      const error = await failureOf(storage.put('k', { bytes: bytes('x') }));
      expect(error.code).toBe('STG001');
      expect(error.hint).toMatch(/Create the bucket none-|--create-container/);
    });

    test('Ctrl-C leaves a request that gets no answer', async () => {
      const stop = new AbortController();
      const storage = await open({ signal: stop.signal, answerMs: 60_000 });
      proxy.fault = () => ({ kind: 'silence' });
      setTimeout(() => stop.abort(), 50);
      expect((await failureOf(storage.readBytes('first'))).code).toBe('INT001');
    });
  });
}
