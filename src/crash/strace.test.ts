/**
 * Kills and failures injected at one system call of the compiled program. strace counts calls by name and thread;
 * so does everything here. Its own tests show that strace is there and that an injection really takes place.
 */
import { afterAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Finished, runCommand } from '../testing/binary.ts';
import { binary, copyOf, describeRun, environment, removeScratch, SCENES, type Scene } from './lab.test.ts';
import { examine, prepare } from './oracle.test.ts';

export const CALLS = [
  'openat',
  'write',
  'pwrite64',
  'rename',
  'renameat',
  'renameat2',
  'link',
  'linkat',
  'unlink',
  'unlinkat',
  'fsync',
  'fdatasync',
  'mkdir',
  'rmdir',
] as const;
export type Call = (typeof CALLS)[number];

export interface Injection {
  readonly call: Call;
  /** The n-th call of that name in whichever thread gets there first. */
  readonly when: number;
  readonly effect: 'signal=KILL' | 'error=ENOSPC' | 'error=EIO';
}

export interface TracedCall {
  readonly thread: string;
  readonly call: Call;
  /** 1 for the first call of this name in this thread. */
  readonly when: number;
  /** As strace prints it, with paths of the run's folder relative to it. */
  readonly text: string;
  /** Whether it touches the run's folder: the runtime makes many more calls. */
  readonly inLab: boolean;
  readonly injected: boolean;
}

export interface Traced extends Finished {
  readonly calls: readonly TracedCall[];
}

const REMEDY =
  'install it: `apt-get install strace` (`npm test` does so), and allow ptrace in this container';
let checked = false;

/** @throws naming the remedy when strace is missing or may not trace: these tests are never skipped. */
export function requireStrace(): void {
  if (checked) return;
  const path = Bun.which('strace');
  if (path === null) throw new Error(`strace is missing; ${REMEDY}`);
  const tried = Bun.spawnSync([path, '-f', '-qq', '-o', '/dev/null', 'true']);
  if (!tried.success) throw new Error(`strace cannot trace: ${tried.stderr}; ${REMEDY}`);
  checked = true;
}

/** A file system that cannot swap two folders. */
export const NO_SWAP = ['-e', 'inject=renameat2:error=EINVAL'] as const;

/** Runs the program under strace, with the injection if one is given. A run that hangs is killed after a minute. */
export async function runTraced(
  folder: string,
  args: readonly string[],
  injection?: Injection,
  { timeout = 60_000, more = [] }: { readonly timeout?: number; readonly more?: readonly string[] } = {},
): Promise<Traced> {
  requireStrace();
  const log = join(folder, '..', `${folder.split('/').at(-1)}.strace`);
  const inject =
    injection === undefined
      ? []
      : ['-e', `inject=${injection.call}:${injection.effect}:when=${injection.when}`];
  const names = injection === undefined || injection.effect === 'signal=KILL' ? CALLS : [injection.call];
  // Without --seccomp-bpf: it is a little quicker, but strace 6.1 then lets calls happen that were to be killed.
  const strace = [
    'strace',
    '-f',
    '-qq',
    '-y',
    '-o',
    log,
    '-e',
    `trace=${names.join(',')}`,
    ...inject,
    ...more,
  ];
  const done = await runCommand([...strace, binary(), ...args], {
    cwd: folder,
    env: environment(folder),
    timeout,
  });
  const calls = parseCalls(readFileSync(log, 'utf8'), folder);
  await Bun.file(log).delete();
  return { ...done, calls };
}

