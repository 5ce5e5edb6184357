import type * as v from 'valibot';
import type { runOptions } from './file/schema.ts';
import { checkFolder, checkName, checkNames, checkTimezone } from './rules.ts';
import type { BronzeSpec, PartitionStrategy, ReferenceSpec } from './spec.ts';
import type { ConfigPath } from './yaml/problems.ts';
import type { Report } from './yaml/report.ts';
import type { Partly } from './yaml/validate.ts';

type Entries = typeof runOptions;
export type RunOptions = { readonly [K in keyof Entries]?: v.InferOutput<Entries[K]> };

const BYTES_PER_MB = 1024 * 1024;

/**
 * The rules of `source.run` and `bronze.options` that need more than a type.
 * @param surroundings `isSplit`: the source can be read by several workers; `backend`: where Bronze lies
 */
export function checkRun(
  run: Partly<RunOptions> & { readonly delta_mode?: ReferenceSpec['deltaMode'] | undefined },
  strategy: PartitionStrategy | undefined,
  at: ConfigPath,
  report: Report,
  { isSplit, backend }: { readonly isSplit: boolean; readonly backend: 'local' | 's3' | 'azure' },
): void {
  const key = (name: keyof RunOptions): ConfigPath => [...at, name];
  checkFolder(run.local_output_dir, key('local_output_dir'), report);
  checkName(run.pattern_folder, key('pattern_folder'), report);
  checkName(run.batch_id, key('batch_id'), report);
  checkTimezone(run.timezone, key('timezone'), report);
  checkReference(run, at, report);
  if (run.batch_id !== undefined && strategy !== 'batch_id') {
    report.warn(key('batch_id'), "'batch_id' has no effect without the partition strategy batch_id");
  }
  if (run.parallel_workers !== undefined && run.parallel_workers > 1 && !isSplit) {
    report.warn(
      key('parallel_workers'),
      "'parallel_workers' has no effect: one dataset is landed as a stream",
    );
  }
  for (const name of ['storage_enabled', 's3_enabled', 'keep_local'] as const) {
    if (run[name] === true && backend === 'local')
      report.warn(key(name), `'${name}' has no effect on the local backend`);
  }
  if (run.storage_enabled !== undefined && run.s3_enabled !== undefined) {
    report.warn(key('s3_enabled'), "'s3_enabled' has no effect beside storage_enabled");
  }
  if (run.cleanup_on_failure === false) {
    report.warn(
      key('cleanup_on_failure'),
      "'cleanup_on_failure' has no effect: a failed run leaves nothing behind",
    );
  }
}

/** The keys of `reference_mode`, and `delta_mode` beside it. */
function checkReference(
  run: Partly<RunOptions> & { readonly delta_mode?: ReferenceSpec['deltaMode'] | undefined },
  at: ConfigPath,
  report: Report,
): void {
  const { reference_mode: mode, delta_mode: deltaMode } = run;
  const here = [...at, 'reference_mode'];
  if (mode?.delta_patterns?.length !== 0)
    checkNames(mode?.delta_patterns, [...here, 'delta_patterns'], report);
  if (deltaMode !== undefined && mode?.delta_mode !== undefined && deltaMode !== mode.delta_mode) {
    report.invalid(
      [...at, 'delta_mode'],
      'delta_mode differs from reference_mode.delta_mode; keep one of them',
    );
  }
  const isOff = mode === undefined ? !report.isMuted(here) : mode.enabled === false;
  if (deltaMode !== undefined && isOff) {
    report.warn([...at, 'delta_mode'], "'delta_mode' has no effect without reference_mode");
  }
}

/** Undefined when `reference_mode` is absent or off. */
function referencePart(run: RunOptions, deltaMode: ReferenceSpec['deltaMode'] | undefined) {
  const mode = run.reference_mode;
  if (mode === undefined || mode.enabled === false) return {};
  const reference: ReferenceSpec = {
    role: mode.role ?? 'reference',
    ...(mode.cadence_days !== undefined && { cadenceDays: mode.cadence_days }),
    deltaPatterns: mode.delta_patterns ?? [],
    deltaMode: mode.delta_mode ?? deltaMode ?? 'point_in_time',
  };
  return { reference };
}

/** The part of a Bronze spec that `source.run` and `bronze.options` decide alike. */
export function runPart(
  run: RunOptions & { readonly delta_mode?: ReferenceSpec['deltaMode'] | undefined },
): Pick<BronzeSpec, 'loadPattern' | 'maxRowsPerFile' | 'maxFileSizeBytes' | 'allowEmpty' | 'reference'> {
  const rows = run.max_rows_per_file ?? 0;
  return {
    loadPattern: run.load_pattern ?? 'full',
    ...(rows > 0 && { maxRowsPerFile: rows }),
    ...(run.max_file_size_mb !== undefined && {
      maxFileSizeBytes: Math.max(1, Math.floor(run.max_file_size_mb * BYTES_PER_MB)),
    }),
    allowEmpty: run.allow_empty ?? false,
    ...referencePart(run, run.delta_mode),
  };
}

export function partitionPart(run: RunOptions, strategy: PartitionStrategy): BronzeSpec['partition'] {
  return {
    strategy,
    ...(strategy === 'batch_id' && run.batch_id !== undefined && { batchId: run.batch_id }),
    timezone: run.timezone ?? 'UTC',
  };
}
