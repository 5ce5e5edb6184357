import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dir, '..');

export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly milliseconds: number;
  /** What the step printed, where it was captured. */
  readonly output: string;
}

/** Runs one command and captures what it prints; a failure is a result, not an exception. */
export async function runCaptured(name: string, command: readonly string[]): Promise<StepResult> {
  const start = performance.now();
  const child = Bun.spawn([...command], { cwd: ROOT, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { name, ok: code === 0, milliseconds: performance.now() - start, output: `${out}${err}`.trim() };
}

/** Runs one command on this process's own streams. */
export async function runVisible(
  name: string,
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<StepResult> {
  const start = performance.now();
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    env: { ...env },
    stdin: 'ignore',
    stdout: 2,
    stderr: 2,
  });
  const code = await child.exited;
  return { name, ok: code === 0, milliseconds: performance.now() - start, output: '' };
}

/** Runs one command and captures what it prints as it would stand on one screen; `stop` ends it. */
export async function runInterleaved(
  name: string,
  command: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  stop: AbortSignal,
): Promise<StepResult> {
  const start = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'foundry-step-'));
  const log = join(folder, 'log');
  const into = openSync(log, 'a');
  try {
    const child = Bun.spawn([...command], {
      cwd: ROOT,
      env: { ...env },
      stdin: 'ignore',
      stdout: into,
      stderr: into,
      signal: stop,
    });
    const ok = (await child.exited) === 0;
    return { name, ok, milliseconds: performance.now() - start, output: readFileSync(log, 'utf8').trim() };
  } finally {
    closeSync(into);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A script that a package of node_modules brings, run by this same Bun. */
export function packageScript(path: string, ...args: readonly string[]): readonly string[] {
  return [process.execPath, join(ROOT, 'node_modules', path), ...args];
}

export function formatStep({ name, ok, milliseconds }: StepResult): string {
  return `${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(24)} ${(milliseconds / 1000).toFixed(1).padStart(6)} s`;
}
