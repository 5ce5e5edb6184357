import type { Progress } from '../core/log.ts';
import type { Engine } from './engine.ts';

const POLL_MS = 200;

/** Tells meanwhile how much is done of the statement that `work` is running. */
export async function sharing<T>(engine: Engine, progress: Progress, work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => progress.share(engine.progress()), POLL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
