import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import type { TableSchema } from '../core/schema.ts';
import type { EngineCsvInput, EngineInput } from '../sources/engine-input.ts';
import { csvScanSql, rowGroupRows } from './csv-scan.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './errors.ts';
import { parquetRefusal, parquetScan } from './parquet-scan.ts';
import { copyToPart } from './parts.ts';
import { parquetRows } from './sql.ts';
import { collides, cutStaged, type Landed, type LandTarget } from './staged.ts';
import { landText } from './text-lane.ts';
import { declaredColumns, inferredColumns } from './typing.ts';

/** A record this long would make the engine's buffers outgrow its memory. */
const LONGEST_RECORD = 32 * 1024 * 1024;

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
  if (input.format === 'text') return landText(engine, input, target);
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
        ? await inferredColumns(engine, `FROM ${parquetRows(staged)}`, scan.schema)
        : undefined;
    if (typed === 'declined') return 'declined';
    const schema = typed?.schema ?? scan.schema;
    const typedColumns = typed?.columnsSql;
    const file = { file: staged, rows, schema, ...(typedColumns !== undefined && { typedColumns }) };
    return { parts: await cutStaged(engine, file, target), schema };
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
