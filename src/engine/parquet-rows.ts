import type { Batch, Column } from '../core/batch.ts';
import { unreachable } from '../core/errors.ts';
import type { DataType } from '../core/schema.ts';
import type { EngineParquetInput } from '../sources/engine-input.ts';
import type { Engine } from './engine.ts';
import { parquetRefusal, parquetScan } from './parquet-scan.ts';

/**
 * The rows of Parquet files as batches, in file order: for targets that the engine does not write. Zero rows
 * give one empty batch with the columns.
 * @throws DATA001 for files that are no sound Parquet, and columns that cannot be kept exactly; INT001.
 */
export async function* readParquetRows(engine: Engine, input: EngineParquetInput): AsyncGenerator<Batch> {
  try {
    const { sql, schema } = await parquetScan(engine, input);
    let any = false;
    for await (const block of engine.stream(sql)) {
      any = true;
      const columns = schema.fields.map(({ type }, index): Column => plainColumn(block[index] ?? [], type));
      yield { schema, columns, length: block[0]?.length ?? 0 };
    }
    if (!any) yield { schema, columns: schema.fields.map(() => []), length: 0 };
  } catch (error) {
    throw parquetRefusal(error, input.files);
  }
}

/** Values of the engine's binding as a `Batch` holds them. */
function plainColumn(values: readonly unknown[], type: DataType): Column {
  switch (type.kind) {
    case 'string':
    case 'uuid':
    case 'json':
    case 'boolean':
    case 'int32':
    case 'int64':
    case 'double':
      return values;
    case 'decimal':
      return unwrapped<{ value: bigint }>(values, ({ value }) => value);
    case 'date':
      return unwrapped<{ days: number }>(values, ({ days }) => days);
    case 'time':
    case 'timestamp':
      return unwrapped<{ micros: bigint }>(values, ({ micros }) => micros);
    case 'binary':
      return unwrapped<{ bytes: Uint8Array }>(values, ({ bytes }) => bytes);
    default:
      return unreachable(type);
  }
}

function unwrapped<T>(values: readonly unknown[], unwrap: (value: T) => unknown): Column {
  return values.map((value) => (value === null ? null : unwrap(value as T)));
}
