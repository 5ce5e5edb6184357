import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { ObjectApi } from './object-api.ts';
import { type Calls, failureKind, type ObjectContext } from './object-calls.ts';
import { ConditionFailed, type PutCondition, type StoredObject } from './storage.ts';

/** Whether a store refuses a write whose condition does not hold, and what is done where it does not. */
export interface Conditions {
  /** Asked once in a process and bucket, by writing a small object twice. */
  areHonoured(): Promise<boolean>;
  /**
   * A conditional write by a lock object. Weaker than the store's own: a writer that stands still for longer than a
   * lock is waited for may still write over another one.
   */
  emulate(
    name: string,
    key: string,
    condition: PutCondition,
    put: () => Promise<StoredObject>,
  ): Promise<StoredObject>;
}

const answers = new Map<string, Promise<boolean>>();

/** A lock that is older belongs to a writer that died. */
const STALE_LOCK_MS = 60_000;
/** Longer than two writers' requests take, so that the later one's token is what both read back. */
const SETTLE_MS = 500;
const LOCK_WAIT_MS = 120_000;

export function openConditions(
  api: ObjectApi,
  calls: Calls,
  folder: string,
  uri: string,
  context: ObjectContext,
): Conditions {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

  const probe = async (): Promise<boolean> => {
    const name = `${folder}/probe/${randomUUID()}`;
    const put = (condition: PutCondition | undefined): Promise<string> =>
      calls.call('upload', name, (signal) => api.put(name, bytes('probe'), condition, signal));
    const isRefused = async (condition: PutCondition): Promise<boolean> => {
      try {
        await put(condition);
        return false;
      } catch (error) {
        const kind = failureKind(error);
        if (kind === 'unsupported') return false;
        if (kind === 'condition' || kind === 'absent') return true;
        throw error;
      }
    };
    await put(undefined);
    try {
      return (await isRefused('ifAbsent')) && (await isRefused({ ifMatch: 'of-no-version' }));
    } finally {
      await calls.call('delete', name, (signal) => api.remove(name, signal)).catch(() => undefined);
    }
  };

  const ask = async (): Promise<boolean> => {
    const honoured = await probe();
    if (honoured) context.debug?.(`${uri} honours conditional writes`);
    else {
      context.warn(
        `${uri} does not honour conditional writes: commits are guarded by lock objects below ${folder}/locks, ` +
          'a weaker promise (see docs/storage.md)',
      );
    }
    return honoured;
  };

  const current = async (name: string): Promise<StoredObject | undefined> =>
    calls
      .call('stat', name, (signal) => api.head(name, signal))
      .catch((error: unknown) => {
        if (failureKind(error) === 'absent') return undefined;
        throw error;
      });

  const lock = async (name: string): Promise<string> => {
    const file = `${folder}/locks/${Buffer.from(name).toString('base64url').slice(-200)}.lock`;
    const token = `${hostname()} ${process.pid} ${randomUUID()}`;
    const deadline = performance.now() + LOCK_WAIT_MS;
    for (;;) {
      const held = await current(file);
      if (held === undefined || Date.now() - held.modifiedAt.getTime() > STALE_LOCK_MS) {
        await calls.call('upload', file, (signal) => api.put(file, bytes(token), undefined, signal));
        await Bun.sleep(SETTLE_MS);
        if ((await textOf(file)) === token) return file;
      }
      if (performance.now() > deadline) throw new ConditionFailed(name);
      await Bun.sleep(SETTLE_MS * (1 + Math.random()));
    }
  };

  const textOf = (name: string): Promise<string> =>
    calls.call('download', name, async (signal) => {
      const { body } = await api.get(name, undefined, undefined, signal);
      return Buffer.concat(await Array.fromAsync(body)).toString();
    });

  return {
    areHonoured() {
      const place = `${api.backend} ${api.host} ${api.bucket}`;
      const known = answers.get(place);
      if (known !== undefined) return known;
      const asked = ask();
      answers.set(place, asked);
      asked.catch(() => answers.delete(place));
      return asked;
    },
    async emulate(name, key, condition, put) {
      const file = await lock(name);
      try {
        const found = await current(name);
        const expected = condition === 'ifAbsent' ? undefined : condition.ifMatch;
        if (found?.etag !== expected) throw new ConditionFailed(key);
        return await put();
      } finally {
        await calls.call('delete', file, (signal) => api.remove(file, signal)).catch(() => undefined);
      }
    },
  };
}
