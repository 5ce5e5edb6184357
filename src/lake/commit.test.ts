import { afterAll, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { localStorage } from '../storage/local.ts';
import type { Storage } from '../storage/storage.ts';
import { commitSuite } from '../testing/commit-suite.ts';
import { contentOf, keysBelow, manifestBody, NEVER_STOPPED, spoolParts } from '../testing/lake-fixtures.ts';
import { openPartition } from './commit.ts';
import type { Lake } from './lake.ts';
import { readManifest } from './reader.ts';

const PATH = 'system=s/table=t/pattern=full/dt=2025-01-05';
const folders: string[] = [];
async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'foundry-commit-'));
  folders.push(folder);
  return folder;
}
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

const localLake = async (): Promise<Storage> => localStorage(join(await scratch(), 'lake'));

commitSuite('local disk, folders exchanged', localLake);
commitSuite('local disk without exchange', async () => {
  const storage = await localLake();
  return { ...storage, local: { ...storage.local!, exchange: async () => false } };
});
commitSuite('no local disk', async () => {
  const { local: _, ...storage } = await localLake();
  return storage;
});

async function land(lake: Lake, path: string, texts: readonly string[]): Promise<void> {
  const writer = await openPartition(lake, path, { signal: NEVER_STOPPED });
  await writer.commit(await spoolParts(writer, texts), manifestBody());
  await writer.discard();
}

describe('commits on a local disk', () => {
  test('staged files lie beside the base, end .tmp, and nothing stays of them', async () => {
    const base = join(await scratch(), 'lake');
    const lake = { storage: localStorage(base) };
    const writer = await openPartition(lake, PATH, { signal: NEVER_STOPPED });
    expect(writer.spool).toStartWith(join(dirname(base), `.foundry-staging-${basename(base)}`));
    const parts = await spoolParts(writer, ['a']);
    expect(await keysBelow(lake.storage, '')).toEqual([]);
    await writer.commit(parts, manifestBody());
    expect(await readdir(dirname(base))).toEqual(['lake']);
    expect((await readdir(base)).sort()).toEqual(['.foundry', 'system=s']);
  });

  test('unlisted data of the old folder goes with it, a README stays', async () => {
    const lake = { storage: await localLake() };
    const folder = lake.storage.local!.path(PATH);
    await mkdir(join(folder, 'notes'), { recursive: true });
    await writeFile(join(folder, 'full-part-0007.parquet'), 'unlisted');
    await writeFile(join(folder, 'README.md'), 'mine');
    await writeFile(join(folder, 'notes', 'why.txt'), 'because');
    await land(lake, PATH, ['a']);
    await land(lake, PATH, ['b']);
    const names = await keysBelow(lake.storage, PATH);
    expect(names.filter((name) => !name.startsWith('_') && !name.startsWith('full'))).toEqual([
      'README.md',
      'notes/why.txt',
    ]);
    expect(names.filter((name) => name.endsWith('.parquet'))).toHaveLength(1);
    expect(await readFile(join(folder, 'README.md'), 'utf8')).toBe('mine');
  });

  test('partitions that lie inside another one survive its replacement', async () => {
    const lake = { storage: await localLake() };
    const outer = 'system=s/table=t/pattern=full';
    await land(lake, PATH, ['day']);
    await land(lake, `${PATH}/hour=09`, ['hour']);
    await mkdir(lake.storage.local!.path(`${outer}/dt=2020-01-01`), { recursive: true });
    await writeFile(lake.storage.local!.path(`${outer}/dt=2020-01-01/part-0001.parquet`), 'foreign');
    await land(lake, outer, ['all 1', 'all 2']);
    await land(lake, outer, ['all again']);
    await land(lake, PATH, ['day again']);
    expect(Object.values(await contentOf(lake, outer))).toEqual([
      'foreign',
      'day again',
      'hour',
      'all again',
    ]);
    for (const path of [outer, PATH, `${PATH}/hour=09`])
      expect((await readManifest(lake, path))?.files).toHaveLength(1);
  });

  test('what a dead owner left in the staging place is swept, what a live one holds is not', async () => {
    const base = join(await scratch(), 'lake');
    const lake = { storage: localStorage(base) };
    const live = await openPartition(lake, PATH, { signal: NEVER_STOPPED });
    const root = join(dirname(base), '.foundry-staging-lake');
    await mkdir(join(root, 'dead', 'generation'), { recursive: true });
    await writeFile(join(root, 'dead', 'generation', 'x.parquet'), 'x');
    await land(lake, PATH, ['a']);
    expect((await readdir(root)).filter((name) => !name.includes('.lock'))).toEqual([
      basename(dirname(live.spool)),
    ]);
    await live.discard();
    expect(await readdir(dirname(base))).toEqual(['lake']);
  });
});
