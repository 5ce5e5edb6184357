import { open, stat } from 'node:fs/promises';
import type { TextEncoding } from '../config/spec.ts';
import { FoundryError, messageOf, throwIfStopped } from '../core/errors.ts';
import { toUtf8 } from './decode.ts';
import { withoutMark } from './text.ts';
import { type Packing, packingOf, unpack } from './unpack.ts';

const CHUNK_BYTES = 1 << 20;

/** A local source file as it was when the run first looked at it. */
export interface InputFile {
  /** As people know it; also where its bytes lie, unless `at` says another place. */
  readonly path: string;
  /** The local copy of a remote file. */
  readonly at?: string;
  readonly packing: Packing;
  readonly encoding: TextEncoding;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** Called with the bytes consumed of the file itself, compressed or not. */
  readonly onBytes?: (bytes: number) => void;
}

/** @throws EXT001 when the path is no readable file. */
export async function statInput(path: string, encoding: TextEncoding = 'utf-8'): Promise<InputFile> {
  const found = await stat(path).catch((error: unknown) => {
    throw new FoundryError('EXT001', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  if (!found.isFile()) throw new FoundryError('EXT001', `${path} is not a file`);
  return {
    path,
    packing: packingOf(path),
    encoding,
    sizeBytes: found.size,
    modifiedMs: found.mtimeMs,
  };
}

/**
 * The content of a file in order, unpacked where it is packed. A chunk is the caller's to keep.
 * @throws EXT001 when it cannot be read, or is not the file (by size and time) that `input` describes;
 * DATA001 when packed data is damaged or ends early; INT001 when stopped.
 */
async function* readChunks(input: InputFile, options: ReadOptions): AsyncGenerator<Buffer> {
  const raw = readRaw(input, options);
  yield* input.packing === 'none' ? raw : unpack(raw, input.packing, input.path, options.signal);
}

/**
 * The text of a file as UTF-8, without a byte order mark. Whether a file that should be UTF-8 is so is not looked at.
 * @throws DATA001 for bytes that are no text of the file's encoding; whatever `readChunks` throws.
 */
export function readText(input: InputFile, options: ReadOptions): AsyncGenerator<Buffer> {
  const chunks = readChunks(input, options);
  return withoutMark(input.encoding === 'utf-8' ? chunks : toUtf8(chunks, input.encoding, input.path));
}

/** Where the bytes of a file can be read. */
export function localPathOf(input: InputFile): string {
  return input.at ?? input.path;
}

/** @throws EXT001 when the file is no longer what `input` describes. */
export async function checkUnchanged(input: InputFile): Promise<void> {
  const now = await statInput(localPathOf(input));
  if (now.sizeBytes !== input.sizeBytes || now.modifiedMs !== input.modifiedMs) throw changed(input);
}

async function* readRaw(input: InputFile, options: ReadOptions): AsyncGenerator<Buffer> {
  await checkUnchanged(input);
  const handle = await open(localPathOf(input), 'r').catch((error: unknown) => {
    throw new FoundryError('EXT001', `${input.path} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  try {
    let position = 0;
    while (true) {
      throwIfStopped(options.signal);
      const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, Math.max(input.sizeBytes - position, 1)));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position).catch((error: unknown) => {
        throw new FoundryError('EXT001', `${input.path} cannot be read: ${messageOf(error)}`, {
          cause: error,
        });
      });
      if (bytesRead === 0) break;
      position += bytesRead;
      if (position > input.sizeBytes) throw changed(input);
      options.onBytes?.(bytesRead);
      yield bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead);
    }
    await checkUnchanged(input);
    if (position !== input.sizeBytes) throw changed(input);
  } finally {
    await handle.close();
  }
}

function changed(input: InputFile): FoundryError {
  return new FoundryError('EXT001', `${input.path} was changed by another program while it was being read`, {
    hint: 'Run again once the file is complete.',
  });
}
