import { readFileSync } from 'node:fs';

type Read = (path: string) => string | undefined;

/**
 * Bytes that this process can still take before the system ends processes: of the machine, or of its container where
 * that is less. Undefined where neither tells (only Linux does).
 */
export function freeMemory(read: Read = readText): number | undefined {
  const left = [ofMachine(read), ofContainer(read)].filter((bytes) => bytes !== undefined);
  return left.length === 0 ? undefined : Math.min(...left);
}

function ofMachine(read: Read): number | undefined {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(read('/proc/meminfo') ?? '');
  return match === null ? undefined : Number(match[1]) * 1024;
}

/** Both versions of cgroups. */
const CGROUPS = [
  {
    limit: '/sys/fs/cgroup/memory.max',
    used: '/sys/fs/cgroup/memory.current',
    stat: '/sys/fs/cgroup/memory.stat',
    idle: /^inactive_file (\d+)$/m,
  },
  {
    limit: '/sys/fs/cgroup/memory/memory.limit_in_bytes',
    used: '/sys/fs/cgroup/memory/memory.usage_in_bytes',
    stat: '/sys/fs/cgroup/memory/memory.stat',
    idle: /^total_inactive_file (\d+)$/m,
  },
] as const;

/** Pages of files that nobody uses are given back before anything is ended. */
function ofContainer(read: Read): number | undefined {
  for (const { limit, used, stat, idle } of CGROUPS) {
    const [most, taken] = [limit, used].map((path) => Number(read(path)?.trim()));
    if (most === undefined || taken === undefined || !Number.isFinite(most) || !Number.isFinite(taken))
      continue;
    return most - taken + Number(idle.exec(read(stat) ?? '')?.[1] ?? 0);
  }
  return undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
