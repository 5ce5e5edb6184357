/**
 * What foundry and an extractor of one's own say to each other. `foundry schema extractor` prints these types for
 * editors, so this file stands alone.
 */

/** A record: column names and values. `undefined` is left out, `null` is NULL. */
export type Row = Readonly<Record<string, unknown>>;

/** Which rows an incremental run asks for: those whose cursor column is at or after `start`, and not after `until`. */
export interface ExtractCursor {
  readonly column: string;
  /** Absent on the first run. Already moved back by the configured lookback. */
  readonly start?: string;
  readonly until?: string;
}

export interface ExtractContext {
  /** `params` of the config, with environment variables filled in. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The logical date of the run, `YYYY-MM-DD`, and its hour where one was given. */
  readonly runDate: string;
  readonly hour?: string;
  /** Aborted when the run is told to stop: pass it on to `fetch` and the like. */
  readonly signal: AbortSignal;
  /** Lines of foundry's log. */
  readonly log: { debug(message: string): void; info(message: string): void; warn(message: string): void };
  /** Present for incremental datasets. Rows that were not asked for are left out by foundry. */
  readonly cursor?: ExtractCursor;
  /** What the run before saved; undefined on the first run. */
  readonly state?: unknown;
  /** Keeps any JSON for the next run, in the same commit as the rows. */
  saveState(value: unknown): void;
}

/** Rows, one by one or many at a time. Values: texts, numbers, bigints, booleans, Dates, null, and JSON of these. */
export type Rows = AsyncIterable<Row | readonly Row[]> | Iterable<Row | readonly Row[]>;

/** What the module exports: a function, or a class with this method whose constructor takes no arguments. */
export interface Extractor {
  extract(context: ExtractContext): Rows | Promise<Rows>;
}
export type ExtractFunction = Extractor['extract'];
