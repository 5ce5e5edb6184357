import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noProgress } from '../core/log.ts';
import { openEngine } from './duckdb.ts';
import { executeEach } from './each.ts';
import type { Engine } from './engine.ts';
import { runHeavy, threadsOf } from './heavy.ts';
import { copySql } from './parts.ts';
import { literal } from './sql.ts';

const THREADS = 8;

let root: string;
let small: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-heavy-'));
  small = await openEngine({ memoryBytes: 70e6, threads: THREADS, spillFolder: root });
});
afterAll(async () => {
  await small.close();
  rmSync(root, { recursive: true });
});

/** Some megabytes for each thread that the engine has. */
const perThread = (megabytes: number): string =>
  `SELECT len(list(repeat('x', 999) || i)) AS n FROM range(current_setting('threads') * ${megabytes * 1000}) t(i)`;

test('what is too much for the memory on all threads is done on one; later statements have all again', async () => {
  await expect(small.query(perThread(20))).rejects.toMatchObject({ code: 'ENG002' });
  expect(await runHeavy(small, noProgress, () => small.query(perThread(20)))).toEqual([{ n: 20_000n }]);
  expect(await threadsOf(small)).toBe(THREADS);
  const tooMuch = runHeavy(small, noProgress, () => small.query(perThread(200)));
  await expect(tooMuch).rejects.toMatchObject({ code: 'ENG002' });
  expect(await threadsOf(small)).toBe(THREADS);
});

test('an error that is not about memory is not tried again', async () => {
  let tries = 0;
  const work = () => {
    tries += 1;
    return small.execute('SELECT no_such_column');
  };
  await expect(runHeavy(small, noProgress, work)).rejects.toThrow('no_such_column');
  expect(tries).toBe(1);
});

test('statements for which memory does not suffice beside others are run one after the other, to the same bytes', async () => {
  const staged = join(root, 'staged.parquet');
  const large = await openEngine({ memoryBytes: 2e9, threads: 1, spillFolder: root });
  // A row group of 25 MB is held by each statement that reads it.
  await large.execute(
    copySql(`SELECT i, repeat(md5(i::VARCHAR), 6) AS t FROM range(120000) t(i)`, staged, {
      format: 'parquet',
      compression: 'none',
    }),
  );
  const files = (name: string) => Array.from({ length: 12 }, (_, n) => join(root, `${name}-${n}.parquet`));
  const write = async (engine: Engine, name: string): Promise<Buffer[]> => {
    const done: number[] = [];
    const statements = files(name).map((file, n) =>
      copySql(`SELECT * FROM read_parquet(${literal(staged)}) WHERE i % 12 = ${n}`, file, {
        format: 'parquet',
        compression: 'snappy',
      }),
    );
    await executeEach(engine, statements, (index) => done.push(index));
    expect(done.toSorted((a, b) => a - b)).toEqual([...statements.keys()]);
    return files(name).map((file) => readFileSync(file));
  };
  const expected = await write(large, 'large');
  await large.close();
  const found = await write(small, 'small');
  expect(found.every((bytes, n) => bytes.equals(expected[n] as Buffer))).toBe(true);
  expect(await threadsOf(small)).toBe(THREADS);
}, 30_000);
