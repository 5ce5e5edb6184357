import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noProgress } from '../core/log.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { joinOptions, joinSpecOf, putSilver, recordingLog } from '../testing/join-kit.ts';
import { runJoin } from './run.ts';

const root = mkdtempSync(join(tmpdir(), 'foundry-join-resume-'));
let engine: Engine;
beforeAll(async () => {
  engine = await openEngine({ memoryBytes: 400e6, threads: 2, spillFolder: root });
  const text = `md5(i::VARCHAR) AS`;
  await putSilver(engine, join(root, 'left'), 'l', {
    artifacts: {
      full_snapshot: `SELECT i AS id, (i * 7919) % 6000 AS k, ${text} v, ${text} w FROM range(30000) t(i)`,
    },
  });
  await putSilver(engine, join(root, 'right'), 'r', {
    artifacts: { full_snapshot: `SELECT i AS k, ${text} x FROM range(5000) t(i)` },
    primaryKeys: ['k'],
  });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});
beforeEach(() => {
  for (const name of ['out', 'spill', 'work']) rmSync(join(root, name), { recursive: true, force: true });
});

const CHUNKS = 30;

const SECTION = {
  left: { path: join(root, 'left', 'l') },
  right: { path: join(root, 'right', 'r') },
  output: {
    path: join(root, 'out', 'o'),
    join_type: 'inner',
    join_strategy: 'hash',
    chunk_size: 1000,
    spill_dir: join(root, 'spill'),
    checkpoint_dir: join(root, 'work'),
    join_keys: ['k'],
  },
};

/** Stops a join once it begins with a chunk. */
async function stopAt(chunk: number, section: object = SECTION): Promise<void> {
  const stop = new AbortController();
  const progress = {
    ...noProgress,
    step: (name: string) => name.startsWith(`joining chunk ${chunk} `) && stop.abort(),
  };
  const stopped = runJoin(joinSpecOf(section), joinOptions(root, { signal: stop.signal, progress }));
  expect(await stopped.catch((error: unknown) => error)).toMatchObject({ code: 'INT001' });
}

function bucketFiles(side: 'left' | 'right'): readonly string[] {
  const [work = ''] = readdirSync(join(root, 'spill')).filter((name) => name.startsWith('join-'));
  const folder = join(root, 'spill', work, side);
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.parquet')).map((name) => join(folder, name));
}

describe('a join by hash whose buckets are not whole any more splits again, and loses no row', () => {
  test.each<[string, () => void]>([
    ['one file is gone', () => rmSync(bucketFiles('left').at(-1) ?? '')],
    [
      'some are empty, as after a power failure',
      () => {
        for (const file of bucketFiles('right').slice(-9)) truncateSync(file, 0);
      },
    ],
    ['one is cut', () => truncateSync(bucketFiles('left').at(-1) ?? '', 100)],
    [
      'all of a side are gone',
      () => {
        for (const file of bucketFiles('right')) rmSync(join(file, '..'), { recursive: true, force: true });
      },
    ],
  ])('%s', async (_, damage) => {
    await stopAt(10);
    damage();
    const log = recordingLog();
    const report = await runJoin(joinSpecOf(SECTION), joinOptions(root, { log }));
    expect(log.lines.join('\n')).toContain(
      'buckets of the earlier run are not what was written; splitting again',
    );
    expect(report).toMatchObject({ rows: 25_000, resumed_at_chunk: 9 });
    expect(report.join_stats.chunk_count).toBe(CHUNKS);
  });

  test('whole ones are not split again', async () => {
    await stopAt(10);
    const log = recordingLog();
    const report = await runJoin(joinSpecOf(SECTION), joinOptions(root, { log }));
    expect(log.lines.join('\n')).not.toContain('splitting again');
    expect(report).toMatchObject({ rows: 25_000, resumed_at_chunk: 9 });
  });
});

test('a join of an asset goes on with the next date where that of the day before was killed', async () => {
  const { path: _path, ...output } = SECTION.output;
  const asset = { ...SECTION, output: { ...output, base: join(root, 'out'), domain: 'd', entity: 'e' } };
  await stopAt(5, asset);
  const log = recordingLog();
  const next = joinOptions(root, { log, runDate: { date: '2025-01-06' } });
  const report = await runJoin(joinSpecOf(asset), next);
  expect(log.lines.join('\n')).toMatch(/it built another load, .*load_date=2025-01-05; starting over/);
  expect(report).toMatchObject({ rows: 25_000, resumed_at_chunk: null });
  expect(existsSync(join(root, 'work', 'progress.json'))).toBe(false);
  expect(readdirSync(join(root, 'spill')).filter((name) => name.startsWith('join-'))).toEqual([]);
});

test('a join by hash spills into a folder whose name holds what a pattern is made of', async () => {
  const output = { ...SECTION.output, spill_dir: join(root, 'spill', '[ab]*?') };
  const report = await runJoin(joinSpecOf({ ...SECTION, output }), joinOptions(root));
  expect(report.rows).toBe(25_000);
});
