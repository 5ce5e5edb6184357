import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

export interface HashedFile {
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
}

const READ_BYTES = 1024 * 1024;

/**
 * Reads a file from its beginning to its end into one buffer again and again: a stream's new buffers cost as much as
 * the hashing. @throws what the file system says, such as ENOENT
 */
export async function hashOfFile(file: string): Promise<HashedFile> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  let sizeBytes = 0;
  const handle = await open(file, 'r');
  try {
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return { sizeBytes, sha256: hash.digest('hex') };
      hash.update(buffer.subarray(0, bytesRead));
      sizeBytes += bytesRead;
    }
  } finally {
    await handle.close();
  }
}
