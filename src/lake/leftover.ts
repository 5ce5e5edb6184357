/** Something that belongs to no table, an upload that nobody completed, or a killed join's chunks. */
export interface Leftover {
  readonly kind: 'file' | 'upload' | 'join';
  /** Key below the base of the lake. */
  readonly key: string;
  readonly size_bytes: number | null;
  /** ISO 8601. */
  readonly since: string;
  /** `removed` and `kept` only where removing was asked for. */
  readonly status: 'found' | 'removed' | 'kept';
  /** Why it is kept. */
  readonly reason?: string;
}

export interface GcOptions {
  readonly signal: AbortSignal;
  /** Removes what it finds; without it nothing is changed. */
  readonly remove: boolean;
  /** Younger leftovers may be a run's that is under way. */
  readonly olderThanMs: number;
  readonly now: Date;
}
