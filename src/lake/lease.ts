import { mkdir } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { PRIVATE_FOLDER } from '../storage/keys.ts';
import { lock } from '../storage/lock.ts';
import { locationOf, type Storage } from '../storage/storage.ts';
import { sha256Hex } from './generation.ts';
import type { Lake, Lease } from './lake.ts';
import { acquireRemoteLease } from './remote-lease.ts';

export interface LeaseOptions {
  /** How long to wait for the holder to end; default 0: fail at once. */
  readonly waitSeconds?: number;
  readonly signal: AbortSignal;
}

/**
 * The right to write one dataset of a lake, for one run at a time. It ends with `release` or with the process, however
 * that dies; on an object store, among other hosts, two minutes after that.
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
  try {
    const remote = await remoteLease(lake.storage, datasetName, options);
    return {
      async release() {
        await remote?.release();
        held.release();
      },
    };
  } catch (error) {
    held.release();
    throw error;
  }
}

/** Object stores have no locks of their own: what keeps other hosts away is a note that is renewed. */
async function remoteLease(
  storage: Storage,
  datasetName: string,
  { waitSeconds = 0, signal }: LeaseOptions,
): Promise<Lease | undefined> {
  const folder = storage.own?.();
  if (folder === undefined) return undefined;
  return acquireRemoteLease(folder, storage, datasetName, { waitMs: waitSeconds * 1000, signal });
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
