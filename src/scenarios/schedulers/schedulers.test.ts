import { expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { duckdb, quote } from '../readers.ts';
import {
  type Document,
  describeRun,
  openWorkspace,
  type Run,
  startFoundry,
  type Workspace,
} from '../support.ts';
import { DATES, openWorld, ROWS_OF, randomOf, TABLES, type Table, type World } from './world.ts';

/** 200 in a soak (`bun run soak schedulers`), a slice in `npm test`. */
const RUNS = Number(process.env.FOUNDRY_SOAK_RUNS ?? (process.env.FOUNDRY_SOAK === '1' ? 200 : 16));
const SEED = Number(process.env.FOUNDRY_SOAK_SEED ?? Date.now() % 1_000_000);
setDefaultTimeout(3_600_000);

interface Ended extends Run {
  readonly table: Table;
  readonly fault: string;
  /** Absent where the process was killed before it told anything. */
  readonly document?: Document;
  readonly maxRss: number;
}

const FAULTS = ['none', 'none', 'none', 'SIGKILL', 'SIGTERM', 'timeout', 'source', 'api'] as const;
/** Done, data refused, source refused, temporary, stopped; 137 is a kill. */
const EXPECTED = new Set([0, 3, 4, 75, 130, 143, 137]);

test(`${RUNS} runs of four datasets by two schedulers with random faults lose no row, leave nothing, and account for themselves (seed ${SEED})`, async () => {
  const w = await openWorkspace();
  await mkdir(w.path('tmp'));
  const world = await openWorld(w);
  try {
    const random = randomOf(SEED);
    const ended: Ended[] = [];
    let left = RUNS;
    const scheduler = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        ended.push(await runOnce(w, world, random));
      }
    };
    await Promise.all([scheduler(), scheduler()]);
    world.mood = 'well';
    tellOutcomes(ended);
    for (const run of ended) {
      if (!EXPECTED.has(run.exitCode))
        throw new Error(`seed ${SEED}, ${run.table}, ${run.fault}: ${describeRun(run)}`);
      expect(run.stderr).not.toMatch(/ERR000|^\s+at .*:\d+/m);
    }
    for (const date of DATES) for (const table of TABLES) ended.push(await runQuietly(w, world, table, date));
    await checkRows(w, world);
    checkRecords(w, ended);
    checkLeftovers(w);
    checkMemory(ended);
  } finally {
    world.close();
    await w.remove();
  }
});

/** How the runs ended, so that whoever reads it sees that faults took place. */
function tellOutcomes(ended: readonly Ended[]): void {
  const counts = Map.groupBy(ended, ({ fault, exitCode }) => `${fault} ${exitCode}`);
  const told = [...counts].map(([outcome, runs]) => `${outcome}: ${runs.length}`).sort();
  process.stderr.write(`fault, exit code: runs  ${told.join(', ')}\n`);
}

async function runOnce(w: Workspace, world: World, random: () => number): Promise<Ended> {
  const pick = <T>(some: readonly T[]): T => some[Math.floor(random() * some.length)] as T;
  const table = pick(TABLES);
  const fault = pick(FAULTS);
  const config = (fault === 'source' ? world.broken(table) : undefined) ?? world.config(table);
  if (random() < 0.3) world.grow(1 + Math.floor(random() * 5));
  world.mood = fault === 'api' ? pick(['busy', 'cut', 'slow'] as const) : 'well';
  const flags = [
    ...(fault === 'timeout' ? ['--timeout', `${(0.05 + random() * 0.4).toFixed(2)}s`] : []),
    ...(random() < 0.5 ? ['--lock-timeout', '5'] : []),
  ];
  const wait = random() * 500;
  const signal = fault === 'SIGKILL' || fault === 'SIGTERM' ? { name: fault, wait } : undefined;
  return start(w, table, config, pick(DATES), fault, flags, signal);
}

/** A last run of each dataset and date without faults, tried again as a scheduler would. */
async function runQuietly(w: Workspace, world: World, table: Table, date: string): Promise<Ended> {
  const run = await start(w, table, world.config(table), date, 'none', ['--lock-timeout', '20']);
  if (run.exitCode !== 0) throw new Error(`the last run failed: ${describeRun(run)}`);
  return run;
}

async function start(
  w: Workspace,
  table: Table,
  config: string,
  date: string,
  fault: string,
  flags: readonly string[],
  signal?: { readonly name: 'SIGKILL' | 'SIGTERM'; readonly wait: number },
): Promise<Ended> {
  const args = ['run-intent', '--config', config, '--date', date, '--output', 'json', ...flags];
  const child = startFoundry(args, {
    cwd: w.folder,
    env: { TMPDIR: w.path('tmp'), FOUNDRY_SPILL_DIR: w.path('tmp') },
  });
  if (signal !== undefined) {
    await Promise.race([Bun.sleep(signal.wait), child.exited]);
    child.kill(signal.name);
  }
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  const isTold = stdout.endsWith('}\n');
  return {
    table,
    fault,
    exitCode,
    stdout,
    stderr,
    maxRss: child.resourceUsage()?.maxRSS ?? 0,
    ...(isTold && { document: JSON.parse(stdout) as Document }),
  };
}

