/**
 * Compiles every target of a release and looks at what came out: the format and processor of the file, DuckDB's library
 * of that platform inside, the sum in SHA256SUMS. What this machine can run, natively or under qemu-user, does the main
 * job on a real file. `dist/release/` holds the release afterwards.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { libraryFiles } from './duckdb-library.ts';
import { ROOT, runVisible } from './step.ts';
import { hostTarget, RELEASED, type Target, targetNamed } from './targets.ts';

const RELEASE = join(ROOT, 'dist', 'release');
const CONFIG = join(ROOT, 'fixtures/intents/intent-state-scd1.yaml');

const compiled = await runVisible('compile --all', [process.execPath, 'build/compile.ts', '--all']);
if (!compiled.ok) throw new Error('a target did not compile');
const sums = readFileSync(join(RELEASE, 'SHA256SUMS'), 'utf8');
for (const name of RELEASED) {
  const target = targetNamed(name);
  const binary = join(RELEASE, name, target.executable);
  const bytes = readFileSync(binary);
  const hash = createHash('sha256').update(bytes).digest('hex');
  const problems = [
    formatOf(bytes) === expectedFormat(name) ? undefined : `is ${formatOf(bytes)}`,
    holdsLibrary(bytes, target) ? undefined : 'lacks the library of its platform',
    sums.includes(`${hash}  ${name}/${target.executable}\n`) ? undefined : 'has another sum in SHA256SUMS',
    await runProblem(name, binary),
  ].filter((problem) => problem !== undefined);
  console.log(
    `${problems.length === 0 ? 'kept  ' : 'BROKEN'} ${name}: ${problems.join('; ') || howRun(name)}`,
  );
  if (problems.length > 0) process.exitCode = 1;
}

/** ELF: e_machine at 18 (ELF-64 object file format); Mach-O: cputype at 4; PE: the machine behind the signature. */
function formatOf(bytes: Buffer): string {
  if (bytes.readUInt32BE(0) === 0x7f454c46) {
    const loader = bytes.subarray(0, 4096).includes('ld-musl') ? 'musl' : 'glibc';
    return `elf-${{ 62: 'x64', 183: 'arm64' }[bytes.readUInt16LE(18)]}-${loader}`;
  }
  if (bytes.readUInt32LE(0) === 0xfeedfacf) {
    return `macho-${{ 16777223: 'x64', 16777228: 'arm64' }[bytes.readUInt32LE(4)]}`;
  }
  const signature = bytes.readUInt32LE(0x3c);
  if (bytes.toString('latin1', signature, signature + 4) === 'PE\0\0') {
    return `pe-${{ 34404: 'x64', 43620: 'arm64' }[bytes.readUInt16LE(signature + 4)]}`;
  }
  return 'unknown';
}

function expectedFormat(name: string): string {
  const processor = name.includes('arm64') ? 'arm64' : 'x64';
  if (name.startsWith('darwin')) return `macho-${processor}`;
  if (name.startsWith('windows')) return `pe-${processor}`;
  return `elf-${processor}-${name.includes('musl') ? 'musl' : 'glibc'}`;
}

/** By a stretch from the middle of each file, which no other platform's has. */
function holdsLibrary(bytes: Buffer, target: Target): boolean {
  return libraryFiles(target).every((path) => {
    const library = readFileSync(path);
    const middle = Math.floor(library.length / 2);
    return bytes.includes(library.subarray(middle, middle + 4096));
  });
}

/** How a binary can be run here; undefined where it cannot. */
function runner(name: string): readonly string[] | undefined {
  const host = hostTarget().name;
  if (name.replace('-baseline', '') === host) return [];
  if (name === 'linux-arm64' && Bun.which('qemu-aarch64') !== null) {
    return ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu'];
  }
  return undefined;
}

function howRun(name: string): string {
  const command = runner(name);
  if (command !== undefined) return command.length === 0 ? 'run here' : 'run under qemu-user';
  const remedy = 'apt-get install qemu-user libc6-arm64-cross libstdc++6-arm64-cross to run it';
  return `format and library checked, not run here${name === 'linux-arm64' ? ` (${remedy})` : ''}`;
}

async function runProblem(name: string, binary: string): Promise<string | undefined> {
  const command = runner(name);
  if (command === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'foundry-target-'));
  try {
    const job = [binary, 'run-intent', '--config', CONFIG, '--date', '2025-01-15'];
    const child = Bun.spawn([...command, ...job], { cwd: folder, stdout: 'pipe', stderr: 'pipe' });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    if ((await child.exited) === 0 && out.includes(': complete')) return undefined;
    return `ended with ${child.exitCode}: ${err.trim().split('\n').at(-1)}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
