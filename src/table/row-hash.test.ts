import { expect, test } from 'bun:test';
import type { Batch } from '../core/batch.ts';
import { type DataType, parseType } from '../core/schema.ts';
import { rowHasher } from './row-hash.ts';

function hashOf(columns: Readonly<Record<string, readonly [string, unknown]>>): string {
  const entries = Object.entries(columns);
  const fields = entries.map(([name, [type]]) => ({ name, type: parseType(type) as DataType }));
  const batch: Batch = { schema: { fields }, columns: entries.map(([, [, value]]) => [value]), length: 1 };
  return rowHasher(batch.schema)(batch, 0);
}

test('a row stays itself when columns are ordered otherwise, appear as NULL, or hold its numbers in another type', () => {
  const row = hashOf({ a: ['int64', 20n], b: ['string', 'x'] });
  expect(hashOf({ b: ['string', 'x'], a: ['int64', 20n], late: ['json', null] })).toBe(row);
  for (const a of [
    ['int32', 20],
    ['double', 20],
    ['decimal(5,2)', 2000n],
    ['decimal(38,0)', 20n],
    ['string', '20'],
  ] as const) {
    expect(hashOf({ a, b: ['string', 'x'] })).toBe(row);
  }
  const half = hashOf({ a: ['double', 1.5] });
  expect(hashOf({ a: ['decimal(9,3)', 1500n] })).toBe(half);
  expect(hashOf({ a: ['string', '1.5'] })).toBe(half);
  expect(hashOf({ a: ['decimal(9,9)', -5n] })).toBe(hashOf({ a: ['string', '-0.000000005'] }));
  expect(hashOf({ a: ['double', 1e21] })).toBe(hashOf({ a: ['decimal(38,0)', 10n ** 21n] }));
});

test('other values, other names and other texts are other rows', () => {
  const rows: Readonly<Record<string, readonly [string, unknown]>>[] = [
    { a: ['int64', 20n] },
    { a: ['int64', 2n] },
    { a: ['int64', -20n] },
    { a: ['decimal(5,2)', 20n] },
    { a: ['string', '20.0'] },
    { a: ['double', Number.NaN] },
    { a: ['string', null] },
    { b: ['int64', 20n] },
    { a: ['string', 'b'], b: ['string', ''] },
    { a: ['string', ''], b: ['string', 'b'] },
  ];
  expect(new Set(rows.map(hashOf)).size).toBe(rows.length);
});
