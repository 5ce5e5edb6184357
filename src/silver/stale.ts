import { FoundryError } from '../core/errors.ts';
import type { Lake } from '../lake/lake.ts';
import { parseBronzePath } from '../lake/layout.ts';
import { MANIFEST_NAME, type Manifest } from '../lake/manifest.ts';
import { comparePartitions, type ListedPartition } from '../lake/partitions.ts';
import { readManifest } from '../lake/reader.ts';
import { locationOf } from '../storage/storage.ts';
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
 * The other load partitions of a table whose inputs have been committed again, or whose history or date has got
 * partitions that they do not know. Reads manifests only; those that are broken or gone are passed over.
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
  const slices = slicesOf(scope.lake);
  const stale: StaleLoad[] = [];
  for (const load of await otherLoads(silver, path)) {
    const manifest = await manifestAt(silver, load);
    if (manifest?.layer !== 'silver') continue;
    const inputs: string[] = [];
    for (const { path: input, commit_id: commit } of manifest.inputs ?? []) {
      const now = (await current(input))?.commit_id;
      if (commit !== null && now !== undefined && now !== commit) inputs.push(input);
    }
    const first = await partitionOf(manifest.inputs?.[0]?.path, scope.lake, current);
    inputs.push(...unknownTo(manifest, known, first));
    const last = await partitionOf(manifest.inputs?.at(-1)?.path, scope.lake, current);
    for (const path of await slices(manifest, last?.path)) {
      const slice = await partitionOf(path, scope.lake, current);
      if (slice?.manifest !== undefined && wouldRead(manifest, slice, last)) inputs.push(path);
    }
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

async function partitionOf(
  path: string | undefined,
  { pathKeys }: Lake,
  current: (path: string) => Promise<Manifest | undefined>,
): Promise<ListedPartition | undefined> {
  if (path === undefined) return undefined;
  return { path, manifest: await current(path), address: parseBronzePath(path, pathKeys) };
}

/**
 * Finds the hours and batches of a load's date that the load does not know. Each folder of a table is listed once,
 * however many loads were built from it.
 */
function slicesOf(lake: Lake): (manifest: Manifest, input: string | undefined) => Promise<readonly string[]> {
  const listed = new Map<string, Promise<readonly string[]>>();
  const committedBelow = (folder: string): Promise<readonly string[]> => {
    const paths = listed.get(folder) ?? committedPaths(lake, folder);
    listed.set(folder, paths);
    return paths;
  };
  return async (manifest, input) => {
    const folder = input === undefined ? undefined : dateFolder(manifest, lake, input);
    if (manifest.input_scope === 'history' || folder === undefined) return [];
    const seen = new Set([...(manifest.inputs ?? []).map(({ path }) => path), ...notRead(manifest)]);
    const paths = await committedBelow(folder.slice(0, Math.max(0, folder.lastIndexOf('/'))));
    return paths.filter((path) => !seen.has(path) && (path === folder || path.startsWith(`${folder}/`)));
  };
}

/**
 * The `dt=` folder that a load was built from; undefined for one of a table without dates, whose folder holds other
 * dates, and where only one hour or batch was asked for.
 */
function dateFolder(manifest: Manifest, lake: Lake, input: string): string | undefined {
  for (let folder = input; folder !== ''; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    if (locationOf(lake.storage, folder) !== manifest.bronze_path) continue;
    const address = parseBronzePath(folder, lake.pathKeys);
    const isSlice = (address?.hour ?? address?.batch ?? address?.batchId) !== undefined;
    return address?.dt === undefined || isSlice ? undefined : folder;
  }
  return undefined;
}

/** Of full loads only one that is newer than what was read. */
function wouldRead(
  { load_pattern }: Manifest,
  slice: ListedPartition,
  last: ListedPartition | undefined,
): boolean {
  return load_pattern !== 'full' || last === undefined || comparePartitions(slice, last) > 0;
}

async function committedPaths({ storage }: Lake, folder: string): Promise<readonly string[]> {
  const paths: string[] = [];
  for await (const { key } of storage.list(folder)) {
    if (key.endsWith(`/${MANIFEST_NAME}`)) paths.push(key.slice(0, -MANIFEST_NAME.length - 1));
  }
  return paths.sort();
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
