import { afterAll, describe, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import {
  copyOf,
  describeRun,
  inPairs,
  removeScratch,
  run,
  SCENES,
  type Scene,
  SOAK,
  TEST_MS,
} from './lab.test.ts';
import { examine, leftovers, prepare } from './oracle.test.ts';
import { CALLS, type Point, pointsOf, runTraced, spread } from './strace.test.ts';

export interface Trial {
  readonly point: Point;
  /** The call before which the program died; undefined when it ended before that call came. */
  readonly killedAt: string | undefined;
  readonly problems: readonly string[];
}

/** Kills one run at one point, and says everything that is not as it must be then and after an ordinary rerun. */
export async function killTrial(prepared: string, scene: Scene, point: Point): Promise<Trial> {
  const folder = copyOf(prepared);
  const killed = await runTraced(folder, scene.args, { ...point, effect: 'signal=KILL' });
  const last = killed.code === 0 ? undefined : killed.calls.at(-1);
  const killedAt = last === undefined ? undefined : `${last.call}(${normalised(last.text)}`;
  const problems: string[] = [];
  if (killed.code !== 0 && killed.code !== 137) problems.push(`not killed: ${describeRun(killed)}`);
  const found = await examine(folder, scene);
  problems.push(...found.problems);
  if (killed.code === 0) {
    if (found.generation !== 'new') problems.push('it ended well, but the new generation is not there');
    problems.push(...leftovers(folder).map((file) => `left behind by a whole run: ${file}`));
  }
  problems.push(...(await rerunProblems(folder, scene)));
  rmSync(folder, { recursive: true, force: true });
  return { point, killedAt, problems };
}

/** An ordinary run afterwards must land the new generation, and sweep what the broken one left. */
export async function rerunProblems(folder: string, scene: Scene): Promise<string[]> {
  const rerun = await run(folder, scene.args);
  if (rerun.code !== 0) return [`the rerun failed: ${describeRun(rerun)}`];
  const found = await examine(folder, scene);
  return [
    ...found.problems.map((problem) => `after the rerun: ${problem}`),
    ...(found.generation === 'new' ? [] : ['the rerun did not land the new generation']),
    ...leftovers(folder).map((file) => `left behind after the rerun: ${file}`),
  ];
}

/** The same call of two runs reads the same: ids, hashes, descriptors and bytes differ. */
function normalised(text: string): string {
  return text
    .replace(/"(?:[^"\\]|\\.)*"\.{3}/g, '…')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<id>')
    .replace(/-[0-9a-f]{8}\./g, '-<hash>.')
    .replace(/\) += .*$|<unfinished.*$/, '')
    .replace(/^\d+(?=<)/, '');
}

/** Which thread makes a call differs from run to run, so a soak visits every point more than once. */
const ROUNDS = 2;

/** Every call in turn, N rising until the run is no longer killed. */
async function killEverywhere(prepared: string, scene: Scene): Promise<Trial[]> {
  const known = await pointsOf(prepared, scene, 'all');
  const risings = await inPairs(CALLS, async (call) => {
    const last = Math.max(0, ...known.filter((point) => point.call === call).map(({ when }) => when));
    const trials: Trial[] = [];
    for (let when = 1; when <= 2 * last + 10; when += 1) {
      const trial = await killTrial(prepared, scene, { call, when });
      trials.push(trial);
      if (trial.killedAt === undefined && when >= last) break;
    }
    return trials;
  });
  return risings.flat();
}

async function killSlice(prepared: string, scene: Scene): Promise<Trial[]> {
  const points = spread(await pointsOf(prepared, scene, 'lab first'), 2);
  return inPairs(points, (point) => killTrial(prepared, scene, point));
}

afterAll(removeScratch);

describe('a run that is killed at a system call leaves the old partition or the new one, whole', () => {
  for (const scene of Object.values(SCENES)) {
    test(
      `${scene.name}`,
      async () => {
        const prepared = await prepare(scene);
        const trials: Trial[] = [];
        for (let round = 0; round < (SOAK ? ROUNDS : 1); round += 1) {
          trials.push(...(await (SOAK ? killEverywhere : killSlice)(prepared, scene)));
        }
        expect(trials.filter(({ problems }) => problems.length > 0)).toEqual([]);
        const places = new Set(trials.flatMap(({ killedAt }) => (killedAt === undefined ? [] : [killedAt])));
        expect([...places].some((place) => place.startsWith('renameat2('))).toBe(true);
        expect(places.size).toBeGreaterThan(SOAK ? 60 : 10);
      },
      TEST_MS,
    );
  }
});
