import type { Progress } from '../core/log.ts';
import type { Engine } from './engine.ts';
import { isOutOfMemory } from './errors.ts';

const POLL_MS = 200;

/** Runs a statement that takes long, and much memory: tells meanwhile how much of it is done. As `sparing`. */
export async function runHeavy<T>(engine: Engine, progress: Progress, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => progress.share(engine.progress()), POLL_MS);
  try {
    return await sparing(engine, work);
  } finally {
    clearInterval(timer);
  }
}

/**
 * Runs `work`, and once more on one thread where the engine's memory did not suffice: each thread needs buffers of
 * its own.
 * @param work may be run again after it failed; its result does not depend on threads.
 * @throws as `work`; ENG002 where one thread is too much as well.
 */
export async function sparing<T>(engine: Engine, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const threads = isOutOfMemory(error) ? await threadsOf(engine) : 1;
    if (threads === 1) throw error;
    return await onOneThread(engine, threads, work);
  }
}

/** How many threads the engine works with. */
export async function threadsOf(engine: Engine): Promise<number> {
  const [setting] = await engine.query(`SELECT current_setting('threads') AS threads`);
  return Number(setting?.threads);
}

/** Runs `work` while the engine has one thread. @param threads how many it has otherwise */
export async function onOneThread<T>(engine: Engine, threads: number, work: () => Promise<T>): Promise<T> {
  await engine.execute('SET threads = 1');
  try {
    return await work();
  } finally {
    // A stopped run refuses further statements, and the reason for its end is known already.
    await engine.execute(`SET threads = ${threads}`).catch(() => undefined);
  }
}
