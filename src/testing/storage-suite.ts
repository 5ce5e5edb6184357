import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { compareKeys } from '../storage/keys.ts';
import { ConditionFailed, type Storage } from '../storage/storage.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function keysBelow(storage: Storage, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of storage.list(prefix)) keys.push(key);
  return keys;
}

async function textOf(storage: Storage, key: string): Promise<string | undefined> {
  const found = await storage.readBytes(key);
  return found === undefined ? undefined : new TextDecoder().decode(found.bytes);
}

/** What every storage must do; `makeStorage` gives an empty one each time. */
export function storageSuite(name: string, makeStorage: () => Promise<Storage>): void {
  describe(`storage suite: ${name}`, () => {
    let scratch = '';
    beforeAll(async () => {
      scratch = await mkdtemp(join(tmpdir(), 'foundry-storage-suite-'));
    });
    afterAll(() => rm(scratch, { recursive: true, force: true }));

    test('what was put is read back, listed and described alike', async () => {
      const storage = await makeStorage();
      const put = await storage.put('a/b.txt', { bytes: bytes('hello') });
      expect(put).toMatchObject({ key: 'a/b.txt', sizeBytes: 5 });
      const read = await storage.readBytes('a/b.txt');
      expect(read?.etag).toBe(put.etag);
      expect(new TextDecoder().decode(read?.bytes)).toBe('hello');
      expect((await storage.stat('a/b.txt'))?.etag).toBe(put.etag);
      for await (const listed of storage.list('a'))
        expect(listed).toMatchObject({ sizeBytes: 5, etag: put.etag });
    });

    test('absence is a value, and an absent prefix is an empty listing', async () => {
      const storage = await makeStorage();
      expect(await storage.stat('no/such')).toBeUndefined();
      expect(await storage.readBytes('no/such')).toBeUndefined();
      expect(await keysBelow(storage, 'no')).toEqual([]);
      await storage.put('a/file', { bytes: bytes('x') });
      expect(await storage.stat('a')).toBeUndefined();
      expect(await storage.stat('a/file/below')).toBeUndefined();
    });

    test('downloading what is absent is an STG001 error', async () => {
      const storage = await makeStorage();
      const failed = await storage
        .download('no/such', join(scratch, 'absent'))
        .catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(FoundryError);
      expect((failed as FoundryError).code).toBe('STG001');
    });

    test('removing is idempotent', async () => {
      const storage = await makeStorage();
      await storage.put('a/b', { bytes: bytes('x') });
      await storage.remove('a/b');
      await storage.remove('a/b');
      await storage.remove('never/was');
      expect(await keysBelow(storage, '')).toEqual([]);
    });

    test('a second put replaces the bytes and the etag, even by bytes of the same length', async () => {
      const storage = await makeStorage();
      const first = await storage.put('k', { bytes: bytes('one') });
      const second = await storage.put('k', { bytes: bytes('two') });
      expect(second.etag).not.toBe(first.etag);
      expect(await textOf(storage, 'k')).toBe('two');
    });

    test('odd keys are kept as they are', async () => {
      const storage = await makeStorage();
      const odd = [
        'a b/c d',
        'ü/日本/😀',
        'hash#/plus+/per%cent',
        'p=%2F/x%20y',
        "quote'/q",
        'amp&/semi;',
        'dots../..x',
        '.hid',
      ];
      for (const key of odd) await storage.put(key, { bytes: bytes(key) });
      expect(await keysBelow(storage, '')).toEqual([...odd].sort(compareKeys));
      for (const key of odd) expect(await textOf(storage, key)).toBe(key);
    });

    test('keys that could leave the storage are refused by every verb', async () => {
      const storage = await makeStorage();
      for (const key of ['../x', 'a/../../x', '/etc/x', 'a//b', './a', 'a/.', 'a\0b', 'a/', 'a\\..\\b']) {
        const attempts: (() => Promise<unknown>)[] = [
          () => storage.put(key, { bytes: bytes('x') }),
          () => storage.readBytes(key),
          () => storage.stat(key),
          () => storage.remove(key),
          () => storage.download(key, join(scratch, 'refused')),
          () => keysBelow(storage, key),
        ];
        for (const attempt of attempts) {
          expect(await (async () => attempt())().catch((error: unknown) => error)).toBeInstanceOf(
            FoundryError,
          );
        }
      }
    });

    test('a listing of more keys than one page holds is complete and sorted by the bytes of the keys', async () => {
      const storage = await makeStorage();
      const keys = Array.from(
        { length: 1100 },
        (_, n) => `t/${n % 7 === 0 ? `d${n % 70}/` : `d${n % 70}-`}${n}`,
      );
      for (let at = 0; at < keys.length; at += 50) {
        await Promise.all(keys.slice(at, at + 50).map((key) => storage.put(key, { bytes: bytes('') })));
      }
      expect(await keysBelow(storage, 't')).toEqual([...keys].sort(compareKeys));
    }, 30_000);

    test('a read streams the bytes or a range of them, and refuses what is absent', async () => {
      const storage = await makeStorage();
      await storage.put('k', { bytes: bytes('0123456789') });
      const read = async (range?: { start: number; end?: number }): Promise<string> =>
        Buffer.concat(await Array.fromAsync(storage.read('k', range))).toString();
      expect(await read()).toBe('0123456789');
      expect(await read({ start: 3, end: 5 })).toBe('34');
      expect(await read({ start: 8 })).toBe('89');
      expect(await read({ start: 0, end: 1 })).toBe('0');
      const absent = await Array.fromAsync(storage.read('no/such')).catch((error: unknown) => error);
      expect((absent as FoundryError).code).toBe('STG001');
    });

    test('an object without bytes is there, listed, read and downloaded', async () => {
      const storage = await makeStorage();
      await storage.put('empty', { bytes: new Uint8Array() }, 'ifAbsent');
      expect((await storage.stat('empty'))?.sizeBytes).toBe(0);
      expect(await textOf(storage, 'empty')).toBe('');
      expect(await keysBelow(storage, '')).toEqual(['empty']);
      const file = join(scratch, 'empty');
      await storage.download('empty', file);
      expect((await readFile(file)).length).toBe(0);
    });

    test('a prefix is a folder: its name does not match longer names', async () => {
      const storage = await makeStorage();
      await storage.put('ab/x', { bytes: bytes('') });
      await storage.put('a/x', { bytes: bytes('') });
      expect(await keysBelow(storage, 'a')).toEqual(['a/x']);
    });

    test('ifAbsent refuses an existing key and leaves its bytes', async () => {
      const storage = await makeStorage();
      await storage.put('k', { bytes: bytes('first') }, 'ifAbsent');
      const second = await storage
        .put('k', { bytes: bytes('second') }, 'ifAbsent')
        .catch((error: unknown) => error);
      expect(second).toBeInstanceOf(ConditionFailed);
      expect(await textOf(storage, 'k')).toBe('first');
    });

    test('ifMatch refuses any version but the one named, and an absent key', async () => {
      const storage = await makeStorage();
      const first = await storage.put('k', { bytes: bytes('1') });
      const second = await storage.put('k', { bytes: bytes('2') }, { ifMatch: first.etag });
      const stale = await storage
        .put('k', { bytes: bytes('3') }, { ifMatch: first.etag })
        .catch((e: unknown) => e);
      const absent = await storage
        .put('n', { bytes: bytes('3') }, { ifMatch: second.etag })
        .catch((e: unknown) => e);
      expect(stale).toBeInstanceOf(ConditionFailed);
      expect(absent).toBeInstanceOf(ConditionFailed);
      expect(await textOf(storage, 'k')).toBe('2');
      expect(await storage.stat('n')).toBeUndefined();
    });

    test('of 100 contended ifAbsent puts exactly one wins', async () => {
      const storage = await makeStorage();
      const won = await contend((n) => storage.put('k', { bytes: bytes(`${n}`) }, 'ifAbsent'));
      expect(won).toHaveLength(1);
      expect(await textOf(storage, 'k')).toBe(`${won[0]}`);
    }, 30_000);

    test('of 100 contended ifMatch puts exactly one wins', async () => {
      const storage = await makeStorage();
      const { etag } = await storage.put('k', { bytes: bytes('old') });
      const won = await contend((n) => storage.put('k', { bytes: bytes(`${n}`) }, { ifMatch: etag }));
      expect(won).toHaveLength(1);
      expect(await textOf(storage, 'k')).toBe(`${won[0]}`);
    }, 30_000);

    test('a file of 20 MB goes up and comes down unchanged', async () => {
      const storage = await makeStorage();
      const up = join(scratch, 'up');
      const down = join(scratch, 'down');
      const block = Buffer.alloc(1 << 20, 'foundry ');
      const content = Buffer.concat(
        Array.from({ length: 20 }, (_, n) => Buffer.concat([Buffer.from([n]), block])),
      );
      await writeFile(up, content);
      const stored = await storage.put('big/file', { file: up });
      expect(stored.sizeBytes).toBe(content.length);
      await storage.download('big/file', down);
      const sha = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
      expect(sha(await readFile(down))).toBe(sha(content));
    });
  });
}

/** Numbers of the attempts that won; every other one must have failed its condition. */
async function contend(attempt: (n: number) => Promise<unknown>): Promise<number[]> {
  const outcomes = await Promise.allSettled(Array.from({ length: 100 }, (_, n) => attempt(n)));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ConditionFailed);
  }
  return outcomes.flatMap((outcome, n) => (outcome.status === 'fulfilled' ? [n] : []));
}
