import { throwIfStopped } from '../core/errors.ts';
import type { Engine } from '../engine/engine.ts';
import { makeFolder, removeTree } from '../storage/durable.ts';
import { areWhole, splitSides } from './buckets.ts';
import { type ChunkDone, type JoinProgress, progressOf, saveProgress } from './checkpoint.ts';
import { chunkFile, joining } from './chunk.ts';
import type { JoinRunOptions } from './options.ts';
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
  await joining(engine, work, groupRows, async (aside, join) => {
    const tasks = tasksOf(work, progress);
    let saving: Promise<void> = Promise.resolve();
    try {
      for (const task of tasks) {
        if (isDone.has(task.index)) continue;
        throwIfStopped(options.signal);
        options.progress.step(`joining chunk ${task.index + 1} of ${strategy.chunkCount}`);
        const { rows, done } = await join(task);
        options.progress.rows(rows);
        await saving;
        // The next chunk is joined while this one is hashed and written down.
        saving = (async () => {
          await save({ chunks: [...progress.chunks, await done] });
          for (const folder of task.folders) await removeTree(folder);
        })();
        // Whoever awaits it next is told; until then it is no unhandled failure.
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
    }
  });
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

function outputBytes({ left, right, shape: { columns } }: JoinWork): number {
  const used = (side: 'left' | 'right') => new Set(columns.flatMap((column) => column[side] ?? []));
  return (
    rowBytes(left.schema, used('left'), left.widths) + rowBytes(right.schema, used('right'), right.widths)
  );
}
