import { type FileHandle, open } from 'node:fs/promises';
import { storageFailure } from './failure.ts';
import type { ObjectApi } from './object-api.ts';
import type { Calls } from './object-calls.ts';
import { ConditionFailed, type PutCondition } from './storage.ts';
import { inParallel, type Turns } from './turns.ts';

/** Also the size up to which an object goes up in one request. */
export const PART_BYTES = 8 * 1024 * 1024;
/** Parts of one object that are under way at a time, within the turns of the whole storage. */
const PARALLEL_PARTS = 4;
/** Cleaning up may take this long after a run was told to stop. */
const CLEAN_UP_MS = 10_000;

/** Large enough that the store's number of parts suffices, whatever the size of the file. */
function partBytesOf(sizeBytes: number, maxParts: number): number {
  const needed = Math.ceil(sizeBytes / maxParts);
  return Math.max(PART_BYTES, Math.ceil(needed / PART_BYTES) * PART_BYTES);
}

/**
 * A file in parts, several at a time; nothing is visible until the last step. A failed upload is given up at the
 * store too; what a killed process leaves there, `foundry gc` finds.
 *
 * @returns the etag. @throws ConditionFailed; STG001, AUTH001, RETRY001, INT001.
 */
export async function uploadInParts(
  api: ObjectApi,
  calls: Calls,
  turns: Turns,
  name: string,
  source: { readonly file: string; readonly sizeBytes: number },
  condition: PutCondition | undefined,
): Promise<string> {
  const { call } = calls;
  const partBytes = partBytesOf(source.sizeBytes, api.parts.maxParts);
  const count = Math.ceil(source.sizeBytes / partBytes);
  const upload = await call('upload', name, (signal) => api.parts.begin(name, signal));
  try {
    const handle = await open(source.file, 'r');
    try {
      const spare: Buffer[] = [];
      const numbers = Array.from({ length: count }, (_, index) => index + 1);
      const parts = await inParallel(numbers, PARALLEL_PARTS, (number) =>
        turns.run(async () => {
          const from = (number - 1) * partBytes;
          const buffer = spare.pop() ?? Buffer.allocUnsafeSlow(partBytes);
          const bytes = buffer.subarray(0, Math.min(partBytes, source.sizeBytes - from));
          await readAt(handle, source.file, from, bytes);
          let attempts = 0;
          const part = await call('upload', name, (signal) => {
            attempts += 1;
            return api.parts.part(name, upload, number, bytes, signal);
          });
          // A request that was given up may be sending its bytes still.
          if (attempts === 1) spare.push(buffer);
          return part;
        }),
      );
      return await complete(api, calls, name, upload, parts, condition);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const signal = AbortSignal.timeout(CLEAN_UP_MS);
    await call('upload', name, (own) => api.parts.abort(name, upload, own), { signal, attempts: 2 }).catch(
      () => undefined,
    );
    throw error;
  }
}

/** The last step. After an attempt without a clear answer, a refusal may be our own success. */
async function complete(
  api: ObjectApi,
  { call, named }: Calls,
  name: string,
  upload: string,
  parts: readonly string[],
  condition: PutCondition | undefined,
): Promise<string> {
  let isUnclear = false;
  return call('upload', name, async (signal) => {
    try {
      return await api.parts.complete(name, upload, parts, condition, signal);
    } catch (error) {
      const { kind } = api.failure(error);
      if (kind === 'condition' || (kind === 'absent' && condition !== undefined))
        throw new ConditionFailed(name);
      if (kind === 'upload' && isUnclear && condition === undefined) {
        // The upload is gone because it was completed; whose object lies there now its etag does not tell for sure.
        return (await api.head(name, signal)).etag;
      }
      if (kind === 'upload' && isUnclear) throw new ConditionFailed(name);
      isUnclear ||= kind === 'temporary' || kind === 'conflict' || signal.aborted;
      throw named('upload', name, error);
    }
  });
}

/** Fills `bytes` with what stands in the file from a position on. @throws STG001 when the file ends early. */
export async function readAt(
  handle: FileHandle,
  file: string,
  position: number,
  bytes: Uint8Array,
): Promise<void> {
  let filled = 0;
  try {
    while (filled < bytes.length) {
      const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled, position + filled);
      if (bytesRead === 0) throw new Error(`it ends after ${position + filled} bytes`);
      filled += bytesRead;
    }
  } catch (error) {
    throw storageFailure('read', file, error);
  }
}
