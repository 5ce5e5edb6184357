import { afterAll, describe, expect, test } from 'bun:test';
import { fillMatrix } from './disk-full.test.ts';
import { type Failure, type FaultTrial, faultTrial } from './fault.test.ts';
import { prepare, removeScratch, SCENES } from './lab.test.ts';
import { pointsOf } from './strace.test.ts';

const HOUR_MS = 3_600_000;
const FAILURES: readonly Failure[] = ['ENOSPC', 'EIO'];

afterAll(removeScratch);

describe('a run whose disk fails at any system call says so and leaves the old partition or the new one, whole', () => {
  for (const scene of Object.values(SCENES)) {
    for (const failure of FAILURES) {
      test(
        `${failure}: ${scene.name}`,
        async () => {
          const prepared = await prepare(scene);
          const trials: FaultTrial[] = [];
          for (const point of await pointsOf(prepared, scene, 'lab')) {
            trials.push(await faultTrial(prepared, scene, point, failure));
          }
          const told = trials.filter(({ code }) => code !== 0).length;
          console.error(`${scene.name}, ${failure}: ${trials.length} runs, ${told} of them failed`);
          expect(trials.filter(({ problems }) => problems.length > 0)).toEqual([]);
        },
        HOUR_MS,
      );
    }

    test(
      `full after any number of pages: ${scene.name}`,
      async () => {
        expect(await fillMatrix(scene, 1)).toEqual([]);
      },
      HOUR_MS,
    );
  }
});
