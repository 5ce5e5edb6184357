import type { JoinOutputSpec } from '../config/join/spec.ts';
import type { DataType, TableSchema } from '../core/schema.ts';

export type UsedStrategy = 'broadcast' | 'partitioned' | 'hash';

/** How the rows of both sides meet; data only. */
export interface StrategyPlan {
  readonly used: UsedStrategy;
  /** Left rows a chunk; 0: all at once. */
  readonly chunkSize: number;
  /** Ranges of left rows; for `hash` as many buckets. */
  readonly chunkCount: number;
  /** One sentence. */
  readonly why: string;
}

/** What is known of the inputs before any row is read. */
export interface InputSizes {
  readonly leftRows: number;
  readonly rightRows: number;
  /** What the right side's columns that are used may take in memory, in bytes. */
  readonly rightBytes: number;
  /** What a joined row may take. */
  readonly rowBytes: number;
}

/**
 * Chunks that are sorted within memory. The fewer, the less often the right side is held again; but the rows of a very
 * large one are sorted no faster, and are hashed when the engine has nothing left to do.
 */
const LARGE_CHUNK = 5_000_000;
const LEAST_LARGE_BYTES = 400 * 1024 * 1024;
/** Of the engine's memory, what the rows of a large chunk may take. */
const CHUNK_SHARE = 0.25;
/** One chunk is not split for less than half a chunk more. */
const WHOLE = 1.5;
const MAX_CHUNKS = 256;
/** Of the engine's memory, what the right side may take where it is held as a whole. */
const BROADCAST_SHARE = 0.25;

/** @param memoryBytes the engine's limit */
export function planStrategy(
  output: Pick<JoinOutputSpec, 'strategy' | 'profile' | 'chunkSize'>,
  sizes: InputSizes,
  memoryBytes: number,
): StrategyPlan {
  const { used, why } = chosen(output.strategy, sizes, memoryBytes);
  const wanted = chunkRows(output, used, sizes, memoryBytes);
  const rows = Math.max(sizes.leftRows, used === 'hash' ? sizes.rightRows : 0);
  const chunkCount = wanted === 0 ? 1 : Math.max(1, Math.ceil(rows / wanted));
  if (used !== 'hash' || chunkCount <= MAX_CHUNKS) return { used, chunkSize: wanted, chunkCount, why };
  const told = `${why}; ${MAX_CHUNKS} buckets, the most there can be, instead of ${chunkCount}`;
  return { used, chunkSize: wanted, chunkCount: MAX_CHUNKS, why: told };
}

function chosen(
  asked: JoinOutputSpec['strategy'],
  { rightBytes, rightRows }: InputSizes,
  memoryBytes: number,
): { readonly used: UsedStrategy; readonly why: string } {
  if (asked !== 'auto') return { used: asked, why: `join_strategy: ${asked}` };
  const size = `the right side, ${rightRows.toLocaleString('en')} rows,`;
  return rightBytes <= memoryBytes * BROADCAST_SHARE
    ? { used: 'broadcast', why: `${size} fits in memory` }
    : { used: 'hash', why: `${size} may not fit in memory` };
}

/**
 * Left rows a chunk, the original's numbers where chunks are asked for (original-behaviour §6.3): a quarter of the
 * rows with `performance_profile: chunked`; a sixth for `partitioned` and a twelfth for `hash`, as long as that makes
 * no more than a few dozen chunks. Otherwise as few chunks as fit in memory.
 * @param memoryBytes the engine's limit
 */
export function chunkRows(
  { chunkSize, profile }: Pick<JoinOutputSpec, 'profile' | 'chunkSize'>,
  used: UsedStrategy,
  { leftRows, rowBytes }: Pick<InputSizes, 'leftRows' | 'rowBytes'>,
  memoryBytes: number,
): number {
  if (chunkSize !== undefined) return chunkSize;
  if (profile === 'single') return 0;
  if (profile === 'chunked') return clamp(Math.floor(leftRows / 4), 1000, 50_000);
  if (used === 'broadcast') {
    const bytes = Math.max(LEAST_LARGE_BYTES, memoryBytes * CHUNK_SHARE);
    const large = Math.min(LARGE_CHUNK, Math.max(50_000, Math.floor(bytes / rowBytes)));
    return leftRows <= large * WHOLE ? 0 : Math.ceil(leftRows / Math.ceil(leftRows / large));
  }
  if (leftRows <= 5000) return 0;
  const partitioned = clamp(Math.floor(leftRows / 6), 1000, 40_000);
  return used === 'partitioned'
    ? Math.max(partitioned, Math.ceil(leftRows / 16))
    : Math.max(clamp(Math.floor(partitioned / 2), 1000, 20_000), Math.ceil(leftRows / 32));
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}

/** What rows of these columns may take in a hash table: an estimate, the same for a plan and its run. */
export function estimatedBytes(schema: TableSchema, columns: ReadonlySet<string>, rows: number): number {
  const width = schema.fields
    .filter(({ name }) => columns.has(name))
    .reduce((sum, { type }) => sum + widthOf(type), 16);
  return rows * width;
}

function widthOf({ kind }: DataType): number {
  switch (kind) {
    case 'boolean':
      return 1;
    case 'int32':
    case 'date':
      return 4;
    case 'decimal':
      return 16;
    case 'string':
    case 'uuid':
    case 'json':
    case 'binary':
      return 40;
    default:
      return 8;
  }
}

/** What the engine may gather of one file's row group before it writes it. */
const GROUP_BYTES = 16 * 1024 * 1024;
/** Its own size, which narrow rows keep. */
const USUAL_GROUP = 122_880;

/** Rows of a row group, so that wide rows fit in a small memory; undefined for the engine's own number. */
export function rowGroupRows(bytesPerRow: number): number | undefined {
  const rows = Math.max(2048, Math.floor(GROUP_BYTES / Math.max(1, bytesPerRow) / 2048) * 2048);
  return rows < USUAL_GROUP ? rows : undefined;
}

/** Bytes of a row of some columns. @param widths of texts, where they are known better than by their type */
export function rowBytes(
  { fields }: TableSchema,
  columns: ReadonlySet<string>,
  widths: ReadonlyMap<string, number>,
): number {
  return fields
    .filter(({ name }) => columns.has(name))
    .reduce((sum, { name, type }) => sum + Math.max(widths.get(name) ?? 0, widthOf(type)), 0);
}
