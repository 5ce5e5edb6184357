import type { Engine } from './engine.ts';
import { isOutOfMemory } from './errors.ts';
import { onOneThread, threadsOf } from './heavy.ts';

/**
 * Runs statements several at a time, each on one thread: what one of them writes does not depend on threads. Those for
 * which the engine's memory did not suffice beside others run again, one after the other. They see no temporary tables.
 * @param statements may each be run again after it failed.
 * @param done is called after each, with its index.
 * @throws as `Engine.execute`, the first failure; no statement is running then.
 */
export async function executeEach(
  engine: Engine,
  statements: readonly string[],
  done: (index: number) => void,
): Promise<void> {
  const waiting = [...statements.keys()].reverse();
  let hasFailed = false;

  /** @param isAlone no other worker is at work, and none will be */
  const work = async (isAlone: boolean): Promise<void> => {
    const worker = await engine.fork();
    try {
      // Statements like these read one file again and again.
      await worker.execute('SET parquet_metadata_cache = true');
      for (let index = waiting.pop(); index !== undefined && !hasFailed; index = waiting.pop()) {
        try {
          await worker.execute(statements[index] ?? '');
        } catch (error) {
          if (isAlone || !isOutOfMemory(error)) throw error;
          // From here on one fewer is at work.
          waiting.push(index);
          return;
        }
        done(index);
      }
    } catch (error) {
      hasFailed = true;
      throw error;
    } finally {
      await worker.close();
    }
  };

  const threads = await threadsOf(engine);
  // A connection works on its own thread even where the engine has no other.
  await onOneThread(engine, threads, async () => {
    const workers = Array.from({ length: Math.min(threads, statements.length) }, () => work(false));
    const outcomes = await Promise.allSettled(workers);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    if (waiting.length > 0) await work(true);
  });
}
