import { expect, test } from 'bun:test';
import { faultRuns, landByBinary, landHere } from '../testing/api/fault-run.ts';
import { FAULTS } from '../testing/api/faults.ts';
import { inventWorld, SCHEMES } from '../testing/api/world.ts';

/** `bun run soak` takes all; the slice of `npm test` has the first of them. */
const ALL = process.env.FOUNDRY_SOAK === '1';
const seeds = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i);
const HERE = seeds(ALL ? 1000 : 40);
const BY_BINARY = seeds(ALL ? 60 : 5, 5000);

test(`${HERE.length} APIs that break in seeded ways land exactly or fail with the right code, and land when run again`, async () => {
  expect(await faultRuns(HERE, landHere, 4)).toEqual([]);
}, 600_000);

test(`so do ${BY_BINARY.length} through the program, whose exit codes are those of the errors`, async () => {
  expect(await faultRuns(BY_BINARY, landByBinary, 2)).toEqual([]);
}, 600_000);

test('a thousand seeds hold every kind of fault on every kind of paging that can have it, and sound APIs too', () => {
  const worlds = seeds(1000).map(inventWorld);
  const met = new Set(worlds.flatMap(({ faults }) => faults.map(({ name }) => name)));
  expect([...met].sort()).toEqual((Object.keys(FAULTS) as (keyof typeof FAULTS)[]).sort());
  for (const scheme of SCHEMES) {
    const kinds = new Set(
      worlds
        .filter((world) => world.scheme === scheme)
        .flatMap(({ faults }) => faults.map(({ name }) => name)),
    );
    expect(kinds.size).toBeGreaterThanOrEqual(Object.keys(FAULTS).length - 3);
  }
  expect(worlds.filter(({ faults }) => faults.length === 0).length).toBeGreaterThan(50);
});
