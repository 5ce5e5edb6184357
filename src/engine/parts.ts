import { basename } from 'node:path';
import type { Compression } from '../config/spec.ts';
import { FoundryError, messageOf } from '../core/errors.ts';
import { traced } from '../core/trace.ts';
import { type HashedFile, hashOfFile } from '../storage/hash-file.ts';
import type { Engine } from './engine.ts';
import { literal } from './sql.ts';

export interface PartFormat {
  readonly format: 'parquet' | 'csv' | 'jsonl';
  /** Of Parquet pages; text is never compressed. */
  readonly compression: Compression;
  readonly rowGroupRows?: number;
}

/**
 * Writes the rows of a query, in its order, to one new file. An ordered query gives the same bytes whatever
 * the number of threads. CSV: LF, a header, NULL as an empty cell, the empty string as `""`.
 */
export async function copyToPart(
  engine: Engine,
  selectSql: string,
  file: string,
  format: PartFormat,
): Promise<{ readonly rows: number }> {
  return traced(
    'foundry.part',
    () => ({ 'foundry.file': basename(file) }),
    async (span) => {
      const [row] = await engine.query(copySql(selectSql, file, format));
      const rows = Number(row?.Count ?? 0);
      span?.set({ 'foundry.rows': rows });
      return { rows };
    },
  );
}

/** The statement of `copyToPart`. */
export function copySql(selectSql: string, file: string, format: PartFormat): string {
  return `COPY (${selectSql}) TO ${literal(file)} (${copyOptions(format)})`;
}

function copyOptions(part: PartFormat): string {
  switch (part.format) {
    case 'csv':
      return `FORMAT csv, HEADER true, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR '', COMPRESSION 'none'`;
    case 'jsonl':
      return `FORMAT json, ARRAY false, COMPRESSION 'none'`;
    case 'parquet': {
      const codec = part.compression === 'none' ? 'uncompressed' : part.compression;
      const groups = part.rowGroupRows === undefined ? '' : `, ROW_GROUP_SIZE ${part.rowGroupRows}`;
      return `FORMAT parquet, COMPRESSION ${codec}${groups}`;
    }
  }
}

/** Size and SHA-256 of a file. @throws STG001 */
export async function hashFile(file: string): Promise<HashedFile> {
  try {
    return await hashOfFile(file);
  } catch (error) {
    throw new FoundryError('STG001', `${file} could not be read: ${messageOf(error)}`, { cause: error });
  }
}
