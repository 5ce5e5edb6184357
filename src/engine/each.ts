import type { Engine } from './engine.ts';

/**
 * Runs statements several at a time, each on one thread: what one of them writes does not depend on threads. They see
 * no temporary tables.
 * @param done is called after each, with its index.
 * @throws as `Engine.execute`, the first failure; no statement is running then.
 */
export async function executeEach(
  engine: Engine,
  statements: readonly string[],
  done: (index: number) => void,
): Promise<void> {
  const [setting] = await engine.query(`SELECT current_setting('threads') AS threads`);
  const threads = Number(setting?.threads);
  let next = 0;
  let hasFailed = false;
  const work = async (): Promise<void> => {
    const worker = await engine.fork();
    try {
      // Statements like these read one file again and again.
      await worker.execute('SET parquet_metadata_cache = true');
      while (!hasFailed && next < statements.length) {
        const index = next;
        next += 1;
        await worker.execute(statements[index] ?? '');
        done(index);
      }
    } catch (error) {
      hasFailed = true;
      throw error;
    } finally {
      await worker.close();
    }
  };
  // A connection works on its own thread even where the engine has no other.
  await engine.execute('SET threads = 1');
  const workers = Array.from({ length: Math.min(threads, statements.length) }, work);
  const outcomes = await Promise.allSettled(workers);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  await engine.execute(`SET threads = ${threads}`);
}
