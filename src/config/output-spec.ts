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

/** What happens to rows that cannot be kept: refused, or kept aside as long as there are not too many. */
export interface ErrorHandling {
  readonly enabled: boolean;
  readonly maxBadRecords: number;
  readonly maxBadPercent: number;
}
