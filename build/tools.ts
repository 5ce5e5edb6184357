import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { installPackages, run, succeeds } from './services/packages.ts';
import { ROOT } from './step.ts';

const VENV = join(ROOT, '.tools', 'venv');
const PYTHON_PACKAGES = ['pyarrow==26.0.1', 'opentelemetry-proto==1.45.2', 'openlineage-python==1.54.0'];
const PYTHON_PROBE =
  'import pyarrow.dataset, pyarrow.parquet, opentelemetry.proto, google.protobuf, openlineage.client.generated';

export interface Tool {
  readonly name: string;
  readonly purpose: string;
  /** @returns the environment that tells the tests where it is, or undefined where it is missing. */
  find(): Readonly<Record<string, string>> | undefined;
  /** Tries to bring it; throws with the reason where that fails. */
  install(): void;
  /** What a person can do about it. */
  readonly remedy: string;
}

/** What the tests need beyond Bun, its packages and the servers of build/services. */
export const TOOLS: readonly Tool[] = [
  {
    name: 'strace',
    purpose: 'kills and fails system calls in the crash tests',
    find: () => (succeeds(['strace', '-f', '-o', '/dev/null', 'true']) ? {} : undefined),
    install: () => installPackages('strace'),
    remedy: 'apt-get install strace, and allow ptrace where this is a container',
  },
  packaged('zstd', 'packs files that the program has to read', 'zstd', '--version'),
  packaged('script', 'gives the program a terminal', 'bsdutils', '--version'),
  packaged('tsql', 'reads from the TDS server that the tests have, to prove it', 'freetds-bin', '-C'),
  packaged('openssl', 'makes the certificates of servers that the tests have', 'openssl', 'version'),
  packaged('setpriv', 'runs the program as a user who may not read everything', 'util-linux', '--version'),
  {
    name: 'python packages',
    purpose:
      'reads the written Parquet with a second implementation, and knows the published schemas of what is sent',
    find: findPython,
    install: installPythonPackages,
    remedy: `pip install ${PYTHON_PACKAGES.join(' ')}, and FOUNDRY_TEST_PYTHON=<that python>`,
  },
];

/** A command of a Debian package. */
function packaged(name: string, purpose: string, source: string, probe: string): Tool {
  return {
    name,
    purpose,
    find: () => (succeeds([name, probe]) ? {} : undefined),
    install: () => installPackages(source),
    remedy: `apt-get install ${source}`,
  };
}

export interface FoundTools {
  readonly env: Readonly<Record<string, string>>;
  readonly missing: readonly Tool[];
}

/** Finds every tool, installing what is absent, and says on stderr what could not be had and why. */
export function provideTools(): FoundTools {
  const env: Record<string, string> = {};
  const missing: Tool[] = [];
  for (const tool of TOOLS) {
    let found = tool.find();
    if (found === undefined) {
      console.error(`${tool.name}: not found, installing`);
      try {
        tool.install();
      } catch (error) {
        console.error(`${tool.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
      found = tool.find();
    }
    if (found === undefined) missing.push(tool);
    else Object.assign(env, found);
  }
  for (const tool of missing) {
    console.error(`MISSING ${tool.name}, which ${tool.purpose}. What to do: ${tool.remedy}`);
  }
  return { env, missing };
}

function findPython(): Readonly<Record<string, string>> | undefined {
  const chosen = process.env.FOUNDRY_TEST_PYTHON;
  const python = chosen ?? join(VENV, 'bin', 'python');
  return succeeds([python, '-c', PYTHON_PROBE]) ? { FOUNDRY_TEST_PYTHON: python } : undefined;
}

function installPythonPackages(): void {
  if (process.env.FOUNDRY_TEST_PYTHON !== undefined) {
    throw new Error(
      `${process.env.FOUNDRY_TEST_PYTHON} (FOUNDRY_TEST_PYTHON) lacks one of ${PYTHON_PACKAGES.join(', ')}`,
    );
  }
  mkdirSync(join(ROOT, '.tools'), { recursive: true });
  if (!succeeds(['python3', '-c', 'import venv, ensurepip'])) installPackages('python3', 'python3-venv');
  if (!existsSync(join(VENV, 'bin', 'pip'))) run(['python3', '-m', 'venv', '--clear', VENV]);
  run([join(VENV, 'bin', 'pip'), 'install', '--quiet', '--only-binary', ':all:', ...PYTHON_PACKAGES]);
}
