import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { ROOT } from './step.ts';
import { ALONE, planTests } from './test-plan.ts';

const all = (pattern: string): string[] => [...new Bun.Glob(pattern).scanSync(ROOT)].sort();
const FILES = all('{src,build}/**/*.test.ts');

test('every test file is run, once', () => {
  const { beside, alone } = planTests(FILES);
  expect([...beside, ...alone].flatMap(({ files }) => files).sort()).toEqual(FILES);
});

test('no file is a test for bun only, by a name that the plan does not know', () => {
  const known = all('{src,build}/**/*{.,_}{test,spec}.{ts,tsx,js,jsx,mjs,cjs,mts,cts}');
  expect(known.filter((file) => !FILES.includes(file))).toEqual([]);
});

test('what asserts time or memory is there, and runs alone', () => {
  for (const file of ALONE) expect(FILES).toContain(file);
  const { beside, alone } = planTests(FILES);
  expect(alone.map(({ files }) => files)).toEqual(ALONE.map((file) => [file]));
  expect(beside.flatMap(({ files }) => files).filter((file) => ALONE.includes(file))).toEqual([]);
});

test('the memory of a process is asserted in no file that runs beside others', async () => {
  const measuring = /peak-memory|page-memory|promotion-memory|measure-source|VmHWM|process\.memoryUsage/;
  const { beside } = planTests(FILES);
  const wrong: string[] = [];
  for (const file of beside.flatMap(({ files }) => files)) {
    if (file === 'build/test-plan.test.ts') continue;
    if (measuring.test(await Bun.file(join(ROOT, file)).text())) wrong.push(file);
  }
  expect(wrong).toEqual([]);
});

test('a folder with many files is several processes, and crash tests are one', () => {
  const files = ['src/crash', 'src/cli'].flatMap((folder) =>
    Array.from({ length: 20 }, (_, n) => `${folder}/${String.fromCharCode(97 + n)}.test.ts`),
  );
  const names = planTests(files).beside.map((group) => [group.name, group.files.length]);
  expect(names).toEqual([
    ['src/crash', 20],
    ['src/cli, part 1 of 3', 7],
    ['src/cli, part 2 of 3', 7],
    ['src/cli, part 3 of 3', 6],
  ]);
});
