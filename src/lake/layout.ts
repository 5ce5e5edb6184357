import type { BronzePathKeys, PartitionStrategy, SilverPathKeys } from '../config/spec.ts';
import { type Clock, zonedParts } from '../core/clock.ts';
import { parsePartitionSegment, partitionSegment } from './hive.ts';

/** The left sides of the partition folders, where `path_structure` does not rename them. */
export const BRONZE_KEYS: BronzePathKeys = { system: 'system', table: 'table', pattern: 'pattern', dt: 'dt' };

const SILVER_KEYS: SilverPathKeys = {
  domain: 'domain',
  entity: 'entity',
  versionPrefix: 'v',
  pattern: 'pattern',
};

interface BronzeTable {
  readonly keys?: BronzePathKeys;
  readonly environment?: string;
  readonly system: string;
  readonly table: string;
  /** The load pattern, or `pattern_folder`. */
  readonly pattern: string;
}

/** What addresses one Bronze partition, by strategy. */
export type BronzeAddress = BronzeTable &
  (
    | { readonly strategy: 'none'; readonly date?: string }
    | { readonly strategy: 'date'; readonly date: string }
    | { readonly strategy: 'hourly'; readonly date: string; readonly hour: string }
    | { readonly strategy: 'timestamp'; readonly date: string; readonly batch: string }
    | { readonly strategy: 'batch_id'; readonly date: string; readonly batchId: string }
  );

/** `[env=…/]system=…/table=…`: everything of one table, whatever its pattern. */
export function bronzeTablePath(table: Omit<BronzeTable, 'pattern'>): string {
  const { keys = BRONZE_KEYS } = table;
  return [
    ...(table.environment === undefined ? [] : [partitionSegment('env', table.environment)]),
    partitionSegment(keys.system, table.system),
    partitionSegment(keys.table, table.table),
  ].join('/');
}

/** Decision 1; without a trailing slash. */
export function bronzePartitionPath(address: BronzeAddress): string {
  const { keys = BRONZE_KEYS } = address;
  return [
    bronzeTablePath(address),
    partitionSegment(keys.pattern, address.pattern),
    ...(address.strategy === 'none' ? [] : [partitionSegment(keys.dt, address.date)]),
    ...sliceSegment(address),
  ].join('/');
}

function sliceSegment(address: BronzeAddress): string[] {
  switch (address.strategy) {
    case 'hourly':
      return [partitionSegment('hour', address.hour)];
    case 'timestamp':
      return [partitionSegment('batch', address.batch)];
    case 'batch_id':
      return [partitionSegment('batch_id', address.batchId)];
    case 'none':
    case 'date':
      return [];
  }
}

export interface SilverAddress {
  readonly keys?: SilverPathKeys;
  readonly environment?: string;
  readonly domain: string;
  readonly entity: string;
  readonly version: number;
  readonly patternFolder?: string;
  readonly loadPartitionName: string;
  readonly date: string;
}

/** The folder of one load partition (decision 3); without a trailing slash. */
export function silverPartitionPath(address: SilverAddress): string {
  const { keys = SILVER_KEYS } = address;
  return [
    ...(address.environment === undefined ? [] : [partitionSegment('env', address.environment)]),
    partitionSegment(keys.domain, address.domain),
    partitionSegment(keys.entity, address.entity),
    `${keys.versionPrefix}${address.version}`,
    ...(address.patternFolder === undefined ? [] : [partitionSegment(keys.pattern, address.patternFolder)]),
    partitionSegment(address.loadPartitionName, address.date),
  ].join('/');
}

/** What a Bronze path says; `dt`, `hour`, `batch` and `batchId` are absent where the strategy has none. */
export interface BronzePath {
  readonly environment?: string;
  readonly system: string;
  readonly table: string;
  /** Absent in lakes that name no pattern folder. */
  readonly pattern?: string;
  readonly strategy: PartitionStrategy;
  readonly dt?: string;
  readonly hour?: string;
  readonly batch?: string;
  readonly batchId?: string;
}

const SEGMENTS = ['env', 'system', 'table', 'pattern', 'dt', 'hour', 'batch', 'batch_id'] as const;
type SegmentName = (typeof SEGMENTS)[number];

function segmentNamed(column: string, keys: BronzePathKeys): SegmentName | undefined {
  return SEGMENTS.find((name) => (name in keys ? keys[name as keyof BronzePathKeys] : name) === column);
}

/** Whether a folder name is `<name>=…` of one of these parts of a Bronze path. */
export function isBronzeSegment(
  folder: string,
  names: readonly SegmentName[],
  keys: BronzePathKeys = BRONZE_KEYS,
): boolean {
  const column = parsePartitionSegment(folder)?.column;
  const name = column === undefined ? undefined : segmentNamed(column, keys);
  return name !== undefined && names.includes(name);
}

/** The folders of a slice of a table, below its pattern. */
export const SLICE_SEGMENTS = ['dt', 'hour', 'batch', 'batch_id'] as const;

