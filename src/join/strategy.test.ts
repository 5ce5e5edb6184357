import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { JoinOutputSpec } from '../config/join/spec.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { fileList } from '../engine/sql.ts';
import { readManifest } from '../lake/reader.ts';
import { localStorage } from '../storage/local.ts';
import { joinOptions, joinSpecOf, putSilver } from '../testing/join-kit.ts';
import { runJoin } from './run.ts';
import { chunkRows, planStrategy } from './strategy.ts';

describe('the size of chunks', () => {
  const rows = (
    over: Partial<Pick<JoinOutputSpec, 'profile' | 'chunkSize'>>,
    used: Parameters<typeof chunkRows>[1],
    n: number,
  ) => chunkRows({ profile: 'auto', ...over }, used, { leftRows: n, rowBytes: 100 }, 2e9);

  test('is the original’s for 60,000 rows, and a quarter within 1,000 and 50,000 where chunks are asked for', () => {
    expect([
      rows({}, 'partitioned', 60_000),
      rows({}, 'hash', 60_000),
      rows({}, 'broadcast', 60_000),
    ]).toEqual([10_000, 5000, 0]);
    expect(rows({ profile: 'single' }, 'hash', 60_000)).toBe(0);
    expect([3000, 60_000, 10 ** 9].map((n) => rows({ profile: 'chunked' }, 'hash', n))).toEqual([
      1000, 15_000, 50_000,
    ]);
    expect([rows({}, 'partitioned', 5000), rows({}, 'hash', 5000)]).toEqual([0, 0]);
  });

  test('makes a few dozen chunks of any number of rows', () => {
    for (const used of ['broadcast', 'partitioned', 'hash'] as const) {
      for (const n of [10 ** 7, 10 ** 8]) {
        const size = rows({}, used, n);
        expect(Math.ceil(n / size)).toBeLessThanOrEqual(50);
        expect(Math.ceil(n / size)).toBeGreaterThan(1);
      }
    }
    const asked = { strategy: 'hash', profile: 'auto', chunkSize: 1 } as const;
    const plan = planStrategy(
      asked,
      { leftRows: 10 ** 6, rightRows: 1, rightBytes: 1, rowBytes: 1 },
      10 ** 9,
    );
    expect([plan.chunkCount, plan.why]).toEqual([256, expect.stringContaining('256 buckets')]);
  });

  test('of a broadcast, as many rows as fit in a part of the memory, and 5 million at most', () => {
    const chunk = (leftRows: number, rowBytes: number, memory: number) =>
      chunkRows({ profile: 'auto' }, 'broadcast', { leftRows, rowBytes }, memory);
    expect(chunk(10_000_000, 250, 12e9)).toBe(5_000_000);
    expect(chunk(7_000_000, 250, 12e9)).toBe(0);
    // 400 MiB where memory is short: 1,677,721 rows, 6 chunks of which would be too few.
    expect(chunk(10_000_000, 250, 0.9e9)).toBe(1_666_667);
    expect(chunk(10_000_000, 1000, 4e9)).toBe(1_000_000);
    expect(chunk(10_000_000, 1e6, 12e9)).toBe(50_000);
  });

  test('auto holds the right side where it fits in a quarter of the memory, and splits both otherwise', () => {
    const auto = { strategy: 'auto', profile: 'auto' } as const;
    const sizes = { leftRows: 1000, rightRows: 1000, rightBytes: 100, rowBytes: 1 };
    expect([400, 399].map((memory) => planStrategy(auto, sizes, memory).used)).toEqual(['broadcast', 'hash']);
  });
});

describe('a strategy does what it says, as the engine’s own profile has it', () => {
  let root: string;
  let engine: Engine;
  const LEFT = 120_000;
  beforeAll(async () => {
    // The engine takes each of these characters for a pattern.
    root = join(mkdtempSync(join(tmpdir(), 'foundry-strategy-')), '[a]?*');
    mkdirSync(root);
    engine = await openEngine({ memoryBytes: 600e6, threads: 2, spillFolder: root });
    // A third of the left rows have one key.
    await putSilver(engine, join(root, 'silver'), 'left', {
      artifacts: {
        events: `SELECT i AS id, CASE WHEN i % 3 = 0 THEN 7 ELSE (i * 7919) % 20000 END AS k, 'left row ' || i AS v FROM range(${LEFT}) t(i)`,
      },
    });
    await putSilver(engine, join(root, 'silver'), 'right', {
      artifacts: { current: `SELECT i AS k, 'right row ' || i AS w FROM range(20000) t(i)` },
    });
  });
  afterAll(async () => {
    await engine.close();
    rmSync(dirname(root), { recursive: true });
  });

  async function run(output: object, memoryBytes: number) {
    const base = join(root, `out-${JSON.stringify(output).length}-${memoryBytes}`);
    const spec = joinSpecOf({
      left: { path: join(root, 'silver', 'left') },
      right: { path: join(root, 'silver', 'right') },
      output: { path: join(base, 'out'), join_keys: ['k'], ...output },
    });
    const report = await runJoin(
      spec,
      joinOptions(root, { limits: { memoryBytes, threads: 2, spillFolder: root } }),
    );
    const manifest = await readManifest({ storage: localStorage(base) }, 'out');
    const metrics = manifest?.join_metrics as { build_side: string | null; spilled_bytes: number }[];
    const files = fileList(report.files.map(({ path }) => join(report.location, path)));
    const [sum] = await engine.query(
      `SELECT count(*) AS n, sum(hash(id, k, v, w)::HUGEINT)::VARCHAR AS fingerprint FROM read_parquet(${files})`,
    );
    rmSync(base, { recursive: true });
    return { report, metrics, stats: report.join_stats, rows: `${sum?.n} ${sum?.fingerprint}` };
  }

  test('broadcast holds the right side and spills nothing; partitioned holds chunks of the left; hash splits both through the disk and holds the smaller; rows are the same, with a skewed key', async () => {
    const broadcast = await run({ join_strategy: 'broadcast' }, 600e6);
    expect(broadcast.metrics.map((chunk) => [chunk.build_side, chunk.spilled_bytes])).toEqual([['right', 0]]);
    expect(broadcast.stats).toMatchObject({ spilled_bytes: 0, partitions: 1, matched_left_rows: LEFT });

    const partitioned = await run({ join_strategy: 'partitioned', chunk_size: 40_000 }, 600e6);
    expect(partitioned.metrics.map((chunk) => chunk.build_side)).toEqual(['left', 'left', 'left']);

    const hash = await run({ join_strategy: 'hash', chunk_size: 30_000 }, 128e6);
    expect(hash.stats.partitions).toBe(4);
    expect(hash.metrics.length).toBe(4);
    expect(new Set(hash.metrics.map((chunk) => chunk.build_side))).toEqual(new Set(['right']));
    expect(hash.stats.partition_bytes).toBeGreaterThan(0);
    expect(hash.stats.spilled_bytes).toBeGreaterThanOrEqual(hash.stats.partition_bytes);
    expect(new Set([broadcast.rows, partitioned.rows, hash.rows]).size).toBe(1);
  }, 60_000);
});
