import { afterAll, describe, expect, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openEngine } from '../engine/duckdb.ts';
import type { JoinProgress } from '../join/checkpoint.ts';
import { sha256Hex } from '../lake/generation.ts';
import { putSilver } from '../testing/join-kit.ts';
import { copyOf, describeRun, emptyLab, inPairs, removeScratch, run, SOAK, TEST_MS } from './lab.test.ts';
import { type Point, pointsOf, runTraced, spread } from './strace.test.ts';

/** A place at which a run is killed. */
interface Kill extends Point {
  /** Only calls that touch this file, by its path in the lab, are counted. */
  readonly file?: (folder: string) => string;
  /** How many chunks can be written down by then, where that is known; null: none. */
  readonly done?: readonly (number | null)[];
}

const ARGS = ['join', '--config', 'join.yaml', '--date', '2025-01-05', '--output', 'json'];
const DONE = { checkpoint: 'work/progress.json', output: 'joined/out' } as const;

const VARIANTS = {
  'ranges of left rows, and the right rows that stay alone': {
    output: { join_type: 'outer', chunk_size: 25 },
    chunks: 5,
  },
  'buckets by the hash of the key': {
    output: { join_type: 'left', join_strategy: 'hash', chunk_size: 25 },
    chunks: 4,
  },
} as const;

/** Two tables of 100 and 40 rows, some without a key, and a join of them in a few chunks. */
async function prepare(output: object): Promise<string> {
  const folder = emptyLab();
  const engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: folder });
  const key = (modulus: number): string =>
    `CASE WHEN i % 11 = 0 THEN NULL ELSE 'k' || (i % ${modulus}) END AS k`;
  await putSilver(engine, join(folder, 'silver'), 'left', {
    artifacts: {
      current: [0, 1].map(
        (part) =>
          `SELECT i AS id, ${key(30)}, 'v' || i AS v FROM range(${part * 50}, ${part * 50 + 50}) t(i)`,
      ),
    },
  });
  await putSilver(engine, join(folder, 'silver'), 'right', {
    artifacts: { current: `SELECT i AS rid, ${key(35)}, 'w' || i AS w FROM range(40) t(i)` },
  });
  await engine.close();
  writeFileSync(
    join(folder, 'join.yaml'),
    JSON.stringify({
      silver_join: {
        left: { path: 'silver/left' },
        right: { path: 'silver/right' },
        output: {
          path: DONE.output,
          join_keys: ['k'],
          checkpoint_dir: 'work',
          spill_dir: 'spilled',
          ...output,
        },
      },
    }),
  );
  return folder;
}

/** Names and hashes of the committed files; undefined where nothing is committed. */
function committed(folder: string): readonly string[] | undefined {
  const manifest = join(folder, DONE.output, '_metadata.json');
  if (!existsSync(manifest)) return undefined;
  const { files } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    files: { path: string; sha256: string }[];
  };
  const onDisk = readdirSync(join(folder, DONE.output)).filter((name) => !name.startsWith('_'));
  return [...files.map(({ path, sha256 }) => `${path} ${sha256}`), `on disk: ${onDisk.sort().join(' ')}`];
}

function chunksDone(folder: string): number | null {
  const file = join(folder, DONE.checkpoint);
  if (!existsSync(file)) return null;
  return (JSON.parse(readFileSync(file, 'utf8')) as JoinProgress).chunks.length || null;
}

/** Kills a run, runs it again, and says everything that is not as in a run that nobody disturbed. */
async function trial(prepared: string, kill: Kill, expected: readonly string[]) {
  const { call, done: possible, file, when } = kill;
  const folder = copyOf(prepared);
  const more = file === undefined ? [] : ['-P', file(folder)];
  const killed = await runTraced(folder, ARGS, { call, when, effect: 'signal=KILL' }, { more });
  const problems: string[] = [];
  if (killed.code !== 0 && killed.code !== 137) problems.push(`not killed: ${describeRun(killed)}`);
  const after = committed(folder);
  if (after !== undefined && after.join() !== expected.join()) problems.push(`half a table: ${after.join()}`);
  const done = chunksDone(folder);
  if (possible !== undefined && !possible.includes(done)) problems.push(`${done} chunks were written down`);
  const again = await run(folder, ARGS);
  if (again.code !== 0) problems.push(`the rerun failed: ${describeRun(again)}`);
  else {
    const [report] = JSON.parse(again.stdout).reports;
    // Killed while it tidied up, after the commit: the chunks may be gone before the file that names them.
    const isTidying = after !== undefined && report.resumed_at_chunk === null;
    if (report.resumed_at_chunk !== done && !isTidying)
      problems.push(`${done} chunks were done, but it went on at ${report.resumed_at_chunk}`);
  }
  if (committed(folder)?.join() !== expected.join())
    problems.push(`other bytes: ${committed(folder)?.join()}`);
  for (const left of [DONE.checkpoint, 'spilled']) {
    const path = join(folder, left);
    if (existsSync(path) && (left !== 'spilled' || readdirSync(path).length > 0))
      problems.push(`left behind: ${left}`);
  }
  rmSync(folder, { recursive: true, force: true });
  return { point: `${call} ${when} ${file?.('') ?? ''}`, resumedAt: done, problems };
}

afterAll(removeScratch);

/**
 * When the engine opens the file of a chunk, the chunk before is written down or about to be. When the new folder is
 * about to take the old one's place, all are.
 */
function boundaries(chunks: number): readonly Kill[] {
  const opening = (chunk: number): Kill => ({
    call: 'openat',
    when: 1,
    file: (folder) => {
      const work = `join-${sha256Hex(join(folder, DONE.output)).slice(0, 16)}`;
      return join(folder, 'spilled', work, `chunk-000${chunk}.parquet.tmp`);
    },
    done: [chunk - 2, chunk - 1].map((n) => (n > 0 ? n : null)),
  });
  const opened = SOAK ? Array.from({ length: chunks }, (_, index) => index + 1) : [1, 3, chunks];
  return [...opened.map(opening), { call: 'renameat2', when: 1, done: [chunks] }];
}

describe('a join that is killed goes on at the chunk it reached, and gives the bytes of one that was not', () => {
  for (const [name, { chunks, output }] of Object.entries(VARIANTS)) {
    test(
      name,
      async () => {
        const prepared = await prepare(output);
        const whole = copyOf(prepared);
        const undisturbed = await run(whole, ARGS);
        if (undisturbed.code !== 0) throw new Error(describeRun(undisturbed));
        const expected = committed(whole) ?? [];
        const points = await pointsOf(prepared, { name, args: ARGS }, 'lab first');
        const between = SOAK ? points : spread(points, 1).slice(0, 5);
        const chosen = [...boundaries(chunks), ...between];
        const trials = await inPairs(chosen, (kill) => trial(prepared, kill, expected));
        expect(trials.filter(({ problems }) => problems.length > 0)).toEqual([]);
        const resumed = new Set(trials.map(({ resumedAt }) => resumedAt));
        expect(resumed.size).toBeGreaterThan(SOAK ? 4 : 2);
      },
      TEST_MS,
    );
  }
});
