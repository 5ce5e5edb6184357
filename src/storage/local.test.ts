import { afterAll, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { storageSuite } from '../testing/storage-suite.ts';
import { storageFailure } from './failure.ts';
import { localStorage } from './local.ts';
import { openStorage } from './open.ts';

const folders: string[] = [];
async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'foundry-local-'));
  folders.push(folder);
  return folder;
}
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

storageSuite('local disk', async () => localStorage(await scratch()));

describe('local storage', () => {
  test('locks and half-written files are never listed, and their folder is no key', async () => {
    const base = await scratch();
    const storage = localStorage(base);
    const { etag } = await storage.put('a/k', { bytes: new Uint8Array(1) });
    await storage.put('a/k', { bytes: new Uint8Array(2) }, { ifMatch: etag });
    expect(await readdir(base)).toContain('.foundry');
    const keys: string[] = [];
    for await (const { key } of storage.list('')) keys.push(key);
    expect(keys).toEqual(['a/k']);
    expect(await readdir(join(base, '.foundry', 'tmp'))).toEqual([]);
    expect(() => storage.local!.path('.foundry/x')).toThrow('no key');
  });

  test('a put under a file is an STG001 error that names the path and what to do', async () => {
    const storage = localStorage(await scratch());
    await storage.put('a', { bytes: new Uint8Array(1) });
    const error = (await storage
      .put('a/b', { bytes: new Uint8Array(1) })
      .catch((e: unknown) => e)) as FoundryError;
    expect(error).toBeInstanceOf(FoundryError);
    expect(error.code).toBe('STG001');
    expect(error.message).toContain('/a');
    expect(error.hint).toContain('Move it away');
  });

  test('no space, no right and broken disks say what to do', () => {
    for (const code of ['ENOSPC', 'EIO', 'EACCES', 'EROFS']) {
      const error = storageFailure(
        'write',
        '/lake/x',
        Object.assign(new Error(code), { code }),
      ) as FoundryError;
      expect(error.code).toBe('STG001');
      expect(error.exitCode).toBe(5);
      expect(error.message).toContain('could not write /lake/x');
      expect(error.hint).not.toContain('Mend the storage');
    }
  });

  test('exchange swaps two folders, and gives a first folder its name', async () => {
    const base = await scratch();
    const { local } = localStorage(join(base, 'lake'));
    const staged = join(base, 'staged');
    await mkdir(staged);
    await writeFile(join(staged, 'gen'), '1');
    expect(await local!.exchange(staged, 't/p')).toBe(true);
    expect(await readFile(join(base, 'lake/t/p/gen'), 'utf8')).toBe('1');
    await mkdir(staged);
    await writeFile(join(staged, 'gen'), '2');
    expect(await local!.exchange(staged, 't/p')).toBe(true);
    expect(await readFile(join(base, 'lake/t/p/gen'), 'utf8')).toBe('2');
    expect(await readFile(join(staged, 'gen'), 'utf8')).toBe('1');
  });

  test('exchanging a folder that is not there is an STG001 error', async () => {
    const base = await scratch();
    const { local } = localStorage(base);
    const error = await local!.exchange(join(base, 'nothing'), 'p').catch((e: unknown) => e);
    expect((error as FoundryError).code).toBe('STG001');
  });

  test('a symbolic link back to a parent is an error, not an endless listing', async () => {
    const base = await scratch();
    await mkdir(join(base, 'a'));
    await symlink(base, join(base, 'a', 'loop'));
    const listing = async (): Promise<void> => {
      for await (const _ of localStorage(base).list('')) {
      }
    };
    await expect(listing()).rejects.toThrow('links back');
  });

  test('a base of a scheme that is none, or without a bucket, is a configuration error', () => {
    expect(() => openStorage('gs://bucket/x')).toThrow('gs://');
    expect(() => openStorage('s3:///x')).toThrow('no name of a bucket');
    expect(() => openStorage('az://Container/x')).toThrow('no name of a container');
    expect(() => openStorage('s3://bucket/a/../b')).toThrow('segment');
    expect(openStorage('file:///tmp/x').description).toBe('file:///tmp/x');
  });
});
