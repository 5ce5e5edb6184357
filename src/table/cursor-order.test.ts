import { expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  compareCursors,
  cursorKindOf,
  guessCursorKind,
  lookBack,
  parseCursor,
  sameCursor,
} from './cursor-order.ts';
import { formatDecimal } from './format.ts';

const number = (text: string) => parseCursor('number', text) ?? '';

test('numbers are compared by value, whatever their digits look like', () => {
  const decimal = fc.record({
    unscaled: fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
    scale: fc.nat(20),
  });
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      const scale = Math.max(a.scale, b.scale);
      const [left, right] = [a, b].map((it) => it.unscaled * 10n ** BigInt(scale - it.scale)) as [
        bigint,
        bigint,
      ];
      const [x, y] = [a, b].map((it) => number(formatDecimal(it.unscaled, it.scale))) as [string, string];
      expect(Math.sign(compareCursors(x, y))).toBe(left < right ? -1 : left > right ? 1 : 0);
    }),
  );
  expect(compareCursors(number('11'), number('9'))).toBeGreaterThan(0);
  expect(compareCursors(number('-11'), number('-9'))).toBeLessThan(0);
  expect(compareCursors(number('1e3'), number('1000.00'))).toBe(0);
});

test('an undeclared text is what it evidently is', () => {
  const kinds = ['42', '-1.5', '2025-01-31', '2025-01-31T10:00:00', '2025-01-31T10:00:00Z', '007a', ''];
  expect(kinds.map(guessCursorKind)).toEqual([
    'number',
    'number',
    'date',
    'timestamp',
    'timestamptz',
    'text',
    'text',
  ]);
});

test('times below a microsecond are in the order of time, which their texts are not', () => {
  const times = [
    '2025-01-05T10:00:06Z',
    '2025-01-05T10:00:06.000000001Z',
    '2025-01-05T11:00:06.123456+01:00',
    '2025-01-05T10:00:06.1234567Z',
    '2025-01-05T10:00:06.123456789Z',
    '2025-01-05T10:00:06.5Z',
  ];
  expect(times.map(guessCursorKind)).toEqual(times.map(() => 'timestamptz'));
  const values = times.map((text) => parseCursor('timestamptz', text) ?? '');
  for (const [index, value] of values.entries()) {
    expect(values.map((other) => Math.sign(compareCursors(value, other)))).toEqual(
      times.map((_, other) => Math.sign(index - other)),
    );
  }
  expect(guessCursorKind('2025-01-05 10:00:06.123456789')).toBe('timestamp');
  expect(sameCursor('time', '10:00:06.1234567', '10:00:06.123456700')).toBe(true);
  expect(lookBack('timestamptz', '1969-12-31T23:59:59.123456789Z', '1s')).toBe('1969-12-31T23:59:58.123456Z');
  expect(parseCursor('timestamptz', '2025-01-05T10:00:06.1234567891Z')).toBeUndefined();
});

test('a lookback keeps the exact digits and the microseconds', () => {
  expect(lookBack('number', '9007199254740993.5', '0.25')).toBe('9007199254740993.25');
  expect(lookBack('timestamptz', '2025-03-01T00:00:00.000001Z', '1d')).toBe('2025-02-28T00:00:00.000001Z');
  expect(lookBack('date', '2025-03-01', '36h')).toBe('2025-02-27');
  expect(() => lookBack('text', 'a', '1')).toThrow('does not fit a text cursor');
  expect(() => lookBack('number', '5', '2h')).toThrow('does not fit a number cursor');
});

test('two texts are one value where their kind says so', () => {
  expect(sameCursor('number', '1.5', '1.50')).toBe(true);
  expect(sameCursor('timestamptz', '2025-01-01T01:00:00+01:00', '2025-01-01T00:00:00Z')).toBe(true);
  expect(sameCursor('text', '1.5', '1.50')).toBe(false);
  expect(sameCursor(undefined, 'a', 'a')).toBe(true);
});

test('only ordered types make a cursor', () => {
  expect(cursorKindOf({ kind: 'json' })).toBeUndefined();
  expect(cursorKindOf({ kind: 'decimal', precision: 38, scale: 2 })).toBe('number');
});
