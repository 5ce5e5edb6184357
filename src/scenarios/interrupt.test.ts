import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { duckdb, quote } from './readers.ts';
import {
  BRONZE,
  classic,
  csv,
  DATE,
  expectExit,
  finish,
  openWorkspace,
  type Running,
  SILVER,
  startFoundry,
  until,
  type Workspace,
} from './support.ts';

const ARGS = ['--config', 'a.yaml', '--date', DATE];
const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

/** Files of a kilobyte a row, long enough to be caught in the middle. */
let big: Workspace;

beforeAll(async () => {
  big = await openWorkspace();
  const text = 'some words of a text that is long enough to make the run take a while; '.repeat(12);
  await repeat('big.jsonl', '', `{"id":1,"at":"2025-01-01T00:00:00","v":"${text}"}\n`, 300_000);
  await repeat('big.csv', 'id,at,v\n', `1,2025-01-01T00:00:00,${text}\n`, 400_000);
  await duckdb(
    `COPY (SELECT hash(range) % 1500000 AS id, range AS at, hash(range * 7)::VARCHAR AS v, hash(range * 11)::VARCHAR AS w
      FROM range(3000000)) TO ${quote(big.path('big.parquet'))}`,
  );
  // One small promoted partition, and over its Bronze a large one that is not promoted yet.
  const silver = { model: 'scd_type_2', primary_keys: ['id'], order_column: 'at' };
  await big.put('in.csv', csv(['id', 'at', 'v', 'w'], [1, 1, 'old', 'x']));
  await big.put('small.yaml', classic({ silver }));
  await big.put('silver.yaml', classic({ file: { path: 'big.parquet' }, silver }));
  expectExit(await big.run('run-intent', '--config', 'small.yaml', '--date', DATE), 0);
  expectExit(await big.run('bronze', '--config', 'small.yaml', '--date', '2025-01-01'), 0);
  expectExit(await big.run('bronze', '--config', 'silver.yaml', '--date', DATE), 0);
});
afterAll(() => big.remove());

async function repeat(name: string, head: string, line: string, times: number): Promise<void> {
  const file = await open(big.path(name), 'w');
  const block = line.repeat(1000);
  await file.write(head);
  for (let i = 0; i < times / 1000; i += 1) await file.write(block);
  await file.close();
}

/** A folder that reads one of the big files. */
async function workspace(config: object): Promise<Workspace> {
  const w = await openWorkspace();
  await w.put('a.yaml', config);
  return w;
}

/** Signals a run, and gives its end and the milliseconds that it took to come. */
async function interrupt(running: Running, signal: NodeJS.Signals) {
  const done = finish(running);
  const sent = performance.now();
  running.kill(signal);
  const run = await done;
  return { run, took: performance.now() - sent };
}

/** Whether a run has begun to write below a base folder. */
async function hasSpooled(w: Workspace, base: string): Promise<boolean> {
  return (await w.spooled(base)) > 0;
}

