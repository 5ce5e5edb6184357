import type { LoadPattern } from '../config/spec.ts';
import type { Clock } from '../core/clock.ts';
import type { Log, Progress } from '../core/log.ts';
import type { RunDate } from '../core/run-date.ts';
import type { EngineLimits } from '../engine/engine.ts';

/** What one run adds to a dataset's spec: the flags of the command line, and the process around it. */
export interface SilverRunOptions {
  /** Of the process, for the manifest. */
  readonly runId?: string;
  readonly runDate: RunDate;
  /** A Bronze partition folder to read instead of the run date's. */
  readonly bronzePath?: string;
  /** `auto` (default) takes what Bronze says; a pattern that Bronze contradicts is refused. */
  readonly pattern?: LoadPattern | 'auto';
  readonly limits: EngineLimits;
  /** How long to wait while another run holds the dataset; absent: not at all. */
  readonly leaseWaitSeconds?: number;
  /** How much may be fetched from remote storages; absent: what the disk has free. */
  readonly spoolLimitBytes?: number | undefined;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  readonly progress: Progress;
}
