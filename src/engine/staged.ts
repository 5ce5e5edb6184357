import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Compression } from '../config/spec.ts';
import type { TableSchema } from '../core/schema.ts';
import { storageFailure } from '../storage/failure.ts';
import { type CutLimits, cutRanges, type RowRange } from './cut.ts';
import type { Engine } from './engine.ts';
import { RESERVED_NAMES } from './parquet-scan.ts';
import { copyToPart, hashFile } from './parts.ts';
import { fileLiteral, identifier, parquetRows } from './sql.ts';

export interface LandTarget extends CutLimits {
  readonly spool: string;
  readonly compression: Compression;
  /** Name of part n (from 1) before its hash; the file is `<stem>.parquet.tmp` in the spool. */
  readonly stem: (n: number) => string;
}

export interface LandedPart {
  readonly file: string;
  readonly rows: number;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface Landed {
  readonly parts: readonly LandedPart[];
  readonly schema: TableSchema;
}

/** Rows in one Parquet file of the spool, not yet in parts. */
export interface Staged {
  readonly file: string;
  readonly rows: number;
  readonly schema: TableSchema;
  readonly typedColumns?: string;
}

/** How far a part may pass its size limit (decision 26). */
const SIZE_TOLERANCE = 8 * 1024 * 1024;

/**
 * Cuts a staged file into parts within their limits; where it is within them already, it becomes the part.
 * @param typedColumns a select list that the rows are written through; absent: they are written as they are
 * @param before parts that the table has already, whose numbers are taken
 */
export async function cutStaged(
  engine: Engine,
  { file: staged, rows, schema, typedColumns }: Staged,
  target: LandTarget,
  before = 0,
): Promise<LandedPart[]> {
  const { size } = await stat(staged);
  const fits =
    rows <= (target.maxRowsPerFile ?? Number.POSITIVE_INFINITY) &&
    size <= (target.maxFileSizeBytes ?? Number.POSITIVE_INFINITY);
  if (fits && typedColumns === undefined) {
    const file = partFile(target, before + 1);
    await rename(staged, file).catch((error: unknown) => {
      throw storageFailure(`move ${staged} to`, file, error);
    });
    return [{ file, rows, ...(await hashFile(file)) }];
  }

  const columns = typedColumns ?? schema.fields.map((field) => identifier(field.name)).join(', ');
  const parts: LandedPart[] = [];
  const pending: RowRange[] = fits
    ? [{ from: 0, to: rows }]
    : cutRanges(await groupSizes(engine, staged), target);
  for (let range = pending.shift(); range !== undefined; range = pending.shift()) {
    const file = partFile(target, before + parts.length + 1);
    const written = await copyToPart(
      engine,
      `SELECT ${columns} FROM ${parquetRows(staged)} ` +
        `WHERE file_row_number >= ${range.from} AND file_row_number < ${range.to}`,
      file,
      { format: 'parquet', compression: target.compression },
    );
    const hashed = await hashFile(file);
    const count = range.to - range.from;
    if (
      hashed.sizeBytes > (target.maxFileSizeBytes ?? Number.POSITIVE_INFINITY) + SIZE_TOLERANCE &&
      count > 1
    ) {
      const middle = range.from + Math.ceil(count / 2);
      pending.unshift({ from: range.from, to: middle }, { from: middle, to: range.to });
      await rm(file).catch((error: unknown) => {
        throw storageFailure('remove', file, error);
      });
      continue;
    }
    parts.push({ file, rows: written.rows, ...hashed });
  }
  return parts;
}

function partFile(target: LandTarget, n: number): string {
  return join(target.spool, `${target.stem(n)}.parquet.tmp`);
}

async function groupSizes(engine: Engine, file: string) {
  const rows = await engine.query(
    `SELECT row_group_num_rows AS group_rows, sum(total_compressed_size)::BIGINT AS bytes ` +
      `FROM parquet_metadata(${fileLiteral(file)}) GROUP BY row_group_id, row_group_num_rows ORDER BY row_group_id`,
  );
  return rows.map((row) => ({ rows: Number(row.group_rows), compressedBytes: Number(row.bytes) }));
}

/** The engine folds case in column names; two columns that differ in case only would become one. */
export function collides({ fields }: TableSchema): boolean {
  const folded = fields.map(({ name }) => name.toLowerCase());
  return (
    new Set(folded).size < folded.length || folded.some((name) => RESERVED_NAMES.has(name) || name === '')
  );
}
