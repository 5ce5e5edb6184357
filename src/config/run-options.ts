import type * as v from 'valibot';
import type { runOptions } from './file-schema.ts';
import type { ConfigPath } from './problems.ts';
import type { Report } from './report.ts';
import { checkFolder, checkName, checkTimezone } from './rules.ts';
import type { BronzeSpec, PartitionStrategy } from './spec.ts';
import type { Partly } from './validate.ts';

type Entries = typeof runOptions;
export type RunOptions = { readonly [K in keyof Entries]?: v.InferOutput<Entries[K]> };

const BYTES_PER_MB = 1024 * 1024;

/** The rules of `source.run` and `bronze.options` that need more than a type. */
export function checkRun(
  run: Partly<RunOptions>,
  strategy: PartitionStrategy | undefined,
  at: ConfigPath,
  report: Report,
): void {
  const key = (name: keyof RunOptions): ConfigPath => [...at, name];
  checkFolder(run.local_output_dir, key('local_output_dir'), report);
  checkName(run.pattern_folder, key('pattern_folder'), report);
  checkName(run.batch_id, key('batch_id'), report);
  checkTimezone(run.timezone, key('timezone'), report);
  if (run.batch_id !== undefined && strategy !== 'batch_id') {
    report.warn(key('batch_id'), "'batch_id' has no effect without the partition strategy batch_id");
  }
  if (run.parallel_workers !== undefined && run.parallel_workers > 1) {
    report.warn(
      key('parallel_workers'),
      "'parallel_workers' has no effect: one dataset is landed as a stream",
    );
  }
  if (run.cleanup_on_failure === false) {
    report.warn(
      key('cleanup_on_failure'),
      "'cleanup_on_failure' has no effect: a failed run leaves nothing behind",
    );
  }
}

/** The part of a Bronze spec that `source.run` and `bronze.options` decide alike. */
export function runPart(
  run: RunOptions,
): Pick<BronzeSpec, 'loadPattern' | 'maxRowsPerFile' | 'maxFileSizeBytes' | 'allowEmpty'> {
  const rows = run.max_rows_per_file ?? 0;
  return {
    loadPattern: run.load_pattern ?? 'full',
    ...(rows > 0 && { maxRowsPerFile: rows }),
    ...(run.max_file_size_mb !== undefined && {
      maxFileSizeBytes: Math.max(1, Math.floor(run.max_file_size_mb * BYTES_PER_MB)),
    }),
    allowEmpty: run.allow_empty ?? false,
  };
}

export function partitionPart(run: RunOptions, strategy: PartitionStrategy): BronzeSpec['partition'] {
  return {
    strategy,
    ...(strategy === 'batch_id' && run.batch_id !== undefined && { batchId: run.batch_id }),
    timezone: run.timezone ?? 'UTC',
  };
}
