/**
 * The ground of the crash tests: small lakes that hold an old generation and are about to be given a new one, and
 * the oracle that says which of the two lies there, whole. Its own tests show that it sees damage.
 */
import { afterAll, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import type { Manifest } from '../lake/manifest.ts';
import { type Finished, foundryBinary, runCommand } from '../testing/binary.ts';
import { queryDuckdb } from '../testing/parquet.ts';

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

/** A lake in which the scene's old generation is committed and its new one is ready to be read. */
export async function prepare(scene: Scene): Promise<string> {
  const folder = scratch();
  for (const name of ['in', 'tmp', 'spill']) mkdirSync(join(folder, name));
  writeFileSync(
    join(folder, 'rows.yaml'),
    config('rows', 'in/rows.csv', { output_formats: ['parquet', 'csv'] }),
  );
  writeFileSync(join(folder, 'engine.yaml'), config('engine', 'in/rows.parquet', {}));
  for (const generation of ['old', 'new'] as const) {
    await writeSource(folder, generation);
    for (const args of scene.ready) await succeed(folder, args);
    if (generation === 'old') await succeed(folder, scene.args);
  }
  const found = await examine(folder, scene);
  if (found.generation !== 'old' || found.problems.length > 0) {
    throw new Error(`the scene is not ready: ${JSON.stringify(found)}`);
  }
  return folder;
}

/** A copy of a prepared lake, to be broken. */
export function copyOf(prepared: string): string {
  const folder = scratch();
  cpSync(prepared, folder, { recursive: true });
  return folder;
}

export interface Finding {
  readonly generation: Generation | undefined;
  /** Everything that makes the partition less than whole; empty is well. */
  readonly problems: readonly string[];
}

/** Which generation lies in the scene's partition, by its manifest, its bytes, and a glob over the whole base. */
export async function examine(folder: string, scene: Scene): Promise<Finding> {
  const base = join(folder, scene.base);
  const partition = join(base, scene.partition);
  const problems: string[] = [];
  const manifestBytes = readFileSync(join(partition, '_metadata.json'));
  const manifest = JSON.parse(manifestBytes.toString()) as Manifest;
  const listed = new Set(manifest.files.map((file) => file.path));
  for (const file of manifest.files) {
    const path = join(partition, file.path);
    if (!existsSync(path)) problems.push(`listed but gone: ${file.path}`);
    else if (sha256(readFileSync(path)) !== file.sha256) problems.push(`other bytes: ${file.path}`);
  }
  problems.push(...checksumProblems(partition, manifest, manifestBytes));
  const own = new Set([...listed, '_metadata.json', '_checksums.json']);
  for (const file of filesBelow(partition)) if (!own.has(file)) problems.push(`not listed: ${file}`);
  for (const file of filesBelow(base)) {
    const isData = /\.(?:parquet|csv)$/.test(file);
    if (isData && !file.startsWith(`${scene.partition}/`)) problems.push(`seen by a glob: ${file}`);
  }
  if (problems.length > 0) return { generation: undefined, problems };
  return globbed(base, scene);
}

async function globbed(base: string, scene: Scene): Promise<Finding> {
  const query = (reader: string) =>
    queryDuckdb(
      `SELECT regexp_extract(parse_filename(filename), '(part|state_current|state_history)', 1) AS artifact,
              generation, count(*)::INTEGER AS rows FROM ${reader} GROUP BY ALL`,
    );
  const found = await query(
    `read_parquet('${base}/**/*.parquet', filename = true, hive_partitioning = false)`,
  );
  const generations = (['old', 'new'] as const).filter(
    (generation) =>
      found.every((row) => row.generation === generation) &&
      Bun.deepEquals(
        Object.fromEntries(found.map((row) => [row.artifact, row.rows])),
        scene.rows[generation],
      ),
  );
  if (generations.length !== 1) {
    return { generation: undefined, problems: [`a glob finds ${JSON.stringify(found)}`] };
  }
  return { generation: generations[0], problems: [] };
}

function checksumProblems(partition: string, manifest: Manifest, bytes: Uint8Array): string[] {
  const checksums = JSON.parse(readFileSync(join(partition, '_checksums.json'), 'utf8'));
  const entries = (files: readonly { path: string; sha256: string }[]) =>
    files.map(({ path, sha256: sum }) => `${path} ${sum}`).sort();
  const expected = entries([...manifest.files, { path: '_metadata.json', sha256: sha256(bytes) }]);
  const same =
    checksums.commit_id === manifest.commit_id && Bun.deepEquals(entries(checksums.files), expected);
  return same ? [] : ['_checksums.json is of another generation'];
}

/** What a finished run has no business leaving: everything but configs, sources, partitions and lock files. */
export function leftovers(folder: string): string[] {
  return filesBelow(folder).filter(
    (file) =>
      !/^(?:in\/|[a-z]+\.yaml$|(?:bronze|silver)\/(?:system|domain)=)/.test(file) &&
      !/^(?:bronze|silver)\/\.foundry\/locks\/[^/]+\.lock$/.test(file),
  );
}

export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

afterAll(removeScratch);

describe('the oracle of the crash tests', () => {
  test('tells the old generation from the new one, and sees nothing left behind by a whole run', async () => {
    for (const scene of Object.values(SCENES)) {
      const folder = await prepare(scene);
      expect(leftovers(folder)).toEqual([]);
      await succeed(folder, scene.args);
      expect(await examine(folder, scene)).toEqual({ generation: 'new', problems: [] });
      expect(leftovers(folder)).toEqual([]);
    }
  }, 60_000);

  test('sees a missing file, a changed byte, a file too many, another generation’s file and a staged one', async () => {
    const scene = SCENES.rows;
    const prepared = await prepare(scene);
    const partition = (folder: string): string => join(folder, scene.base, scene.partition);
    const partOf = (folder: string): string => join(partition(folder), partsOf(partition(folder))[0] ?? '');
    const damages: readonly ((folder: string) => void)[] = [
      (folder) => unlinkSync(partOf(folder)),
      (folder) => appendFileSync(partOf(folder), 'x'),
      (folder) => cpSync(partOf(folder), `${partOf(folder)}.parquet`),
      (folder) => cpSync(partOf(folder), join(folder, 'bronze', '.foundry', basename(partOf(folder)))),
      (folder) => appendFileSync(join(partition(folder), '_metadata.json'), '\n'),
    ];
    for (const damage of damages) {
      const folder = copyOf(prepared);
      damage(folder);
      expect((await examine(folder, scene)).problems).not.toEqual([]);
    }
  }, 60_000);
});

function partsOf(partition: string): string[] {
  return filesBelow(partition).filter((file) => file.endsWith('.parquet'));
}
