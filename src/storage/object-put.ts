import { createHash } from 'node:crypto';
import { open, stat } from 'node:fs/promises';
import { storageFailure } from './failure.ts';
import type { ObjectApi } from './object-api.ts';
import { type Calls, failureKind } from './object-calls.ts';
import { PART_BYTES, readAt, uploadInParts } from './object-upload.ts';
import { ConditionFailed, type PutBody, type PutCondition, type StoredObject } from './storage.ts';
import type { Turns } from './turns.ts';

export interface Uploader {
  readonly api: ObjectApi;
  readonly calls: Calls;
  readonly bodies: Turns;
}

/** @throws ConditionFailed with the key, also where a store answers so late; STG001, AUTH001, RETRY001, INT001. */
export async function putObject(
  parts: Uploader,
  name: string,
  key: string,
  body: PutBody,
  condition: PutCondition | undefined,
): Promise<StoredObject> {
  const stored = (sizeBytes: number, etag: string): StoredObject => ({
    key,
    sizeBytes,
    etag,
    modifiedAt: new Date(),
  });
  try {
    if ('bytes' in body) {
      return stored(body.bytes.length, await putBytes(parts, name, body.bytes, condition));
    }
    const sizeBytes = await sizeOf(body.file);
    if (sizeBytes > PART_BYTES) {
      if (condition === 'ifAbsent') await refuseExisting(parts, name);
      const source = { file: body.file, sizeBytes };
      return stored(
        sizeBytes,
        await uploadInParts(parts.api, parts.calls, parts.bodies, name, source, condition),
      );
    }
    return await parts.bodies.run(async () => {
      const bytes = await readWhole(body.file, sizeBytes);
      return stored(sizeBytes, await putBytes(parts, name, bytes, condition));
    });
  } catch (error) {
    throw error instanceof ConditionFailed ? new ConditionFailed(key) : error;
  }
}

/** Spares the upload of what is there already; the condition itself is checked at its end. */
async function refuseExisting({ api, calls }: Uploader, name: string): Promise<void> {
  const found = await calls
    .call('stat', name, (signal) => api.head(name, signal))
    .catch((error: unknown) => {
      if (failureKind(error) === 'absent') return undefined;
      throw error;
    });
  if (found !== undefined) throw new ConditionFailed(name);
}

/**
 * One request. A condition is refused also where an earlier attempt, whose answer got lost, had succeeded; then the
 * bytes that lie there are ours.
 */
async function putBytes(
  { api, calls }: Uploader,
  name: string,
  bytes: Uint8Array,
  condition: PutCondition | undefined,
): Promise<string> {
  let isUnclear = false;
  return calls.call('upload', name, async (signal) => {
    try {
      return await api.put(name, bytes, condition, signal);
    } catch (error) {
      const { kind } = api.failure(error);
      const isRefused = kind === 'condition' || (kind === 'absent' && condition !== undefined);
      if (isRefused) {
        const own = isUnclear ? await etagIfSame(api, name, bytes, signal) : undefined;
        if (own !== undefined) return own;
        throw new ConditionFailed(name);
      }
      isUnclear ||= kind === 'temporary' || kind === 'conflict' || signal.aborted;
      throw error;
    }
  });
}

async function etagIfSame(
  api: ObjectApi,
  name: string,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { body, etag, sizeBytes } = await api.get(name, undefined, undefined, signal);
  if (sizeBytes !== bytes.length) return undefined;
  const hash = createHash('sha256');
  for await (const chunk of body) hash.update(chunk);
  return hash.digest('hex') === createHash('sha256').update(bytes).digest('hex') ? etag : undefined;
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    throw storageFailure('read', file, error);
  }
}

async function readWhole(file: string, sizeBytes: number): Promise<Uint8Array> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    throw storageFailure('read', file, error);
  }
  try {
    const bytes = Buffer.allocUnsafeSlow(sizeBytes);
    await readAt(handle, file, 0, bytes);
    return bytes;
  } finally {
    await handle.close();
  }
}
