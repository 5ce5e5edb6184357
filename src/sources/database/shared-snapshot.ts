import { FoundryError } from '../../core/errors.ts';
import type { Session } from './driver.ts';

/** One state of the database that several sessions see: it is there for as long as one of them lives. */
export interface SharedSnapshot {
  /** Lets others join the state that the session sees. @throws CFG001 where the database cannot share it */
  offer(session: Session): Promise<void>;
  /** Begins the session's transaction in that state. @throws RETRY001 when no session is left that sees it */
  join(session: Session): Promise<void>;
  /** The session is lost, and what only it saw. */
  forget(session: Session): void;
  /** Whether some session may still see it. */
  readonly isAlive: boolean;
}

export function sharedSnapshot(): SharedSnapshot {
  /** By the session that offers it: a name ends with its session's transaction. */
  const names = new Map<Session, string>();

  const offer = async (session: Session): Promise<void> => {
    if (session.exportSnapshot === undefined) {
      throw new FoundryError('CFG001', `${session.server} cannot share one snapshot between connections`, {
        hint: 'Set parallel_workers: 1; or consistency: chunk with partition_on, where each chunk sees its own moment.',
      });
    }
    names.set(session, await session.exportSnapshot());
  };

  return {
    offer,
    async join(session) {
      for (const [holder, name] of names) {
        try {
          await session.begin(name);
        } catch (error) {
          if (isTemporary(error)) throw error;
          // The name is unknown to the server: its session is gone, which had not been noticed.
          names.delete(holder);
          await session.end();
          continue;
        }
        return await offer(session);
      }
      throw new FoundryError('RETRY001', 'all connections that saw the snapshot of this read were lost', {
        hint: 'Nothing was committed. Run again.',
      });
    },
    forget: (session) => void names.delete(session),
    get isAlive() {
      return names.size > 0;
    },
  };
}

/** Whether a failure of a session may go away by itself. */
export function isTemporary(error: unknown): boolean {
  return error instanceof FoundryError && error.code === 'RETRY001';
}
