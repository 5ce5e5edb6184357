import type { Compression } from '../config/spec.ts';
import type { TableSchema } from '../core/schema.ts';
import type { PartWriter } from './part-writer.ts';

/** `compression` is that of Parquet pages; CSV parts are never compressed. */
export async function openPart(
  format: 'parquet' | 'csv',
  file: string,
  schema: TableSchema,
  compression: Compression,
): Promise<PartWriter> {
  if (format === 'parquet') {
    const { openParquetPart } = await import('./parquet/parquet-writer.ts');
    return openParquetPart(file, schema, { compression });
  }
  const { openCsvPart } = await import('./csv/csv-writer.ts');
  return openCsvPart(file, schema);
}
