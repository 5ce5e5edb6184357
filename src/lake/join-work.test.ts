import { expect, test } from 'bun:test';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { localStorage } from '../storage/local.ts';
import { NEVER_STOPPED } from '../testing/lake-fixtures.ts';
import { collectGarbage } from './gc.ts';
import { joinLeaseName, joinWorkFolder } from './join-work.ts';
import { acquireLease } from './lease.ts';

const DAY_MS = 24 * 3_600_000;
const OUTPUT = 'domain=shop/entity=both/v1/load_date=2025-01-05';

function killedJoin() {
  const base = mkdtempSync(join(tmpdir(), 'foundry-join-work-'));
  const folder = joinWorkFolder(base, '0123456789abcdef');
  const chunks = join(folder, 'join-0123456789abcdef');
  mkdirSync(chunks, { recursive: true });
  writeFileSync(join(chunks, 'chunk-0001.parquet.tmp'), 'rows');
  writeFileSync(join(folder, 'progress.json'), JSON.stringify({ output: join(base, OUTPUT) }));
  const lake = { storage: localStorage(base) };
  const collect = (remove: boolean, { prefix = '', age = DAY_MS + 1000 } = {}) =>
    collectGarbage(lake, prefix, {
      signal: NEVER_STOPPED,
      remove,
      olderThanMs: DAY_MS,
      now: new Date(Date.now() + age),
    });
  return { lake, folder, collect, [Symbol.dispose]: () => rmSync(base, { recursive: true }) };
}

test('what a killed join kept is found once it is a day old, below the table that is named, and removed when asked for', async () => {
  using work = killedJoin();
  expect(await work.collect(true, { age: DAY_MS - 60_000 })).toEqual([]);
  expect(await work.collect(true, { prefix: 'domain=shop/entity=bot' })).toEqual([]);
  const found = {
    kind: 'join',
    key: '.foundry/join/0123456789abcdef',
    size_bytes: expect.any(Number),
    since: expect.any(String),
  } as const;
  expect(await work.collect(false, { prefix: 'domain=shop/entity=both' })).toEqual([
    { ...found, status: 'found' },
  ]);
  expect(existsSync(work.folder)).toBe(true);
  expect(await work.collect(true)).toEqual([{ ...found, status: 'removed' }]);
  expect(existsSync(work.folder)).toBe(false);
  expect(await work.collect(true)).toEqual([]);
});

test('while a run holds the table it is kept', async () => {
  using work = killedJoin();
  const lease = await acquireLease(work.lake, joinLeaseName(OUTPUT), { signal: NEVER_STOPPED });
  expect(await work.collect(true)).toMatchObject([{ status: 'kept', reason: 'a run holds its dataset' }]);
  expect(existsSync(work.folder)).toBe(true);
  await lease.release();
  expect(await work.collect(true)).toMatchObject([{ status: 'removed' }]);
});
