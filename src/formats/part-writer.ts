import type { Batch } from '../core/batch.ts';

export interface FinishedPart {
  readonly rows: number;
  readonly sizeBytes: number;
  /** Of the whole file, hex, computed while it was written. */
  readonly sha256: string;
}

/** Writes batches of one schema to one new local file, in bounded memory. */
export interface PartWriter {
  /** @throws STG001 when the file cannot be written; DATA001 when a value cannot be kept exactly. */
  write(batch: Batch): Promise<void>;
  /** Bytes that are in the file so far. Rows still buffered (at most 8 MB of values) are not counted. */
  readonly sizeBytes: number;
  close(): Promise<FinishedPart>;
  /** Closes the file and leaves it as it is, for the spool's removal; idempotent. */
  abort(): Promise<void>;
}
