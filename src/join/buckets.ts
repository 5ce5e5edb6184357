import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { asPattern, fileList, identifier, literal, sqlType } from '../engine/sql.ts';
import { makeFolder, removeTree } from '../storage/durable.ts';
import type { JoinProgress, WorkPlace } from './checkpoint.ts';
import type { SideName } from './describe.ts';
import { typed, usedColumns } from './sql.ts';
import { rowBytes, rowGroupRows } from './strategy.ts';
import type { JoinWork } from './work.ts';

export type Buckets = NonNullable<JoinProgress['buckets']>;

/** Rows that the engine gathers before it writes, over all buckets of a thread. */
const GATHERED_BYTES = 32 * 1024 * 1024;
const ID_BYTES = 16;

/**
 * Splits both sides by the hash of their keys into the work folder: rows of equal keys lie in buckets of one number.
 * Rows without a key match nothing; those that come out anyway are spread evenly.
 * @returns the rows of each bucket
 */
export async function splitSides(engine: Engine, work: JoinWork): Promise<Buckets> {
  const left = await splitSide(engine, work, 'left');
  const right = await splitSide(engine, work, 'right');
  return { left: left.rows, right: right.rows, bytes: left.bytes + right.bytes };
}

async function splitSide(engine: Engine, work: JoinWork, side: SideName) {
  const { place, shape, strategy } = work;
  const input = work[side];
  const folder = bucketFolder(place, side);
  await removeTree(folder);
  await makeFolder(folder);
  const used = usedColumns(shape, side);
  const keys = shape.keys.map((key) => typed(identifier(key[side].name), key[side].type, key.type));
  const hasKey = keys.map((key) => `${key} IS NOT NULL`).join(' AND ');
  const count = strategy.chunkCount;
  const bucket = `CASE WHEN ${hasKey} THEN (hash(${keys.join(', ')}) % ${count})::BIGINT ELSE "__id" % ${count} END`;
  const columns = [...used].map(identifier).join(', ');
  const width = rowBytes(input.schema, used, input.widths) + ID_BYTES;
  const gathered = Math.min(524_288, Math.max(8192, Math.floor(GATHERED_BYTES / width)));
  const groupRows = rowGroupRows(width);
  const group = groupRows === undefined ? '' : `, ROW_GROUP_SIZE ${groupRows}`;
  await engine.execute(`SET partitioned_write_flush_threshold = ${gathered}`);
  await engine.execute(
    `COPY (SELECT ${columns}, "__id", ${bucket} AS "__bucket" FROM (${input.sql()})${keepsAll(work, side) ? '' : ` WHERE ${hasKey}`}) ` +
      `TO ${literal(folder)} (FORMAT parquet, COMPRESSION snappy${group}, PARTITION_BY ("__bucket"))`,
  );
  const files = await filesBelow(folder);
  let bytes = 0;
  for (const file of files) bytes += (await stat(file)).size;
  return { rows: await rowsPerBucket(engine, files, count), bytes };
}

/**
 * Whether the buckets of chunks that are still to be joined hold the rows that they held when they were split: files
 * can be gone (what tidies temporary folders), or be empty after a power failure, since none is flushed. A bucket of
 * several files that has lost one would join as if nothing were missing.
 */
export async function areWhole(engine: Engine, work: JoinWork, progress: JoinProgress): Promise<boolean> {
  const { buckets } = progress;
  if (buckets === undefined) return false;
  const isDone = new Set(progress.chunks.map(({ chunk_index: index }) => index));
  for (const side of ['left', 'right'] as const) {
    const found = await filesBelow(bucketFolder(work.place, side))
      .then((files) => rowsPerBucket(engine, files, buckets[side].length))
      // Not there, or not Parquet to its end.
      .catch(() => undefined);
    if (found === undefined) return false;
    if (buckets[side].some((rows, index) => !isDone.has(index) && rows !== found[index])) return false;
  }
  return true;
}

async function filesBelow(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith('.parquet')).map((name) => join(folder, name));
}

/** As the files' footers say. */
async function rowsPerBucket(engine: Engine, files: readonly string[], count: number): Promise<number[]> {
  const rows = Array.from({ length: count }, () => 0);
  const found =
    files.length === 0
      ? []
      : await engine.query(
          `SELECT file_name AS file, num_rows AS n FROM parquet_file_metadata(${fileList(files)})`,
        );
  for (const { file, n } of found) {
    const index = Number(/__bucket=(\d+)\//.exec(String(file))?.[1]);
    rows[index] = (rows[index] ?? 0) + Number(n);
  }
  return rows;
}

/** Whether the side's rows come out also where they match nothing. */
function keepsAll({ shape: { joinType } }: JoinWork, side: SideName): boolean {
  const keeping = side === 'left' ? ['left', 'outer', 'anti'] : ['right', 'outer'];
  return keeping.includes(joinType);
}

/** Of a side, or of one of its buckets. */
export function bucketFolder({ workFolder }: WorkPlace, side: SideName, index?: number): string {
  const folder = join(workFolder, side);
  return index === undefined ? folder : join(folder, `__bucket=${index}`);
}

/** The rows of one bucket. */
export function bucketSql(work: JoinWork, side: SideName, index: number, rows: number): string {
  if (rows > 0) {
    const glob = `${asPattern(bucketFolder(work.place, side, index))}/*.parquet`;
    return `SELECT * FROM read_parquet(${literal(glob)}, hive_partitioning=false)`;
  }
  const used = usedColumns(work.shape, side);
  const columns = work[side].schema.fields
    .filter(({ name }) => used.has(name))
    .map(({ name, type }) => `NULL::${sqlType(type)} AS ${identifier(name)}`);
  return `SELECT ${[...columns, 'NULL::BIGINT AS "__id"'].join(', ')} WHERE false`;
}
