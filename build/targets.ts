import { readFileSync } from 'node:fs';

/** One machine that foundry is compiled for. */
export interface Target {
  /** As the binary reports it, and as Bun names it after `bun-`. */
  readonly name: string;
  readonly bun: `bun-${(typeof NAMES)[number]}`;
  readonly duckdbPackage: string;
  readonly executable: string;
}

const NAMES = [
  'linux-x64',
  'linux-x64-baseline',
  'linux-x64-musl',
  'linux-x64-baseline-musl',
  'linux-arm64',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-x64-baseline',
  'darwin-arm64',
  'windows-x64',
  'windows-x64-baseline',
] as const;

/** What a release holds. A machine without AVX2 takes the baseline; Alpine and its like take musl. */
export const RELEASED = [
  'linux-x64',
  'linux-x64-baseline',
  'linux-x64-musl',
  'linux-arm64',
  'linux-arm64-musl',
  'darwin-arm64',
  'darwin-x64',
  'windows-x64',
] as const satisfies readonly (typeof NAMES)[number][];

/** @throws for a name that Bun has no target for. */
export function targetNamed(text: string): Target {
  const name = NAMES.find((known) => known === text.replace(/^bun-/, ''));
  if (name === undefined) throw new Error(`unknown target '${text}'; known: ${NAMES.join(', ')}`);
  // DuckDB's library chooses its instructions at run time, so a baseline binary embeds the common one.
  const platform = name.replace('-baseline', '').replace('windows', 'win32');
  return {
    name,
    bun: `bun-${name}`,
    duckdbPackage: `@duckdb/node-bindings-${platform}`,
    executable: name.startsWith('windows') ? 'foundry.exe' : 'foundry',
  };
}

export function hostTarget(): Target {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  return targetNamed(`${platform}-${process.arch}${isMusl() ? '-musl' : ''}`);
}

function isMusl(): boolean {
  if (process.platform !== 'linux') return false;
  return /ld-musl-[^ \n]+\.so/.test(readFileSync('/proc/self/maps', 'utf8'));
}
