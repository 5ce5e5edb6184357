import type { DataType } from '../core/schema.ts';
import type { ApiSourceSpec } from './api/spec.ts';
import type { CommandSourceSpec } from './command/spec.ts';
import type { CustomSourceSpec } from './custom/spec.ts';
import type { DatabaseSourceSpec } from './database/spec.ts';
import type { EnvironmentSpec } from './environment-spec.ts';
import type { FileSourceSpec } from './file/spec.ts';
import type { ErrorHandling, LoadPattern, OutputFormats } from './output-spec.ts';
import type { SilverSpec } from './silver/spec.ts';
import type { Connections } from './storage/connections.ts';
import type { StorageMetadata } from './storage/settings.ts';

export type * from './environment-spec.ts';
export type * from './file/spec.ts';
export * from './output-spec.ts';
export * from './silver/spec.ts';

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

export type PartitionStrategy = 'date' | 'hourly' | 'timestamp' | 'batch_id' | 'none';

/** The left sides of the partition folders (`system=…`), as `path_structure` renames them. */
export interface BronzePathKeys {
  readonly system: string;
  readonly table: string;
  readonly pattern: string;
  readonly dt: string;
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
