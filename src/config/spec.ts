import type { DataType } from '../core/schema.ts';
import type { Secret } from '../core/secret.ts';
import type { ApiSourceSpec } from './api/spec.ts';
import type { CommandSourceSpec } from './command/spec.ts';
import type { CustomSourceSpec } from './custom/spec.ts';
import type { DatabaseSourceSpec } from './database/spec.ts';
import type { Connections } from './storage/connections.ts';
import type { StorageMetadata } from './storage/settings.ts';

/**
 * What a config file means, whichever dialect it was written in. Nothing above `config/` knows the dialect.
 * Everything is resolved: defaults filled in, names checked, environment substituted.
 */
export interface DatasetSpec {
  /** `config_name`, `name`, or `<system>.<entity>`. */
  readonly name: string;
  /** The config file as it was given, for messages and metadata. */
  readonly configPath: string;
  readonly environment?: string;
  /** The file of that environment; absent where there is none. */
  readonly environmentFile?: EnvironmentSpec;
  /** How the storages of its source, Bronze and Silver are reached, beyond what the process's environment says. */
  readonly connections?: Connections;
  readonly storageMetadata?: StorageMetadata;
  /** Label that is carried into the metadata of both layers. */
  readonly patternId?: string;
  readonly configVersion?: number;
  readonly bronze: BronzeSpec;
  /** Absent when a classic config has no `silver` section. */
  readonly silver?: SilverSpec;
}

/** `environments/<name>.yaml`: how to reach the storages of one environment. Nothing of it enters `process.env`. */
export interface EnvironmentSpec {
  readonly path: string;
  readonly name: string;
  readonly s3?: {
    readonly endpointUrl?: string;
    readonly accessKeyId?: Secret;
    readonly secretAccessKey?: Secret;
    readonly sessionToken?: Secret;
    readonly region: string;
    readonly pathStyle?: boolean;
    readonly profile?: string;
    readonly serverSideEncryption?: 'AES256' | 'aws:kms';
    readonly kmsKeyId?: string;
    readonly caFile?: string;
    readonly verifySsl?: boolean;
    /** Real bucket names by the names that configs use. */
    readonly buckets: Readonly<Record<string, string>>;
    /** Keys that are left out because their variables are not set; using the storage is an error then. */
    readonly unset: readonly string[];
  };
  readonly azure?: {
    readonly connectionString?: Secret;
    readonly accountName?: string;
    readonly accountUrl?: string;
    readonly accountKey?: Secret;
    readonly sasToken?: Secret;
    readonly tenantId?: string;
    readonly clientId?: string;
    readonly clientSecret?: Secret;
    readonly useManagedIdentity?: boolean;
    /** Real container names by the names that configs use. */
    readonly containers: Readonly<Record<string, string>>;
    readonly unset: readonly string[];
  };
}

export type LoadPattern = 'full' | 'cdc' | 'current_history';
export const LOAD_PATTERNS = ['full', 'cdc', 'current_history'] as const satisfies readonly LoadPattern[];

export type Compression = 'snappy' | 'zstd' | 'gzip' | 'none';
export const COMPRESSIONS = ['snappy', 'zstd', 'gzip', 'none'] as const satisfies readonly Compression[];

/** Which formats a layer writes; at least one is true. */
export interface OutputFormats {
  readonly parquet: boolean;
  readonly csv: boolean;
  readonly compression: Compression;
}

export type PartitionStrategy = 'date' | 'hourly' | 'timestamp' | 'batch_id' | 'none';

/** The left sides of the partition folders (`system=…`), as `path_structure` renames them. */
export interface BronzePathKeys {
  readonly system: string;
  readonly table: string;
  readonly pattern: string;
  readonly dt: string;
}

export interface SilverPathKeys {
  readonly domain: string;
  readonly entity: string;
  /** `v` of `v1`. */
  readonly versionPrefix: string;
  readonly pattern: string;
}

