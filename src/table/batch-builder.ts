import type { Batch } from '../core/batch.ts';
import type { TableSchema } from '../core/schema.ts';

const BATCH_ROWS = 8192;
const BATCH_CHARS = 4 * 1024 * 1024;

/** Gathers rows into batches of about 8,000 rows or 4 MB of text, whichever comes first. */
export interface BatchBuilder {
  /** The columns of the row at hand: push exactly one value to each, then call `endRow`. */
  readonly columns: readonly unknown[][];
  /** `chars` is the length of the row's text. */
  endRow(chars: number): void;
  /** Whether the batch should be taken now. */
  readonly full: boolean;
  /** The rows so far, which the builder then forgets. */
  take(): Batch;
  /** Rows of the batch at hand. */
  readonly length: number;
}

export function batchBuilder(schema: TableSchema): BatchBuilder {
  let columns: unknown[][] = schema.fields.map(() => []);
  let length = 0;
  let chars = 0;
  return {
    get columns() {
      return columns;
    },
    get length() {
      return length;
    },
    get full() {
      return length >= BATCH_ROWS || chars >= BATCH_CHARS;
    },
    endRow(rowChars) {
      length += 1;
      chars += rowChars;
    },
    take() {
      const batch: Batch = { schema, columns, length };
      columns = schema.fields.map(() => []);
      length = 0;
      chars = 0;
      return batch;
    },
  };
}
