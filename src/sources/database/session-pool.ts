import type { SplitSpec } from '../../config/database/spec.ts';
import type { Session } from './driver.ts';
import { isRewritten } from './postgres-rewritten.ts';
import { isTemporary, sharedSnapshot } from './shared-snapshot.ts';

/** The sessions of one read, each used by one chunk at a time. */
export interface SessionPool {
  /** After planning in the first session's transaction: shares its snapshot with further sessions, or ends it. */
  open(): Promise<void>;
  /** Gives what `work` gives, with a session of its own meanwhile; after the pause between chunks. */
  using<T>(work: (session: Session) => AsyncIterable<T>): AsyncGenerator<T>;
  /** Whether what failed so may be read again by itself, by another session, and still fit what else was read. */
  mayRepeat(error: unknown): boolean;
  close(): Promise<void>;
}

export function sessionPool(
  first: Session,
  connect: () => Promise<Session>,
  split: SplitSpec,
  signal: AbortSignal,
): SessionPool {
  const all = new Set([first]);
  const free: Session[] = [first];
  const isShared = split.consistency === 'snapshot';
  const snapshot = sharedSnapshot();
  let isClosed = false;
  let begun = 0;

  const take = async (): Promise<Session> => {
    const ready = free.pop();
    if (ready !== undefined) return ready;
    const session = await connect();
    all.add(session);
    try {
      // Closed while it connected.
      if (isClosed) await session.close();
      if (isShared) await snapshot.join(session);
      return session;
    } catch (error) {
      await drop(session);
      throw error;
    }
  };

  const drop = async (session: Session): Promise<void> => {
    all.delete(session);
    snapshot.forget(session);
    await session.close();
  };

  return {
    async open() {
      if (!isShared) await first.end();
      else if (split.workers > 1) await snapshot.offer(first);
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
        else await drop(session);
      }
    },
    mayRepeat: (error) => isTemporary(error) && (!isShared || (snapshot.isAlive && !isRewritten(error))),
    async close() {
      isClosed = true;
      await Promise.all([...all].map((session) => session.close()));
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