function parseCalls(log: string, folder: string): TracedCall[] {
  const counts = new Map<string, number>();
  const calls: TracedCall[] = [];
  for (const line of log.split('\n')) {
    const match = /^(\d+)\s+([a-z0-9_]+)\((.*)$/.exec(line);
    const [, thread = '', name = '', rest = ''] = match ?? [];
    const call = CALLS.find((known) => known === name);
    if (call === undefined) {
      markResumed(calls, line);
      continue;
    }
    const when = (counts.get(`${thread} ${call}`) ?? 0) + 1;
    counts.set(`${thread} ${call}`, when);
    const text = rest.replaceAll(`AT_FDCWD<${folder}>, `, '');
    calls.push({
      thread,
      call,
      when,
      text: text.replaceAll(`${folder}/`, ''),
      inLab: text.includes(folder),
      injected: line.includes('(INJECTED)'),
    });
  }
  return calls;
}

/** `<... write resumed>) = -1 EIO (INJECTED)` belongs to the last unfinished call of its thread. */
function markResumed(calls: TracedCall[], line: string): void {
  const match = /^(\d+)\s+<\.\.\. ([a-z0-9_]+) resumed>.*\(INJECTED\)/.exec(line);
  if (match === null) return;
  const index = calls.findLastIndex(({ thread, call }) => thread === match[1] && call === match[2]);
  const begun = calls[index];
  if (begun !== undefined) calls[index] = { ...begun, injected: true };
}

export interface Point {
  readonly call: Call;
  readonly when: number;
}

/** A place, with the calls of a clean run there: of each thread one at most. */
export interface PlacedCalls {
  readonly point: Point;
  readonly made: readonly TracedCall[];
}

/**
 * The places at which a clean run can be stopped: `all` that there are; `lab`, where some thread touches the run's
 * folder for more than the record of the run, which is written as well as may be; `lab first`, where the thread that gets there first does, which is the one that a kill meets.
 */
export async function pointsOf(
  prepared: string,
  scene: Pick<Scene, 'name' | 'args'>,
  which: 'lab first' | 'lab' | 'all',
): Promise<Point[]> {
  return (await placedCallsOf(prepared, scene, which)).map(({ point }) => point);
}

export async function placedCallsOf(
  prepared: string,
  scene: Pick<Scene, 'name' | 'args'>,
  which: 'lab first' | 'lab' | 'all',
): Promise<PlacedCalls[]> {
  const traced = await runTraced(copyOf(prepared), scene.args);
  if (traced.code !== 0) throw new Error(`the traced run failed: ${describeRun(traced)}`);
  const byPoint = Map.groupBy(traced.calls, ({ call, when }) => `${call} ${when}`);
  return [...byPoint.values()]
    .filter((made) => {
      if (which === 'all') return true;
      if (which === 'lab') return made.some((one) => one.inLab && !isOfRecord(one.text));
      return made[0]?.inLab === true;
    })
    .flatMap((made) => made.slice(0, 1).map(({ call, when }) => ({ point: { call, when }, made })))
    .sort(({ point: a }, { point: b }) => CALLS.indexOf(a.call) - CALLS.indexOf(b.call) || a.when - b.when);
}

function isOfRecord(text: string): boolean {
  return /\/(?:_runs|\.foundry\/tmp)\b/.test(text);
}

/** At most `most` points of each call, evenly spread, the first and the last always among them. */
export function spread(points: readonly Point[], most: number): Point[] {
  return CALLS.flatMap((call) => {
    const own = points.filter((point) => point.call === call);
    if (own.length <= most) return own;
    const step = (own.length - 1) / Math.max(1, most - 1);
    return Array.from({ length: most }, (_, n) => own[Math.round(n * step)]).filter((p) => p !== undefined);
  });
}

afterAll(removeScratch);

describe('strace', () => {
  test('is installed and may trace', () => {
    requireStrace();
  });

  test('counts calls by thread, and kills the program at exactly the call that was asked for', async () => {
    const scene = SCENES.rows;
    const prepared = await prepare(scene);
    const points = await pointsOf(prepared, scene, 'lab first');
    expect(points.filter(({ call }) => call === 'renameat2')).toEqual([{ call: 'renameat2', when: 1 }]);
    const folder = copyOf(prepared);
    const killed = await runTraced(folder, scene.args, { call: 'renameat2', when: 1, effect: 'signal=KILL' });
    expect(killed.code).toBe(137);
    expect(killed.calls.at(-1)).toMatchObject({ call: 'renameat2', when: 1, inLab: true });
    expect((await examine(folder, scene)).generation).toBe('old');
  }, 60_000);

  test('fails a call with the error that was asked for, and says which call that was', async () => {
    const scene = SCENES.rows;
    const folder = copyOf(await prepare(scene));
    const failed = await runTraced(folder, scene.args, { call: 'fsync', when: 2, effect: 'error=EIO' });
    const injected = failed.calls.filter((made) => made.injected);
    expect(injected.length).toBeGreaterThan(0);
    for (const made of injected) expect(made).toMatchObject({ call: 'fsync', when: 2 });
  }, 60_000);
});
