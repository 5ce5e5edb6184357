import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { changeStream } from './changes.ts';
import { randomOf } from './random.ts';

test('a stream of changes can be replayed: what is updated or deleted is there, and is inserted once', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 2_000 }), (seed, rows) => {
      const stream = changeStream(randomOf(seed), true);
      const there = new Set<number>();
      const ever = new Set<number>();
      for (let row = 0; row < rows; row += 1) {
        const type = stream.typeOf(row);
        const subject = stream.subjectOf(row);
        expect(there.has(subject)).toBe(type !== 'insert');
        if (type === 'insert') expect(ever.has(subject)).toBe(false);
        ever.add(subject);
        if (type === 'delete') there.delete(subject);
        else there.add(subject);
      }
    }),
    { numRuns: 50 },
  );
});

test('of a stream of changes, 70 % are inserts, 25 % updates and 5 % deletes, whatever the seed', () => {
  for (const seed of [99, 1, 123_456_789]) {
    const stream = changeStream(randomOf(seed), true);
    const counts = { insert: 0, update: 0, delete: 0 };
    for (let row = 0; row < 100_000; row += 1) counts[stream.typeOf(row)] += 1;
    expect(counts.insert / 100_000).toBeCloseTo(0.7, 1.5);
    expect(counts.update / 100_000).toBeCloseTo(0.25, 1.5);
    expect(counts.delete / 100_000).toBeCloseTo(0.05, 1.5);
  }
});

test('draws are spread evenly, and rows, draws and seeds do not repeat each other', () => {
  const buckets = new Array<number>(100).fill(0);
  const random = randomOf(42);
  for (let row = 0; row < 100_000; row += 1) {
    const bucket = random.between(row, 1, 0, 99);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  // 1,000 each; six standard deviations are 190.
  expect(Math.min(...buckets)).toBeGreaterThan(800);
  expect(Math.max(...buckets)).toBeLessThan(1_200);
  const draws = [42, 43, 2 ** 33].flatMap((seed) =>
    [0, 1, 2].flatMap((row) => [0, 1, 2].map((draw) => randomOf(seed).unit(row, draw))),
  );
  expect(new Set(draws).size).toBe(draws.length);
});
