import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { copyToPart, hashFile } from '../engine/parts.ts';
import { asPattern, identifier, parquetRows, sqlType } from '../engine/sql.ts';
import { syncFile } from '../storage/durable.ts';
import type { HashedFile } from '../storage/hash-file.ts';
import { bucketFolder } from './buckets.ts';
import type { ChunkDone, WorkPlace } from './checkpoint.ts';
import { profiled, readProfile } from './profile.ts';
import type { JoinShape } from './sql.ts';
import type { Task } from './tasks.ts';
import type { JoinWork } from './work.ts';

/** Rows that lie in a file of the work folder. */
export interface JoinedChunk {
  readonly rows: number;
  /** Fulfilled when the file is hashed and, where it is a file of the output, its bytes are on the disk. */
  readonly done: Promise<ChunkDone>;
}

/**
 * Lets `work` join chunks, with what they need of the engine.
 * @param groupRows of the chunks' row groups; undefined: the engine's own number
 * @param work is given another connection, for what is asked of joined rows besides
 * @throws as `work`, and ENG002, STG001, INT001.
 */
export async function joining(
  engine: Engine,
  { isFinal, compression, left, place, shape }: JoinWork,
  groupRows: number | undefined,
  work: (aside: Engine, join: (task: Task) => Promise<JoinedChunk>) => Promise<void>,
): Promise<void> {
  const profile = join(place.workFolder, 'profile.json');
  // As the engine was told of them, and tells.
  const leftFiles = [bucketFolder(place, 'left'), ...left.localPaths].map(asPattern);
  const isLeft = (files: string): boolean => leftFiles.some((path) => files.includes(path));
  const format = {
    format: 'parquet',
    compression,
    ...(groupRows !== undefined && { rowGroupRows: groupRows }),
  } as const;

  const joinChunk = async (aside: Engine, task: Task): Promise<JoinedChunk> => {
    const started = performance.now();
    const file = chunkFile(place, task.index);
    const { rows } = await copyToPart(engine, task.sql, file, format);
    const seconds = (performance.now() - started) / 1000;
    const hashing = settle(file, isFinal);
    // Until it is awaited, it is no unhandled failure.
    hashing.catch(() => undefined);
    const { buildSide, spilledBytes } = await readProfile(profile, isLeft);
    const told = {
      chunk_index: task.index,
      record_count: rows,
      right_rows: task.rightRows,
      duration_seconds: Math.round(seconds * 1000) / 1000,
      sample_keys: await sampleKeys(aside, shape, file),
      build_side: buildSide,
      spilled_bytes: spilledBytes,
      ...(task.rightOnly === true && { right_only: true }),
      file,
    };
    const done = hashing.then(({ sizeBytes, sha256 }) => ({ ...told, size_bytes: sizeBytes, sha256 }));
    done.catch(() => undefined);
    return { rows, done };
  };

  const aside = await engine.fork();
  try {
    // The sides stand in the SQL as the strategy wants them: the engine must not turn them round.
    await engine.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'");
    await profiled(engine, profile, () => work(aside, (task) => joinChunk(aside, task)));
  } finally {
    await aside.close();
    await engine.execute("SET disabled_optimizers = ''").catch(() => undefined);
  }
}

/** The size and hash of a chunk's file, which is flushed where it is a file of the output. */
async function settle(file: string, isFinal: boolean): Promise<HashedFile> {
  const [hashed] = await Promise.all([hashFile(file), isFinal ? syncFile(file) : undefined]);
  return hashed;
}

export function chunkFile({ workFolder }: WorkPlace, index: number): string {
  return join(workFolder, `chunk-${String(index + 1).padStart(4, '0')}.parquet.tmp`);
}

const SAMPLES = 6;

/** A few keys of a chunk, as far as they are among its columns. */
async function sampleKeys(
  engine: Engine,
  { columns, keys }: JoinShape,
  file: string,
): Promise<readonly string[]> {
  const names = keys.flatMap(({ left }) => columns.find((column) => column.left === left.name)?.name ?? []);
  if (names.length < keys.length) return [];
  const texts = names.map((name) => `coalesce(${identifier(name)}::${sqlType({ kind: 'string' })}, 'NULL')`);
  const found = await engine.query(
    `SELECT DISTINCT concat_ws('|', ${texts.join(', ')}) AS key FROM (SELECT * FROM ${parquetRows(file)} LIMIT ${SAMPLES * 4}) ORDER BY 1 LIMIT ${SAMPLES}`,
  );
  return found.map((row) => String(row.key));
}
