import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { rowText } from './row-text.ts';

test('a row of JSON values is the JSON that it is', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (row) => {
      expect(JSON.parse(rowText(row, 'row 1'))).toEqual(row);
    }),
  );
});

test('bigints keep their digits, dates and bytes have one text each, undefined is left out', () => {
  const row = {
    a: 2n ** 63n,
    b: new Date(Date.UTC(2025, 0, 5, 9)),
    c: new Uint8Array([1, 2]),
    d: undefined,
    e: -0,
  };
  expect(rowText(row, 'row 1')).toBe(
    '{"a":9223372036854775808,"b":"2025-01-05T09:00:00.000Z","c":"AQI=","e":-0}',
  );
});

test('what JSON has no place for is refused with its row and column', () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  const refused: [unknown, string][] = [
    [{ a: Number.NaN }, 'm.ts: row 3: the value of column "a" is NaN'],
    [{ a: () => 1 }, 'm.ts: row 3: the value of column "a" is a function'],
    [{ a: new Map() }, 'm.ts: row 3: the value of column "a" is a Map'],
    [{ a: new Date('x') }, 'm.ts: row 3: the value of column "a" is an invalid Date'],
    [circle, 'm.ts: row 3: the value of column "self" is nested deeper than 500 levels, or in a circle'],
    ['text', 'm.ts: row 3 is a string, but a row is an object of columns and values'],
    [null, 'm.ts: row 3 is null, but a row is an object of columns and values'],
  ];
  for (const [row, message] of refused) expect(() => rowText(row, 'm.ts: row 3')).toThrow(message);
});
