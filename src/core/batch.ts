import type { TableSchema } from './schema.ts';

/** One column's values in row order; see `DataType` for how each type is held. */
export type Column = readonly unknown[];

/** The unit of flow through Bronze. `columns[i]` belongs to `schema.fields[i]` and has `length` values. */
export interface Batch {
  readonly schema: TableSchema;
  readonly columns: readonly Column[];
  readonly length: number;
  /** Columns that no row before this batch had: from here on they hold values, in a new part. */
  readonly lateColumns?: readonly string[];
}

/** Pull-based, so that a slow sink slows the source. All batches of one stream share one schema. */
export type Batches = AsyncIterable<Batch>;
