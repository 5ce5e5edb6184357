import { systemTimer, type Timer, unlessStopped } from './timer.ts';

export interface RateLimit {
  /** Requests a second; absent: as fast as they come, until the other side complains. */
  readonly rps?: number;
  /** Requests that may go out at once after a pause; absent: one second's worth. */
  readonly burst?: number;
}

/** A token bucket that gives way when the other side says that it is too much (429). */
export interface RateLimiter {
  /** Waits for a turn; turns are given in the order of the calls. @throws INT001 at once when aborted */
  take(signal: AbortSignal): Promise<void>;
  /** The other side complained: half the rate from now on, and nothing at all for as long as it asks. */
  complained(pauseMs?: number): void;
  /** The other side answered: after a complaint, the rate grows back towards the configured one. */
  answered(): void;
  /** Requests a second now; Infinity where nothing limits them. */
  readonly rate: number;
}

/** However often the other side complains, it is asked once in ten seconds. */
const SLOWEST_RPS = 0.1;
const SLOWER = 0.5;
const FASTER = 1.1;
/** Without a configured rate, one that has grown above this limits nothing any more. */
const AS_GOOD_AS_FREE_RPS = 1000;
/** Complaints about requests that were under way together count as one. */
const ONE_COMPLAINT_MS = 1000;
/** Turns whose times tell the rate that the other side complained of. */
const REMEMBERED = 20;

/** @param limit `rps` and `burst` are positive */
export function rateLimiter(limit: RateLimit, timer: Timer = systemTimer): RateLimiter {
  const full = limit.rps ?? Number.POSITIVE_INFINITY;
  const capacity = limit.burst ?? Math.max(1, Math.ceil(Number.isFinite(full) ? full : 1));
  const turns: number[] = [];
  let rate = full;
  let room = capacity;
  let tokens = capacity;
  let filledAt = timer.now();
  let closedUntil = Number.NEGATIVE_INFINITY;
  let slowedAt = Number.NEGATIVE_INFINITY;
  let line: Promise<void> = Promise.resolve();

  const fill = (now: number): void => {
    const since = Math.max(0, now - Math.max(filledAt, closedUntil));
    filledAt = now;
    if (rate === Number.POSITIVE_INFINITY) tokens = room;
    else tokens = Math.min(room, tokens + (since / 1000) * rate);
  };

  const waitForTurn = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      const now = timer.now();
      fill(now);
      const closedMs = closedUntil - now;
      // What is missing to a token by rounding would be waited for in ever smaller steps.
      if (closedMs <= 0 && tokens >= 1 - 1e-6) break;
      const missingMs = Number.isFinite(rate) ? (Math.max(0, 1 - tokens) / rate) * 1000 : 0;
      await timer.sleep(Math.max(1, closedMs + missingMs, missingMs), signal);
    }
    tokens -= 1;
    turns.push(timer.now());
    if (turns.length > REMEMBERED) turns.shift();
  };

  return {
    take(signal) {
      const turn = line.then(() => waitForTurn(signal));
      line = turn.catch(() => {});
      return unlessStopped(() => turn, signal);
    },
    complained(pauseMs = 0) {
      const now = timer.now();
      fill(now);
      closedUntil = Math.max(closedUntil, now + pauseMs);
      if (now - slowedAt < ONE_COMPLAINT_MS) return;
      slowedAt = now;
      rate = Math.max(SLOWEST_RPS, Math.min(rate, observed(turns, now)) * SLOWER);
      room = 1;
      tokens = Math.min(tokens, 0);
    },
    answered() {
      if (rate >= full) return;
      fill(timer.now());
      rate = Math.min(full, rate * FASTER);
      if (rate >= full || (full === Number.POSITIVE_INFINITY && rate > AS_GOOD_AS_FREE_RPS)) {
        rate = full;
        room = capacity;
      }
    },
    get rate() {
      return rate;
    },
  };
}

/** Turns a second of late. One turn alone tells nothing. */
function observed(turns: readonly number[], now: number): number {
  const first = turns[0];
  if (first === undefined || turns.length < 2) return Number.POSITIVE_INFINITY;
  return (turns.length * 1000) / Math.max(1, now - first);
}
