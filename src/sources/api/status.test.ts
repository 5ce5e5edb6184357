import { describe, expect, test } from 'bun:test';
import { isBusy, retryAfterMs } from './status.ts';

const NOW = Date.parse('2025-01-05T10:00:00Z');

describe('Retry-After', () => {
  test.each<[string | undefined, number | undefined]>([
    ['0', 0],
    ['120', 120_000],
    [' 1.5 ', 1500],
    ['Sun, 05 Jan 2025 10:00:30 GMT', 30_000],
    ['Sunday, 05-Jan-25 10:00:30 GMT', 30_000],
    ['Sun Jan  5 10:00:30 2025 GMT', 30_000],
    ['Sun, 05 Jan 2025 09:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j', (text, ms) => {
    expect(retryAfterMs(text === undefined ? {} : { 'retry-after': text }, NOW)).toBe(ms);
  });
});

test('statuses that pass by themselves are tried again, unless the config names others', () => {
  const tried = (statuses?: readonly number[]) =>
    [200, 301, 400, 401, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504, 529].filter((status) =>
      isBusy(status, statuses),
    );
  expect(tried()).toEqual([408, 425, 429, 500, 502, 503, 504, 529]);
  expect(tried([404, 503])).toEqual([404, 503]);
});
