import { afterAll, describe, expect, test } from 'bun:test';
import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Finished } from '../testing/binary.ts';
import { rerunProblems } from './kill.test.ts';
import {
  copyOf,
  describeRun,
  type Generation,
  removeScratch,
  run,
  SCENES,
  type Scene,
  SOAK,
  start,
  TEST_MS,
  writeSource,
} from './lab.test.ts';
import { examine, leftovers, prepare } from './oracle.test.ts';

interface Rivals {
  readonly folder: string;
  readonly scene: Scene;
  /** The command line of each, and what it lands. */
  readonly sides: readonly { readonly args: readonly string[]; readonly lands: Generation }[];
}

/** Two configs of one table. The second reaches the base by another name and lands the old rows again. */
async function bronzeRivals(): Promise<Rivals> {
  const scene = SCENES.rows;
  const folder = await prepare(scene);
  await writeSource(folder, 'old');
  cpSync(join(folder, 'in', 'rows.csv'), join(folder, 'in', 'old.csv'));
  await writeSource(folder, 'new');
  symlinkSync('bronze', join(folder, 'alias'));
  const config = readFileSync(join(folder, 'rows.yaml'), 'utf8');
  writeFileSync(
    join(folder, 'rival.yaml'),
    config.replace('in/rows.csv', 'in/old.csv').replace('./bronze', './alias'),
  );
  const rival = scene.args.map((word) => (word === 'rows.yaml' ? 'rival.yaml' : word));
  return {
    folder,
    scene,
    sides: [
      { args: scene.args, lands: 'new' },
      { args: rival, lands: 'old' },
    ],
  };
}

async function silverRivals(): Promise<Rivals> {
  const scene = SCENES.silver;
  const side = { args: scene.args, lands: 'new' } as const;
  return { folder: await prepare(scene), scene, sides: [side, side] };
}

/** Both start at once, again and again. @returns how often one was turned away, and everything that went wrong. */
async function race(
  kind: 'bronze' | 'silver',
  rounds: number,
): Promise<{ turnedAway: number; problems: string[] }> {
  const { folder, scene, sides } = await (kind === 'bronze' ? bronzeRivals() : silverRivals());
  const problems: string[] = [];
  let turnedAway = 0;
  // Until they have met at least once: on a single busy core one may end before the other has begun.
  for (let round = 1; round <= rounds || (turnedAway === 0 && round <= 100); round += 1) {
    const order = round % 2 === 0 ? sides : [...sides].reverse();
    const started = order.map((side) => ({ side, child: start(folder, side.args) }));
    const ended = await Promise.all(
      started.map(async ({ side, child }) => ({ side, pid: child.pid, done: await child.ended() })),
    );
    const winners = ended.filter(({ done }) => done.code === 0);
    if (winners.length === 0) problems.push(`round ${round}: nobody won`);
    for (const { done, pid } of ended) {
      if (done.code === 0) continue;
      turnedAway += 1;
      const other = ended.find((one) => one.pid !== pid)?.pid;
      if (!isTurnedAway(done, other))
        problems.push(`round ${round}, against process ${other}: ${describeRun(done)}`);
    }
    const found = await examine(folder, scene);
    problems.push(...found.problems.map((problem) => `round ${round}: ${problem}`));
    if (!winners.some(({ side }) => side.lands === found.generation)) {
      problems.push(`round ${round}: the ${found.generation} generation lies there, but did not win`);
    }
    const left = leftovers(folder).filter((file) => file !== 'alias' && !file.startsWith('alias/'));
    problems.push(...left.map((file) => `round ${round}: left behind: ${file}`));
  }
  return { turnedAway, problems };
}

/** Exit 75 that names the holder, or the commit that was there first. */
function isTurnedAway(done: Finished, holder: number | undefined): boolean {
  const named = done.stderr.includes(`is held by process ${holder} on `);
  const beaten = /another run replaced .*commit_id=/.test(done.stderr);
  return done.code === 75 && done.stderr.includes('[LOCK001]') && (named || beaten);
}

