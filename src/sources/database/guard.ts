import { type FoundryError, throwIfStopped } from '../../core/errors.ts';
import type { Statement } from './statement.ts';

/** Runs what asks the server: everything that it throws is a FoundryError, and INT001 once the run was stopped. */
export interface Guard {
  call<T>(run: () => Promise<T>, statement?: Statement): Promise<T>;
  stream<T>(blocks: () => AsyncIterable<T>, statement: Statement): AsyncGenerator<T>;
}

/** @param failure what the driver threw, in words */
export function guardOf(
  signal: AbortSignal,
  failure: (error: unknown, statement?: Statement) => FoundryError,
): Guard {
  return {
    async call(run, statement) {
      throwIfStopped(signal);
      try {
        return await run();
      } catch (error) {
        throwIfStopped(signal);
        throw failure(error, statement);
      }
    },
    async *stream(blocks, statement) {
      throwIfStopped(signal);
      try {
        yield* blocks();
        // A driver may end a stream that was cancelled like one that is whole.
        throwIfStopped(signal);
      } catch (error) {
        throwIfStopped(signal);
        throw failure(error, statement);
      }
    },
  };
}
