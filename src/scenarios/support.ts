import { expect } from 'bun:test';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import * as binary from '../testing/binary.ts';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Words before the program: `['setpriv', '--reuid=65534', …]`. */
  readonly prefix?: readonly string[];
}

export interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Running = ReturnType<typeof binary.startFoundry>;

function settings({ cwd = tmpdir(), env }: RunOptions) {
  return { cwd, env: { PATH: process.env.PATH, HOME: cwd, ...env } };
}

/** Starts the program with nothing of this process's environment but the path. */
export function startFoundry(args: readonly string[], options: RunOptions = {}): Running {
  return binary.startFoundry(args, settings(options));
}

export async function runFoundry(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  const command = [...(options.prefix ?? []), binary.foundryBinary(), ...args];
  const { code, stdout, stderr } = await binary.runCommand(command, settings(options));
  return { exitCode: code, stdout, stderr };
}

export async function finish(running: Running): Promise<Run> {
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(running.stdout).text(),
    new Response(running.stderr).text(),
    running.exited,
  ]);
  return { exitCode, stdout, stderr };
}

/** What `--output json` prints. */
export interface Document {
  readonly command: string;
  readonly exit_code: number;
  readonly run_id: string;
  readonly not_run?: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: tests look into reports of every command
  readonly reports: any[];
  readonly errors: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly details: Record<string, unknown>;
  }[];
}

export interface Workspace {
  readonly folder: string;
  path(...parts: string[]): string;
  /** Writes a file below the folder; objects become YAML (JSON is YAML). */
  put(name: string, content: string | Uint8Array | object): Promise<string>;
  run(...args: string[]): Promise<Run>;
  /** Runs with `--output json`, and fails where stdout is not one JSON document or the code is another. */
  json(exitCode: number, ...args: string[]): Promise<Run & { readonly document: Document }>;
  /** Every file below a folder with its hash, and every folder with `''`, but records of runs; `{}` when the folder is absent. */
  snapshot(below?: string): Promise<Record<string, string>>;
  /** Paths of the files below a folder, sorted, without those of foundry's private folders. */
  files(below?: string): Promise<string[]>;
  /** How many files lie in the staging folder of a lake: none, unless a run is under way. */
  spooled(base: string): Promise<number>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into manifests of every layer
  read(name: string): Promise<any>;
  remove(): Promise<void>;
}

