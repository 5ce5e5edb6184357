import { expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { scenario, startFoundry } from './support.ts';

setDefaultTimeout(60_000);

test(
  'source samples need no more memory for ten times the rows',
  scenario(async (w) => {
    const peak = async (delta: string): Promise<number> => {
      const running = startFoundry(
        [
          'samples',
          '--patterns',
          '5',
          '--hybrid-days',
          '2',
          '--hybrid-reference-rows',
          '5',
          '--hybrid-delta-rows',
          delta,
          '--output-base-dir',
          delta,
        ],
        { cwd: w.folder },
      );
      let highest = 0;
      const timer = setInterval(() => {
        try {
          const status = readFileSync(`/proc/${running.pid}/status`, 'utf8');
          highest = Math.max(highest, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
        } catch {
          // It has ended.
        }
      }, 20);
      expect(await running.exited).toBe(0);
      clearInterval(timer);
      return highest / 1024;
    };
    const small = await peak('20000');
    expect((await peak('200000')) - small).toBeLessThan(150);
  }),
);
