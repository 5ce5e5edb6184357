import type { SplitSpec } from '../../config/database/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import type { Session } from './driver.ts';

/** The sessions of one read, each used by one chunk at a time. */
export interface SessionPool {
  /** After planning in the first session's transaction: shares its snapshot with further sessions, or ends it. */
  open(): Promise<void>;
  /** Gives what `work` gives, with a session of its own meanwhile; after the pause between chunks. */
  using<T>(work: (session: Session) => AsyncIterable<T>): AsyncGenerator<T>;
  close(): Promise<void>;
}

export function sessionPool(
  first: Session,
  connect: () => Promise<Session>,
  split: SplitSpec,
  signal: AbortSignal,
): SessionPool {
  const all: Session[] = [first];
  const free: Session[] = [first];
  const isShared = split.consistency === 'snapshot';
  let snapshot: string | undefined;
  let isClosed = false;
  let begun = 0;

  const take = async (): Promise<Session> => {
    const ready = free.pop();
    if (ready !== undefined) return ready;
    const session = await connect();
    all.push(session);
    // Closed while it connected.
    if (isClosed) await session.close();
    if (isShared) await session.begin(snapshot);
    return session;
  };

  return {
    async open() {
      if (!isShared) {
        await first.end();
      } else if (split.workers > 1) {
        if (first.exportSnapshot === undefined) {
          throw new FoundryError('CFG001', `${first.server} cannot share one snapshot between connections`, {
            hint: 'Set parallel_workers: 1; or consistency: chunk with partition_on, where each chunk sees its own moment.',
          });
        }
        snapshot = await first.exportSnapshot();
      }
    },
    async *using(work) {
      begun += 1;
      // The first ones, one a worker, have nothing before them.
      if (begun > split.workers && split.chunkDelayMs > 0) await pause(split.chunkDelayMs, signal);
      const session = await take();
      let isWhole = false;
      try {
        if (!isShared) await session.begin();
        yield* work(session);
        if (!isShared) await session.end();
        isWhole = true;
      } finally {
        // What a reader left in the middle is of no use to the next.
        if (isWhole) free.push(session);
        else await session.close();
      }
    },
    async close() {
      isClosed = true;
      await Promise.all(all.map((session) => session.close()));
    },
  };
}

/** Ends early when the run is stopped: what comes next finds that out. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
