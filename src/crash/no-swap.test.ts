import { afterAll, describe, expect, test } from 'bun:test';
import { rmSync } from 'node:fs';
import {
  copyOf,
  describeRun,
  inPairs,
  removeScratch,
  SCENES,
  type Scene,
  SOAK,
  TEST_MS,
} from './lab.test.ts';
import { examine, examineListed, leftovers, prepare } from './oracle.test.ts';
import { type Call, NO_SWAP, runTraced } from './strace.test.ts';

/** The calls that change what the partition holds where its folder cannot be swapped. */
const COMMITTING: readonly Call[] = ['link', 'unlink', 'rename', 'fsync'];

/** Kills one run; then whoever reads by the manifest must find the old files or the new ones, all of them. */
async function trial(prepared: string, scene: Scene, call: Call, when: number) {
  const folder = copyOf(prepared);
  const killed = await runTraced(
    folder,
    scene.args,
    { call, when, effect: 'signal=KILL' },
    { more: NO_SWAP },
  );
  const found = await examineListed(folder, scene);
  const problems = [...found.problems];
  if (killed.code === 0 && found.generation !== 'new') problems.push('it ended well without the new rows');
  const rerun = await runTraced(folder, scene.args, undefined, { more: NO_SWAP });
  if (rerun.code !== 0) problems.push(`the rerun failed: ${describeRun(rerun)}`);
  const after = await examineListed(folder, scene);
  problems.push(...after.problems.map((problem) => `after the rerun: ${problem}`));
  if (after.generation !== 'new') problems.push('the rerun did not land the new rows');
  rmSync(folder, { recursive: true, force: true });
  return { call, when, code: killed.code, problems };
}

/** N rising until the run is no longer killed; the slice takes longer steps. */
async function rising(prepared: string, scene: Scene, call: Call) {
  const trials: Awaited<ReturnType<typeof trial>>[] = [];
  for (let when = SOAK ? 1 : 2; trials.at(-1)?.code !== 0; when += SOAK ? 1 : 10) {
    trials.push(await trial(prepared, scene, call, when));
  }
  return trials;
}

afterAll(removeScratch);

describe('where the file system cannot swap folders', () => {
  const scene = SCENES.rows;

  test(
    'a run lands the new generation, and leaves nothing of the old one',
    async () => {
      const folder = copyOf(await prepare(scene));
      const done = await runTraced(folder, scene.args, undefined, { more: NO_SWAP });
      expect(done.code, describeRun(done)).toBe(0);
      expect(done.calls.some(({ call, injected }) => call === 'renameat2' && injected)).toBe(true);
      expect(await examine(folder, scene)).toEqual({ generation: 'new', problems: [] });
      expect(leftovers(folder)).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'a run that is killed leaves a manifest whose files are the old ones or the new ones, all of them',
    async () => {
      const prepared = await prepare(scene);
      const trials = (await inPairs(COMMITTING, (call) => rising(prepared, scene, call))).flat();
      expect(trials.filter(({ problems }) => problems.length > 0)).toEqual([]);
      expect(trials.filter(({ code }) => code === 137).length).toBeGreaterThan(COMMITTING.length);
    },
    TEST_MS,
  );
});
