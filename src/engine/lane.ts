import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Compression } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { TableSchema } from '../core/schema.ts';
import type { EngineCsvInput, EngineInput } from '../sources/engine-input.ts';
import { storageFailure } from '../storage/failure.ts';
import { csvScanSql, rowGroupRows } from './csv-scan.ts';
import { type CutLimits, cutRanges, type RowRange } from './cut.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './errors.ts';
import { parquetRefusal, parquetScan, RESERVED_NAMES } from './parquet-scan.ts';
import { copyToPart, hashFile } from './parts.ts';
import { identifier, literal } from './sql.ts';
import { declaredColumns, inferredColumns } from './typing.ts';

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

/** A record this long would make the engine's buffers outgrow its memory. */
const LONGEST_RECORD = 32 * 1024 * 1024;
/** How far a part may pass its size limit (decision 26). */
const SIZE_TOLERANCE = 8 * 1024 * 1024;

/**
 * Bronze parts written by the engine itself. `declined` when the engine cannot promise exactly the rows of
 * the other lane (it refused the text, or found another number of records): nothing is left in the spool. Parquet
 * is never declined, since no other lane reads it.
 * Zero rows give zero parts.
 * @throws INT001; STG001 when the spool cannot be written; DATA001 for Parquet that cannot be kept exactly.
 */
export async function landThroughEngine(
  engine: Engine,
  input: EngineInput,
  target: LandTarget,
): Promise<Landed | 'declined'> {
  const staged = join(target.spool, 'engine-staged.parquet.tmp');
  try {
    const scan: Scan | 'declined' =
      input.format === 'csv' ? await csvScan(input, target) : await parquetScan(engine, input);
    if (scan === 'declined' || (input.format === 'csv' && collides(scan.schema))) return 'declined';
    const { rows } = await copyToPart(engine, scan.sql, staged, {
      format: 'parquet',
      compression: target.compression,
      ...(scan.rowGroupRows === undefined ? {} : { rowGroupRows: scan.rowGroupRows }),
    });
    if (scan.expectedRows !== undefined && rows !== scan.expectedRows) return 'declined';
    if (rows === 0) return { parts: [], schema: scan.schema };
    const typed =
      input.format === 'csv' && input.types === 'infer'
        ? await inferredColumns(engine, `FROM read_parquet(${literal(staged)})`, scan.schema)
        : undefined;
    if (typed === 'declined') return 'declined';
    const schema = typed?.schema ?? scan.schema;
    return { parts: await cut(engine, staged, rows, schema, typed?.columnsSql, target), schema };
  } catch (error) {
    if (input.format === 'parquet') throw parquetRefusal(error, input.files);
    if (isRefusal(error)) return 'declined';
    throw error;
  } finally {
    // What stays is removed with the spool.
    await rm(staged, { force: true }).catch(() => undefined);
  }
}

/** The other lane needs none of the engine's memory, and names what is wrong with the text. */
function isRefusal(error: unknown): boolean {
  return error instanceof EngineError || (error instanceof FoundryError && error.code === 'ENG002');
}

/** The engine folds case in column names; two columns that differ in case only would become one. */
function collides(schema: TableSchema): boolean {
  const folded = schema.fields.map((field) => field.name.toLowerCase());
  return (
    new Set(folded).size < folded.length || folded.some((name) => RESERVED_NAMES.has(name) || name === '')
  );
}

interface Scan {
  readonly sql: string;
  readonly schema: TableSchema;
  readonly expectedRows?: number;
  readonly rowGroupRows?: number;
}

async function csvScan(input: EngineCsvInput, target: LandTarget): Promise<Scan | 'declined'> {
  if (input.longestRecordBytes > LONGEST_RECORD) return 'declined';
  const names = { fields: input.names.map((name) => ({ name, type: { kind: 'string' } as const })) };
  if (collides(names)) return 'declined';
  const sizes = await Promise.all(input.files.map(async (file) => (await stat(file)).size));
  const sourceBytes = sizes.reduce((sum, size) => sum + size, 0);
  const text: TableSchema = {
    fields: (input.columns ?? input.names).map((name) => ({ name, type: { kind: 'string' } })),
  };
  const typed = typeof input.types === 'string' ? undefined : declaredColumns(text, input.types);
  if (typed === 'declined') return 'declined';
  const sql = csvScanSql(input);
  return {
    sql: typed === undefined ? sql : `SELECT ${typed.columnsSql} FROM (${sql})`,
    schema: typed?.schema ?? text,
    expectedRows: Math.min(input.rows, input.limitRows ?? Number.POSITIVE_INFINITY),
    rowGroupRows: rowGroupRows(input, sourceBytes, target.maxFileSizeBytes),
  };
}

async function cut(
  engine: Engine,
  staged: string,
  rows: number,
  schema: TableSchema,
  typedColumns: string | undefined,
  target: LandTarget,
): Promise<LandedPart[]> {
  const { size } = await stat(staged);
  const fits =
    rows <= (target.maxRowsPerFile ?? Number.POSITIVE_INFINITY) &&
    size <= (target.maxFileSizeBytes ?? Number.POSITIVE_INFINITY);
  if (fits && typedColumns === undefined) {
    const file = partFile(target, 1);
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
    const file = partFile(target, parts.length + 1);
    const written = await copyToPart(
      engine,
      `SELECT ${columns} FROM read_parquet(${literal(staged)}, file_row_number=true) ` +
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
      `FROM parquet_metadata(${literal(file)}) GROUP BY row_group_id, row_group_num_rows ORDER BY row_group_id`,
  );
  return rows.map((row) => ({ rows: Number(row.group_rows), compressedBytes: Number(row.bytes) }));
}
