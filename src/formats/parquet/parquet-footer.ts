import {
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  type SchemaElement,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { FoundryError, messageOf } from '../../core/errors.ts';
import type { DataType } from '../../core/schema.ts';
import { textFormat } from '../../table/format.ts';

export interface ParquetColumn {
  readonly name: string;
  /** Absent for types that foundry does not write, nested ones among them. */
  readonly type?: DataType;
}

export interface ParquetFooter {
  readonly rows: number;
  readonly rowGroups: number;
  readonly columns: readonly ParquetColumn[];
}

/** @throws DATA001 when the file has no Parquet footer. */
export async function readParquetFooter(file: string): Promise<ParquetFooter> {
  const { metadata } = await openFile(file);
  return {
    rows: Number(metadata.num_rows),
    rowGroups: metadata.row_groups.length,
    columns: columnsOf(metadata),
  };
}

/**
 * The rows that a footer tells of a file that lies anywhere; no more than the footer is read.
 * @param read gives the bytes from `start` to before `end`
 * @throws DATA001 naming the file when it has no Parquet footer; what `read` throws.
 */
export async function rowsInFooter(
  name: string,
  byteLength: number,
  read: (start: number, end: number) => Promise<Uint8Array>,
): Promise<number> {
  let failed: { readonly error: unknown } | undefined;
  const slice = async (start: number, end = byteLength): Promise<ArrayBuffer> => {
    const bytes = await read(start, end).catch((error: unknown) => {
      failed = { error };
      throw error;
    });
    return new Uint8Array(bytes).buffer;
  };
  try {
    return Number((await parquetMetadataAsync({ byteLength, slice })).num_rows);
  } catch (error) {
    if (failed !== undefined) throw failed.error;
    throw new FoundryError('DATA001', `${name} has no Parquet footer: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The first rows as text, values written as `textFormat` does; meant for showing a few rows to a person.
 * @throws DATA001 when the file cannot be read as Parquet.
 */
export async function previewParquet(
  file: string,
  limit: number,
): Promise<{
  readonly columns: readonly ParquetColumn[];
  readonly rows: readonly (readonly (string | null)[])[];
}> {
  const { buffer, metadata } = await openFile(file);
  const columns = columnsOf(metadata);
  // Without their logical types, values come as they are stored: the library would make floats of decimals.
  const schema = metadata.schema.map(({ converted_type, logical_type, ...element }) => element);
  const objects = await parquetReadObjects({
    file: buffer,
    metadata: { ...metadata, schema: metadata.schema.map((e, i) => (isText(e) ? e : (schema[i] ?? e))) },
    compressors,
    rowEnd: Math.min(limit, Number(metadata.num_rows)),
    utf8: false,
  }).catch((error: unknown) => {
    throw new FoundryError('DATA001', `${file} cannot be read as Parquet: ${messageOf(error)}`, {
      cause: error,
    });
  });
  const formats = columns.map(({ type }) => (type === undefined ? String : textFormat(type)));
  const rows = objects.map((object) =>
    columns.map(({ name, type }, index) => {
      const value: unknown = object[name];
      return value === null || value === undefined ? null : (formats[index] ?? String)(stored(type, value));
    }),
  );
  return { columns, rows };
}

async function openFile(file: string) {
  try {
    const buffer = await asyncBufferFromFile(file);
    return { buffer, metadata: await parquetMetadataAsync(buffer) };
  } catch (error) {
    throw new FoundryError('DATA001', `${file} cannot be read as Parquet: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function columnsOf({ schema }: FileMetaData): ParquetColumn[] {
  const columns: ParquetColumn[] = [];
  let skip = 0;
  for (const element of schema.slice(1)) {
    const nested = element.num_children ?? 0;
    if (skip > 0) {
      skip += nested - 1;
      continue;
    }
    skip = nested;
    const type = nested > 0 || element.repetition_type === 'REPEATED' ? undefined : typeOf(element);
    columns.push(type === undefined ? { name: element.name } : { name: element.name, type });
  }
  return columns;
}

function typeOf(element: SchemaElement): DataType | undefined {
  const { type, converted_type, logical_type, precision, scale = 0 } = element;
  if (converted_type === 'DECIMAL' || logical_type?.type === 'DECIMAL') {
    return precision === undefined ? undefined : { kind: 'decimal', precision, scale };
  }
  if (isText(element)) return { kind: 'string' };
  if (converted_type === 'DATE' || logical_type?.type === 'DATE') return { kind: 'date' };
  if (logical_type?.type === 'TIME') return logical_type.unit === 'MICROS' ? { kind: 'time' } : undefined;
  if (logical_type?.type === 'TIMESTAMP') {
    if (logical_type.unit !== 'MICROS') return undefined;
    return { kind: 'timestamp', unit: 'micros', utc: logical_type.isAdjustedToUTC };
  }
  if (converted_type === 'TIMESTAMP_MICROS') return { kind: 'timestamp', unit: 'micros', utc: true };
  if (converted_type === 'TIME_MICROS') return { kind: 'time' };
  if (converted_type === 'INT_32') return { kind: 'int32' };
  if (converted_type === 'INT_64') return { kind: 'int64' };
  if (converted_type !== undefined || logical_type !== undefined) return undefined;
  switch (type) {
    case 'BOOLEAN':
      return { kind: 'boolean' };
    case 'INT32':
      return { kind: 'int32' };
    case 'INT64':
      return { kind: 'int64' };
    case 'DOUBLE':
      return { kind: 'double' };
    case 'BYTE_ARRAY':
      return { kind: 'binary' };
    default:
      return undefined;
  }
}

function isText({ converted_type, logical_type }: SchemaElement): boolean {
  return converted_type === 'UTF8' || logical_type?.type === 'STRING';
}

/** Decimals are held as bigint, however wide Parquet stores them. */
function stored(type: DataType | undefined, value: unknown): unknown {
  if (type?.kind !== 'decimal' || typeof value === 'bigint') return value;
  if (typeof value === 'number') return BigInt(value);
  if (!(value instanceof Uint8Array) || value.length === 0) return 0n;
  return BigInt.asIntN(value.length * 8, BigInt(`0x${Buffer.from(value).toString('hex')}`));
}