/** Each table holds on each date what its source does; the growing one holds every row once, over all dates. */
async function checkRows(w: Workspace, world: World): Promise<void> {
  const counted = async (below: string) => {
    const [row] = await duckdb(
      `SELECT count(*)::INTEGER AS rows, count(DISTINCT id)::INTEGER AS ids, max(id::INTEGER) AS most
       FROM read_parquet(${quote(w.path(below, '**/*.parquet'))}, hive_partitioning = false)`,
    );
    return row;
  };
  for (const [table, rows] of Object.entries(ROWS_OF)) {
    for (const date of DATES) {
      const found = await counted(`bronze/system=s/table=${table}/pattern=full/dt=${date}`);
      expect([table, date, found]).toEqual([table, date, { rows, ids: rows, most: rows }]);
      const silver = `silver/domain=s/entity=${table}/v1/load_date=${date}`;
      const [current] = await duckdb(
        `SELECT count(*)::INTEGER AS n FROM read_parquet(${quote(w.path(silver, 'current*.parquet'))})`,
      );
      expect({ table, date, current: current?.n }).toEqual({ table, date, current: rows });
    }
  }
  const grown = world.grown;
  expect(await counted('bronze/system=s/table=growing')).toEqual({ rows: grown, ids: grown, most: grown });
}

/** Every step that a run told of is in the history, as it ended; what is `running` still, was killed. */
function checkRecords(w: Workspace, ended: readonly Ended[]): void {
  const records = ['bronze', 'silver'].flatMap((base) => {
    const folder = w.path(base, '_runs');
    if (!existsSync(folder)) return [];
    const names = readdirSync(folder, { recursive: true }).map(String);
    return names
      .filter((name) => name.endsWith('.json'))
      .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
  });
  const byRun = Map.groupBy(records, (record) => record.run_id);
  for (const { document, fault, table } of ended) {
    if (document === undefined) continue;
    const told = [
      ...document.reports.map((report) => `${report.layer} ${report.status}`),
      ...document.errors.map(({ code }) => code),
    ].sort();
    const recorded = (byRun.get(document.run_id) ?? []).map((record) =>
      record.error === undefined ? `${record.layer} ${record.outcome}` : record.error.code,
    );
    expect({ fault, table, recorded: recorded.sort() }).toEqual({ fault, table, recorded: told });
  }
  const known = new Set(ended.flatMap(({ document }) => document?.run_id ?? []));
  const killed = ended.filter(({ document }) => document === undefined).length;
  expect([...byRun.keys()].filter((id) => !known.has(id)).length).toBeLessThanOrEqual(killed);
  const running = records.filter((record) => record.outcome === 'running');
  expect(running.filter((record) => known.has(record.run_id))).toEqual([]);
}

/** No staged part, no spilled block, no half-written object. */
function checkLeftovers(w: Workspace): void {
  const names = readdirSync(w.folder, { recursive: true }).map(String);
  const staged = names.filter(
    (name) => /\.foundry-staging|\.foundry\/staging/.test(name) && !name.endsWith('.lock'),
  );
  expect(staged.filter((name) => /\.tmp$|spool/.test(name))).toEqual([]);
  // A kill during the write of a record leaves its draft for a day; there is at most one for each kill.
  expect(readdirSync(w.path('tmp')).filter((name) => !name.startsWith('foundry-'))).toEqual([]);
  expect(readdirSync(w.path('tmp')).filter((name) => /spill|show/.test(name))).toEqual([]);
}

/** The lake and its history grow; what a run holds does not. */
function checkMemory(ended: readonly Ended[]): void {
  const good = ended
    .filter(({ exitCode, table }) => exitCode === 0 && table === 'csv')
    .map(({ maxRss }) => maxRss);
  if (good.length < 6) return;
  const third = Math.floor(good.length / 3);
  const median = (some: readonly number[]): number =>
    [...some].sort((a, b) => a - b)[Math.floor(some.length / 2)] ?? 0;
  expect(median(good.slice(-third))).toBeLessThan(median(good.slice(0, third)) * 1.25);
}

test('one process of many datasets holds as many files open at its end as at its beginning', async () => {
  const w = await openWorkspace();
  try {
    await w.put('in.csv', 'id,at\n1,2025-01-01\n2,2025-01-02\n');
    await w.put('many.yaml', {
      config_version: 1,
      platform: { bronze: { storage_backend: 'local', local_path: './bronze' } },
      silver: { output_dir: './silver', model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' },
      sources: Array.from({ length: 40 }, (_, n) => ({
        name: `t${n}`,
        source: { type: 'file', system: 's', table: `t${n}`, file: { path: 'in.csv' } },
      })),
    });
    const args = ['run-intent', '--config', 'many.yaml', '--date', DATES[0], '--quiet'];
    const child = startFoundry(args, { cwd: w.folder });
    const open: number[] = [];
    while (child.exitCode === null) {
      try {
        open.push(readdirSync(`/proc/${child.pid}/fd`).length);
      } catch {
        break;
      }
      await Bun.sleep(10);
    }
    expect(await child.exited).toBe(0);
    const quarter = Math.floor(open.length / 4);
    expect(quarter).toBeGreaterThan(5);
    const most = (some: readonly number[]): number => Math.max(...some);
    expect(most(open.slice(-quarter))).toBeLessThanOrEqual(most(open.slice(quarter, 2 * quarter)) + 4);
  } finally {
    await w.remove();
  }
});
