/**
 * The ground of the crash tests: small lakes that hold an old generation and are about to be given a new one, and
 * the program that does it.
 */
import { afterAll, expect, test } from 'bun:test';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Finished, foundryBinary, runCommand } from '../testing/binary.ts';
import { queryDuckdb } from '../testing/parquet.ts';

/** Set by crash.soak.ts: everything is tried, where `npm test` tries a slice. */
export const SOAK = process.env.FOUNDRY_SOAK === '1';
export const TEST_MS = SOAK ? 3_600_000 : 120_000;

export type Generation = 'old' | 'new';
type Counts = Readonly<Record<string, number>>;

/** A command that replaces one partition: its old generation lies there, the new one is ready to be read. */
export interface Scene {
  readonly name: string;
  readonly args: readonly string[];
  readonly base: 'bronze' | 'silver';
  /** Below the base. */
  readonly partition: string;
  /** Rows of each artifact that a glob over the whole base finds. */
  readonly rows: Readonly<Record<Generation, Counts>>;
  /** Runs before the command: what gives the old generation, then what readies the new one. */
  readonly ready: readonly (readonly string[])[];
}

const DATE = '2025-01-05';
const VERSIONS = { old: 45, new: 70 } as const;
const KEYS = { old: 30, new: 40 } as const;
const REGIONS = { old: ['eu', 'us'], new: ['as', 'eu', 'us'] } as const;

const bronzeArgs = (config: string): string[] => ['bronze', '--config', config, '--date', DATE];
const silverArgs = ['silver', '--config', 'rows.yaml', '--date', DATE];
const landed = { old: { part: VERSIONS.old }, new: { part: VERSIONS.new } } as const;

export const SCENES = {
  rows: {
    name: 'Bronze by the row lane, Parquet and CSV',
    args: bronzeArgs('rows.yaml'),
    base: 'bronze',
    partition: `system=s/table=rows/pattern=full/dt=${DATE}`,
    rows: landed,
    ready: [],
  },
  engine: {
    name: 'Bronze by the engine lane',
    args: [...bronzeArgs('engine.yaml'), '--threads', '1'],
    base: 'bronze',
    partition: `system=s/table=engine/pattern=full/dt=${DATE}`,
    rows: landed,
    ready: [],
  },
  silver: {
    name: 'Silver with partition columns',
    args: [...silverArgs, '--threads', '1'],
    base: 'silver',
    partition: `domain=s/entity=rows/v1/load_date=${DATE}`,
    rows: {
      old: { state_history: VERSIONS.old, state_current: KEYS.old },
      new: { state_history: VERSIONS.new, state_current: KEYS.new },
    },
    ready: [bronzeArgs('rows.yaml')],
  },
} as const satisfies Record<string, Scene>;

function config(entity: string, input: string, options: object): string {
  return JSON.stringify({
    system: 's',
    entity,
    bronze: {
      source_type: 'file',
      path_pattern: input,
      options: { local_output_dir: './bronze', max_rows_per_file: 20, ...options },
    },
    silver: {
      entity_kind: 'state',
      history_mode: 'scd2',
      natural_keys: ['id'],
      change_ts_column: 'updated_at',
      attributes: ['region', 'amount', 'generation'],
      partition_by: ['region'],
      output_dir: './silver',
    },
  });
}

/** Writes the source of one generation, as CSV and as Parquet. */
export async function writeSource(folder: string, generation: Generation): Promise<void> {
  const lines = Array.from({ length: VERSIONS[generation] }, (_, n) => {
    const key = n % KEYS[generation];
    const region = REGIONS[generation][key % REGIONS[generation].length];
    const time = new Date(Date.UTC(2025, 0, 5) + n * 1000).toISOString().slice(0, 19);
    return `${key},${region},${time},${n}.25,${generation}`;
  });
  const csv = join(folder, 'in', 'rows.csv');
  writeFileSync(csv, `id,region,updated_at,amount,generation\n${lines.join('\n')}\n`);
  await queryDuckdb(
    `COPY (FROM read_csv('${csv}', all_varchar = true)) TO '${join(folder, 'in', 'rows.parquet')}'`,
  );
}

const folders: string[] = [];

export function scratch(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'foundry-crash-')));
  folders.push(folder);
  return folder;
}

export function removeScratch(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** `FOUNDRY_TEST_BINARY` names another build than `dist/foundry`. */
export function binary(): string {
  return process.env.FOUNDRY_TEST_BINARY ?? foundryBinary();
}

/** Shared by all runs, as a user's would be: unpacking the engine is another test's matter. */
const ENGINE_CACHE = join(import.meta.dir, '..', '..', '.tools', 'engine-cache');

/** What the program is given, so that nothing it leaves behind can lie outside the folder. */
export function environment(folder: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: folder,
    TMPDIR: join(folder, 'tmp'),
    FOUNDRY_SPILL_DIR: join(folder, 'spill'),
    FOUNDRY_CACHE_DIR: ENGINE_CACHE,
    // Disks are filled here to the last byte: the run, not the look before it, is what is tried.
    FOUNDRY_MIN_FREE_DISK: '0',
  };
}

export function run(folder: string, args: readonly string[], timeout = 60_000): Promise<Finished> {
  return runCommand([binary(), ...args], { cwd: folder, env: environment(folder), timeout });
}

/** Starts the program and does not wait for it. */
export function start(folder: string, args: readonly string[]) {
  const child = Bun.spawn([binary(), ...args], {
    cwd: folder,
    env: environment(folder),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const ended = async (): Promise<Finished> => {
    const [stdout, stderr] = await output;
    return {
      code: await child.exited,
      signal: child.signalCode === null ? undefined : String(child.signalCode),
      stdout,
      stderr,
    };
  };
  return { pid: child.pid, kill: (signal: NodeJS.Signals) => child.kill(signal), ended };
}

export function describeRun(run: Finished): string {
  return `exit ${run.code} ${run.signal ?? ''}\n--- stdout\n${run.stdout}\n--- stderr\n${run.stderr}`;
}

export async function succeed(folder: string, args: readonly string[]): Promise<Finished> {
  const done = await run(folder, args);
  if (done.code !== 0) throw new Error(`foundry ${args.join(' ')}: ${describeRun(done)}`);
  return done;
}

/** A folder with the configs of every scene, and no lake yet. */
export function emptyLab(): string {
  const folder = scratch();
  for (const name of ['in', 'tmp', 'spill']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'rows.yaml'),
    config('rows', 'in/rows.csv', { output_formats: ['parquet', 'csv'] }),
  );
  writeFileSync(join(folder, 'engine.yaml'), config('engine', 'in/rows.parquet', {}));
  return folder;
}

/** A copy of a prepared lake, to be broken. */
export function copyOf(prepared: string): string {
  const folder = scratch();
  cpSync(prepared, folder, { recursive: true });
  return folder;
}

/** Two at a time, results in order: a run waits for its disk and for strace more than it computes. */
export async function inPairs<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index] as T);
    }
  };
  await Promise.all([worker(), worker()]);
  return results;
}

afterAll(removeScratch);

test('the program under test is compiled, and says of which commit', async () => {
  const { stdout } = await succeed(emptyLab(), ['--version']);
  expect(stdout).toMatch(/^foundry \d+\.\d+\.\d+ \((?:[0-9a-f]{40}(?:-dirty)?|unknown), /);
});
