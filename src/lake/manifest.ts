import type { LoadPattern } from '../config/spec.ts';

export const MANIFEST_NAME = '_metadata.json';
export const CHECKSUMS_NAME = '_checksums.json';

/** One file of a partition, as its manifest lists it. */
export interface ManifestFile {
  /** Relative to the partition folder, `/`-separated. */
  readonly path: string;
  readonly format: 'parquet' | 'csv' | 'jsonl' | 'jsonl.gz';
  readonly size_bytes: number;
  readonly rows: number;
  readonly sha256: string;
  /** `data`; rows that were refused and are kept aside; answers of the source as they came. Readers take `data` only. */
  readonly role: 'data' | 'quarantine' | 'raw';
  /** Silver: which artifact the file belongs to. */
  readonly artifact?: string;
  /** Values of the partition columns that the path carries, as text; null is NULL. */
  readonly partition_values?: Readonly<Record<string, string | null>>;
}

export interface ManifestColumn {
  readonly name: string;
  /** As `formatType` writes it. */
  readonly type: string;
}

/** How far an incremental read has come: committed with the rows, so that neither can be there without the other. */
export interface Cursor {
  readonly column: string;
  /** A `CursorKind`; absent in manifests of versions that did not know it. */
  readonly type?: string | undefined;
  /** Null: the read began at the very beginning. */
  readonly start: string | null;
  /** Null: no row with a cursor value has landed yet. */
  readonly end: string | null;
  /** Hashes of the rows at `end` and at `start` that this commit holds, each as often as the row. */
  readonly end_rows?: readonly string[] | undefined;
  readonly start_rows?: readonly string[] | undefined;
  /** Rows that landed again through the lookback; that neighbouring commits hold; that were not asked for. */
  readonly reread?: number | undefined;
  readonly repeated?: number | undefined;
  readonly outside?: number | undefined;
  /** Rows without a cursor value, landed or not. */
  readonly null_rows?: number | undefined;
}

/**
 * `_metadata.json`, the commit point of a partition: what it does not list does not belong to the partition.
 * Bronze and Silver add their own fields, which readers of the lake need not understand.
 */
export interface Manifest {
  readonly format_version: 1;
  readonly layer: 'bronze' | 'silver' | 'join';
  /** Random; tells two commits apart whatever their content. */
  readonly commit_id: string;
  readonly status: 'complete' | 'empty';
  /** When it was committed, UTC, ISO 8601 with microseconds and `Z`. */
  readonly timestamp: string;
  readonly started_at: string;
  /** Of the process that committed it: the same in its logs and its record. */
  readonly run_id?: string;
  readonly tool: { readonly name: 'foundry'; readonly version: string; readonly commit: string };
  readonly run_date: string;
  readonly record_count: number;
  readonly chunk_count: number;
  readonly load_pattern: LoadPattern;
  readonly files: readonly ManifestFile[];
  /** Columns of the data files, or of each artifact where they differ (`artifacts`). */
  readonly schema: readonly ManifestColumn[];
  /** Silver: the columns that came in, those included that did not go on. */
  readonly input_schema?: readonly ManifestColumn[];
  readonly cursor?: Cursor;
  readonly inputs?: readonly { readonly path: string; readonly commit_id: string | null }[];
  readonly [extra: string]: unknown;
}

type AddedByCommit =
  | 'format_version'
  | 'commit_id'
  | 'timestamp'
  | 'tool'
  | 'files'
  | 'record_count'
  | 'chunk_count';

/**
 * What the caller of a commit supplies; the commit itself adds the rest. (A mapped type, since `Omit` would forget
 * the named fields beside the index signature.)
 */
export type ManifestBody = { [K in keyof Manifest as K extends AddedByCommit ? never : K]: Manifest[K] };
