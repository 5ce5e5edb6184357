import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dir, '..', '..');
const BINARY = join(ROOT, 'dist', process.platform === 'win32' ? 'foundry.exe' : 'foundry');
/** One unpacked engine for all end-to-end tests of this checkout. */
const ENGINE_CACHE = join(ROOT, '.tools', 'engine-cache');

export interface Finished {
  readonly code: number;
  /** The signal that ended it, if one did; `code` is then 128 + its number, as a shell would say. */
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment but for FOUNDRY_CACHE_DIR, which is set unless given (`undefined`: left out). */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: string;
  /** Killed with SIGKILL after this many milliseconds (default 60,000). */
  readonly timeout?: number;
}

/**
 * The compiled program under test; FOUNDRY_TEST_BINARY names another build, whatever its age.
 * @throws when it is not built, or older than a file of src: the test would judge another program.
 */
export function foundryBinary(): string {
  const other = process.env.FOUNDRY_TEST_BINARY;
  if (other !== undefined && other !== '') return other;
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is not built: run \`bun run compile\``);
  const newest = newestSource();
  if (newest.time > statSync(BINARY).mtimeMs) {
    throw new Error(`${BINARY} is older than ${newest.file}: run \`bun run compile\``);
  }
  return BINARY;
}

/** Starts `dist/foundry` with pipes; for tests that signal it or talk to it while it runs. */
export function startFoundry(args: readonly string[], options: RunOptions = {}) {
  return start([foundryBinary(), ...args], options);
}

/** Runs `dist/foundry` to its end. A failing exit code is a result, not an exception. */
export function runFoundry(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return runCommand([foundryBinary(), ...args], options);
}

/** Runs any program the same way: `strace … dist/foundry …`, `unshare …`. */
export async function runCommand(command: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = start(command, options);
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, signal: child.signalCode === null ? undefined : String(child.signalCode), stdout, stderr };
}

/** A folder of its own for one test, removed by `using`. */
export function temporaryFolder(label = 'test'): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), `foundry-${label}-`));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

function start(
  command: readonly string[],
  { cwd = tmpdir(), env = {}, stdin, timeout = 60_000 }: RunOptions,
) {
  mkdirSync(ENGINE_CACHE, { recursive: true, mode: 0o700 });
  return Bun.spawn([...command], {
    cwd,
    env: { FOUNDRY_CACHE_DIR: ENGINE_CACHE, ...env },
    stdin: stdin === undefined ? 'ignore' : new Blob([stdin]),
    stdout: 'pipe',
    stderr: 'pipe',
    timeout,
    killSignal: 'SIGKILL',
  });
}

let newestKnown: { readonly file: string; readonly time: number } | undefined;

function newestSource(): { readonly file: string; readonly time: number } {
  if (newestKnown !== undefined) return newestKnown;
  let newest = { file: 'src', time: 0 };
  for (const file of new Bun.Glob('src/**/*.ts').scanSync(ROOT)) {
    if (/\.(?:test|bench|soak)\.ts$/.test(file) || file.startsWith('src/testing')) continue;
    const time = statSync(join(ROOT, file)).mtimeMs;
    if (time > newest.time) newest = { file, time };
  }
  newestKnown = newest;
  return newest;
}
