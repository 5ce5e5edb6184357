import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import * as v from 'valibot';
import { FoundryError, throwIfStopped } from '../core/errors.ts';
import { isRunning } from '../storage/lock.ts';
import { ConditionFailed, locationOf, type Storage } from '../storage/storage.ts';
import { jsonBytes, sha256Hex } from './generation.ts';
import type { Lease } from './lake.ts';

/** `.foundry/leases/<name>.json` of an object store: who writes a dataset, until when. */
const noteSchema = v.looseObject({
  owner: v.string(),
  host: v.string(),
  pid: v.number(),
  command: v.string(),
  since: v.string(),
  /** By the holder's clock, ISO 8601; renewed while it runs. */
  expires_at: v.string(),
});
type Note = v.InferOutput<typeof noteSchema>;

/** A holder that does not renew for so long is taken for dead, plus what two hosts' clocks may differ by. */
const LIFE_MS = 120_000;
const CLOCKS_MS = 30_000;
const RENEW_MS = 30_000;
const POLL_MS = 1000;

/**
 * A dataset's lease among hosts. It spares runs that would lose at their commit; what decides between two of them is
 * the commit, whatever clocks say.
 *
 * @param folder the store's own folder; @param store for messages
 * @throws LOCK001 naming the holder; INT001; STG001, AUTH001, RETRY001.
 */
export async function acquireRemoteLease(
  folder: Storage,
  store: Storage,
  datasetName: string,
  { waitMs, signal }: { readonly waitMs: number; readonly signal: AbortSignal },
): Promise<Lease> {
  const key = `leases/${sha256Hex(datasetName).slice(0, 32)}.json`;
  const owner = randomUUID();
  const since = new Date().toISOString();
  const note = (): Uint8Array =>
    jsonBytes({
      owner,
      host: hostname(),
      pid: process.pid,
      command: `foundry ${process.argv[2] ?? ''}`.trim(),
      since,
      expires_at: new Date(Date.now() + LIFE_MS).toISOString(),
    } satisfies Note);

  const deadline = performance.now() + waitMs;
  let etag: string | undefined;
  while (etag === undefined) {
    throwIfStopped(signal);
    const found = await folder.readBytes(key);
    const held = found === undefined ? undefined : heldBy(found.bytes);
    if (held === undefined) {
      const condition = found === undefined ? 'ifAbsent' : { ifMatch: found.etag };
      etag = await take(folder, key, note(), condition);
      continue;
    }
    if (performance.now() >= deadline) throw refused(held, datasetName, store);
    await Bun.sleep(Math.min(POLL_MS, Math.max(1, deadline - performance.now())));
  }

  let current: string | undefined = etag;
  let renewedAt = performance.now();
  const renewal = setInterval(() => {
    if (current === undefined) return;
    // Whoever took it over meanwhile keeps it; the commit tells who was first.
    take(folder, key, note(), { ifMatch: current }).then(
      (renewed) => {
        current = renewed;
        if (renewed !== undefined) renewedAt = performance.now();
      },
      () => undefined,
    );
  }, RENEW_MS);
  renewal.unref();
  return {
    async release() {
      clearInterval(renewal);
      // After that time it may be another host's. What cannot be removed runs out.
      const isOurs = current !== undefined && performance.now() - renewedAt < LIFE_MS;
      if (isOurs) await folder.remove(key).catch(() => undefined);
    },
  };
}

/** The etag where it was taken; undefined where somebody else was faster. */
async function take(
  folder: Storage,
  key: string,
  bytes: Uint8Array,
  condition: 'ifAbsent' | { readonly ifMatch: string },
): Promise<string | undefined> {
  try {
    return (await folder.put(key, { bytes }, condition)).etag;
  } catch (error) {
    if (error instanceof ConditionFailed) return undefined;
    throw error;
  }
}

/** Undefined where nobody holds it any more: it ran out, its process on this host is gone, or nobody can read it. */
function heldBy(bytes: Uint8Array): Note | undefined {
  const note = parsed(bytes);
  if (note === undefined || Date.parse(note.expires_at) + CLOCKS_MS < Date.now()) return undefined;
  // This host's lock is held by now, so what a process of this host left here it left by dying.
  return note.host === hostname() && !isRunning(note.pid) ? undefined : note;
}

function parsed(bytes: Uint8Array): Note | undefined {
  try {
    const result = v.safeParse(noteSchema, JSON.parse(new TextDecoder().decode(bytes)));
    return result.success && !Number.isNaN(Date.parse(result.output.expires_at)) ? result.output : undefined;
  } catch {
    return undefined;
  }
}

function refused({ pid, host, since, command }: Note, datasetName: string, store: Storage): FoundryError {
  return new FoundryError(
    'LOCK001',
    `the dataset ${JSON.stringify(datasetName)} in ${locationOf(store, '')} is held by process ${pid} on ${host} since ${since} (${command})`,
    { details: { pid, host, since } },
  );
}
