import { readFileSync } from 'node:fs';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import type { EngineLimits } from './engine.ts';

const CGROUP_LIMITS = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'] as const;
const SMALLEST_MEMORY = 128 * 1024 ** 2;
/** What the process holds besides the engine's own count: the runtime, the library, buffers of its allocator. */
const OUTSIDE_ENGINE = 128 * 1024 ** 2;

export interface LimitOptions {
  /** Of the whole process. */
  readonly memoryBytes?: number;
  readonly threads?: number;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/**
 * The engine's part of a limit, else half of the memory that this process may use; every core; spilling to
 * FOUNDRY_SPILL_DIR or the system's folder.
 */
export function engineLimits(options: LimitOptions = {}): EngineLimits {
  const env = options.env ?? process.env;
  return {
    memoryBytes:
      options.memoryBytes === undefined
        ? Math.max(SMALLEST_MEMORY, Math.floor(availableMemory() / 2))
        : engineShare(options.memoryBytes),
    threads: options.threads ?? availableParallelism(),
    spillFolder: env.FOUNDRY_SPILL_DIR || tmpdir(),
  };
}

/** A small limit is the engine's alone: it could not work with less. */
function engineShare(processBytes: number): number {
  return Math.max(Math.min(processBytes, SMALLEST_MEMORY), processBytes - OUTSIDE_ENGINE);
}

/** RAM of the machine, or of the container where that is less. */
export function availableMemory(read: (path: string) => string | undefined = readText): number {
  const limits = CGROUP_LIMITS.map((path) => Number(read(path)?.trim() ?? Number.NaN));
  return Math.min(totalmem(), ...limits.filter((bytes) => Number.isFinite(bytes) && bytes > 0));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
