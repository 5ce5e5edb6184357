import { formatBytes } from '../core/bytes.ts';
import { FoundryError } from '../core/errors.ts';
import { roomAt } from './room.ts';

/** How much may be fetched into a run's local spool; all of its fetches draw on it. */
export interface SpoolBudget {
  /** Before anything is fetched. @throws STG001 when it does not fit, with both numbers. */
  take(bytes: number, what: string, folder: string): Promise<void>;
}

/** Left on the spool's disk for what is written there beside the fetched files. */
const SPARED = 64 * 1024 * 1024;

/** @param limitBytes `--spool-limit`; absent: what the disk has free. */
export function spoolBudget(limitBytes?: number): SpoolBudget {
  let taken = 0;
  return {
    async take(bytes, what, folder) {
      if (limitBytes !== undefined && taken + bytes > limitBytes) {
        throw new FoundryError(
          'STG001',
          `fetching ${what} needs ${formatBytes(taken + bytes)} of spool, and --spool-limit is ${formatBytes(limitBytes)}`,
          {
            details: { needed_bytes: taken + bytes, limit_bytes: limitBytes },
            hint: 'Nothing was fetched. Raise --spool-limit, or read fewer partitions at a time.',
          },
        );
      }
      const free = (await roomAt(folder))?.freeBytes;
      if (free !== undefined && bytes + SPARED > free) {
        throw new FoundryError(
          'STG001',
          `fetching ${what} needs ${formatBytes(bytes)}, and ${folder} has ${formatBytes(free)} free`,
          {
            details: { needed_bytes: bytes, free_bytes: free },
            hint: 'Nothing was fetched. Free some space, or point TMPDIR at a larger disk.',
          },
        );
      }
      taken += bytes;
    },
  };
}
