import { expect, test } from 'bun:test';
import { LONGEST_TIMEOUT_MS, systemTimer } from './timer.ts';

test('a wait that is longer than a timeout can be is not over at once', async () => {
  const stop = new AbortController();
  let over = false;
  const wait = systemTimer.sleep(LONGEST_TIMEOUT_MS * 3, stop.signal).then(
    () => {
      over = true;
    },
    () => undefined,
  );
  await Bun.sleep(20);
  expect(over).toBe(false);
  stop.abort();
  await wait;
  expect(over).toBe(false);
});