/** Where the folders of Bronze begin in a path: at `env=`, else `system=`; undefined when there is no such folder. */
export function bronzeStart(
  segments: readonly string[],
  keys: BronzePathKeys = BRONZE_KEYS,
): number | undefined {
  const system = segments.findLastIndex((segment) => isBronzeSegment(segment, ['system'], keys));
  if (system < 0) return undefined;
  return segments[system - 1]?.startsWith('env=') ? system - 1 : system;
}

/**
 * The inverse of `bronzePartitionPath`, relative or with any folders before it. Also takes what the original wrote:
 * no pattern folder, and `pattern=LoadPattern.FULL`. Undefined when the path is no Bronze partition.
 */
export function parseBronzePath(path: string, keys: BronzePathKeys = BRONZE_KEYS): BronzePath | undefined {
  const values = bronzeSegments(path, keys);
  if (values === undefined) return undefined;
  const { env, system, table, pattern, dt, hour, batch, batch_id: batchId } = values;
  if (system === undefined || table === undefined) return undefined;
  const slices = [hour, batch, batchId].filter((slice) => slice !== undefined);
  if (slices.length > 1 || (slices.length === 1 && dt === undefined)) return undefined;
  return {
    ...(env === undefined ? {} : { environment: env }),
    system,
    table,
    ...(pattern === undefined ? {} : { pattern: canonicalPattern(pattern) }),
    strategy: strategyOf(values),
    ...(dt === undefined ? {} : { dt }),
    ...(hour === undefined ? {} : { hour }),
    ...(batch === undefined ? {} : { batch }),
    ...(batchId === undefined ? {} : { batchId }),
  };
}

/** Each known segment at most once and in order, from `env=` or `system=` to the end of the path. */
function bronzeSegments(
  path: string,
  keys: BronzePathKeys,
): Partial<Record<SegmentName, string>> | undefined {
  const segments = path.split('/').filter((segment) => segment !== '');
  const start = bronzeStart(segments, keys);
  if (start === undefined) return undefined;
  const values: Partial<Record<SegmentName, string>> = {};
  let next = 0;
  for (const segment of segments.slice(start)) {
    const parsed = parsePartitionSegment(segment);
    if (parsed === undefined || parsed.value === null) return undefined;
    const name = segmentNamed(parsed.column, keys);
    if (name === undefined) return undefined;
    const at = SEGMENTS.indexOf(name);
    if (at < next) return undefined;
    values[name] = parsed.value;
    next = at + 1;
  }
  return values;
}

function strategyOf(values: Partial<Record<SegmentName, string>>): PartitionStrategy {
  if (values.hour !== undefined) return 'hourly';
  if (values.batch !== undefined) return 'timestamp';
  if (values.batch_id !== undefined) return 'batch_id';
  return values.dt === undefined ? 'none' : 'date';
}

function canonicalPattern(pattern: string): string {
  return pattern.startsWith('LoadPattern.') ? pattern.slice('LoadPattern.'.length).toLowerCase() : pattern;
}

/** `20250105_0930`: the minute of a run in an IANA zone. */
export function batchStamp(clock: Clock, timezone: string): string {
  const { date, hour, minute } = zonedParts(clock.now(), timezone);
  return `${date.replaceAll('-', '')}_${hour}${minute}`;
}

/** `20250105_093059_1a2b3c4d`: unique without a look at the lake. */
export function generateBatchId(clock: Clock, timezone: string): string {
  const { date, hour, minute, second } = zonedParts(clock.now(), timezone);
  const random = crypto.getRandomValues(new Uint8Array(4)).toHex();
  return `${date.replaceAll('-', '')}_${hour}${minute}${second}_${random}`;
}

/** `full-part-0001`: the name of part n (from 1) before its hash. */
export function partStem(pattern: string, n: number): string {
  return `${pattern.replaceAll('_', '-')}-part-${String(n).padStart(4, '0')}`;
}

/** The number of a part file, foundry's or the original's; parts sort by it (`9999` before `10000`). */
export function partNumber(path: string): number | undefined {
  const match = /(?:^|[/-])part-(\d+)(?:-[0-9a-f]{8})?\.[^/]+$/.exec(path);
  return match === null ? undefined : Number(match[1]);
}

/** Data files in the order in which their rows came: by folder, part number, then name. */
export function comparePartPaths(a: string, b: string): number {
  const folder = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);
  return (
    compareText(folder(a), folder(b)) || (partNumber(a) ?? 0) - (partNumber(b) ?? 0) || compareText(a, b)
  );
}

/** Code unit order, the same on every host whatever its locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Partitions can lie inside one another only below one pattern folder (`pattern=full/` and `pattern=full/dt=…/`
 * after a change of strategy). Commits below one such root exclude each other.
 */
export function nestingRoot(path: string, keys: BronzePathKeys = BRONZE_KEYS): string {
  const segments = path.split('/');
  const pattern = segments.findIndex((segment) => isBronzeSegment(segment, ['pattern'], keys));
  return pattern < 0 ? path : segments.slice(0, pattern + 1).join('/');
}