export interface BronzeSpec {
  readonly enabled: boolean;
  readonly system: string;
  readonly table: string;
  readonly source: SourceSpec;
  readonly loadPattern: LoadPattern;
  /** Value of the `pattern=` folder when it is not the load pattern. */
  readonly patternFolder?: string;
  /** Present when `path_structure` renames a folder. */
  readonly pathKeys?: BronzePathKeys;
  /** A folder, relative to the working directory or absolute (decision 24), or a URI of an object store. */
  readonly base: string;
  /** Local base folder where the partition is kept too (decision 25); only where `base` is remote. */
  readonly keepLocal?: string;
  readonly partition: {
    readonly strategy: PartitionStrategy;
    /** Only for strategy `batch_id`; generated when absent. */
    readonly batchId?: string;
    /** IANA zone of hours and batch stamps. */
    readonly timezone: string;
  };
  readonly formats: OutputFormats;
  /** A part is closed when it holds this many rows. */
  readonly maxRowsPerFile?: number;
  /** A part is closed when its file has reached this size in bytes (decision 26, scenario 21). */
  readonly maxFileSizeBytes?: number;
  /** Lets a full load of zero rows replace a partition that holds rows (decision 9). */
  readonly allowEmpty: boolean;
  /** Present when each run lands only what is new by a cursor column. */
  readonly incremental?: IncrementalSpec;
  /** The source keeps a state of its own from run to run. */
  readonly keepsState?: boolean;
  /** Present when `reference_mode` is there and enabled: periodic full references with deltas between them. */
  readonly reference?: ReferenceSpec;
  /** That of Silver, where it is on: rows whose values are not of their declared types are kept aside. */
  readonly errorHandling?: ErrorHandling;
  readonly ownerTeam?: string;
  readonly ownerContact?: string;
}

export const NULL_CURSOR_ROWS = ['include', 'exclude', 'fail'] as const;
/** Rows without a cursor value: landed once, by the run that begins the table; never; or an error. */
export type NullCursorRows = (typeof NULL_CURSOR_ROWS)[number];

export interface IncrementalSpec {
  readonly column: string;
  /** Declared type of the column; absent: the source's own. */
  readonly type?: DataType;
  /** Where the first run begins; absent: at the very beginning. */
  readonly initialValue?: string;
  /** How far before the last end each run reads again: a number, or a duration such as `2h`. */
  readonly lookback?: string;
  readonly nullRows: NullCursorRows;
  /** A state file of the original that seeds the first run; absent: `.state/<system>_<table>_cursor.json` where it is. */
  readonly stateFile?: string;
  /** Everything is read each time, and the end is only recorded. */
  readonly recordOnly?: true;
}

export const REFERENCE_ROLES = ['reference', 'delta', 'auto'] as const;
export const DELTA_MODES = ['point_in_time', 'cumulative'] as const;

export interface ReferenceSpec {
  /** `auto`: each run decides by the cadence. */
  readonly role: (typeof REFERENCE_ROLES)[number];
  /** Days from one reference to the next; absent with `auto`: a reference where there is none yet, else deltas. */
  readonly cadenceDays?: number;
  /** Values of the `pattern=` folders that hold the deltas; empty: this dataset's own. */
  readonly deltaPatterns: readonly string[];
  /** What a delta holds: only its day's changes, or all changes since the reference. */
  readonly deltaMode: (typeof DELTA_MODES)[number];
}

/** `openSource` asks for the driver of each. */
export type SourceSpec =
  | FileSourceSpec
  | ApiSourceSpec
  | DatabaseSourceSpec
  | CustomSourceSpec
  | CommandSourceSpec;

/** What a source is, and how it goes on from run to run. */
export type SourcePart = Pick<BronzeSpec, 'source' | 'incremental' | 'keepsState'>;

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

/** What is done to Bronze's columns and values before anything else looks at them. */
export interface ColumnShaping {
  /** New names by old names. */
  readonly renames: Readonly<Record<string, string>>;
  /** Columns that come first. */
  readonly order: readonly string[];
  readonly types: Readonly<Record<string, DataType>>;
  readonly trimStrings: boolean;
  readonly emptyStringsAsNull: boolean;
}

export type DeleteMode = 'ignore' | 'tombstone_state' | 'tombstone_event' | 'hard_delete';
export const INPUT_SCOPES = ['partition', 'history'] as const;
export type InputScope = (typeof INPUT_SCOPES)[number];
export type SchemaMode = 'strict' | 'allow_new_columns';

/** Which rows come out, by `row-semantics`; each name is one file of silver/models. */
export type SilverModelName =
  | 'periodic_snapshot'
  | 'incremental_merge'
  | 'full_merge_dedupe'
  | 'scd_type_1'
  | 'scd_type_2'
  | 'event'
  | 'state_scd1'
  | 'state_scd2'
  | 'derived_event';

/** What happens to rows that cannot be kept: refused, or kept aside as long as there are not too many. */
export interface ErrorHandling {
  readonly enabled: boolean;
  readonly maxBadRecords: number;
  readonly maxBadPercent: number;
}

