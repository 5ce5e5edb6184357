import type { DataType } from '../core/schema.ts';

/** Types whose text the engine reads by rules of its own, so that it is of no use to type a column. */
export const NOT_TYPED_BY_ENGINE: ReadonlySet<DataType['kind']> = new Set(['json', 'binary']);

/** Local files whose rows the embedded engine can read itself, in file order. */
export type EngineInput = EngineCsvInput | EngineParquetInput;

interface EngineInputCommon {
  readonly files: readonly string[];
  /** Projection, in this order; names that the files lack give NULLs. */
  readonly columns?: readonly string[];
  readonly limitRows?: number;
}

/**
 * Delimited text, checked beforehand to be regular: valid UTF-8, the same header in every file, no NUL bytes.
 * `rows` is the number of records that an independent scan found; the engine must find as many.
 */
export interface EngineCsvInput extends EngineInputCommon {
  readonly format: 'csv';
  readonly delimiter: string;
  readonly quote: string;
  readonly hasHeader: boolean;
  /** Every column of the files, in order. */
  readonly names: readonly string[];
  readonly nullValues: readonly string[];
  readonly types: 'text' | 'infer' | Readonly<Record<string, DataType>>;
  readonly rows: number;
  /** Of the longest record, newline included: bounds the engine's line buffer and its row groups. */
  readonly longestRecordBytes: number;
}

export interface EngineParquetInput extends EngineInputCommon {
  readonly format: 'parquet';
}
