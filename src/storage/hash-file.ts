import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

export interface HashedFile {
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
}

const READ_BYTES = 1024 * 1024;

/**
 * Reads a file from its beginning to its end into two buffers in turn, one of which is filled while the other is
 * hashed: a stream's new buffers cost as much as the hashing. @throws what the file system says, such as ENOENT
 */
export async function hashOfFile(file: string): Promise<HashedFile> {
  const hash = createHash('sha256');
  const handle = await open(file, 'r');
  try {
    const next = (into: Buffer) => handle.read(into, 0, into.length, null);
    let [full, spare] = [Buffer.allocUnsafe(READ_BYTES), Buffer.allocUnsafe(READ_BYTES)];
    let reading = next(full);
    let sizeBytes = 0;
    for (;;) {
      const { bytesRead } = await reading;
      if (bytesRead === 0) return { sizeBytes, sha256: hash.digest('hex') };
      reading = next(spare);
      hash.update(full.subarray(0, bytesRead));
      sizeBytes += bytesRead;
      [full, spare] = [spare, full];
    }
  } finally {
    await handle.close();
  }
}
