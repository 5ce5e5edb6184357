import { randomUUID } from 'node:crypto';
import { FoundryError, messageOf } from '../core/errors.ts';
import { ConditionFailed, type Storage } from './storage.ts';

export const PERMISSIONS = ['connect', 'list', 'write', 'read', 'conditional_write', 'delete'] as const;
export type Permission = (typeof PERMISSIONS)[number];

export interface Verdict {
  readonly permission: Permission;
  /** `emulated`: the store does not know it, and foundry stands in by lock objects. */
  readonly verdict: 'ok' | 'emulated' | 'refused' | 'not tried';
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

/**
 * Tries what a run needs of a storage, one right after the other, on an object of its own that no reader takes for
 * data. What cannot be tried because something before it failed is `not tried`.
 *
 * @param isEmulated whether the storage told that it stands in for conditional writes
 */
export async function checkStorage(storage: Storage, isEmulated: () => boolean): Promise<readonly Verdict[]> {
  const key = `_foundry_check-${randomUUID()}`;
  const bytes = new TextEncoder().encode('written by `foundry storage check`; it may be removed');
  const verdicts = new Map<Permission, Verdict>();
  const attempt = async (permission: Permission, work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      verdicts.set(permission, { permission, verdict: 'ok' });
      return true;
    } catch (error) {
      verdicts.set(permission, refused(permission, error));
      return false;
    }
  };

  await attempt('list', async () => {
    for await (const _ of storage.list('')) break;
  });
  let etag: string | undefined;
  await attempt('write', async () => {
    ({ etag } = await storage.put(key, { bytes }));
  });
  if (etag !== undefined) {
    const written = etag;
    const isReadable = await attempt('read', async () => {
      const found = await storage.readBytes(key);
      if (found === undefined || Buffer.compare(found.bytes, bytes) !== 0)
        throw new FoundryError('STG001', 'what was written is not what is read');
    });
    await attempt('conditional_write', () => tryConditions(storage, key, bytes, written));
    await attempt('delete', async () => {
      await storage.remove(key);
      // Looking needs the right to read, which is a verdict of its own.
      if (isReadable && (await storage.stat(key)) !== undefined)
        throw new FoundryError('STG001', 'what was deleted is still there');
    });
  }
  const conditional = verdicts.get('conditional_write');
  if (conditional?.verdict === 'ok' && isEmulated())
    verdicts.set('conditional_write', { ...conditional, verdict: 'emulated' });
  verdicts.set('connect', connectionOf([...verdicts.values()]));
  return PERMISSIONS.map(
    (permission) => verdicts.get(permission) ?? { permission, verdict: 'not tried' as const },
  );
}

async function tryConditions(storage: Storage, key: string, bytes: Uint8Array, etag: string): Promise<void> {
  const isRefused = async (condition: 'ifAbsent' | { ifMatch: string }): Promise<boolean> =>
    storage.put(key, { bytes }, condition).then(
      () => false,
      (error: unknown) => {
        if (error instanceof ConditionFailed) return true;
        throw error;
      },
    );
  if (!(await isRefused('ifAbsent')) || !(await isRefused({ ifMatch: 'of-no-version' })))
    throw new FoundryError('STG001', 'a write whose condition does not hold was not refused');
  await storage.put(key, { bytes }, { ifMatch: etag });
}

/** The connection is there as soon as anything was answered, be it by a refusal of rights. */
function connectionOf(tried: readonly Verdict[]): Verdict {
  const answered = tried.find(({ verdict, code, message }) => {
    const isRight = code === 'STG001' && message !== undefined && !isConnection(message);
    return verdict !== 'refused' || isRight;
  });
  if (answered !== undefined) return { permission: 'connect', verdict: 'ok' };
  return { ...(tried[0] ?? { verdict: 'refused' }), permission: 'connect' };
}

function isConnection(message: string): boolean {
  return (
    /bucket|container|Region|certificate|address/i.test(message) &&
    !/access denied|not authorized/i.test(message)
  );
}

function refused(permission: Permission, error: unknown): Verdict {
  if (!(error instanceof FoundryError)) return { permission, verdict: 'refused', message: messageOf(error) };
  return { permission, verdict: 'refused', code: error.code, message: error.message, hint: error.hint };
}
