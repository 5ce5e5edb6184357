import { afterAll, describe, expect, test } from 'bun:test';
import { cpSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Finished, runCommand } from '../testing/binary.ts';
import { rerunProblems } from './kill.test.ts';
import {
  binary,
  copyOf,
  describeRun,
  environment,
  removeScratch,
  run,
  SCENES,
  type Scene,
  SOAK,
  scratch,
  TEST_MS,
} from './lab.test.ts';
import { examine, prepare } from './oracle.test.ts';

const PAGE = 4096;
const mounts: string[] = [];

/** A small disk of its own; undefined where this user may not mount one. */
function smallDisk(megabytes: number): string | undefined {
  const folder = join(scratch(), 'disk');
  mkdirSync(folder);
  const mounted = Bun.spawnSync(['mount', '-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
  if (!mounted.success) return undefined;
  mounts.push(folder);
  return folder;
}

function unmountAll(): void {
  for (const folder of mounts.splice(0)) Bun.spawnSync(['umount', folder]);
}

/** Leaves this many bytes free. */
function fill(disk: string, room: number): void {
  const { bavail, bsize } = statfsSync(disk);
  const filler = bavail * bsize - room;
  if (filler < 0) throw new Error(`the disk has less than ${room} bytes free`);
  writeFileSync(join(disk, 'tmp', 'filler'), Buffer.alloc(filler));
}

interface FullDisk {
  readonly ended: Finished;
  readonly problems: readonly string[];
}

/** Runs with this much room, by a disk that is really full; then once more with all of it. */
async function runOnFullDisk(prepared: string, disk: string, scene: Scene, room: number): Promise<FullDisk> {
  cpSync(prepared, disk, { recursive: true });
  fill(disk, room);
  const ended = await run(disk, scene.args);
  const problems = await problemsAfter(disk, scene, ended);
  rmSync(join(disk, 'tmp', 'filler'));
  problems.push(...(await rerunProblems(disk, scene)));
  for (const name of ['in', 'tmp', 'spill', 'bronze', 'silver', '.foundry-staging-bronze']) {
    rmSync(join(disk, name), { recursive: true, force: true });
  }
  return { ended, problems: problems.map((problem) => `with ${room} bytes of room: ${problem}`) };
}

async function problemsAfter(folder: string, scene: Scene, ended: Finished): Promise<string[]> {
  const found = await examine(folder, scene);
  const problems = [...found.problems];
  if (ended.code === 0) {
    if (found.generation !== 'new') problems.push('exit 0 without the new generation');
    return problems;
  }
  const told = /\[(?:STG001|ENG00[12])\] /.test(ended.stderr) && ended.stderr.includes('what to do: ');
  if (ended.code !== 5 || !told || !ended.stderr.includes(folder) || /^\s+at .*:\d+/m.test(ended.stderr)) {
    problems.push(`expected exit 5 that names the place and what to do: ${describeRun(ended)}`);
  }
  return problems;
}

/** More and more room until the run finishes; every step is a run that the disk stops somewhere else. */
async function fillMatrix(scene: Scene, pages: number): Promise<string[]> {
  const prepared = await prepare(scene);
  const disk = smallDisk(16);
  if (disk === undefined) return limitMatrix(prepared, scene);
  const problems: string[] = [];
  let stopped = 0;
  for (let room = 0; ; room += pages * PAGE) {
    const { ended, problems: found } = await runOnFullDisk(prepared, disk, scene, room);
    problems.push(...found);
    if (ended.code === 0) break;
    stopped += 1;
  }
  unmountAll();
  return stopped > 0 ? problems : [...problems, 'the disk was never full'];
}

/** Where nothing may be mounted: files may not grow past a limit, which the kernel tells as EFBIG. */
async function limitMatrix(prepared: string, scene: Scene): Promise<string[]> {
  const problems: string[] = [];
  for (const limit of [0, 100, 500, 700, 900]) {
    const folder = copyOf(prepared);
    const command = ['prlimit', `--fsize=${limit}`, binary(), ...scene.args];
    const ended = await runCommand(command, { cwd: folder, env: environment(folder) });
    problems.push(...(await problemsAfter(folder, scene, ended)), ...(await rerunProblems(folder, scene)));
  }
  return problems;
}

afterAll(() => {
  unmountAll();
  removeScratch();
});

describe('a run on a disk that is full', () => {
  for (const [scene, pages] of [
    [SCENES.rows, 5],
    [SCENES.engine, 5],
    [SCENES.silver, 8],
  ] as const) {
    test(
      `says so, and keeps the old partition or lands the new one, whole: ${scene.name}`,
      async () => {
        expect(await fillMatrix(scene, SOAK ? 1 : pages)).toEqual([]);
      },
      TEST_MS,
    );
  }

  test(
    'says so likewise where only the size of its files is limited',
    async () => {
      expect(await limitMatrix(await prepare(SCENES.rows), SCENES.rows)).toEqual([]);
    },
    TEST_MS,
  );
});
