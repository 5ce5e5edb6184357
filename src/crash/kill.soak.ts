import { afterAll, describe, expect, test } from 'bun:test';
import { killTrial, type Trial } from './kill.test.ts';
import { prepare, removeScratch, SCENES, type Scene } from './lab.test.ts';
import { randomKills } from './race.test.ts';
import { CALLS, type Point, pointsOf } from './strace.test.ts';

const HOUR_MS = 3_600_000;
/** Which thread makes a call differs from run to run, so every point is visited more than once. */
const ROUNDS = 2;

/** Every call in turn, N rising until the run is no longer killed. */
async function killEverywhere(prepared: string, scene: Scene): Promise<Trial[]> {
  const trials: Trial[] = [];
  const known = await pointsOf(prepared, scene, 'all');
  for (const call of CALLS) {
    const last = Math.max(0, ...known.filter((point) => point.call === call).map(({ when }) => when));
    for (let when = 1; when <= 2 * last + 10; when += 1) {
      const point: Point = { call, when };
      const trial = await killTrial(prepared, scene, point);
      trials.push(trial);
      if (trial.killedAt === undefined && when >= last) break;
    }
  }
  return trials;
}

afterAll(removeScratch);

describe('a run that is killed at any system call leaves the old partition or the new one, whole', () => {
  for (const scene of Object.values(SCENES)) {
    test(
      `${scene.name}`,
      async () => {
        const prepared = await prepare(scene);
        const trials: Trial[] = [];
        for (let round = 0; round < ROUNDS; round += 1)
          trials.push(...(await killEverywhere(prepared, scene)));
        const places = new Set(trials.flatMap(({ killedAt }) => (killedAt === undefined ? [] : [killedAt])));
        console.error(`${scene.name}: ${trials.length} runs, killed at ${places.size} different calls`);
        expect(trials.filter(({ problems }) => problems.length > 0)).toEqual([]);
        expect([...places].some((place) => place.startsWith('renameat2('))).toBe(true);
      },
      HOUR_MS,
    );

    test(
      `${scene.name}, killed at random moments`,
      async () => {
        expect(await randomKills(scene, 30)).toEqual([]);
      },
      HOUR_MS,
    );
  }
});
