import { mkdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { PRIVATE_FOLDER } from '../storage/keys.ts';
import { lock } from '../storage/lock.ts';
import { locationOf, type Storage } from '../storage/storage.ts';
import { sha256Hex } from './generation.ts';
import type { Lake, Lease } from './lake.ts';

export interface LeaseOptions {
  /** How long to wait for the holder to end; default 0: fail at once. */
  readonly waitSeconds?: number;
  readonly signal: AbortSignal;
}

/**
 * The right to write one dataset of a lake, for one run at a time on this host. It ends with `release` or with the
 * process, however that dies. On a storage that is no local disk, runs on other hosts are told apart at the commit.
 *
 * @throws LOCK001 naming the holder's process, host and start; INT001; STG001.
 */
export async function acquireLease(lake: Lake, datasetName: string, options: LeaseOptions): Promise<Lease> {
  const held = await lock(await leaseFile(lake.storage, datasetName), {
    waitMs: (options.waitSeconds ?? 0) * 1000,
    signal: options.signal,
    what: `the dataset ${JSON.stringify(datasetName)} in ${locationOf(lake.storage, '')}`,
    announce: true,
  });
  return {
    async release() {
      held.release();
    },
  };
}

async function leaseFile(storage: Storage, datasetName: string): Promise<string> {
  const readable = datasetName.replace(/[^A-Za-z0-9_-]+/g, '-').slice(0, 60);
  const name = (identity: string): string => `lease-${readable}-${sha256Hex(identity).slice(0, 16)}.lock`;
  if (storage.local !== undefined) {
    return join(storage.local.path(''), PRIVATE_FOLDER, 'locks', name(datasetName));
  }
  const folder = join(tmpdir(), `foundry-locks-${userInfo().uid}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return join(folder, name(`${storage.description}\0${datasetName}`));
}
