import { describe, expect, test } from 'bun:test';
import { atJsonPath, parseJsonPath } from './json-path.ts';

describe('parseJsonPath', () => {
  test.each([
    ['items', ['items']],
    ['a.b.c', ['a', 'b', 'c']],
    ['a.b[0].c', ['a', 'b', '0', 'c']],
    ['a.0.c', ['a', '0', 'c']],
    ['[0].rows', ['0', 'rows']],
    ['["@odata.nextLink"]', ['@odata.nextLink']],
    ['a["b \\" c"].d', ['a', 'b " c', 'd']],
    ['next-page token', ['next-page token']],
  ])('reads %s', (text, steps) => {
    expect(parseJsonPath(text)).toEqual(steps);
  });

  test.each(['', '.', 'a.', '.a', 'a..b', 'a[', 'a[x]', 'a[0]b', 'a["b]', 'a]'])('refuses %j', (text) => {
    expect(parseJsonPath(text)).toBeUndefined();
  });
});

describe('atJsonPath', () => {
  const root = { a: { b: [{ c: 1 }, { c: null }] }, '0': 'zero' };
  test.each([
    ['a.b[0].c', 1],
    ['a.b.1.c', null],
    ['a.b[2].c', undefined],
    ['a.b.c', undefined],
    ['a.toString', undefined],
    ['0', 'zero'],
  ])('%s', (path, value) => {
    expect(atJsonPath(root, parseJsonPath(path) ?? [])).toEqual(value);
  });
});
