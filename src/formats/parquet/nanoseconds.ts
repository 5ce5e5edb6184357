import { asyncBufferFromFile, parquetMetadataAsync } from 'hyparquet';
import { FoundryError, messageOf } from '../../core/errors.ts';

export interface FineTime {
  /** Names from the root's child down. */
  readonly path: readonly string[];
  /** `2024-01-01T00:00:00.000000123Z` */
  readonly text: string;
}

/**
 * Of the least and the greatest times that the footer tells of columns of nanoseconds, those that microseconds cannot
 * hold. Where times have nanoseconds at all, these two nearly always do, and no more than the footer is read.
 * @throws DATA001 when the file has no Parquet footer.
 */
export async function fineTimes(file: string): Promise<readonly FineTime[]> {
  const metadata = await footerOf(file);
  return metadata.row_groups.flatMap(({ columns }) =>
    columns.flatMap(({ meta_data }) => {
      const { path_in_schema: path = [], statistics } = meta_data ?? {};
      const { min, max, min_value = min, max_value = max } = statistics ?? {};
      // Only those of nanoseconds went through the parser above, but whole numbers are bigints too.
      return [min_value, max_value].flatMap((nanos) =>
        typeof nanos === 'bigint' && nanos % 1000n !== 0n ? [{ path, text: textOf(nanos) }] : [],
      );
    }),
  );
}

async function footerOf(file: string) {
  try {
    return await parquetMetadataAsync(await asyncBufferFromFile(file), {
      parsers: { timestampFromNanoseconds: (nanos) => nanos },
    });
  } catch (error) {
    throw new FoundryError('DATA001', `${file} cannot be read as Parquet: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

const SECOND = 1_000_000_000n;

function textOf(nanos: bigint): string {
  const below = ((nanos % SECOND) + SECOND) % SECOND;
  const second = new Date(Number((nanos - below) / 1_000_000n)).toISOString().slice(0, -'.000Z'.length);
  return `${second}.${String(below).padStart(9, '0')}Z`;
}
