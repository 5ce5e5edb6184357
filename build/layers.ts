import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** From the top down: a layer imports itself and what stands below it. */
const LAYERS = [
  'main',
  'cli',
  // Hooks, records, lineage and traces of runs: what a run tells, after the layers that do its work.
  'observe',
  'samples',
  'intent',
  'join',
  'silver',
  'bronze',
  'promotion',
  'engine',
  'lake',
  'sources',
  'formats',
  'storage',
  'table',
  'resilience',
  'config',
  'core',
] as const;

/** These meet only in what was committed to the lake. */
const STRANGERS: readonly string[] = ['join', 'silver', 'bronze'];

/** One package, one door: the only places (prefixes below src/) that may import it. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  hyparquet: ['formats/parquet'],
  'hyparquet-compressors': ['formats/parquet'],
  'hyparquet-writer': ['formats/parquet'],
  ky: ['observe'],
  papaparse: ['formats/csv'],
  '@duckdb/node-api': ['engine/duckdb.ts'],
  valibot: ['config/', 'lake/'],
  yaml: ['config/'],
  citty: ['cli/'],
  consola: ['cli/'],
  cockatiel: ['resilience/'],
  '@smithy/signature-v4': ['sources/api/aws-signature.ts'],
  postgres: ['sources/database/postgres.ts'],
  mysql2: ['sources/database/mysql.ts', 'sources/database/mysql-rows.ts'],
  mssql: ['sources/database/mssql.ts', 'sources/database/mssql-rows.ts'],
  '@aws-sdk/client-s3': ['storage/s3.ts'],
  '@azure/storage-blob': ['storage/azure.ts'],
  '@azure/identity': ['storage/azure-identity.ts'],
};

/** What the program carries and prints: published schemas, and the example configs with their data. */
const EMBEDDED = /^\.\.\/(?:schemas\/[\w.-]+\.json|fixtures\/examples\/[\w./-]+)$/;

/** What core may take from the runtime: nothing that reads or writes. */
const PURE_BUILTINS = ['node:util', 'node:crypto', 'node:path', 'node:async_hooks'];

export interface Import {
  readonly line: number;
  readonly specifier: string;
}

/** Every `import`, `export … from` and `import()` with a literal name, in order of appearance. */
export function importsOf(source: string): readonly Import[] {
  const pattern =
    /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]/gm;
  return [...source.matchAll(pattern)].map((match) => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    const line = source.slice(0, match.index + match[0].length).split('\n').length;
    return { line, specifier };
  });
}

/** @param file its path below src/. @returns why this import breaks the architecture, or undefined. */
export function violation(file: string, specifier: string): string | undefined {
  if (isForTests(file)) return undefined;
  const from = layerOf(file);
  if (from === undefined) return `${file} is in no layer (known: ${LAYERS.join(', ')})`;
  if (!specifier.startsWith('.')) return packageViolation(file, from, specifier);
  const target = normalize(join(dirname(file), specifier));
  if (EMBEDDED.test(target) && from === 'cli') return undefined;
  if (target.startsWith('..')) return `${specifier} leaves src`;
  if (isForTests(target)) return `${target} is for tests only`;
  const to = layerOf(target);
  if (to === undefined) return `${target} is in no layer (known: ${LAYERS.join(', ')})`;
  if (LAYERS.indexOf(to) < LAYERS.indexOf(from)) return `${from} imports ${to}, which stands above it`;
  if (from !== to && STRANGERS.includes(from) && STRANGERS.includes(to)) {
    return `${from} imports ${to}: they meet only in the lake`;
  }
  return undefined;
}

/** @returns one line for each violation: `src/file:line: what is wrong`. */
export async function checkLayers(root: string): Promise<readonly string[]> {
  const problems: string[] = [];
  for await (const file of new Bun.Glob('**/*.ts').scan(join(root, 'src'))) {
    const path = file.replaceAll('\\', '/');
    for (const { line, specifier } of importsOf(readFileSync(join(root, 'src', file), 'utf8'))) {
      const problem = violation(path, specifier);
      if (problem !== undefined) problems.push(`src/${path}:${line}: ${problem}`);
    }
  }
  return problems.sort();
}

function packageViolation(file: string, layer: string, specifier: string): string | undefined {
  const isBuiltin = /^(?:node:|bun$|bun:)/.test(specifier);
  if (isBuiltin) {
    return layer === 'core' && !PURE_BUILTINS.includes(specifier)
      ? `core does no I/O, so it does not import ${specifier}`
      : undefined;
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  const doors = DOORS[name];
  if (doors === undefined) return `${name} has no door: name the one that may import it in build/layers.ts`;
  return doors.some((door) => file.startsWith(door))
    ? undefined
    : `${name} may be imported only by src/${doors.join(' and src/')}`;
}

function layerOf(file: string): (typeof LAYERS)[number] | undefined {
  const first = file === 'main.ts' ? 'main' : file.includes('/') ? file.split('/')[0] : undefined;
  return LAYERS.find((layer) => layer === first);
}

/** What is not shipped may look at everything. */
function isForTests(file: string): boolean {
  return /^(?:testing|scenarios|crash)\//.test(file) || /\.(?:test|bench|soak)\.ts$/.test(file);
}
