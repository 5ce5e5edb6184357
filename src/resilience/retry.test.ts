import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { FoundryError } from '../core/errors.ts';
import { fakeTimer } from '../testing/fake-timer.ts';
import { type RetryPolicy, retrying, type Verdict } from './retry.ts';

const never = new AbortController().signal;

const policy = (changes: Partial<RetryPolicy> = {}): RetryPolicy => ({
  attempts: 5,
  baseMs: 500,
  capMs: 8000,
  jitter: 0,
  afterCapMs: 60_000,
  classify: () => ({ retry: true }),
  ...changes,
});

/** Fails so often, then succeeds with the number of the attempt. */
const failing = (times: number) => async (attempt: number) => {
  if (attempt <= times) throw new Error(`no ${attempt}`);
  return attempt;
};

async function failure(run: Promise<unknown>): Promise<FoundryError> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FoundryError)) throw new Error(`expected a FoundryError, got ${String(error)}`);
  return error;
}

describe('retrying', () => {
  test('waits twice as long before each further attempt, up to the cap', async () => {
    const timer = fakeTimer();
    const attempts = policy({ attempts: 7 });
    expect(await retrying(failing(6), attempts, { signal: never, timer })).toBe(7);
    expect(timer.waits).toEqual([500, 1000, 2000, 4000, 8000, 8000]);
  });

  test('ends in RETRY001 with the last failure when the attempts are used up', async () => {
    const timer = fakeTimer();
    const error = await failure(retrying(failing(9), policy(), { signal: never, timer }));
    expect(error.toString()).toBe('[RETRY001] no 5; gave up after 5 attempts (attempts=5)');
    expect(error.cause).toEqual(new Error('no 5'));
    expect(timer.waits).toHaveLength(4);
  });

  test('throws a failure that will not pass as it is, after one attempt', async () => {
    const gone = new FoundryError('EXT001', '404');
    let attempts = 0;
    const run = retrying(
      async () => {
        attempts += 1;
        throw gone;
      },
      policy({ classify: () => ({ retry: false }) }),
      { signal: never, timer: fakeTimer() },
    );
    expect(await failure(run)).toBe(gone);
    expect(attempts).toBe(1);
  });

  test('waits as long as it is asked to, never shorter than by itself, never longer than the cap', async () => {
    const timer = fakeTimer();
    const asked = [0, 3000, 3_600_000];
    const classify = (error: unknown): Verdict => {
      const afterMs = asked[Number(String(error).at(-1)) - 1];
      return afterMs === undefined ? { retry: true } : { retry: true, afterMs };
    };
    await retrying(failing(4), policy({ classify }), { signal: never, timer });
    expect(timer.waits).toEqual([500, 3000, 60_000, 4000]);
  });

  test('does not begin a wait that would end after the deadline', async () => {
    const timer = fakeTimer();
    const run = retrying(failing(9), policy({ deadlineMs: 2000 }), { signal: never, timer });
    expect((await failure(run)).message).toBe('no 3; no time is left after 3 attempts');
    expect(timer.waits).toEqual([500, 1000]);
  });

  test('keeps every wait within the jitter', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), async (x) => {
        const timer = fakeTimer();
        await retrying(failing(3), policy({ jitter: 0.2 }), { signal: never, timer, random: () => x });
        for (const [index, wait] of timer.waits.entries()) {
          const middle = 500 * 2 ** index;
          expect(Math.abs(wait - middle)).toBeLessThanOrEqual(middle * 0.2 + 1e-9);
        }
      }),
    );
  });

  test('tells of each failure before the wait', async () => {
    const told: string[] = [];
    const onRetry = ({ error, attempt, waitMs }: { error: unknown; attempt: number; waitMs: number }) =>
      told.push(`${attempt}: ${String(error)}, ${waitMs} ms`);
    await retrying(failing(2), policy(), { signal: never, timer: fakeTimer(), onRetry });
    expect(told).toEqual(['1: Error: no 1, 500 ms', '2: Error: no 2, 1000 ms']);
  });

  test.each(['an operation that never ends', 'a wait'])('leaves %s at once when aborted', async (what) => {
    const stop = new AbortController();
    const operation = what === 'a wait' ? failing(9) : () => new Promise<never>(() => {});
    const run = retrying(operation, policy({ baseMs: 60_000, capMs: 60_000 }), { signal: stop.signal });
    setTimeout(() => stop.abort(), 10);
    expect((await failure(run)).code).toBe('INT001');
  });

  test('does not even begin when it is aborted already', async () => {
    let began = false;
    const run = retrying(
      async () => {
        began = true;
      },
      policy(),
      { signal: AbortSignal.abort() },
    );
    expect((await failure(run)).code).toBe('INT001');
    expect(began).toBe(false);
  });
});
