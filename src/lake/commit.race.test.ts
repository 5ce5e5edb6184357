import { afterAll, describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { localStorage } from '../storage/local.ts';
import { contentOf, manifestBody, NEVER_STOPPED, spoolParts } from '../testing/lake-fixtures.ts';
import { openPartition } from './commit.ts';
import { openCommitted } from './reader.ts';

const PATH = 'system=s/table=t/pattern=full/dt=2025-01-05';
const CHILD = join(import.meta.dir, '..', 'testing', 'commit-child.ts');
const folders: string[] = [];
async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'foundry-race-'));
  folders.push(folder);
  return folder;
}
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A child that is told one line at a time and answers with one. */
function racer(base: string, tag: string) {
  const child = Bun.spawn([process.execPath, CHILD, 'race', base, PATH, tag], {
    stdin: 'pipe',
    stderr: 'inherit',
  });
  const answers = createInterface({ input: Readable.fromWeb(child.stdout as never) })[Symbol.asyncIterator]();
  return {
    tag,
    async tell(line: string): Promise<string> {
      child.stdin.write(`${line}\n`);
      child.stdin.flush();
      return (await answers.next()).value as string;
    },
    end: async () => {
      child.stdin.end();
      await child.exited;
    },
  };
}

describe('processes that commit one partition', () => {
  test('of two that race 50 times exactly one wins each time, and the partition is never a mix', async () => {
    const base = join(await scratch(), 'lake');
    const lake = { storage: localStorage(base) };
    const racers = [racer(base, 'a'), racer(base, 'b')];
    const wins: Record<string, number> = { a: 0, b: 0 };
    for (let round = 1; round <= 50; round += 1) {
      expect(await Promise.all(racers.map((one) => one.tell('open')))).toEqual(['opened', 'opened']);
      const outcomes = await Promise.all(racers.map((one) => one.tell('commit')));
      expect([...outcomes].sort()).toEqual(['lost', 'won']);
      const winner = racers[outcomes.indexOf('won')]!.tag;
      wins[winner] = (wins[winner] ?? 0) + 1;
      expect(Object.values(await contentOf(lake, PATH))).toEqual(Array(3).fill(`${winner} ${round}`));
    }
    await Promise.all(racers.map((one) => one.end()));
    expect(wins.a! + wins.b!).toBe(50);
    expect(await readdir(join(base, '..'))).toEqual(['lake']);
  }, 60_000);

  test('one that is killed at any moment leaves a whole generation, and the next run sweeps what it left', async () => {
    const folder = await scratch();
    const base = join(folder, 'lake');
    const lake = { storage: localStorage(base) };
    const generations = join(folder, 'generations');
    for (const [n, parts] of [4, 2, 3].entries()) {
      await mkdir(join(generations, `${n}`), { recursive: true });
      for (let part = 0; part < parts; part += 1) {
        await writeFile(join(generations, `${n}`, `${part}`), `generation of ${parts}`.repeat(2000));
      }
    }
    for (let kill = 0; kill < 20; kill += 1) {
      const child = Bun.spawn([process.execPath, CHILD, 'loop', base, PATH, generations, '100000'], {
        stdout: 'pipe',
        stderr: 'inherit',
      });
      const reader = child.stdout.getReader();
      await reader.read();
      await Bun.sleep(Math.random() * 30);
      child.kill('SIGKILL');
      await child.exited;
      const opened = await openCommitted(lake, PATH, {
        verify: true,
        requireChecksum: true,
        signal: NEVER_STOPPED,
      });
      const content = await contentOf(lake, PATH);
      expect(Object.keys(content).sort()).toEqual(opened!.files.map(({ path }) => path).sort());
      expect(new Set(Object.values(content))).toEqual(
        new Set([`generation of ${opened!.files.length}`.repeat(2000)]),
      );
    }
    const writer = await openPartition(lake, PATH, { signal: NEVER_STOPPED });
    await writer.commit(await spoolParts(writer, ['last']), manifestBody());
    expect((await readdir(folder)).sort()).toEqual(['generations', 'lake']);
    expect(Object.values(await contentOf(lake, PATH))).toEqual(['last']);
  }, 60_000);

  test('a process that globs with DuckDB during 200 replacements only ever sees whole generations', async () => {
    const folder = await scratch();
    const base = join(folder, 'lake');
    const generations = join(folder, 'generations');
    const { DuckDBInstance } = await import('@duckdb/node-api');
    const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
    for (const [generation, parts] of [3, 2].entries()) {
      await mkdir(join(generations, `${generation}`), { recursive: true });
      for (let part = 0; part < parts; part += 1) {
        const rows = `SELECT ${generation} AS generation, ${part} AS part, i FROM range(100) t(i)`;
        await connection.run(`COPY (${rows}) TO '${generations}/${generation}/${part}' (FORMAT parquet)`);
      }
    }
    const child = Bun.spawn([process.execPath, CHILD, 'loop', base, PATH, generations, '200'], {
      stdout: 'pipe',
      stderr: 'inherit',
    });
    let running = true;
    const ended = child.exited.then((code) => {
      running = false;
      return code;
    });
    await child.stdout.getReader().read();
    const seen = new Map<string, number>();
    while (running) {
      const query = `SELECT count(*)::INT, min(generation), max(generation) FROM read_parquet('${folder}/lake/**/*.parquet')`;
      const found = await connection.runAndReadAll(query).then(
        (result) => JSON.stringify(result.getRows()[0]),
        (error: unknown) =>
          /No files found|No such file|Cannot open file/.test(String(error)) ? 'replaced' : String(error),
      );
      seen.set(found, (seen.get(found) ?? 0) + 1);
      await Bun.sleep(0);
    }
    expect(await ended).toBe(0);
    seen.delete('replaced');
    expect([...seen.keys()].sort()).toEqual(['[200,1,1]', '[300,0,0]']);
  }, 60_000);
});