export interface SilverSpec {
  readonly enabled: boolean;
  readonly base: string;
  readonly domain: string;
  readonly entity: string;
  readonly version: number;
  readonly loadPartitionName: string;
  /** Present when `path_structure` renames a folder. */
  readonly pathKeys?: SilverPathKeys;
  /** The run date's partition, or all of the table up to it (row-semantics, "Which Bronze is read"). */
  readonly inputScope: InputScope;
  /** With scope `history`: only these values of the `pattern=` folder; absent: all. */
  readonly inputPatterns?: readonly string[];
  /** Present when `include_pattern_folder` is true: the load pattern. */
  readonly patternFolder?: LoadPattern;
  readonly model: SilverModelName;
  /** The model was not configured but follows from the load pattern; `--load-pattern` then changes it too. */
  readonly modelIsDefault?: boolean;
  /** Only for `event`: `replace_daily` keeps one row per key and day. */
  readonly inputMode?: 'append_log' | 'replace_daily';
  /** `latest_only` and `scd1` give the same rows; the name is kept for metadata. */
  readonly historyMode?: 'scd2' | 'scd1' | 'latest_only';
  readonly entityKind?: 'event' | 'state' | 'derived_state' | 'derived_event';
  /** Output base name of each artifact, by artifact. */
  readonly artifactNames: Readonly<Partial<Record<ArtifactName, string>>>;
  readonly keys: readonly string[];
  /** `event_ts_column`, `change_ts_column` or `order_column`; absent for models that need none. */
  readonly orderColumn?: string;
  readonly sequenceColumn?: string;
  /** Declared payload columns of an intent; absent in classic configs, where every column is kept. */
  readonly attributes?: readonly string[];
  /** Keys and order column that flags replaced: columns like attributes where Bronze has them. */
  readonly replacedColumns?: readonly string[];
  readonly deleteMode: DeleteMode;
  /** A classic config says `ignore` itself: rows that `is_deleted` or `deleted_flag` call deleted are left out. */
  readonly readsDeleteFlags?: boolean;
  readonly keepTombstones: boolean;
  /** Present where a column says what each row does. */
  readonly cdc?: CdcSpec;
  /** With scope `history`: keys that a newer full snapshot lacks are deleted at its date. */
  readonly detectMissing?: boolean;
  /** Absent in classic configs: every column is welcome. */
  readonly schemaMode?: SchemaMode;
  /** With `allow_new_columns`: columns that are not declared go on instead of being left out. */
  readonly keepNewColumns?: boolean;
  /** Absent: Bronze's columns go on as they are. Names elsewhere in the spec may be old or new ones. */
  readonly shaping?: ColumnShaping;
  readonly collapseUnchanged: boolean;
  /** Zone of times without one: where the order column mixes both, and where `types` casts between the two. */
  readonly timezone?: string;
  readonly partitioning: {
    /** Empty in an intent that names none: events are split by the day of the event, states by `effective_from`. */
    readonly columns: readonly string[];
    /** An intent's `partition_by: []`: no folders at all, not even those by default. */
    readonly none?: boolean;
    /** Keep partition columns in the files too (decision 4). */
    readonly keepColumns: boolean;
    /** `record_time_partition` is named by, and holds the date of, `record_time_column`. */
    readonly recordTime?: { readonly column: string; readonly partition: string };
  };
  /** Constant columns appended to every row (intents only); `load_batch_id` may be renamed. */
  readonly metadataColumns?: {
    readonly loadBatchIdColumn: string;
    readonly recordSource: string;
    readonly environment: string;
    readonly domain: string;
    readonly entity: string;
    readonly bronzeOwner: string;
    readonly silverOwner: string;
  };
  readonly formats: OutputFormats;
  readonly requireChecksum: boolean;
  readonly errorHandling: ErrorHandling;
  readonly allowEmpty: boolean;
  readonly semanticOwner?: string;
  readonly semanticContact?: string;
}

/** What the codes of an operation column mean; compared exactly, after trimming. */
export interface CdcSpec {
  readonly operationColumn: string;
  /** Codes of inserts, updates and reads: the row is there. */
  readonly live: readonly string[];
  readonly deleted: readonly string[];
}

export type ArtifactName =
  | 'full_snapshot'
  | 'cdc_changes'
  | 'current'
  | 'history'
  | 'events'
  | 'state_current'
  | 'state_history'
  | 'derived_events';