describe('interruption', () => {
  for (const [signal, exitCode] of SIGNALS) {
    for (const source of ['big.jsonl', 'big.csv']) {
      test(`${signal} while ${source} is landing ends within a second with ${exitCode}, leaves nothing, and a rerun succeeds`, async () => {
        const w = await workspace(
          classic({ file: { path: big.path(source) }, run: { max_rows_per_file: 20_000 } }),
        );
        try {
          const running = startFoundry(['bronze', ...ARGS, '--output', 'json'], { cwd: w.folder });
          await until('the first part', () => hasSpooled(w, 'output'));
          const { run, took } = await interrupt(running, signal);
          expectExit(run, exitCode);
          expect(took).toBeLessThan(1000);
          expect(JSON.parse(run.stdout)).toMatchObject({ exit_code: exitCode, errors: [{ code: 'INT001' }] });
          expect(existsSync(w.path(BRONZE))).toBe(false);
          expect(await w.spooled('output')).toBe(0);
          await w.put('a.yaml', classic({ file: { path: big.path(source), limit_rows: 10 } }));
          expectExit(await w.run('bronze', ...ARGS), 0);
        } finally {
          await w.remove();
        }
      });
    }

    test(`${signal} in the middle of Silver ends within a second with ${exitCode} and keeps the old partition`, async () => {
      const args = ['silver', '--config', 'silver.yaml', '--date', DATE, '--memory-limit', '512MB'];
      const before = await big.snapshot(SILVER);
      const running = startFoundry(args, { cwd: big.folder });
      await Bun.sleep(700);
      expect(running.exitCode).toBeNull();
      const { run, took } = await interrupt(running, signal);
      expectExit(run, exitCode);
      expect(took).toBeLessThan(1000);
      expect(await big.snapshot(SILVER)).toEqual(before);
      expect(await big.spooled('silver_output')).toBe(0);
      expectExit(await big.run('silver', '--config', 'small.yaml', '--date', '2025-01-01'), 0);
    });
  }

  test('an interrupted list of configs does not go on with the next one', async () => {
    const w = await workspace(classic({ file: { path: big.path('big.jsonl') } }));
    try {
      await w.put('in.csv', csv(['id'], [1]));
      await w.put('b.yaml', classic({ source: { table: 'next' } }));
      const running = startFoundry(['bronze', '--config', 'a.yaml,b.yaml', '--date', DATE], {
        cwd: w.folder,
      });
      await until('the first part', () => hasSpooled(w, 'output'));
      expectExit((await interrupt(running, 'SIGINT')).run, 130);
      expect(await w.files('output/system=s/table=next')).toEqual([]);
    } finally {
      await w.remove();
    }
  });
});

describe('two runs of one dataset', () => {
  test('the second is told who holds it and exits 75; when the holder is killed, the next run takes over', async () => {
    const w = await workspace(classic({ file: { path: big.path('big.jsonl') } }));
    try {
      await w.put('in.csv', csv(['id'], [1]));
      await w.put('small.yaml', classic());
      const holder = startFoundry(['bronze', ...ARGS], { cwd: w.folder });
      const held = finish(holder);
      await until('the first part', () => hasSpooled(w, 'output'));
      const { document, stderr } = await w.json(75, 'bronze', '--config', 'small.yaml', '--date', DATE);
      expect(document.errors[0]).toMatchObject({ code: 'LOCK001', retryable: true });
      expect(stderr).toContain(String(holder.pid));
      const other = await w.run('bronze', '--config', 'small.yaml', '--date', '2025-02-02');
      expectExit(other, 75);
      holder.kill('SIGKILL');
      await held;
      expect(existsSync(w.path(BRONZE))).toBe(false);
      const next = await w.json(0, 'bronze', '--config', 'small.yaml', '--date', DATE);
      expect(next.document.reports[0]).toMatchObject({ status: 'complete', rows: 1 });
      expect((await w.read(`${BRONZE}/_metadata.json`)).record_count).toBe(1);
    } finally {
      await w.remove();
    }
  });

  test('of two that start together each ends with 0 or 75, one at least with 0, and the partition is whole', async () => {
    const w = await workspace(classic());
    try {
      await w.put('in.csv', csv(['id', 'v'], ...Array.from({ length: 5000 }, (_, i) => [i, 'x'])));
      const runs = await Promise.all(
        Array.from({ length: 4 }, () => finish(startFoundry(['bronze', ...ARGS], { cwd: w.folder }))),
      );
      for (const run of runs) expect([0, 75]).toContain(run.exitCode);
      expect(runs.some((run) => run.exitCode === 0)).toBe(true);
      const manifest = await w.read(`${BRONZE}/_metadata.json`);
      const [found] = await duckdb(
        `SELECT count(*)::INT AS n FROM read_parquet(${quote(w.path(BRONZE, '*.parquet'))})`,
      );
      expect(found).toEqual({ n: manifest.record_count });
      expect(manifest.record_count).toBe(5000);
    } finally {
      await w.remove();
    }
  });
});
