import { inParallel } from '../storage/turns.ts';
import type { Lake } from './lake.ts';
import { type BronzePath, compareText, isBronzeSegment, parseBronzePath, SLICE_SEGMENTS } from './layout.ts';
import { dataFormat } from './loose.ts';
import { CHECKSUMS_NAME, MANIFEST_NAME, type Manifest } from './manifest.ts';
import { readManifest } from './reader.ts';

export interface ListedPartition {
  /** Key of the partition folder. */
  readonly path: string;
  /** Absent where foundry did not write the partition (decision 27). */
  readonly manifest: Manifest | undefined;
  /** What the path says; absent outside Bronze. */
  readonly address: BronzePath | undefined;
  /** Of a partition that is about to be written: when its batch began, ISO 8601. */
  readonly startedAt?: string;
}

/** Manifests under way at a time. */
const PARALLEL_READS = 16;

/**
 * All partitions below a folder (a table, a pattern, one date), with their manifests, in the order of decision 10a:
 * by date, then hour, batch stamp, or for batch ids the time the run started. One manifest is read for each.
 *
 * @throws STATE001 on a broken manifest; STG001.
 */
export async function listPartitions(lake: Lake, prefix: string): Promise<ListedPartition[]> {
  const folders = await partitionFolders(lake, prefix);
  const listed = await inParallel(folders, PARALLEL_READS, async ({ path, hasManifest }) => ({
    path,
    manifest: hasManifest ? await readManifest(lake, path) : undefined,
    address: parseBronzePath(path, lake.pathKeys),
  }));
  const covered = new Set(
    listed.flatMap(({ path, manifest }) => manifest?.files.map((file) => `${path}/${file.path}`) ?? []),
  );
  const belongs = ({ path, manifest }: ListedPartition): boolean =>
    manifest !== undefined || !isPartOf(lake, path, folders, covered);
  return listed.filter(belongs).sort(comparePartitions);
}

interface Folder {
  readonly path: string;
  hasManifest: boolean;
  readonly dataKeys: string[];
}

/** Folders that hold a manifest or data, by path. */
async function partitionFolders({ storage }: Lake, prefix: string): Promise<Folder[]> {
  const folders = new Map<string, Folder>();
  for await (const { key } of storage.list(prefix)) {
    const at = key.lastIndexOf('/');
    const [path, name] = [key.slice(0, Math.max(at, 0)), key.slice(at + 1)];
    const isManifest = name === MANIFEST_NAME;
    const isData = dataFormat(key.slice(prefix === '' ? 0 : prefix.length + 1)) !== undefined;
    if (path === '' || (!isManifest && !isData && name !== CHECKSUMS_NAME)) continue;
    const folder = folders.get(path) ?? { path, hasManifest: false, dataKeys: [] };
    folders.set(path, folder);
    if (isManifest) folder.hasManifest = true;
    if (isData) folder.dataKeys.push(key);
  }
  return [...folders.values()].sort((a, b) => compareText(a.path, b.path));
}

/** A sub-folder of a committed partition: its files are listed there, or are leftovers that belong to nothing. */
function isPartOf(
  { pathKeys }: Lake,
  path: string,
  folders: readonly Folder[],
  covered: ReadonlySet<string>,
): boolean {
  const folder = folders.find((candidate) => candidate.path === path);
  if (folder?.dataKeys.some((key) => covered.has(key)) === true) return true;
  const isSlice = isBronzeSegment(path.slice(path.lastIndexOf('/') + 1), SLICE_SEGMENTS, pathKeys);
  if (isSlice && parseBronzePath(path, pathKeys) !== undefined) return false;
  return folders.some((candidate) => candidate.hasManifest && path.startsWith(`${candidate.path}/`));
}

/** Below 0 when `a` comes before `b` in the order of decision 10a. */
export function comparePartitions(a: ListedPartition, b: ListedPartition): number {
  return (
    compareText(a.address?.dt ?? '', b.address?.dt ?? '') ||
    compareText(sliceOrder(a), sliceOrder(b)) ||
    compareText(a.path, b.path)
  );
}

/** An hour, a stamp or a start as text that sorts by time, also between tables' changes of strategy. */
function sliceOrder({ address, manifest, startedAt }: ListedPartition): string {
  if (address?.hour !== undefined) return `${address.dt}T${address.hour}`;
  const stamp =
    address?.batch ?? (manifest === undefined && startedAt === undefined ? address?.batchId : undefined);
  if (stamp !== undefined) {
    const match = /^(\d{4})(\d{2})(\d{2})_(\d{2})(\d{2})(\d{2})?/.exec(stamp);
    if (match === null) return stamp;
    const [, year, month, day, hour, minute, second] = match;
    return `${year}-${month}-${day}T${hour}:${minute}${second === undefined ? '' : `:${second}`}`;
  }
  if (address?.batchId === undefined) return '';
  return startedAt ?? (manifest === undefined ? '' : batchStart(manifest));
}

/** When a batch was first landed, so that a retry of it keeps its place. */
export function batchStart(manifest: Manifest): string {
  const { batch_started_at: first, started_at: latest } = manifest;
  return typeof first === 'string' ? first : latest;
}
