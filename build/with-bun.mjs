// Runs a script of this folder with the Bun version that package.json pins, on a machine that has only Node and
// npm: finds or installs that Bun, installs the packages where they are missing or stale, then hands over.
// Everything it installs itself lies in `.tools/`.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir, constants as osConstants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const TOOLS = join(ROOT, '.tools');
const STAMP = join(ROOT, 'node_modules', '.installed-by-with-bun');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const version = manifest.packageManager.replace(/^bun@/, '');

main(process.argv.slice(2));

function main([script, ...args]) {
  if (script === undefined) fail('usage: node build/with-bun.mjs <script> [arguments]');
  const bun = findBun() ?? installBun();
  installPackages(bun);
  handOver(bun, [script, ...args]);
}

/** A Bun of exactly the pinned version that runs on this machine, or undefined. */
function findBun() {
  const name = process.platform === 'win32' ? 'bun.exe' : 'bun';
  const onPath = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  const running = process.versions.bun === undefined ? [] : [process.execPath];
  return [...running, ...installedBuns(), ...onPath].find((path) => existsSync(path) && runs(path));
}

/** npm leaves one package for each kind of processor and C library that may fit; only one of them has to run. */
function installedBuns() {
  const scope = join(TOOLS, 'node_modules', '@oven');
  if (!existsSync(scope)) return [];
  const lacksAvx2 = process.platform === 'linux' && process.arch === 'x64' && !cpuHas('avx2');
  return readdirSync(scope)
    .sort((a, b) => rank(a, lacksAvx2) - rank(b, lacksAvx2))
    .flatMap((name) => ['bun', 'bun.exe'].map((file) => join(scope, name, 'bin', file)));
}

function rank(name, lacksAvx2) {
  return name.includes('baseline') === lacksAvx2 ? 0 : 1;
}

function cpuHas(flag) {
  return (
    existsSync('/proc/cpuinfo') && new RegExp(`\\b${flag}\\b`).test(readFileSync('/proc/cpuinfo', 'utf8'))
  );
}

/** Evaluates something: `--version` alone answers even where the JavaScript engine would not start. */
function runs(path) {
  const answer = spawnSync(path, ['-e', 'console.log(Bun.version)'], { encoding: 'utf8' });
  return answer.status === 0 && answer.stdout.trim() === version;
}

function installBun() {
  say(`installing Bun ${version} into .tools through npm`);
  mkdirSync(TOOLS, { recursive: true });
  const args = ['install', '--prefix', TOOLS, '--no-save', '--package-lock=false', '--ignore-scripts'];
  args.push('--include=optional', '--no-audit', '--no-fund', '--loglevel=error', `bun@${version}`);
  if (!homeIsWritable()) args.push('--cache', join(TOOLS, 'npm-cache'));
  const [command, first] = npm();
  const done = spawnSync(command, [...first, ...args], {
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (done.error !== undefined) fail(`npm could not be started: ${done.error.message}`);
  if (done.status !== 0) fail(`npm could not install Bun ${version} (see above; is there a network?)`);
  const bun = findBun();
  if (bun === undefined)
    fail(`no Bun ${version} that npm offers runs on ${process.platform}-${process.arch}`);
  return bun;
}

/** The npm that started this script, else the one on PATH. */
function npm() {
  const running = process.env.npm_execpath ?? '';
  return /npm-cli\.c?js$/.test(running) && process.versions.bun === undefined
    ? [process.execPath, [running]]
    : ['npm', []];
}

function installPackages(bun) {
  const wanted = createHash('sha256')
    .update(readFileSync(join(ROOT, 'bun.lock')))
    .update(JSON.stringify([manifest.dependencies, manifest.devDependencies, process.platform, process.arch]))
    .digest('hex');
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted) return;
  say('installing packages');
  const env = { ...process.env };
  if (!homeIsWritable()) env.BUN_INSTALL_CACHE_DIR ??= join(TOOLS, 'bun-cache');
  const done = spawnSync(bun, ['install', '--frozen-lockfile', '--no-progress'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 2, 2],
  });
  if (done.status !== 0) fail('`bun install --frozen-lockfile` failed (see above)');
  writeFileSync(STAMP, wanted);
}

function homeIsWritable() {
  try {
    // Tried for real: access(2) answers yes to root even on file systems that take no files.
    rmSync(mkdtempSync(join(homedir(), '.foundry-probe-')), { recursive: true });
    return true;
  } catch {
    return false;
  }
}

/** Runs the script in place of this process: same streams, signals and exit code. */
function handOver(bun, args) {
  const child = spawn(bun, args, { stdio: 'inherit' });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`${bun} could not be started: ${error.message}`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (osConstants.signals[signal] ?? 0)));
}

function say(text) {
  process.stderr.write(`with-bun: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
