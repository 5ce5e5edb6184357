import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile } from './compile.ts';
import { hostTarget } from './targets.ts';

const ENTRY = join(import.meta.dir, 'probes/engine.ts');
let workshop = '';
let probe = '';
let box = '';

beforeAll(async () => {
  workshop = mkdtempSync(join(tmpdir(), 'foundry-compile-'));
  probe = join(workshop, 'probe');
  await compile({ entry: ENTRY, target: hostTarget(), output: probe });
}, 120_000);
afterAll(() => rmSync(workshop, { recursive: true, force: true }));
beforeEach(() => {
  box = mkdtempSync(join(tmpdir(), 'foundry-first-run-'));
});
afterEach(() => rmSync(box, { recursive: true, force: true }));

interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the probe with exactly this environment, not even a PATH. */
async function run(env: Record<string, string>, prefix: readonly string[] = []): Promise<Finished> {
  const child = Bun.spawn([...prefix, probe], {
    env,
    cwd: '/',
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out: out.trim(), err };
}

const ANSWERED: Finished = { code: 0, out: '42', err: '' };

function unpackedBelow(folder: string): readonly string[] {
  return [...new Bun.Glob('**/{libduckdb.*,duckdb.node}').scanSync({ cwd: folder, dot: true })].sort();
}

test('the same sources compile to the same bytes', async () => {
  const again = join(workshop, 'again', 'probe');
  await compile({ entry: ENTRY, target: hostTarget(), output: again });
  expect(Bun.hash(readFileSync(again))).toBe(Bun.hash(readFileSync(probe)));
  rmSync(again);
});

test('with an empty environment, no PATH and no HOME, the engine starts', async () => {
  expect(await run({ TMPDIR: box })).toEqual(ANSWERED);
});

test('a home that takes no files leads to the temporary folder', async () => {
  expect(await run({ HOME: '/proc/self', TMPDIR: box })).toEqual(ANSWERED);
  expect(unpackedBelow(box)).toHaveLength(2);
});

test('a FOUNDRY_CACHE_DIR that takes no files is an error that names it', async () => {
  const { code, err } = await run({ FOUNDRY_CACHE_DIR: '/proc/self/cache', HOME: box, TMPDIR: box });
  expect(code).toBe(1);
  expect(err).toContain('[ENG001]');
  expect(err).toContain('/proc/self/cache: ');
  expect(readdirSync(box)).toEqual([]);
});

test('first runs at once all succeed, and leave one whole library', async () => {
  const runs = await Promise.all(Array.from({ length: 4 }, () => run({ FOUNDRY_CACHE_DIR: box })));
  expect(runs).toEqual(runs.map(() => ANSWERED));
  expect(unpackedBelow(box)).toHaveLength(2);
  expect([...new Bun.Glob('**/*.tmp').scanSync({ cwd: box })]).toEqual([]);
});

test.skipIf(Bun.which('strace') === null)(
  'a first run killed at any write, fsync or rename leaves nothing that a later run would load half',
  async () => {
    const strace = Bun.which('strace') ?? '';
    let kills = 0;
    for (const call of ['fsync', 'rename', 'write']) {
      for (let n = 1, code = -1; code !== 0 && n < 40; n++) {
        const cache = join(box, `${call}-${n}`);
        const inject = [
          '-f',
          '-o',
          '/dev/null',
          '-e',
          `trace=${call}`,
          '-e',
          `inject=${call}:signal=KILL:when=${n}`,
        ];
        code = (await run({ FOUNDRY_CACHE_DIR: cache }, [strace, ...inject])).code;
        if (code !== 0) kills++;
        expect(await run({ FOUNDRY_CACHE_DIR: cache })).toEqual(ANSWERED);
        rmSync(cache, { recursive: true });
      }
    }
    expect(kills).toBeGreaterThan(5);
  },
  120_000,
);

const mayMount = Bun.spawnSync(['unshare', '-m', 'true'], { stderr: 'ignore' }).exitCode === 0;

test.skipIf(!mayMount)('on a noexec mount nothing large is left, and the next folder serves', async () => {
  const script = 'mount -t tmpfs -o noexec,mode=700 tmpfs "$HOME" && "$1" && du -sk "$HOME" | cut -f1';
  const home = join(box, 'home');
  const temporary = join(box, 'tmp');
  for (const folder of [home, temporary]) Bun.spawnSync(['mkdir', folder]);
  const done = Bun.spawnSync(['unshare', '-m', 'sh', '-c', script, 'sh', probe], {
    env: { HOME: home, TMPDIR: temporary, PATH: process.env.PATH ?? '' },
  });
  const [answer, kilobytes] = done.stdout.toString().trim().split('\n');
  expect(answer).toBe('42');
  expect(Number(kilobytes)).toBeLessThan(1000);
  expect(unpackedBelow(temporary)).toHaveLength(2);
});

test('a damaged library is noticed by its size and replaced', async () => {
  await run({ FOUNDRY_CACHE_DIR: box });
  const library = unpackedBelow(box).find((name) => name.includes('libduckdb')) ?? '';
  const { size } = statSync(join(box, library));
  writeFileSync(join(box, library), 'half');
  expect(await run({ FOUNDRY_CACHE_DIR: box })).toEqual(ANSWERED);
  expect(statSync(join(box, library)).size).toBe(size);
});
