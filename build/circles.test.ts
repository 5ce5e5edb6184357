import { expect, test } from 'bun:test';
import { join } from 'node:path';
import { checkCircles, circlesIn } from './circles.ts';

test('no file of src imports itself through others', async () => {
  expect(await checkCircles(join(import.meta.dir, '..'))).toEqual([]);
});

test('a circle is found through types and lazy imports, and named once from wherever it is reached', () => {
  const sources = new Map([
    ['a/one.ts', "import { two } from './two.ts';"],
    ['a/two.ts', "import type { Three } from '../b/three.ts';"],
    ['b/three.ts', "const one = await import('../a/one.ts');"],
    ['b/four.ts', "import './three.ts';\nimport 'node:fs';"],
  ]);
  expect(circlesIn(sources)).toEqual(['a/one.ts → a/two.ts → b/three.ts → a/one.ts']);
  sources.delete('a/two.ts');
  expect(circlesIn(sources)).toEqual([]);
});
