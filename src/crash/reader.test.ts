import { afterAll, describe, expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { queryDuckdb } from '../testing/parquet.ts';
import {
  removeScratch,
  SCENES,
  type Scene,
  SOAK,
  scratch,
  succeed,
  TEST_MS,
  writeSource,
} from './lab.test.ts';
import { prepare } from './oracle.test.ts';

const ROOT = join(import.meta.dir, '..', '..');
const COMMIT_CHILD = join(ROOT, 'src', 'testing', 'commit-child.ts');

/**
 * Globs in a tight loop until the stop file is there, then prints what it saw and how often. What it sees of one
 * generation is a line of counts; a file that was taken away between listing and opening is seen by the next try.
 */
const READER = `
  const { existsSync } = await import('node:fs');
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const [stop, ...globs] = process.argv.slice(1);
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  const seen = globs.map(() => ({}));
  process.stdout.write('ready\\n');
  while (!existsSync(stop)) {
    for (const [n, glob] of globs.entries()) {
      const rows = "SELECT generation, count(*)::INTEGER AS rows, count(DISTINCT filename)::INTEGER AS files "
        + "FROM read_parquet('" + glob + "', filename = true, hive_partitioning = false) GROUP BY ALL ORDER BY ALL";
      const found = await connection.runAndReadAll(rows).then(
        (result) => JSON.stringify(result.getRows()),
        (error) => /No files found|No such file|Cannot open file/.test(String(error)) ? 'again' : String(error),
      );
      seen[n][found] = (seen[n][found] ?? 0) + 1;
    }
  }
  process.stdout.write(JSON.stringify(seen));
`;

type Seen = Readonly<Record<string, number>>;

/** A process of its own that reads the globs while `replace` runs. */
async function readDuring(globs: readonly string[], replace: () => Promise<void>): Promise<readonly Seen[]> {
  const stop = join(scratch(), 'stop');
  const child = Bun.spawn([process.execPath, '-e', READER, stop, ...globs], {
    cwd: ROOT,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  });
  const output = child.stdout.getReader();
  await output.read();
  try {
    await replace();
  } finally {
    writeFileSync(stop, '');
  }
  const chunks: Uint8Array[] = [];
  for (let read = await output.read(); !read.done; read = await output.read()) chunks.push(read.value);
  await child.exited;
  return JSON.parse(Buffer.concat(chunks).toString());
}

/** Folder by folder a listing may miss some of one generation's folders, but what it found was there at once. */
function mixedGenerations(seen: readonly Seen[]): string[] {
  return seen
    .flatMap((one) => Object.keys(one))
    .filter((found) => found !== 'again' && JSON.parse(found).length !== 1);
}

/** Everything seen that is not exactly one of the generations; and that each of these was seen at all. */
function mixes(seen: readonly Seen[], generations: readonly string[]): string[] {
  return seen.flatMap((one) => [
    ...Object.entries(one)
      .filter(([found]) => found !== 'again' && !generations.includes(found))
      .map(([found, times]) => `${times} times: ${found}`),
    ...generations.filter((known) => !(known in one)).map((known) => `never seen: ${known}`),
  ]);
}

/** Alternates two generations of a Bronze partition through the library, and globs meanwhile. */
async function readDuringCommits(times: number): Promise<string[]> {
  const folder = scratch();
  const partition = 'system=s/table=t/pattern=full/dt=2025-01-05';
  const counts = { old: [100, 100, 100], new: [1000, 1000, 1000, 1000, 1000] };
  for (const [n, [generation, parts]] of Object.entries(counts).entries()) {
    mkdirSync(join(folder, 'generations', `${n}`), { recursive: true });
    for (const [part, rows] of parts.entries()) {
      await queryDuckdb(
        `COPY (SELECT '${generation}' AS generation, ${part} AS part, i FROM range(${rows}) t(i))
         TO '${join(folder, 'generations', `${n}`, `${part}`)}' (FORMAT parquet)`,
      );
    }
  }
  const base = join(folder, 'bronze');
  const commit = async (times: number): Promise<void> => {
    const child = Bun.spawn(
      [process.execPath, COMMIT_CHILD, 'loop', base, partition, join(folder, 'generations'), `${times}`],
      { stdout: 'ignore', stderr: 'inherit' },
    );
    if ((await child.exited) !== 0) throw new Error('the committing process failed');
  };
  await commit(1);
  const seen = await readDuring([`${base}/**/*.parquet`, `${base}/${partition}/*.parquet`], () =>
    commit(times),
  );
  return mixes(seen, ['[["old",300,3]]', '[["new",5000,5]]']);
}

/** Alternates the two generations of a scene through the program, and globs its base meanwhile. */
async function readDuringRuns(
  scene: Scene,
  times: number,
): Promise<{ readonly seen: readonly Seen[]; readonly generations: readonly string[] }> {
  const folder = await prepare(scene);
  const seenAt = async (): Promise<string> => {
    const rows = await queryDuckdb(
      `SELECT generation, count(*)::INTEGER AS rows, count(DISTINCT filename)::INTEGER AS files
       FROM read_parquet('${folder}/${scene.base}/**/*.parquet', filename = true, hive_partitioning = false)
       GROUP BY ALL ORDER BY ALL`,
    );
    return JSON.stringify(rows.map((row) => [row.generation, row.rows, row.files]));
  };
  const generations = new Set([await seenAt()]);
  const globs = [
    `${folder}/${scene.base}/**/*.parquet`,
    `${folder}/${scene.base}/${scene.partition}/**/*.parquet`,
  ];
  await succeed(folder, scene.args);
  generations.add(await seenAt());
  const seen = await readDuring(globs, async () => {
    for (let n = 0; n < times; n += 1) {
      await writeSource(folder, n % 2 === 0 ? 'old' : 'new');
      for (const args of scene.ready) await succeed(folder, args);
      await succeed(folder, scene.args);
    }
  });
  return { seen, generations: [...generations] };
}

afterAll(removeScratch);

describe('a process that globs with DuckDB while a partition is replaced', () => {
  test(
    'sees one generation or the other in hundreds of replacements, never a mix',
    async () => {
      expect(await readDuringCommits(SOAK ? 5000 : 200)).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'sees one generation or the other while the program itself lands them, never a mix',
    async () => {
      const { seen, generations } = await readDuringRuns(SCENES.engine, SOAK ? 200 : 6);
      expect(mixes(seen, generations)).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'never sees rows of both generations, even where partition columns make folders of them',
    async () => {
      const { seen } = await readDuringRuns(SCENES.silver, SOAK ? 200 : 5);
      expect(mixedGenerations(seen)).toEqual([]);
    },
    TEST_MS,
  );
});
