import type { DataType } from '../../core/schema.ts';

/** Of a file's text; `utf-16` tells its byte order by a mark. */
export type TextEncoding = 'utf-8' | 'utf-16' | 'utf-16le' | 'utf-16be' | 'latin1' | 'windows-1252';

export type FileFormat = 'csv' | 'tsv' | 'json' | 'jsonl' | 'parquet';

export interface FileSourceSpec {
  readonly type: 'file';
  /** One file, a glob or a folder, with `{date}` `{yyyy}` `{mm}` `{dd}` still in it. */
  readonly path: string;
  /** Folder of the config file: where a relative path is looked for second (decision 24). */
  readonly configFolder: string;
  /** Absent: taken from each file's extension (`.csv.gz`, `.csv.zst` are csv). */
  readonly format?: FileFormat;
  readonly delimiter?: string;
  readonly encoding: TextEncoding;
  readonly quote: string;
  readonly hasHeader: boolean;
  /** Column names instead of a header line; required when `hasHeader` is false. */
  readonly fieldnames?: readonly string[];
  /** Cells that mean NULL beside the empty cell. */
  readonly nullValues: readonly string[];
  /** `text` keeps CSV cells as they are (decision 6); a map types the columns that it names. */
  readonly types: 'text' | 'infer' | Readonly<Record<string, DataType>>;
  /** Projection, in this order; a name that the source lacks gives NULLs. */
  readonly columns?: readonly string[];
  readonly limitRows?: number;
  /** Dotted path to the records of a JSON document. */
  readonly jsonPath?: string;
}
