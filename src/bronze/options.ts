import type { Clock } from '../core/clock.ts';
import type { Log, Progress } from '../core/log.ts';
import type { RunDate } from '../core/run-date.ts';
import type { EngineLimits } from '../engine/engine.ts';

/** What one run adds to a dataset's spec: the flags of the command line, and the process around it. */
export interface BronzeRunOptions {
  /** Of the process, for the manifest. */
  readonly runId?: string;
  readonly runDate: RunDate;
  readonly batchId?: string;
  /** Incremental datasets: read everything again, whatever has landed. */
  readonly fullRefresh?: boolean;
  /** Incremental datasets: begin where this state file of the original says, whatever has landed. */
  readonly stateFile?: string;
  /** APIs: the folder that keeps what they say, or that says it in their place; one folder for each dataset in it. */
  readonly recording?: { readonly mode: 'record' | 'replay'; readonly folder: string };
  /** Plans: ask the source whether it can be read. */
  readonly checkConnections?: boolean;
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
