import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import type { TableSchema } from '../core/schema.ts';
import type { CsvBlock, EngineTextChunk, EngineTextInput } from '../sources/engine-input.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './errors.ts';
import { createFifo } from './fifo.ts';
import { copyToPart } from './parts.ts';
import { collides, cutStaged, type Landed, type LandTarget, type Staged } from './staged.ts';
import { lineLimit, textScanSql } from './text-scan.ts';

const RAW_GROUP_BYTES = 8 * 1024 * 1024;
const GROUP_ROWS_AT_MOST = 122_880;
/** The engine handles rows in vectors of this many; a smaller group gains nothing. */
const VECTOR_ROWS = 2048;

/** Not a failure: the engine cannot promise exactly the rows of the other lane. */
class Declined extends Error {
  override readonly name = 'Declined' as const;
}

/**
 * Typed text, as it arrives, into Parquet by the engine: each chunk through a pipe of its own, so that reading waits for
 * writing and nothing is put down twice. The engine must find as many records as the source counted. Chunks that landed
 * whole stay when another is read again.
 *
 * @returns `declined` where the engine refused a value or cannot read the types; the spool is as it was
 * @throws what the source throws; INT001, STG001
 */
export async function landText(
  engine: Engine,
  input: EngineTextInput,
  target: LandTarget,
): Promise<Landed | 'declined'> {
  const schema: TableSchema = { fields: input.columns.map(({ name, type }) => ({ name, type })) };
  if (collides(schema)) return 'declined';
  const staged: (Staged | undefined)[] = [];
  const { repeating = (land) => land() } = input;
  // A pipe is read by the thread that asks for its rows. Further ones are no help to it, and with them the engine holds
  // twice as much: rows of several row groups of each pipe, so that it can write them in another order.
  await engine.execute('SET threads = 1');
  const paths = input.chunks.map((_, index) => join(target.spool, `engine-chunk-${index + 1}`));
  try {
    await inParallel(input.chunks, input.concurrency, async (chunk, index) => {
      const path = paths[index] ?? '';
      const lane = input.concurrency > 1 ? await engine.fork() : engine;
      try {
        const rows = await repeating(async () => {
          await removeChunk(path);
          return stage(lane, input, chunk, path, target);
        });
        staged[index] = { file: stagedFile(path), rows, schema };
      } finally {
        if (lane !== engine) await lane.close();
      }
    });
    input.onRead?.();
    const parts = [];
    for (const chunk of staged) {
      if (chunk === undefined || chunk.rows === 0) continue;
      parts.push(...(await cutStaged(engine, chunk, target, parts.length)));
    }
    return { parts, schema };
  } catch (error) {
    if (isRefusal(error)) return 'declined';
    throw error;
  } finally {
    for (const path of paths) await removeChunk(path);
  }
}

function stagedFile(path: string): string {
  return `${path}.parquet.tmp`;
}

/** What stays all the same is removed with the spool. */
async function removeChunk(path: string): Promise<void> {
  await rm(path, { force: true }).catch(() => undefined);
  await rm(stagedFile(path), { force: true }).catch(() => undefined);
}

function isRefusal(error: unknown): boolean {
  return (
    error instanceof EngineError ||
    error instanceof Declined ||
    (error instanceof FoundryError && error.code === 'ENG002')
  );
}

/** @returns the number of rows. */
async function stage(
  engine: Engine,
  input: EngineTextInput,
  chunk: EngineTextChunk,
  path: string,
  target: LandTarget,
): Promise<number> {
  const blocks = chunk.blocks()[Symbol.asyncIterator]();
  let first: IteratorResult<CsvBlock>;
  first = await blocks.next();
  if (first.done === true) return 0;
  const longest = lineLimit(first.value.longest);
  const sql = textScanSql(input.columns, path, longest);
  const fifo = sql === undefined ? undefined : createFifo(path);
  if (sql === undefined || fifo === undefined) {
    await blocks.return?.();
    throw new Declined();
  }
  let isAlive = true;
  const writing = copyToPart(engine, sql, stagedFile(path), {
    format: 'parquet',
    compression: target.compression,
    rowGroupRows: groupRows(first.value),
  }).finally(() => {
    isAlive = false;
  });
  // Its failure is looked at when the feeding has ended.
  writing.catch(() => undefined);
  let given = 0;
  try {
    while (first.done !== true && isAlive) {
      if (first.value.longest > longest) throw new Declined();
      await fifo.write(first.value.bytes, () => isAlive);
      given += first.value.rows;
      first = await blocks.next();
    }
  } catch (error) {
    // What the engine has got so far is not the whole: it ends, and its result is thrown away.
    await fifo.close(() => isAlive);
    await writing.catch(() => undefined);
    throw error;
  } finally {
    await fifo.close(() => isAlive);
    if (first.done !== true) await blocks.return?.();
  }
  const { rows } = await writing;
  if (first.done !== true || rows !== given) throw new Declined();
  return rows;
}

/** Rows of a row group of about 8 MB as text, so that what the engine buffers does not grow with the rows. */
function groupRows({ bytes, rows }: CsvBlock): number {
  const wanted = RAW_GROUP_BYTES / Math.max(1, bytes.length / rows);
  return Math.floor(Math.min(GROUP_ROWS_AT_MOST, Math.max(VECTOR_ROWS, wanted)));
}

/** The first failure stops what has not begun, and is thrown when what has begun has ended. */
async function inParallel<T>(
  items: readonly T[],
  workers: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const run = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      const index = next;
      next += 1;
      try {
        await work(items[index] as T, index);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, workers) }, run));
  if (failure !== undefined) throw failure.error;
}
