import { moduleFailure } from './module.ts';

/** Takes what an extractor's code does to the process that runs it for a failure of the extractor. */
export interface Watch {
  /**
   * A step of the extractor; one at a time.
   * @throws EXT001 where the step waits for what cannot come, or code beside it fails where nobody catches it; what the
   * step throws
   */
  during<T>(step: PromiseLike<T>): Promise<T>;
  end(): void;
}

/** @param reached how far the extractor has come, for messages */
export function watchExtractor(path: string, reached: () => string): Watch {
  let refuse: ((error: unknown) => void) | undefined;
  let failure: unknown;
  const fail = (error: unknown): void => {
    failure ??= error;
    refuse?.(failure);
  };
  const onError = (error: unknown): void => fail(moduleFailure(path, reached(), error));
  // Nothing is left to do for anybody: the process would end here, and with 0.
  const onIdle = (): void => {
    if (refuse === undefined) return;
    const waiting = new Error('it waits for something that never comes');
    // A timer keeps the process until the failure has been told.
    setTimeout(() => fail(moduleFailure(path, reached(), waiting)), 0);
  };
  process.on('unhandledRejection', onError);
  process.on('uncaughtException', onError);
  process.on('beforeExit', onIdle);
  return {
    // Not `Promise.race`, which would keep every row for as long as the extractor runs.
    during: (step) =>
      new Promise((resolve, reject) => {
        if (failure !== undefined) return reject(failure);
        refuse = reject;
        step.then(resolve, reject);
      }),
    end() {
      process.off('unhandledRejection', onError);
      process.off('uncaughtException', onError);
      process.off('beforeExit', onIdle);
      refuse = undefined;
    },
  };
}

/** What the extractor yields; each step watched. Lists may hold promises. */
export async function* watchedRows(
  rows: AsyncIterable<unknown> | Iterable<unknown>,
  watch: Watch,
): AsyncGenerator<unknown> {
  const iterator = Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : rows[Symbol.iterator]();
  const step = async (): Promise<IteratorResult<unknown>> => {
    const { done, value } = await iterator.next();
    return { done: done === true, value: await value };
  };
  let isOver = false;
  try {
    for (;;) {
      const { done, value } = await watch.during(step()).catch((error: unknown) => {
        isOver = true;
        throw error;
      });
      isOver = done === true;
      if (isOver) return;
      yield value;
    }
  } finally {
    if (!isOver) await iterator.return?.();
  }
}
