import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './step.ts';
import type { Target } from './targets.ts';

const CACHE = join(ROOT, '.tools', 'duckdb');
const LOCK = join(ROOT, 'build', 'platforms', 'bun.lock');

/**
 * The files of DuckDB's library for a target: the addon first, then what it looks for beside itself. What is not
 * installed, being for another platform, is brought by `fetchLibrary` once.
 * @throws when it is neither installed nor fetched.
 */
export function libraryFiles(target: Target): readonly string[] {
  const folder = [join(ROOT, 'node_modules', target.duckdbPackage), fetchedFolder(target)].find(existsSync);
  if (folder === undefined) {
    throw new Error(`${target.duckdbPackage} is not installed; it is needed to compile for ${target.name}`);
  }
  const libraries = readdirSync(folder)
    .filter((name) => /\.(so|dylib|dll)$/.test(name))
    .sort();
  if (libraries.length === 0) throw new Error(`${target.duckdbPackage} holds no library of DuckDB`);
  return ['duckdb.node', ...libraries].map((name) => join(folder, name));
}

function fetchedFolder(target: Target): string {
  return join(CACHE, pinned(target).version, target.duckdbPackage.replace('@duckdb/', ''));
}

/**
 * Brings the package of another platform through npm, and keeps it only where it has the hash that the lock names.
 * @throws where npm cannot bring it, or brings other bytes.
 */
export function fetchLibrary(target: Target): void {
  const { duckdbPackage } = target;
  const folder = fetchedFolder(target);
  if (existsSync(join(ROOT, 'node_modules', duckdbPackage)) || existsSync(folder)) return;
  const { version, integrity } = pinned(target);
  mkdirSync(join(folder, '..'), { recursive: true });
  const workshop = mkdtempSync(join(CACHE, 'fetch-'));
  try {
    run(workshop, 'npm', 'pack', '--silent', `${duckdbPackage}@${version}`);
    const archive = readdirSync(workshop).find((name) => name.endsWith('.tgz'));
    if (archive === undefined) throw new Error(`npm pack left no archive of ${duckdbPackage}`);
    const hash = createHash('sha512')
      .update(readFileSync(join(workshop, archive)))
      .digest('base64');
    if (`sha512-${hash}` !== integrity) {
      throw new Error(
        `${duckdbPackage}@${version} is sha512-${hash}, but build/platforms/bun.lock has ${integrity}`,
      );
    }
    run(workshop, 'tar', '-xzf', archive);
    renameSync(join(workshop, 'package'), folder);
  } finally {
    rmSync(workshop, { recursive: true, force: true });
  }
}

/** What the lock of build/platforms says of a target's package. */
function pinned({ duckdbPackage }: Target): { readonly version: string; readonly integrity: string } {
  const entry = new RegExp(`"${duckdbPackage}@([^"]+)".*"(sha512-[^"]+)"`).exec(readFileSync(LOCK, 'utf8'));
  const [, version, integrity] = entry ?? [];
  if (version === undefined || integrity === undefined) {
    throw new Error(`build/platforms/bun.lock does not name ${duckdbPackage}`);
  }
  return { version, integrity };
}

function run(folder: string, ...command: readonly string[]): void {
  const done = Bun.spawnSync([...command], { cwd: folder, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' });
  if (done.exitCode === 0) return;
  throw new Error(`\`${command.join(' ')}\` failed: ${`${done.stdout}${done.stderr}`.trim()}`);
}
