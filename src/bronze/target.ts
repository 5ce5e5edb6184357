import { nameProblem } from '../config/names.ts';
import type { BronzeSpec, DatasetSpec } from '../config/spec.ts';
import { type Clock, zonedParts } from '../core/clock.ts';
import { FoundryError } from '../core/errors.ts';
import type { RunDate } from '../core/run-date.ts';
import { batchStamp, bronzePartitionPath, bronzeTablePath, generateBatchId } from '../lake/layout.ts';
import type { Manifest } from '../lake/manifest.ts';
import type { Place } from '../lake/neighbours.ts';
import { batchStart } from '../lake/partitions.ts';

/** The one partition that a run writes, and how to address it again. */
export interface BronzeTarget {
  /** Key below the Bronze base. */
  readonly path: string;
  /** Flags that make a later run replace this same partition, e.g. `--date 2025-01-05T09`. */
  readonly retryWith: string;
  /** Present for strategy `batch_id`. */
  readonly batchId?: string;
}

export interface TargetRequest {
  readonly environment?: string;
  readonly runDate: RunDate;
  /** `--batch-id`: an hour's, a stamp's or a batch's own name, so that a retry replaces it. */
  readonly batchId?: string;
  readonly clock: Clock;
}

/** Hours and stamps not given come from the clock, in the configured zone (decision 1). */
export function bronzeTarget(spec: BronzeSpec, request: TargetRequest): BronzeTarget {
  const common = {
    ...(request.environment === undefined ? {} : { environment: request.environment }),
    ...(spec.pathKeys !== undefined && { keys: spec.pathKeys }),
    system: spec.system,
    table: spec.table,
    pattern: spec.patternFolder ?? spec.loadPattern,
    date: request.runDate.date,
  };
  const { strategy, timezone } = spec.partition;
  const date = `--date ${request.runDate.date}`;
  if (request.batchId !== undefined && strategy !== 'batch_id' && strategy !== 'timestamp') {
    throw new FoundryError(
      'USE001',
      `--batch-id needs a batch partition; this dataset is partitioned by ${strategy}`,
    );
  }
  const problem = request.batchId === undefined ? undefined : nameProblem(request.batchId);
  if (problem !== undefined) {
    throw new FoundryError('USE001', `--batch-id ${problem}, got ${JSON.stringify(request.batchId)}`);
  }
  if (request.runDate.hour !== undefined && strategy !== 'hourly') {
    throw new FoundryError(
      'USE001',
      `--date with an hour needs hourly partitions; this dataset is partitioned by ${strategy}`,
    );
  }
  switch (strategy) {
    case 'none':
      return { path: bronzePartitionPath({ ...common, strategy }), retryWith: date };
    case 'date':
      return { path: bronzePartitionPath({ ...common, strategy }), retryWith: date };
    case 'hourly': {
      const hour = request.runDate.hour ?? zonedParts(request.clock.now(), timezone).hour;
      return { path: bronzePartitionPath({ ...common, strategy, hour }), retryWith: `${date}T${hour}` };
    }
    case 'timestamp': {
      const batch = request.batchId ?? batchStamp(request.clock, timezone);
      return {
        path: bronzePartitionPath({ ...common, strategy, batch }),
        retryWith: `${date} --batch-id ${shellWord(batch)}`,
      };
    }
    case 'batch_id': {
      const batchId = request.batchId ?? spec.partition.batchId ?? generateBatchId(request.clock, timezone);
      return {
        path: bronzePartitionPath({ ...common, strategy, batchId }),
        retryWith: `${date} --batch-id ${shellWord(batchId)}`,
        batchId,
      };
    }
  }
}

/** One word of a command line, as a shell reads it. */
function shellWord(text: string): string {
  return /^[\w.,:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Key of the folder of a dataset's table. */
export function tablePath({ bronze, environment }: DatasetSpec): string {
  return bronzeTablePath({
    ...(bronze.pathKeys !== undefined && { keys: bronze.pathKeys }),
    ...(environment === undefined ? {} : { environment }),
    system: bronze.system,
    table: bronze.table,
  });
}

/** Where a run stands among the commits of its table. @param current what lies at its partition now */
export function placeOf(spec: DatasetSpec, path: string, current: Manifest | undefined, now: Date): Place {
  const startedAt = current === undefined ? now.toISOString() : batchStart(current);
  return { table: tablePath(spec), path, startedAt };
}
