import { FoundryError, throwIfStopped } from '../core/errors.ts';
import type { ObjectApi } from './object-api.ts';
import type { Calls } from './object-calls.ts';
import type { ByteRange } from './storage.ts';

/** Bodies that break off in a row before a read is given up. */
const BREAKS = 5;

/**
 * An object's bytes as they come. A body that breaks off is asked for again from there on, of the same version.
 * @throws STG001 when absent, or replaced while it was read; RETRY001 when it keeps breaking off; INT001.
 */
export async function* readObject(
  api: ObjectApi,
  calls: Calls,
  name: string,
  range: ByteRange | undefined,
): AsyncGenerator<Uint8Array> {
  let position = range?.start ?? 0;
  let end = range?.end;
  let etag: string | undefined;
  let breaks = 0;
  for (;;) {
    const rest: ByteRange | undefined =
      position === 0 && end === undefined
        ? undefined
        : { start: position, ...(end !== undefined && { end }) };
    const opened = await calls.call('download', name, (signal) => api.get(name, rest, etag, signal));
    etag = opened.etag;
    end ??= position + opened.sizeBytes;
    const asked = end;
    const before = position;
    try {
      for await (const chunk of opened.body) {
        throwIfStopped(calls.signal);
        position += chunk.length;
        if (position > asked) throw new FoundryError('STG001', `${name} gave more bytes than it has`);
        yield chunk;
      }
    } catch (error) {
      throwIfStopped(calls.signal);
      if (error instanceof FoundryError || api.failure(error).kind !== 'temporary' || breaks >= BREAKS)
        throw calls.named('download', name, error);
    }
    if (position >= asked) return;
    breaks = position > before ? 1 : breaks + 1;
    if (breaks > BREAKS) {
      throw new FoundryError('RETRY001', `${name} keeps breaking off after ${position} of ${asked} bytes`);
    }
  }
}

/** Counts as temporary, like any connection that was lost. */
export function cutShort(got: number, expected: number): Error {
  return Object.assign(new Error(`the answer ended after ${got} of ${expected} bytes`), {
    name: 'TimeoutError',
  });
}
