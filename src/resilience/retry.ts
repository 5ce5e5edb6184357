import { FoundryError, messageOf } from '../core/errors.ts';
import { systemTimer, type Timer, unlessStopped } from './timer.ts';

/** Whether a failure may pass by itself, and how long the other side asks to be left alone. */
export type Verdict = { readonly retry: false } | { readonly retry: true; readonly afterMs?: number };

export interface RetryPolicy {
  /** Of the whole, the first included. */
  readonly attempts: number;
  /** Before the second attempt; doubled before each further one. */
  readonly baseMs: number;
  /** The longest wait of the doubling. */
  readonly capMs: number;
  /** Share of a wait by which it may be longer or shorter: 0.2 is ±20 %. */
  readonly jitter: number;
  /** The longest wait that the other side may ask for; what asks for more is waited for this long. */
  readonly afterCapMs: number;
  /** Time for all attempts and waits together. */
  readonly deadlineMs?: number;
  readonly classify: (error: unknown) => Verdict;
}

export interface RetryContext {
  readonly signal: AbortSignal;
  /** Before each wait. */
  readonly onRetry?: (failure: Retry) => void;
  readonly timer?: Timer;
  /** 0 ≤ x < 1; fixed in tests. */
  readonly random?: () => number;
}

export interface Retry {
  readonly error: unknown;
  /** The attempt that failed, from 1. */
  readonly attempt: number;
  readonly waitMs: number;
}

/**
 * Runs an operation until it succeeds, fails for good, or the policy's attempts or time are used up.
 *
 * A wait that the other side asked for (`afterMs`) lengthens ours and never shortens it: an answer of "again in 0
 * seconds" must not burn all attempts in one moment.
 *
 * @throws INT001 at once when aborted, also within the operation or a wait; RETRY001 with the last failure as its
 * cause when attempts or time are used up; what the operation threw when trying again would not help
 */
export async function retrying<T>(
  operation: (attempt: number) => Promise<T>,
  policy: RetryPolicy,
  { signal, onRetry, timer = systemTimer, random = Math.random }: RetryContext,
): Promise<T> {
  const started = timer.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await unlessStopped(() => operation(attempt), signal);
    } catch (error) {
      if (isStop(error)) throw error;
      const verdict = policy.classify(error);
      if (!verdict.retry) throw error;
      if (attempt >= policy.attempts) throw exhausted(error, attempt, 'attempts');
      const waitMs = waitOf(policy, attempt, verdict.afterMs, random);
      const spent = timer.now() - started;
      if (policy.deadlineMs !== undefined && spent + waitMs >= policy.deadlineMs) {
        throw exhausted(error, attempt, 'time');
      }
      onRetry?.({ error, attempt, waitMs });
      await timer.sleep(waitMs, signal);
    }
  }
}

function isStop(error: unknown): boolean {
  return error instanceof FoundryError && error.code === 'INT001';
}

function waitOf(
  policy: RetryPolicy,
  attempt: number,
  afterMs: number | undefined,
  random: () => number,
): number {
  const backOff = Math.min(policy.capMs, policy.baseMs * 2 ** (attempt - 1));
  const own = backOff * (1 + policy.jitter * (2 * random() - 1));
  return Math.max(own, Math.min(afterMs ?? 0, policy.afterCapMs));
}

/** What the last failure itself says about what to do. */
function hintOf(error: unknown): { readonly hint?: string } {
  if (!(error instanceof Error) || !('hint' in error)) return {};
  const { hint } = error;
  return typeof hint === 'string' ? { hint } : {};
}

function exhausted(error: unknown, attempts: number, what: 'attempts' | 'time'): FoundryError {
  const tries = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  const ended = what === 'attempts' ? `gave up after ${tries}` : `no time is left after ${tries}`;
  const details = error instanceof FoundryError ? error.details : {};
  return new FoundryError('RETRY001', `${messageOf(error)}; ${ended}`, {
    details: { ...details, attempts },
    ...hintOf(error),
    cause: error,
  });
}
