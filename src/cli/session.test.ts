import { expect, test } from 'bun:test';
import { openSession } from './session.ts';

const open = (args: Record<string, string>) => openSession('bronze', args, new AbortController().signal);

test('datasets that run at a time share the memory and the threads of the process, as many as there are', () => {
  const session = open({ 'memory-limit': '8GB', threads: '6', 'parallel-workers': '4' });
  const alone = open({ 'memory-limit': '8GB', threads: '6' }).limits;
  expect(session.limits.memoryBytes).toBe(Math.floor(alone.memoryBytes / 4));
  expect(session.limits.threads).toBe(2);
  session.shareAmong(2);
  expect(session.workers).toBe(2);
  expect(session.limits).toMatchObject({ memoryBytes: Math.floor(alone.memoryBytes / 2), threads: 3 });
  session.shareAmong(1);
  expect(session.limits).toEqual(alone);
});
