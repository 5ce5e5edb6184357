import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { FoundryError, messageOf } from '../core/errors.ts';

/** A new local file that is hashed while it is written. */
export interface PartFile {
  readonly sizeBytes: number;
  append(bytes: Uint8Array): Promise<void>;
  /** The file is complete, but not yet synced to disk: the committer does that. */
  close(): Promise<{ readonly sizeBytes: number; readonly sha256: string }>;
  /** Closes the file as it is; idempotent. */
  abort(): Promise<void>;
}

/** @throws STG001 when the file exists already, or cannot be created or written. */
export async function createPartFile(file: string): Promise<PartFile> {
  const failed = (error: unknown): FoundryError =>
    new FoundryError('STG001', `${file} could not be written: ${messageOf(error)}`, { cause: error });
  const handle = await open(file, 'wx').catch((error: unknown) => {
    throw failed(error);
  });
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let closed = false;

  return {
    get sizeBytes() {
      return sizeBytes;
    },
    async append(bytes) {
      try {
        let from = 0;
        while (from < bytes.length) {
          const { bytesWritten } = await handle.write(bytes, from, bytes.length - from);
          from += bytesWritten;
        }
      } catch (error) {
        throw failed(error);
      }
      hash.update(bytes);
      sizeBytes += bytes.length;
    },
    async close() {
      closed = true;
      await handle.close().catch((error: unknown) => {
        throw failed(error);
      });
      return { sizeBytes, sha256: hash.digest('hex') };
    },
    async abort() {
      if (closed) return;
      closed = true;
      await handle.close().catch(() => undefined);
    },
  };
}
