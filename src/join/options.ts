import type { Clock } from '../core/clock.ts';
import type { Log, Progress } from '../core/log.ts';
import type { RunDate } from '../core/run-date.ts';
import type { EngineLimits } from '../engine/engine.ts';

/** What one run adds to a join's spec: the flags of the command line, and the process around it. */
export interface JoinRunOptions {
  /** Of the process, for the manifest. */
  readonly runId?: string;
  readonly runDate: RunDate;
  readonly limits: EngineLimits;
  /** How long to wait while another run holds the output; absent: not at all. */
  readonly leaseWaitSeconds?: number;
  /** How much may be fetched from remote storages; absent: what the disk has free. */
  readonly spoolLimitBytes?: number | undefined;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  readonly progress: Progress;
}
