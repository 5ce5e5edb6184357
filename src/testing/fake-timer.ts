import { throwIfStopped } from '../core/errors.ts';
import type { Timer } from '../resilience/timer.ts';

/** A timer whose waits take no time and are written down. */
export interface FakeTimer extends Timer {
  readonly waits: readonly number[];
  advance(ms: number): void;
}

export function fakeTimer(): FakeTimer {
  const waits: number[] = [];
  let time = 0;
  return {
    waits,
    now: () => time,
    advance(ms) {
      time += ms;
    },
    async sleep(ms, signal) {
      throwIfStopped(signal);
      waits.push(ms);
      time += ms;
    },
  };
}
