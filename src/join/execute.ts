import { join } from 'node:path';
import { throwIfStopped } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { copyToPart, hashFile } from '../engine/parts.ts';
import { identifier, literal, sqlType } from '../engine/sql.ts';
import { makeFolder, removeTree, syncFile } from '../storage/durable.ts';
import type { HashedFile } from '../storage/hash-file.ts';
import { areWhole, bucketFolder, splitSides } from './buckets.ts';
import { type ChunkDone, type JoinProgress, progressOf, saveProgress, type WorkPlace } from './checkpoint.ts';
import type { JoinRunOptions } from './options.ts';
import { readProfile, startProfiling, stopProfiling } from './profile.ts';
import type { JoinShape } from './sql.ts';
import { joinedKeyStats, type KeyStats, keyStats, tellingKeys } from './stats.ts';
import { rowBytes, rowGroupRows } from './strategy.ts';
import { tasksOf } from './tasks.ts';
import type { JoinWork } from './work.ts';

export interface Joined {
  readonly stats: KeyStats;
  readonly chunks: readonly ChunkDone[];
  readonly progress: JoinProgress;
  /** What both sides took when they were split into buckets. */
  readonly bucketBytes: number;
  /** Of the chunks' files; undefined: the engine's own number. */
  readonly rowGroupRows: number | undefined;
}

/**
 * Writes the joined rows chunk by chunk into the work folder. After each one it is written down in `progress.json`,
 * so that a run that is killed loses no more than the chunk under way.
 * @param begun what an earlier run has done, or only the head of a new progress
 * @throws ENG002, STG001, INT001.
 */
export async function runChunks(
  engine: Engine,
  work: JoinWork,
  begun: JoinProgress,
  options: Pick<JoinRunOptions, 'signal' | 'progress' | 'log'>,
): Promise<Joined> {
  const { left, place, right, shape, strategy } = work;
  await makeFolder(place.workFolder);
  let progress = begun;
  const save = async (more: Partial<Pick<JoinProgress, 'stats' | 'buckets' | 'chunks'>>): Promise<void> => {
    await work.verified;
    progress = progressOf({ ...progress, ...more });
    await saveProgress(place, progress);
  };
  const telling = tellingKeys(shape, right);
  if (progress.stats === undefined && telling === undefined) {
    options.progress.step('counting keys');
    await save({ stats: await keyStats(engine, shape, left, right) });
  }
  if (strategy.used === 'hash' && !(await areWhole(engine, work, progress))) {
    if (progress.buckets !== undefined)
      options.log.warn('buckets of the earlier run are not what was written; splitting again');
    options.progress.step('splitting by key');
    await save({ buckets: await splitSides(engine, work) });
  }
  const groupRows = rowGroupRows(outputBytes(work));
  const isDone = new Set(progress.chunks.map(({ chunk_index: index }) => index));
  const profile = join(place.workFolder, 'profile.json');
  const isLeft = (files: string): boolean =>
    files.includes(bucketFolder(place, 'left')) || left.localPaths.some((path) => files.includes(path));
  // The sides stand in the SQL as the strategy wants them: the engine must not turn them round.
  await engine.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'");
  await startProfiling(engine, profile);
  // What is asked of the joined rows besides is profiled in vain.
  const aside = await engine.fork();
  let saving: Promise<void> = Promise.resolve();
  try {
    const tasks = tasksOf(work, progress);
    for (const task of tasks) {
      if (isDone.has(task.index)) continue;
      throwIfStopped(options.signal);
      options.progress.step(`joining chunk ${task.index + 1} of ${strategy.chunkCount}`);
      const started = performance.now();
      const file = chunkFile(place, task.index);
      const { rows } = await copyToPart(engine, task.sql, file, {
        format: 'parquet',
        compression: work.compression,
        ...(groupRows !== undefined && { rowGroupRows: groupRows }),
      });
      const seconds = (performance.now() - started) / 1000;
      const hashing = settle(file, work.isFinal);
      // Until they are awaited, this and what saves it are no unhandled failures.
      hashing.catch(() => undefined);
      const { buildSide, spilledBytes } = await readProfile(profile, isLeft);
      const sample = await sampleKeys(aside, shape, file);
      options.progress.rows(rows);
      await saving;
      // The next chunk is joined while this one is hashed and written down.
      saving = (async () => {
        const hashed = await hashing;
        const done: ChunkDone = {
          chunk_index: task.index,
          record_count: rows,
          right_rows: task.rightRows,
          duration_seconds: Math.round(seconds * 1000) / 1000,
          sample_keys: sample,
          build_side: buildSide,
          spilled_bytes: spilledBytes,
          ...(task.rightOnly === true && { right_only: true }),
          file,
          size_bytes: hashed.sizeBytes,
          sha256: hashed.sha256,
        };
        await save({ chunks: [...progress.chunks, done] });
        for (const folder of task.folders) await removeTree(folder);
      })();
      saving.catch(() => undefined);
    }
    if (progress.stats === undefined && telling !== undefined) {
      options.progress.step('counting keys');
      const files = tasks.map(({ index }) => chunkFile(place, index));
      const stats = await joinedKeyStats(aside, shape, work, telling, files);
      await saving;
      await save({ stats });
    }
    await saving;
  } finally {
    await saving.catch(() => undefined);
    await aside.close();
    await stopProfiling(engine).catch(() => undefined);
    await engine.execute("SET disabled_optimizers = ''").catch(() => undefined);
  }
  const { buckets, stats } = progress;
  if (stats === undefined) throw new Error('the keys were not counted');
  return {
    stats,
    chunks: progress.chunks,
    progress,
    bucketBytes: buckets?.bytes ?? 0,
    rowGroupRows: groupRows,
  };
}

/** The size and hash of a chunk's file, and where that is a file of the output, its bytes on the disk. */
async function settle(file: string, isFinal: boolean): Promise<HashedFile> {
  const [hashed] = await Promise.all([hashFile(file), isFinal ? syncFile(file) : undefined]);
  return hashed;
}

function chunkFile({ workFolder }: WorkPlace, index: number): string {
  return join(workFolder, `chunk-${String(index + 1).padStart(4, '0')}.parquet.tmp`);
}

function outputBytes({ left, right, shape: { columns } }: JoinWork): number {
  const used = (side: 'left' | 'right') => new Set(columns.flatMap((column) => column[side] ?? []));
  return (
    rowBytes(left.schema, used('left'), left.widths) + rowBytes(right.schema, used('right'), right.widths)
  );
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
    `SELECT DISTINCT concat_ws('|', ${texts.join(', ')}) AS key FROM (SELECT * FROM read_parquet(${literal(file)}, hive_partitioning=false) LIMIT ${SAMPLES * 4}) ORDER BY 1 LIMIT ${SAMPLES}`,
  );
  return found.map((row) => String(row.key));
}
