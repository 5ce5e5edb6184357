import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { FoundryError, messageOf, throwIfStopped } from '../core/errors.ts';
import { followZstdFrames } from './zstd-frames.ts';

/** How a file is packed as a whole. */
export type Packing = 'none' | 'gzip' | 'zstd';

const CHUNK_BYTES = 1 << 20;
const SUFFIXES: Readonly<Record<string, Packing>> = { '.gz': 'gzip', '.zst': 'zstd' };

/** By the end of its name. */
export function packingOf(path: string): Packing {
  const suffix = Object.keys(SUFFIXES).find((end) => path.toLowerCase().endsWith(end));
  return SUFFIXES[suffix ?? ''] ?? 'none';
}

/** `x.csv.gz` → `x.csv`. */
export function withoutPacking(path: string): string {
  return path.replace(/\.(?:gz|zst)$/i, '');
}

/**
 * Unpacks all members (gzip) or frames (zstd) of a file, in bounded memory.
 * @throws DATA001 when the data is damaged or ends early; INT001 when stopped; what `packed` throws.
 */
export async function* unpack(
  packed: AsyncIterable<Buffer>,
  packing: 'gzip' | 'zstd',
  file: string,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  const checked = packing === 'gzip' ? notEmpty(packed, file) : wholeFrames(packed, file);
  const unpacked =
    packing === 'gzip'
      ? createGunzip({ chunkSize: CHUNK_BYTES })
      : createZstdDecompress({ chunkSize: CHUNK_BYTES });
  let bytes = 0n;
  // Errors of either side reach the loop below through `unpacked`.
  pipeline(Readable.from(checked.bytes, { objectMode: true, highWaterMark: 1 }), unpacked, () => undefined);
  try {
    for await (const chunk of unpacked) {
      throwIfStopped(signal);
      bytes += BigInt((chunk as Buffer).length);
      yield chunk as Buffer;
    }
  } catch (error) {
    if (error instanceof FoundryError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR') throw endsEarly(file, packing, error);
    throw damaged(file, packing, error);
  }
  const stated = checked.contentBytes();
  if (stated !== undefined && stated !== bytes) throw damaged(file, packing);
}

interface Checked {
  readonly bytes: AsyncIterable<Buffer>;
  /** Of the unpacked content as the file states it, once all of it has been read. */
  contentBytes(): bigint | undefined;
}

function notEmpty(packed: AsyncIterable<Buffer>, file: string): Checked {
  return { bytes: passed(), contentBytes: () => undefined };
  async function* passed(): AsyncGenerator<Buffer> {
    let any = false;
    for await (const chunk of packed) {
      any = true;
      yield chunk;
    }
    if (!any) throw endsEarly(file, 'gzip');
  }
}

function wholeFrames(packed: AsyncIterable<Buffer>, file: string): Checked {
  let contentBytes: bigint | undefined;
  return { bytes: passed(), contentBytes: () => contentBytes };
  async function* passed(): AsyncGenerator<Buffer> {
    const frames = followZstdFrames();
    let any = false;
    for await (const chunk of packed) {
      any = true;
      if (frames.push(chunk) === 'damaged') throw damaged(file, 'zstd');
      yield chunk;
    }
    const end = frames.finish();
    if (end === 'cut short' || !any) throw endsEarly(file, 'zstd');
    contentBytes = end.contentBytes;
  }
}

function damaged(file: string, packing: Packing, cause?: unknown): FoundryError {
  const reason = cause === undefined ? '' : `: ${messageOf(cause)}`;
  return new FoundryError('DATA001', `${file}: the ${packing} data is damaged${reason}`, { cause });
}

function endsEarly(file: string, packing: Packing, cause?: unknown): FoundryError {
  return new FoundryError('DATA001', `${file} ends early: its ${packing} data is cut short`, {
    hint: 'Fetch the file again and run again.',
    cause,
  });
}
