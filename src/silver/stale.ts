import { FoundryError } from '../core/errors.ts';
import type { Lake } from '../lake/lake.ts';
import { parseBronzePath } from '../lake/layout.ts';
import { MANIFEST_NAME, type Manifest } from '../lake/manifest.ts';
import type { ListedPartition } from '../lake/partitions.ts';
import { readManifest } from '../lake/reader.ts';
import { type BronzeScope, isSnapshot } from './scope.ts';

/** A load partition that was built from other Bronze than there is now. */
export interface StaleLoad {
  /** Key below the Silver base. */
  readonly path: string;
  readonly run_date: string;
  /** Bronze partitions that were committed since, as keys below the Bronze base. */
  readonly inputs: readonly string[];
}

/**
 * The other load partitions of a table whose inputs have been committed again, or whose history has got partitions
 * that they do not know. Reads manifests only; those that are broken or gone are passed over.
 * @param path of the load partition that was just built.
 * @param scope what it was built from.
 * @throws STG001
 */
export async function staleLoads(silver: Lake, path: string, scope: BronzeScope): Promise<StaleLoad[]> {
  const known = [...scope.read, ...scope.notRead];
  const commits = new Map(known.map((partition) => [partition.path, partition.manifest]));
  const current = async (input: string): Promise<Manifest | undefined> => {
    if (!commits.has(input)) commits.set(input, await manifestAt(scope.lake, input));
    return commits.get(input);
  };
  const stale: StaleLoad[] = [];
  for (const load of await otherLoads(silver, path)) {
    const manifest = await manifestAt(silver, load);
    if (manifest?.layer !== 'silver') continue;
    const inputs: string[] = [];
    for (const { path: input, commit_id: commit } of manifest.inputs ?? []) {
      const now = (await current(input))?.commit_id;
      if (commit !== null && now !== undefined && now !== commit) inputs.push(input);
    }
    inputs.push(...unknownTo(manifest, known, await firstInput(manifest, scope.lake, current)));
    if (inputs.length > 0) stale.push({ path: load, run_date: manifest.run_date, inputs });
  }
  return stale;
}

/** Partitions that a load of a history would read now and did not know of. */
function unknownTo(
  manifest: Manifest,
  known: readonly ListedPartition[],
  first: ListedPartition | undefined,
): readonly string[] {
  if (manifest.input_scope !== 'history') return [];
  const seen = new Set([...(manifest.inputs ?? []).map((input) => input.path), ...notRead(manifest)]);
  const startsAt =
    first !== undefined && isSnapshot(first) && manifest.detect_missing !== true
      ? first.address?.dt
      : undefined;
  return known
    .filter(({ path, address }) => {
      const date = address?.dt ?? '';
      return !seen.has(path) && date <= manifest.run_date && date >= (startsAt ?? '');
    })
    .map(({ path }) => path);
}

function notRead({ inputs_not_read: paths }: Manifest): readonly string[] {
  return Array.isArray(paths) ? paths.filter((path) => typeof path === 'string') : [];
}

async function firstInput(
  { inputs = [] }: Manifest,
  { pathKeys }: Lake,
  current: (path: string) => Promise<Manifest | undefined>,
): Promise<ListedPartition | undefined> {
  const path = inputs[0]?.path;
  if (path === undefined) return undefined;
  return { path, manifest: await current(path), address: parseBronzePath(path, pathKeys) };
}

/** Committed partitions beside one, by path. */
async function otherLoads({ storage }: Lake, path: string): Promise<string[]> {
  const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  const loads: string[] = [];
  for await (const { key } of storage.list(folder)) {
    const [, name, ...deeper] = key.slice(folder === '' ? 0 : folder.length + 1).split('/');
    if (name !== MANIFEST_NAME || deeper.length > 0) continue;
    const load = key.slice(0, -MANIFEST_NAME.length - 1);
    if (load !== path) loads.push(load);
  }
  return loads.sort();
}

async function manifestAt(lake: Lake, path: string): Promise<Manifest | undefined> {
  try {
    return await readManifest(lake, path);
  } catch (error) {
    if (error instanceof FoundryError && error.code === 'STATE001') return undefined;
    throw error;
  }
}

const NAMED = 5;

/** One sentence for people. */
export function describeStale(stale: readonly StaleLoad[]): string {
  const names = stale
    .slice(0, NAMED)
    .map(({ path, inputs }) => `${path} (${inputs.slice(0, NAMED).join(', ')})`);
  const more = stale.length > NAMED ? ` and ${stale.length - NAMED} more` : '';
  return `stale, because Bronze was committed since they were built: ${names.join('; ')}${more}. Run Silver for these dates again`;
}
