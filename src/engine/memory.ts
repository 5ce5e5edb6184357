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

/** Version 2 of cgroups. Pages of files that nobody uses are given back before anything is ended. */
function ofContainer(read: Read): number | undefined {
  const folder = '/sys/fs/cgroup';
  const limit = Number(read(`${folder}/memory.max`)?.trim());
  const used = Number(read(`${folder}/memory.current`)?.trim());
  const reclaimable = Number(/^inactive_file (\d+)$/m.exec(read(`${folder}/memory.stat`) ?? '')?.[1] ?? 0);
  return Number.isFinite(limit) && Number.isFinite(used) ? limit - used + reclaimable : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
