import { afterAll, describe, expect, test } from 'bun:test';
import { removeScratch, SCENES } from './lab.test.ts';
import { race } from './race.test.ts';
import { readDuringCommits, readDuringRuns } from './reader.test.ts';

const HOUR_MS = 3_600_000;

afterAll(removeScratch);

describe('fifty times two runs that replace one partition at once', () => {
  for (const kind of ['bronze', 'silver'] as const) {
    test(
      `land one of the two, whole, and the one turned away says who holds it: ${kind}`,
      async () => {
        const { turnedAway, problems } = await race(kind, 50);
        console.error(`${kind}: ${turnedAway} of 100 runs were turned away`);
        expect(problems).toEqual([]);
      },
      HOUR_MS,
    );
  }
});

describe('a process that globs with DuckDB sees one generation or the other, never a mix', () => {
  test(
    'in 5,000 replacements',
    async () => {
      expect(await readDuringCommits(5000)).toEqual([]);
    },
    HOUR_MS,
  );

  for (const scene of Object.values(SCENES)) {
    test(
      `while the program replaces 200 times: ${scene.name}`,
      async () => {
        expect(await readDuringRuns(scene, 200)).toEqual([]);
      },
      HOUR_MS,
    );
  }
});
