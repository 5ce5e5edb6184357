import type { ClassicModel } from '../silver/models.ts';
import type { OutputFormats } from '../spec.ts';
import type { Connections } from '../storage/connections.ts';
import type { StorageMetadata } from '../storage/settings.ts';

/** What the `silver_join` section of a config means. Paths may hold `{date}`, `{yyyy}`, `{mm}` and `{dd}`. */
export interface JoinSpec {
  /** `silver_join.name`, or the name of the output. */
  readonly name: string;
  readonly configPath: string;
  readonly environment?: string;
  readonly left: JoinSideSpec;
  readonly right: JoinSideSpec;
  readonly output: JoinOutputSpec;
}

/** One load partition: its folder, or the asset and load date that lead to it. */
/** How a place is reached. */
export interface JoinReach {
  /** URI of the platform's bucket or container and prefix; paths that are not on the local disk lie below it. */
  readonly remote?: string;
  readonly connections?: Connections;
  readonly storageMetadata?: StorageMetadata;
}

export type JoinPlace = JoinReach &
  (
    | { readonly kind: 'path'; readonly path: string }
    | {
        readonly kind: 'asset';
        /** Absent: that of the platform, else `./silver`. */
        readonly base?: string;
        readonly environment?: string;
        readonly domain: string;
        readonly entity: string;
        readonly version: number;
        /** Value of the `pattern=` folder, where the asset has one. */
        readonly patternFolder?: string;
        readonly loadPartitionName: string;
        /** `run`: the run date; `latest`: the newest one up to it. */
        readonly loadDate: 'run' | 'latest' | { readonly date: string };
      }
  );

export interface JoinSideSpec {
  readonly name?: string;
  readonly place: JoinPlace;
  /** Absent: by the rule in join/artifact.ts. */
  readonly artifact?: string;
}

export const JOIN_TYPES = ['inner', 'left', 'right', 'outer', 'semi', 'anti'] as const;
export type JoinType = (typeof JOIN_TYPES)[number];
export const JOIN_STRATEGIES = ['auto', 'broadcast', 'partitioned', 'hash'] as const;
export type JoinStrategy = (typeof JOIN_STRATEGIES)[number];
export const JOIN_PROFILES = ['auto', 'single', 'chunked'] as const;
export type JoinProfile = (typeof JOIN_PROFILES)[number];

export interface KeyPair {
  readonly left: string;
  readonly right: string;
}

/** Rows of the right side are versions: the one whose interval holds the left side's time is taken. */
export interface AsOf {
  readonly left: string;
  readonly rightFrom: string;
  readonly rightTo: string;
}

export interface Selected {
  /** `left.x`, `right.x`, or a bare name. */
  readonly source: string;
  readonly alias?: string;
}

export interface GuardSpec {
  readonly rowCount?: { readonly min?: number; readonly max?: number };
  readonly nullRatio: readonly { readonly column: string; readonly maxRatio: number }[];
  readonly uniqueKeys: readonly { readonly columns: readonly string[] }[];
  /** Share of the left rows that found a match, 0 to 1. */
  readonly matchRate?: { readonly min: number };
  /** Right rows of one left row. */
  readonly fanOut?: { readonly max: number };
}

export interface JoinOutputSpec {
  readonly place: JoinPlace;
  readonly model: ClassicModel;
  readonly formats: OutputFormats;
  readonly joinType: JoinType;
  /** The config does not say it. */
  readonly joinTypeIsDefault: boolean;
  /** `auto`: the primary keys that both inputs' manifests declare. */
  readonly keys: 'auto' | readonly KeyPair[];
  readonly asOf?: AsOf;
  readonly strategy: JoinStrategy;
  readonly profile: JoinProfile;
  /** Left rows a chunk; 0: all at once. */
  readonly chunkSize?: number;
  readonly projection?: readonly Selected[];
  readonly columnOrder: readonly string[];
  readonly guards: GuardSpec;
  readonly checkpointDir?: string;
  readonly spillDir?: string;
  readonly primaryKeys: readonly string[];
  readonly orderColumn?: string;
  readonly partitionColumns: readonly string[];
  readonly keepPartitionColumns: boolean;
  readonly allowEmpty: boolean;
}
