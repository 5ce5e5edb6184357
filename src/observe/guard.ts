import { formatBytes, parseBytes } from '../core/bytes.ts';
import { FoundryError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { freeMemory } from '../engine/memory.ts';
import { roomAt } from '../storage/room.ts';

const MIB = 1024 ** 2;
const LEAST_DISK = 64 * MIB;
/** Of a small disk: a share of it, not more than it may ever have had. */
const LEAST_SHARE = 0.01;
const LEAST_MEMORY = 48 * MIB;
const LOOK_EVERY_MS = 2000;

export interface GuardedPlace {
  readonly folder: string;
  readonly what: 'the lake' | 'spilling';
}

export interface Guard {
  stop(): void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Looks at disks and memory before a run and while it runs, so that it ends with a clear word and not with a disk
 * filled to the last byte or a kill by the system.
 *
 * @param onShort told once, with STG001 or ENG002, when the run has to stop
 * @throws STG001, ENG002 where there is too little from the start
 */
export async function openGuard(
  places: readonly GuardedPlace[],
  env: Environment,
  { log, onShort }: { readonly log: Log; readonly onShort: (shortage: FoundryError) => void },
): Promise<Guard> {
  const least = {
    disk: leastOf('FOUNDRY_MIN_FREE_DISK', env, log),
    memory: leastOf('FOUNDRY_MIN_FREE_MEMORY', env, log),
  };
  const look = async (): Promise<FoundryError | undefined> => {
    for (const place of places) {
      const shortage = await diskShortage(place, least.disk);
      if (shortage !== undefined) return shortage;
    }
    return memoryShortage(least.memory ?? LEAST_MEMORY);
  };
  const shortage = await look();
  if (shortage !== undefined) throw shortage;
  const timer = setInterval(() => {
    void look().then((found) => {
      if (found === undefined) return;
      clearInterval(timer);
      onShort(found);
    });
  }, LOOK_EVERY_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

async function diskShortage(
  { folder, what }: GuardedPlace,
  wanted: number | undefined,
): Promise<FoundryError | undefined> {
  const room = await roomAt(folder);
  if (room === undefined) return undefined;
  const least = wanted ?? Math.min(LEAST_DISK, room.totalBytes * LEAST_SHARE);
  if (room.freeBytes >= least) return undefined;
  return new FoundryError(
    'STG001',
    `only ${formatBytes(room.freeBytes)} are free on the disk of ${folder} (${what}); a run needs ${formatBytes(Math.ceil(least))} at least`,
    {
      details: { operation: 'check', file_path: folder, free_bytes: room.freeBytes },
      hint: 'Free some space, or name another disk. FOUNDRY_MIN_FREE_DISK changes the limit.',
    },
  );
}

function memoryShortage(least: number): FoundryError | undefined {
  const free = freeMemory();
  if (free === undefined || free >= least) return undefined;
  return new FoundryError(
    'ENG002',
    `only ${formatBytes(free)} of memory are left on this machine; a run needs ${formatBytes(least)} at least`,
    {
      details: { free_bytes: free },
      hint: 'End other programs, lower --memory-limit or --parallel-workers. FOUNDRY_MIN_FREE_MEMORY changes the limit.',
    },
  );
}

function leastOf(name: string, env: Environment, log: Log): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  if (text === '0') return 0;
  const bytes = parseBytes(text);
  if (bytes === undefined) log.warn(`${name}: "${text}" is not a size; write 64MB or 0`);
  return bytes;
}
