import { expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkLayers, importsOf, violation } from './layers.ts';

test('the project itself keeps to its layers', async () => {
  expect(await checkLayers(join(import.meta.dir, '..'))).toEqual([]);
});

test('an upward import is reported with its file and line', async () => {
  const root = mkdtempSync(join(tmpdir(), 'foundry-layers-'));
  try {
    mkdirSync(join(root, 'src/lake'), { recursive: true });
    writeFileSync(
      join(root, 'src/lake/bad.ts'),
      "import 'node:fs';\nimport type { X } from '../silver/x.ts';\n",
    );
    expect(await checkLayers(root)).toEqual([
      'src/lake/bad.ts:2: lake imports silver, which stands above it',
    ]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('a lazy import counts as an import', () => {
  expect(importsOf("const x = 1;\nconst y = await import('./y.ts');")).toEqual([
    { line: 2, specifier: './y.ts' },
  ]);
});

test('an import spread over lines is found', () => {
  expect(importsOf("import {\n  a,\n  b,\n} from './z.ts';\nexport * from './w.ts';")).toEqual([
    { line: 4, specifier: './z.ts' },
    { line: 5, specifier: './w.ts' },
  ]);
});

test('silver, bronze and join do not know each other', () => {
  expect(violation('silver/run.ts', '../bronze/run.ts')).toContain('meet only in the lake');
  expect(violation('join/run.ts', '../silver/run.ts')).toContain('meet only in the lake');
  expect(violation('bronze/run.ts', '../silver/run.ts')).toContain('stands above');
});

test('a package is imported only by its door', () => {
  expect(violation('formats/parquet/read.ts', 'hyparquet')).toBeUndefined();
  expect(violation('bronze/run.ts', 'hyparquet')).toContain('src/formats/parquet');
  expect(violation('cli/args.ts', 'left-pad')).toContain('has no door');
});

test('core does no I/O', () => {
  expect(violation('core/x.ts', 'node:fs')).toContain('core does no I/O');
  expect(violation('core/x.ts', 'node:util')).toBeUndefined();
});

test('what ships never imports testing, and tests may', () => {
  expect(violation('lake/x.ts', '../testing/binary.ts')).toContain('for tests only');
  expect(violation('lake/x.test.ts', '../testing/binary.ts')).toBeUndefined();
});
