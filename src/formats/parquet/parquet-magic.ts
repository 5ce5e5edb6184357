import { open } from 'node:fs/promises';
import { FoundryError, messageOf } from '../../core/errors.ts';

const MAGIC = 'PAR1';

/**
 * Looks at the first and last bytes only.
 * @param path what messages call the file.
 * @throws DATA001 when the file is no Parquet file or is cut short; EXT001 when it cannot be read.
 */
export async function checkParquetMagic(file: string, path = file): Promise<void> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new FoundryError('EXT001', `${path} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  try {
    const { size } = await handle.stat();
    const mark = Buffer.alloc(4);
    await handle.read(mark, 0, 4, 0);
    const head = mark.toString('latin1');
    if (size >= 12) await handle.read(mark, 0, 4, size - 4);
    if (head !== MAGIC) throw new FoundryError('DATA001', `${path} is not a Parquet file`);
    if (size < 12 || mark.toString('latin1') !== MAGIC) {
      throw new FoundryError('DATA001', `${path} ends early: its Parquet footer is missing`, {
        hint: 'Fetch the file again and run again.',
      });
    }
  } finally {
    await handle.close();
  }
}
