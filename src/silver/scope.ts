import { resolve } from 'node:path';
import type { DatasetSpec, LoadPattern } from '../config/spec.ts';
import { isRemote } from '../config/storage/location.ts';
import type { Lake } from '../lake/lake.ts';
import { bronzePartitionPath, bronzeStart, bronzeTablePath, compareText } from '../lake/layout.ts';
import { type ListedPartition, listPartitions } from '../lake/partitions.ts';
import { referenceOf } from '../lake/reference.ts';
import { storageOf } from '../storage/open.ts';
import { locationOf } from '../storage/storage.ts';
import type { SilverRunOptions } from './options.ts';
import { originalsPaths } from './originals.ts';

/** Which Bronze partitions one Silver run reads. */
export interface BronzeScope {
  readonly lake: Lake;
  /** Where it was looked for, for messages. */
  readonly location: string;
  readonly loadPattern: LoadPattern;
  /** In input order. */
  readonly read: readonly ListedPartition[];
  /** Those of `read` that hold the whole table; none where a single partition is in scope. */
  readonly snapshots: readonly ListedPartition[];
  /** In scope, but superseded by a newer snapshot or cumulative delta. */
  readonly notRead: readonly ListedPartition[];
}

/** The partitions that `input_scope` names (row-semantics, "Which Bronze is read"). */
export async function bronzeScope(spec: DatasetSpec, options: SilverRunOptions): Promise<BronzeScope> {
  const isHistory = options.bronzePath === undefined && spec.silver?.inputScope === 'history';
  return isHistory ? historyScope(spec, options) : partitionScope(spec, options);
}

/** The run date's partition, with all of its hours or batches; of full loads the newest only. */
async function partitionScope(spec: DatasetSpec, options: SilverRunOptions): Promise<BronzeScope> {
  const { lake, path } = whereBronzeIs(spec, options);
  const location = locationOf(lake.storage, path);
  // Below a table without dates lies only what was landed before it lost them.
  const isUndated = options.bronzePath === undefined && spec.bronze.partition.strategy === 'none';
  const listed = async (folder: string): Promise<readonly ListedPartition[]> =>
    (await listPartitions(lake, folder)).filter((partition) =>
      isUndated ? partition.path === folder : belongsTo(partition.path, folder),
    );
  let found = await listed(path);
  if (options.bronzePath === undefined) {
    const { pathKeys, patternFolder } = spec.bronze;
    for (const other of originalsPaths(path, pathKeys, patternFolder !== undefined)) {
      if (found.length === 0) found = await listed(other);
    }
  }
  const loadPattern =
    askedPattern(options) ?? found.at(-1)?.manifest?.load_pattern ?? spec.bronze.loadPattern;
  const from = loadPattern === 'full' ? Math.max(0, found.length - 1) : 0;
  return {
    lake,
    location,
    loadPattern,
    read: found.slice(from),
    snapshots: [],
    notRead: found.slice(0, from),
  };
}

/** Every partition of the table up to the run date, over all pattern folders, that `readOfHistory` chooses. */
async function historyScope(spec: DatasetSpec, options: SilverRunOptions): Promise<BronzeScope> {
  const { bronze, silver } = spec;
  const lake = lakeOf(spec, bronze.base, options);
  const path = bronzeTablePath({
    ...(bronze.pathKeys !== undefined && { keys: bronze.pathKeys }),
    ...(spec.environment === undefined ? {} : { environment: spec.environment }),
    system: bronze.system,
    table: bronze.table,
  });
  const isWanted = ({ address }: ListedPartition): boolean =>
    (address?.dt ?? '') <= options.runDate.date &&
    (silver?.inputPatterns === undefined || silver.inputPatterns.includes(address?.pattern ?? ''));
  const found = (await listPartitions(lake, path)).filter(isWanted).sort(byDateSnapshotsFirst);
  const read = readOfHistory(found, silver?.detectMissing === true);
  return {
    lake,
    location: locationOf(lake.storage, path),
    loadPattern: askedPattern(options) ?? bronze.loadPattern,
    read,
    snapshots: read.filter(isSnapshot),
    notRead: found.filter((partition) => !read.includes(partition)),
  };
}

/**
 * From the newest snapshot on; all of them where keys that went missing are looked for, of each date the newest. Of
 * the cumulative deltas after a snapshot only the newest is read: it repeats the ones before.
 * @param found in input order.
 */
function readOfHistory(
  found: readonly ListedPartition[],
  detectMissing: boolean,
): readonly ListedPartition[] {
  const from = detectMissing ? 0 : Math.max(0, found.findLastIndex(isSnapshot));
  const read: ListedPartition[] = [];
  let nextSnapshot: ListedPartition | undefined;
  let isRepeated = false;
  for (const partition of found.slice(from).reverse()) {
    if (isSnapshot(partition)) {
      if (nextSnapshot !== undefined && nextSnapshot.address?.dt === partition.address?.dt) continue;
      nextSnapshot = partition;
      isRepeated = false;
    } else if (isCumulative(partition)) {
      if (isRepeated) continue;
      isRepeated = true;
    }
    read.push(partition);
  }
  return read.reverse();
}

function isCumulative({ manifest }: ListedPartition): boolean {
  return referenceOf(manifest)?.isCumulative === true;
}

function askedPattern({ pattern }: SilverRunOptions): LoadPattern | undefined {
  return pattern === undefined || pattern === 'auto' ? undefined : pattern;
}

/** A partition that holds the whole table: a full load, or where references are kept, a reference. */
export function isSnapshot({ manifest, address }: ListedPartition): boolean {
  const reference = referenceOf(manifest);
  if (reference !== undefined) return reference.type === 'reference';
  return (manifest?.load_pattern ?? address?.pattern) === 'full';
}

/** By date; on one date the snapshot comes before the changes; otherwise the listing's order stays. */
function byDateSnapshotsFirst(a: ListedPartition, b: ListedPartition): number {
  const order = compareText(a.address?.dt ?? '', b.address?.dt ?? '');
  return order !== 0 ? order : Number(isSnapshot(b)) - Number(isSnapshot(a));
}

function belongsTo(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function whereBronzeIs(spec: DatasetSpec, options: SilverRunOptions): { lake: Lake; path: string } {
  const { bronze } = spec;
  if (options.bronzePath === undefined) {
    const table = {
      ...(bronze.pathKeys !== undefined && { keys: bronze.pathKeys }),
      ...(spec.environment === undefined ? {} : { environment: spec.environment }),
      system: bronze.system,
      table: bronze.table,
      pattern: bronze.patternFolder ?? bronze.loadPattern,
    };
    const path =
      bronze.partition.strategy === 'none'
        ? bronzePartitionPath({ ...table, strategy: 'none' })
        : bronzePartitionPath({ ...table, strategy: 'date', date: options.runDate.date });
    return { lake: lakeOf(spec, bronze.base, options), path };
  }
  // The lake begins above the first folder that a Bronze path consists of, so that hours and batches are known.
  const folder = options.bronzePath.replace(/\/_metadata\.json$/, '').replace(/\/+$/, '');
  const segments = (isRemote(folder) ? folder : resolve(folder)).split('/');
  const start = bronzeStart(segments, bronze.pathKeys) ?? segments.length - 1;
  return {
    lake: lakeOf(spec, segments.slice(0, start).join('/') || '/', options),
    path: segments.slice(start).join('/'),
  };
}

function lakeOf(spec: DatasetSpec, base: string, options: SilverRunOptions): Lake {
  const { pathKeys } = spec.bronze;
  return {
    storage: storageOf(base, spec, options),
    ...(pathKeys !== undefined && { pathKeys }),
  };
}