/** Starts runs until one is caught while it holds the lease, and stops that one where it stands. */
async function stoppedHolder(folder: string, scene: Scene) {
  for (let attempt = 1; attempt <= 50; attempt += 1) {
    const child = start(folder, scene.args);
    const locks = join(folder, scene.base, '.foundry', 'locks');
    const deadline = performance.now() + 10_000;
    while (performance.now() < deadline) {
      if (readdirSync(locks).some((name) => name.endsWith('.owner.json'))) break;
      await Bun.sleep(0);
    }
    child.kill('SIGSTOP');
    await Bun.sleep(20);
    if (readdirSync(locks).some((name) => name.endsWith('.owner.json'))) return child;
    child.kill('SIGCONT');
    await child.ended();
  }
  throw new Error('no run was ever caught while it held the lease');
}

/** Kills runs after a random time, and says everything that is not as it must be then. */
async function randomKills(scene: Scene, times: number): Promise<string[]> {
  const prepared = await prepare(scene);
  const clean = performance.now();
  await run(copyOf(prepared), scene.args);
  const duration = performance.now() - clean;
  const problems: string[] = [];
  for (let n = 0; n < times; n += 1) {
    const folder = copyOf(prepared);
    const child = start(folder, scene.args);
    const delay = Math.random() * duration;
    await Bun.sleep(delay);
    child.kill('SIGKILL');
    const ended = await child.ended();
    const found = await examine(folder, scene);
    const ordinary = [...found.problems, ...(await rerunProblems(folder, scene))];
    if (ended.code === 0 && found.generation !== 'new') ordinary.push('it ended well without the new rows');
    problems.push(...ordinary.map((problem) => `killed after ${delay.toFixed(1)} ms: ${problem}`));
    rmSync(folder, { recursive: true, force: true });
  }
  return problems;
}

afterAll(removeScratch);

describe('two runs that replace one partition at once', () => {
  for (const kind of ['bronze', 'silver'] as const) {
    test(
      `land one of the two, whole, and the one turned away says who holds it: ${kind}`,
      async () => {
        const { turnedAway, problems } = await race(kind, SOAK ? 50 : 6);
        expect(problems).toEqual([]);
        expect(turnedAway).toBeGreaterThan(0);
      },
      TEST_MS,
    );
  }
});

describe('the lease of a run', () => {
  test(
    'outlasts a stop of its owner: others exit 75 and name it, and it ends well once it goes on',
    async () => {
      const scene = SCENES.rows;
      const folder = copyOf(await prepare(scene));
      const holder = await stoppedHolder(folder, scene);
      const before = await examine(folder, scene);
      for (let n = 0; n < 3; n += 1) {
        const other = await run(folder, scene.args);
        expect(isTurnedAway(other, holder.pid), describeRun(other)).toBe(true);
      }
      expect(await examine(folder, scene)).toEqual(before);
      holder.kill('SIGCONT');
      const ended = await holder.ended();
      expect(ended.code, describeRun(ended)).toBe(0);
      expect(await examine(folder, scene)).toEqual({ generation: 'new', problems: [] });
      expect(leftovers(folder)).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'is free at once when its owner is killed, even while it was stopped',
    async () => {
      const scene = SCENES.rows;
      const folder = copyOf(await prepare(scene));
      const holder = await stoppedHolder(folder, scene);
      holder.kill('SIGKILL');
      await holder.ended();
      expect(await rerunProblems(folder, scene)).toEqual([]);
    },
    TEST_MS,
  );
});

describe('a run that is killed at a random moment leaves the old partition or the new one, whole', () => {
  for (const scene of Object.values(SCENES)) {
    test(
      `${scene.name}`,
      async () => {
        expect(await randomKills(scene, SOAK ? 30 : 3)).toEqual([]);
      },
      TEST_MS,
    );
  }
});
