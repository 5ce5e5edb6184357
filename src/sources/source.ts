import type { SourceSpec } from '../config/spec.ts';
import type { Connections } from '../config/storage/connections.ts';
import type { Batches } from '../core/batch.ts';
import type { Log } from '../core/log.ts';
import type { RunDate } from '../core/run-date.ts';
import type { RetryPolicy } from '../resilience/retry.ts';
import type { SpoolBudget } from '../storage/spool-budget.ts';
import type { Exchange } from './api/exchange.ts';
import type { CursorOutcome, CursorRequest } from './cursor.ts';
import type { EngineInput } from './engine-input.ts';

/** What would be read: data only, printed by `--dry-run` and kept in the manifest. */
export interface SourcePlan {
  readonly description: string;
  readonly inputs: readonly { readonly path: string; readonly sizeBytes: number }[];
  /** Set when the plan is sound but reading now would fail or give nothing, e.g. no file matches. */
  readonly problem?: string;
}

/**
 * Not a failure: the rows given so far need a wider schema than they were given under (an integer column turned out to
 * hold text, a column appeared late). Whoever reads forgets them and calls `read` of the same source once more, which
 * then gives all rows under one schema.
 */
export class ReadAgain extends Error {
  override readonly name = 'ReadAgain' as const;
}

export interface ReadRequest {
  readonly signal: AbortSignal;
  /** Private local folder for what cannot be read from the source twice; absent: kept in memory. */
  readonly spool?: string;
  /** No more rows than this are wanted: reading stops as soon as they are there, and types are theirs. */
  readonly limitRows?: number;
  /** Called with what is under way, for the progress line. */
  readonly onStep?: (step: string) => void;
  /** Called with the source bytes consumed since the last call, for the progress line. */
  readonly onBytes?: (bytes: number) => void;
  /** Takes the records that do not fit their declared types, which are left out then; absent, they are errors. */
  readonly onRejected?: (row: RejectedRow) => Promise<void>;
  /** Takes each answer that is to be kept (`keep_raw`), once, before its rows. */
  readonly onRawPage?: (page: RawPage) => Promise<void>;
  /** Present for an incremental read: the rows to give. */
  readonly cursor?: CursorRequest;
  /** Called once, after the last batch of an incremental read. */
  readonly onCursor?: (outcome: CursorOutcome) => void;
  /** What `onState` was told last by the run before, for sources that keep a state of their own. */
  readonly state?: KeptState;
  /** Takes what the next run is to be told; the last one counts, and only if this run commits. */
  readonly onState?: (state: KeptState) => void;
}

/** Any JSON that a source keeps from run to run. */
export interface KeptState {
  readonly value: unknown;
  /** Its JSON as the source wrote it, where `value` would be written in another way. */
  readonly text?: string;
}

/** An answer of a source as it came, without secrets. */
export interface RawPage {
  /** What was asked for. */
  readonly origin: string;
  readonly body: string;
}

/** A record with a value that is not of its column's declared type. */
export interface RejectedRow {
  readonly file: string;
  /** The line on which it starts. */
  readonly line: number;
  /** Every column of the record, by name, as its text stood there; null where there is none. */
  readonly names: readonly string[];
  readonly cells: readonly (string | null)[];
  /** The first column that does not fit, and its text. */
  readonly column: string;
  readonly value: string;
  /** Without the value: rows of one kind have one reason. */
  readonly reason: string;
}

export interface Source {
  /** Looks at names and sizes, never at rows. @throws EXT001 when the source cannot be reached. */
  plan(): Promise<SourcePlan>;
  /**
   * Asks the source for as little as tells that it can be read, and tells what was found in a few words; absent where
   * `plan` has looked already.
   *
   * @throws as `read`
   */
  check?(signal: AbortSignal): Promise<string>;
  /**
   * The rows, in the source's order, every batch of one schema; may throw `ReadAgain`, once. The schema alone, with
   * zero rows, is given as one empty batch where the source states columns; a source that states none yields nothing.
   */
  read(request: ReadRequest): Batches;
  /** Whether the rows can be had through `engineInput` only, so that `read` throws. */
  engineOnly?(): Promise<boolean>;
  /**
   * The same rows for the engine to read by itself, where it can: an optimisation that must give the same
   * result as `read`. Undefined when only `read` will do.
   */
  engineInput?(request: ReadRequest): Promise<EngineInput | undefined>;
  /** When a whole read may begin again, from the start, after it failed; absent: never. */
  readonly retry?: RetryPolicy;
  /** The source's own names of the types of its columns, known once it was read; for the manifest. */
  sourceTypes?(): Readonly<Record<string, string>> | undefined;
  /** Lets go of what a read that was not taken to its end holds; never throws. */
  close?(): Promise<void>;
}

export interface SourceContext {
  readonly runDate: RunDate;
  readonly warn: (message: string) => void;
  /** Environment variables; absent: those of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What stands between an API and the network, e.g. a recording of it. `live` opens the network when it is called. */
  readonly exchange?: (live: () => Exchange) => Exchange;
  /** For sources that lie on object stores: how they are reached, what may be fetched of them, and the run's end. */
  readonly connections?: Connections;
  readonly budget?: SpoolBudget;
  readonly signal?: AbortSignal;
  /** Where a source tells what it does; absent: nowhere. */
  readonly log?: Log;
}

export type OpenSource<K extends SourceSpec['type']> = (
  spec: Extract<SourceSpec, { type: K }>,
  context: SourceContext,
) => Source;
