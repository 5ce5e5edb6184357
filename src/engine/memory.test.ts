import { expect, test } from 'bun:test';
import { freeMemory } from './memory.ts';

const files =
  (texts: Readonly<Record<string, string>>) =>
  (path: string): string | undefined =>
    texts[path];

test('what is left is that of the machine, or of the container where that is less, with its idle file pages', () => {
  const machine = { '/proc/meminfo': 'MemTotal:       2000 kB\nMemAvailable:   1000 kB\n' };
  expect(freeMemory(files(machine))).toBe(1_024_000);
  const container = {
    ...machine,
    '/sys/fs/cgroup/memory.max': '500000\n',
    '/sys/fs/cgroup/memory.current': '450000\n',
    '/sys/fs/cgroup/memory.stat': 'anon 1\ninactive_file 20000\nactive_file 3\n',
  };
  expect(freeMemory(files(container))).toBe(70_000);
  expect(freeMemory(files({ ...container, '/sys/fs/cgroup/memory.max': 'max\n' }))).toBe(1_024_000);
  const older = {
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '500000\n',
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': '480000\n',
    '/sys/fs/cgroup/memory/memory.stat': 'total_inactive_file 1000\n',
  };
  expect(freeMemory(files(older))).toBe(21_000);
  expect(freeMemory(files({}))).toBeUndefined();
});
