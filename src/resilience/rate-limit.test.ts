import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { FoundryError } from '../core/errors.ts';
import { fakeTimer } from '../testing/fake-timer.ts';
import { type RateLimit, rateLimiter } from './rate-limit.ts';

const never = new AbortController().signal;

/** When each of so many turns was given, in ms. */
async function turns(limit: RateLimit, count: number): Promise<number[]> {
  const timer = fakeTimer();
  const limiter = rateLimiter(limit, timer);
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    await limiter.take(never);
    times.push(Math.round(timer.now()));
  }
  return times;
}

describe('rateLimiter', () => {
  test('gives the burst at once, then a turn each 1/rps seconds', async () => {
    expect(await turns({ rps: 10, burst: 3 }, 6)).toEqual([0, 0, 0, 100, 200, 300]);
    expect(await turns({ rps: 2 }, 5)).toEqual([0, 0, 500, 1000, 1500]);
    expect(await turns({ rps: 0.5 }, 3)).toEqual([0, 2000, 4000]);
    expect(await turns({}, 1000)).toEqual(Array.from({ length: 1000 }, () => 0));
  });

  test('never gives more than burst + rps × seconds turns in any stretch of time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0.2, max: 50, noNaN: true }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 30 }),
        async (rps, burst, pauses) => {
          const timer = fakeTimer();
          const limiter = rateLimiter({ rps, burst }, timer);
          const times: number[] = [];
          for (const pause of pauses) {
            timer.advance(pause);
            await limiter.take(never);
            times.push(timer.now());
          }
          for (const [i, from] of times.entries()) {
            for (const [j, to] of times.entries()) {
              if (j < i) continue;
              expect(j - i + 1).toBeLessThanOrEqual(burst + (rps * (to - from)) / 1000 + 1e-3);
            }
          }
        },
      ),
    );
  });

  test('after a complaint, waits as asked and goes on at half the rate, which grows back', async () => {
    const timer = fakeTimer();
    const limiter = rateLimiter({ rps: 10 }, timer);
    await limiter.take(never);
    limiter.complained(5000);
    expect(limiter.rate).toBe(5);
    await limiter.take(never);
    expect(timer.now()).toBeGreaterThanOrEqual(5000);
    for (let i = 0; i < 7; i += 1) limiter.answered();
    expect(limiter.rate).toBeGreaterThan(9);
    limiter.answered();
    expect(limiter.rate).toBe(10);
  });

  test('without a configured rate, a complaint halves the rate that was seen', async () => {
    const timer = fakeTimer();
    const limiter = rateLimiter({}, timer);
    for (let i = 0; i < 20; i += 1) {
      await limiter.take(never);
      timer.advance(50);
    }
    limiter.complained();
    expect(limiter.rate).toBeCloseTo(10, 0);
    for (let i = 0; i < 60; i += 1) limiter.answered();
    expect(limiter.rate).toBe(Number.POSITIVE_INFINITY);
  });

  test('complaints about requests that were under way together count once', async () => {
    const timer = fakeTimer();
    const limiter = rateLimiter({ rps: 100 }, timer);
    for (let i = 0; i < 10; i += 1) limiter.complained();
    expect(limiter.rate).toBe(50);
    for (let i = 0; i < 100; i += 1) {
      timer.advance(1000);
      limiter.complained();
    }
    expect(limiter.rate).toBe(0.1);
  });

  test('leaves at once when aborted, also behind another that waits', async () => {
    const limiter = rateLimiter({ rps: 0.01 });
    await limiter.take(never);
    const other = new AbortController();
    const ahead = limiter.take(other.signal);
    const stop = new AbortController();
    const waiting = limiter.take(stop.signal);
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'INT001' });
    other.abort();
    await expect(ahead).rejects.toBeInstanceOf(FoundryError);
  });
});