export async function openWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(join(tmpdir(), 'foundry-scenario-'));
  const path = (...parts: string[]): string => resolve(folder, ...parts);
  const run = (...args: string[]): Promise<Run> => runFoundry(args, { cwd: folder });
  return {
    folder,
    path,
    async put(name, content) {
      const file = path(name);
      await mkdir(dirname(file), { recursive: true });
      const isData = typeof content === 'string' || content instanceof Uint8Array;
      await writeFile(file, isData ? content : JSON.stringify(content, null, 2));
      return file;
    },
    run,
    async json(exitCode, ...args) {
      const done = await run(...args, '--output', 'json');
      const document = parseDocument(done);
      if (done.exitCode !== exitCode || document.exit_code !== exitCode) {
        throw new Error(`expected exit code ${exitCode}, got ${describeRun(done)}`);
      }
      return { ...done, document };
    },
    snapshot: (below = '.') => snapshot(path(below)),
    async files(below = '.') {
      const entries = Object.entries(await snapshot(path(below)));
      return entries.filter(([name, hash]) => hash !== '' && !isPrivate(name)).map(([name]) => name);
    },
    async spooled(base) {
      const entries = await readdir(path(`.foundry-staging-${base}`), { recursive: true }).catch(() => []);
      return entries.filter((name) => name.endsWith('.tmp')).length;
    },
    async read(name) {
      return JSON.parse(await readFile(path(name), 'utf8'));
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Runs a claim in a folder of its own. */
export function scenario(claim: (workspace: Workspace) => Promise<void>): () => Promise<void> {
  return async () => {
    const workspace = await openWorkspace();
    try {
      await claim(workspace);
    } finally {
      await workspace.remove();
    }
  };
}

export function parseDocument(run: Run): Document {
  try {
    return JSON.parse(run.stdout);
  } catch {
    throw new Error(`stdout is not one JSON document: ${describeRun(run)}`);
  }
}

/** For failing assertions: the whole outcome of a run. */
export function describeRun(run: Run): string {
  return `exit ${run.exitCode}\n--- stdout\n${run.stdout}\n--- stderr\n${run.stderr}`;
}

/** Fails with the whole outcome when the exit code is another one. */
export function expectExit(run: Run, exitCode: number): void {
  if (run.exitCode !== exitCode) throw new Error(`expected exit code ${exitCode}, got ${describeRun(run)}`);
}

/** Locks and staged files are foundry's own business; a lake is what lies beside them. */
function isPrivate(name: string): boolean {
  return name.split('/').some((segment) => segment.startsWith('.foundry'));
}

/** Every run adds its record, also one that fails and leaves everything else as it was. */
function isRecord(name: string): boolean {
  return /(?:^|\/)(?:_runs|\.foundry\/tmp)(?:\/|$)/.test(name);
}

async function snapshot(folder: string): Promise<Record<string, string>> {
  if (!existsSync(folder)) return {};
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (isRecord(relative(folder, file))) continue;
    found[relative(folder, file)] = entry.isDirectory() ? '' : await sha256Of(file);
  }
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export async function sha256Of(file: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(file))
    .digest('hex');
}

export async function sizeOf(file: string): Promise<number> {
  return (await stat(file)).size;
}

/** Lands and promotes a config; gives Silver's report, and what the log said. */
export async function promote(w: Workspace, config: object, date = DATE, ...flags: string[]) {
  await w.put('a.yaml', config);
  const { document, stderr } = await w.json(0, 'run-intent', '--config', 'a.yaml', '--date', date, ...flags);
  expect(document.reports.map((report) => report.layer)).toEqual(['bronze', 'silver']);
  return { ...document.reports[1], stderr };
}

/** Polls until it holds. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited 20 s in vain for ${what}`);
    await Bun.sleep(10);
  }
}

interface ClassicOptions {
  readonly file?: Readonly<Record<string, unknown>>;
  readonly run?: Readonly<Record<string, unknown>>;
  readonly silver?: Readonly<Record<string, unknown>>;
  readonly bronze?: Readonly<Record<string, unknown>>;
  readonly source?: Readonly<Record<string, unknown>>;
}

/** A classic config of system `s`, table `t` that reads `in.csv`. */
export function classic(options: ClassicOptions = {}): object {
  return {
    config_version: 1,
    platform: { bronze: { storage_backend: 'local', local_path: './output', ...options.bronze } },
    source: {
      type: 'file',
      system: 's',
      table: 't',
      file: { path: 'in.csv', ...options.file },
      run: { ...options.run },
      ...options.source,
    },
    ...(options.silver === undefined ? {} : { silver: options.silver }),
  };
}

interface IntentOptions {
  readonly path?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly silver: Readonly<Record<string, unknown>>;
  readonly top?: Readonly<Record<string, unknown>>;
}

/** An intent config of system `s`, entity `t` that reads `in.csv`. */
export function intent({ path = 'in.csv', options = {}, silver, top = {} }: IntentOptions): object {
  return {
    ...top,
    system: 's',
    entity: 't',
    bronze: { source_type: 'file', path_pattern: path, options },
    silver,
  };
}

export const DATE = '2025-01-05';
/** The Bronze partition of the fixtures' defaults. */
export const BRONZE = `output/system=s/table=t/pattern=full/dt=${DATE}`;
/** The Silver partition of a classic config's defaults. */
export const SILVER = `silver_output/domain=s/entity=t/v1/load_date=${DATE}`;
/** The Silver partition of an intent config's defaults. */
export const INTENT_SILVER = `silver/domain=s/entity=t/v1/load_date=${DATE}`;

/** Rows of cells as CSV text. */
export function csv(...rows: readonly (readonly (string | number)[])[]): string {
  return `${rows.map((row) => row.join(',')).join('\n')}\n`;
}

/** Records as JSON Lines. */
export function jsonl(...records: readonly unknown[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join('');
}
