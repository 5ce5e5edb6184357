import type { EngineCsvInput } from '../sources/engine-input.ts';
import { fileList, identifier, literal, literalList } from './sql.ts';

const RAW_GROUP_BYTES = 8 * 1024 * 1024;
const RAW_GROUP_BYTES_AT_MOST = 128 * 1024 * 1024;
const ROWS_AT_MOST = 122_880;
/** The engine handles rows in vectors of this many; a smaller group gains nothing. */
const VECTOR_ROWS = 2048;
const SMALLEST_BUFFER = 8 * 1024 * 1024;
const SMALLEST_LINE_LIMIT = 64 * 1024;

/** A query for every record as text, strict: whatever is irregular is an error, never a repaired row. */
export function csvScanSql(input: EngineCsvInput): string {
  const columns = input.names.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  const lineLimit = Math.max(SMALLEST_LINE_LIMIT, input.longestRecordBytes + 1);
  const options = [
    'auto_detect=false',
    `header=${input.hasHeader}`,
    `delim=${literal(input.delimiter)}`,
    `quote=${literal(input.quote)}`,
    `escape=${literal(input.quote)}`,
    `columns={${columns}}`,
    `nullstr=${literalList(['', ...input.nullValues])}`,
    'strict_mode=true',
    'null_padding=false',
    'ignore_errors=false',
    `compression='none'`,
    'hive_partitioning=false',
    `max_line_size=${lineLimit}`,
    `buffer_size=${Math.max(SMALLEST_BUFFER, lineLimit * 2)}`,
  ];
  return `SELECT ${projection(input)} FROM read_csv(${fileList(input.files)}, ${options.join(', ')})${limit(input)}`;
}

export function projection(input: {
  readonly columns?: readonly string[];
  readonly names: readonly string[];
}): string {
  if (input.columns === undefined) return input.names.map(identifier).join(', ');
  return input.columns
    .map((name) => (input.names.includes(name) ? identifier(name) : `NULL::VARCHAR AS ${identifier(name)}`))
    .join(', ');
}

export function limit(input: { readonly limitRows?: number }): string {
  return input.limitRows === undefined ? '' : ` LIMIT ${input.limitRows}`;
}

/** Rows of a row group of about 8 MB as text, so that what the engine buffers does not grow with the rows. */
export function rowGroupRows(
  input: EngineCsvInput,
  sourceBytes: number,
  maxFileSizeBytes: number | undefined,
): number {
  const target = Math.min(RAW_GROUP_BYTES, Math.max(256 * 1024, (maxFileSizeBytes ?? RAW_GROUP_BYTES) / 4));
  const average = Math.max(1, sourceBytes / Math.max(1, input.rows));
  const byAverage = target / average;
  const byLongest = RAW_GROUP_BYTES_AT_MOST / Math.max(1, input.longestRecordBytes);
  return Math.floor(Math.min(ROWS_AT_MOST, Math.max(VECTOR_ROWS, Math.min(byAverage, byLongest))));
}
