import { throwIfStopped } from '../core/errors.ts';

/** Waiting, so that tests need not. */
export interface Timer {
  /** Milliseconds that only ever grow. */
  now(): number;
  /** @throws INT001 at once when the signal is, or gets, aborted */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** A longer `setTimeout` ends at once. */
export const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemTimer: Timer = {
  now: () => performance.now(),
  async sleep(ms, signal) {
    for (let left = ms; ; left -= LONGEST_TIMEOUT_MS) {
      const step = Math.min(left, LONGEST_TIMEOUT_MS);
      await leaving(signal, (done) => setTimeout(done, step), clearTimeout);
      if (left <= LONGEST_TIMEOUT_MS) return;
    }
  },
};

/**
 * The operation's result, or INT001 at once when the signal is aborted, whether or not the operation notices.
 * What it still does then, and how it ends, is ignored.
 */
export async function unlessStopped<T>(operation: () => Promise<T>, signal: AbortSignal): Promise<T> {
  throwIfStopped(signal);
  const running = operation();
  running.catch(() => {});
  let stop: (() => void) | undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () => reject(stopError(signal));
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([running, stopped]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}

/** A wait that an abort ends. */
function leaving<H>(
  signal: AbortSignal,
  start: (done: () => void) => H,
  cancel: (handle: H) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(stopError(signal));
      return;
    }
    const stop = (): void => {
      cancel(handle);
      reject(stopError(signal));
    };
    const handle = start(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    });
    signal.addEventListener('abort', stop, { once: true });
  });
}

/** INT001 of an aborted signal. */
export function stopError(signal: AbortSignal): unknown {
  try {
    throwIfStopped(signal);
  } catch (error) {
    return error;
  }
  return signal.reason;
}
