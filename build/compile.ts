import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { version } from '../package.json' with { type: 'json' };
import type { BuildInfo } from '../src/core/build-info.ts';
import { fetchLibrary } from './duckdb-library.ts';
import { embedDuckdb } from './embed-duckdb.ts';
import { hostTarget, RELEASED, type Target, targetNamed } from './targets.ts';

const ROOT = join(import.meta.dir, '..');

export interface CompileOptions {
  readonly entry: string;
  readonly target: Target;
  readonly output: string;
}

/** Compiles one self-contained executable. The same sources and tools give the same bytes. */
export async function compile({ entry, target, output }: CompileOptions): Promise<void> {
  // Compiled in a folder of its own first: a half-written dist/foundry is never executed. The file keeps its
  // name, because the bundle contains it.
  const workshop = `${output}.${process.pid}.tmp`;
  const fresh = join(workshop, target.executable);
  mkdirSync(workshop, { recursive: true });
  try {
    const built = await Bun.build({
      entrypoints: [entry],
      compile: { target: target.bun, outfile: fresh, autoloadBunfig: false, autoloadDotenv: false },
      bytecode: true,
      minify: { syntax: true, keepNames: true },
      sourcemap: 'inline',
      define: { FOUNDRY_BUILD_INFO: JSON.stringify(buildInfo(target)) },
      plugins: [embedDuckdb(ROOT, target)],
    });
    for (const log of built.logs) console.error(String(log));
    renameSync(fresh, output);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

/** Asked once, so that all targets compiled together say the same. */
let compiledCommit: string | undefined;

function buildInfo(target: Target): BuildInfo {
  compiledCommit ??= commit();
  return { version, commit: compiledCommit, target: target.name };
}

/** The commit compiled, marked where the files that make the binary differ from it; `unknown` outside git. */
function commit(): string {
  const head = git('rev-parse', 'HEAD');
  if (head === undefined) return 'unknown';
  const changed = git('status', '--porcelain', '--', 'src', 'build', 'package.json', 'bun.lock');
  return changed === '' ? head : `${head}-dirty`;
}

function git(...args: readonly string[]): string | undefined {
  const done = spawnSync('git', args, { cwd: ROOT, encoding: 'utf8' });
  return done.status === 0 ? done.stdout.trim() : undefined;
}

/** @returns where it lies below the root */
async function compileTarget(
  target: Target,
  place: Partial<CompileOptions>,
  folder: string,
): Promise<string> {
  const path = join(folder, target.executable);
  const output = place.output ?? join(ROOT, path);
  const start = performance.now();
  fetchLibrary(target);
  await compile({ entry: place.entry ?? join(ROOT, 'src/main.ts'), target, output });
  const megabytes = (statSync(output).size / 1e6).toFixed(0);
  console.error(
    `compiled ${output} for ${target.name}: ${megabytes} MB in ${Math.round(performance.now() - start)} ms`,
  );
  return path;
}

/** Every target of a release, each in its folder of `dist/release/`, with `SHA256SUMS` beside them. */
async function compileAll(): Promise<void> {
  const release = join('dist', 'release');
  rmSync(join(ROOT, release), { recursive: true, force: true });
  const sums: string[] = [];
  for (const name of RELEASED) {
    const path = await compileTarget(targetNamed(name), {}, join(release, name));
    const hash = createHash('sha256')
      .update(readFileSync(join(ROOT, path)))
      .digest('hex');
    sums.push(`${hash}  ${path.slice(release.length + 1).replaceAll('\\', '/')}\n`);
  }
  writeFileSync(join(ROOT, release, 'SHA256SUMS'), sums.join(''));
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { target: text, entry: text, output: text, all: { type: 'boolean' } },
  });
  if (values.all === true) return compileAll();
  const host = hostTarget();
  const target = values.target === undefined ? host : targetNamed(values.target);
  const folder = target.name === host.name ? 'dist' : join('dist', target.name);
  const { entry, output } = values;
  await compileTarget(target, { ...(entry && { entry }), ...(output && { output }) }, folder);
}

if (import.meta.main) await main();
