import type { DataType } from '../../core/schema.ts';
import type { ErrorHandling, LoadPattern, OutputFormats } from '../output-spec.ts';

export interface SilverPathKeys {
  readonly domain: string;
  readonly entity: string;
  /** `v` of `v1`. */
  readonly versionPrefix: string;
  readonly pattern: string;
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
