import type { DataType } from '../core/schema.ts';

/** Types whose text the engine reads by rules of its own, so that it is of no use to type a column. */
export const NOT_TYPED_BY_ENGINE: ReadonlySet<DataType['kind']> = new Set(['json', 'binary']);

/** What the embedded engine can read itself: local files, in file order, or typed text as it arrives. */
export type EngineInput = EngineCsvInput | EngineParquetInput | EngineTextInput;

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

/**
 * How text says a value of a type.
 * - `plain`: as `table/cast.ts` reads it: digits, ISO 8601, `true` and `false`, …
 * - `hex`: binary as hexadecimal digits
 */
export type TextForm = 'plain' | 'hex';

export interface EngineTextColumn {
  readonly name: string;
  readonly type: DataType;
  readonly form: TextForm;
  /**
   * The source promises no digits beyond the type's scale or the microsecond, so that the engine need not look for
   * them. Other values that the type does not hold (`infinity`, `24:00:00`, the year 10000) it looks for all the same.
   */
  readonly exact: boolean;
}

/**
 * Whole records of RFC 4180 text: `,` between cells, `"` around cells that need it (doubled inside), a newline after
 * each record, NULL as an unquoted `\N`. A cell that holds `\N` as text, and an empty cell of a one-column record, are
 * quoted.
 */
export interface CsvBlock {
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** Bytes of the longest record. */
  readonly longest: number;
}

/** Rows that come as text in chunks; each chunk becomes parts of its own, in this order. */
export interface EngineTextInput {
  readonly format: 'text';
  readonly columns: readonly EngineTextColumn[];
  readonly chunks: readonly EngineTextChunk[];
  /** Chunks that may be read at once. */
  readonly concurrency: number;
  /**
   * Runs what lands a chunk, and once more from its start where reading it failed in a way that passes and its rows
   * would still fit those of the other chunks; absent: a chunk is read once.
   */
  readonly repeating?: <T>(land: () => Promise<T>) => Promise<T>;
  /** Called once all chunks are read and the engine has kept every row. */
  readonly onRead?: () => void;
}

export interface EngineTextChunk {
  /** From its start, each time that it is called; whoever leaves early ends the reading. */
  blocks(): AsyncIterable<CsvBlock>;
}
