import type { DatasetSpec, OutputFormats } from '../config/spec.ts';
import type { Lake } from '../lake/lake.ts';
import { partStem } from '../lake/layout.ts';
import type { Manifest } from '../lake/manifest.ts';
import { readManifest } from '../lake/reader.ts';
import { openSource } from '../sources/open.ts';
import type { Source, SourcePlan } from '../sources/source.ts';
import { storageOf } from '../storage/open.ts';
import { locationOf } from '../storage/storage.ts';
import { planIncremental } from './incremental.ts';
import type { BronzeRunOptions } from './options.ts';
import { sourceContext } from './source-context.ts';
import { bronzeTarget, placeOf } from './target.ts';

/** What a Bronze run would read and write: data only. `--dry-run` prints exactly this. */
export interface BronzePlan {
  readonly dataset: string;
  readonly layer: 'bronze';
  readonly enabled: boolean;
  readonly source: {
    readonly description: string;
    readonly inputs: readonly { readonly path: string; readonly size_bytes: number }[];
    readonly problem?: string;
    /** What the source said; only where it was asked. */
    readonly connection?: string;
  };
  readonly target: {
    readonly partition: string;
    readonly location: string;
    readonly first_part: string;
    readonly retry_with: string;
  };
  /** Incremental datasets: from where to where would be read, by what has landed so far. */
  readonly incremental?: {
    readonly column: string;
    readonly start: string | null;
    readonly lookback?: string;
    readonly until?: string;
  };
  /** What lies there now and would be replaced. */
  readonly replaces?: Pick<Manifest, 'commit_id' | 'record_count' | 'timestamp'>;
  readonly settings: {
    readonly load_pattern: string;
    readonly formats: OutputFormats;
    readonly max_rows_per_file: number | 'unlimited';
    readonly max_file_size_bytes: number | 'unlimited';
    readonly partition_strategy: string;
    readonly timezone: string;
    readonly allow_empty: boolean;
  };
}

/**
 * Reads config, manifests and listings only; writes nothing. With `checkConnections`, the source is asked too.
 *
 * @throws what keeps the source from being read, where it is asked
 */
export async function planBronze(spec: DatasetSpec, options: BronzeRunOptions): Promise<BronzePlan> {
  const { bronze } = spec;
  const target = bronzeTarget(bronze, {
    ...(spec.environment === undefined ? {} : { environment: spec.environment }),
    ...options,
  });
  const storage = storageOf(bronze.base, spec, options);
  const source = await openSource(bronze.source, sourceContext(spec, options));
  const lake: Lake = { storage, ...(bronze.pathKeys !== undefined && { pathKeys: bronze.pathKeys }) };
  const current = await readManifest(lake, target.path);
  const incremental = await incrementalPart(spec, lake, { path: target.path, current }, options);
  const extension = bronze.formats.parquet ? 'parquet' : 'csv';
  return {
    dataset: spec.name,
    layer: 'bronze',
    enabled: bronze.enabled,
    source: { ...printable(await source.plan()), ...(await connectionPart(spec, source, options)) },
    target: {
      partition: target.path,
      location: locationOf(storage, target.path),
      retry_with: target.retryWith,
      first_part: `${partStem(bronze.loadPattern, 1)}-<hash8>.${extension}`,
    },
    ...incremental,
    ...(current === undefined
      ? {}
      : {
          replaces: {
            commit_id: current.commit_id,
            record_count: current.record_count,
            timestamp: current.timestamp,
          },
        }),
    settings: {
      load_pattern: bronze.loadPattern,
      formats: bronze.formats,
      max_rows_per_file: bronze.maxRowsPerFile ?? 'unlimited',
      max_file_size_bytes: bronze.maxFileSizeBytes ?? 'unlimited',
      partition_strategy: bronze.partition.strategy,
      timezone: bronze.partition.timezone,
      allow_empty: bronze.allowEmpty,
    },
  };
}

async function connectionPart(
  { bronze }: DatasetSpec,
  source: Source,
  { checkConnections, signal }: BronzeRunOptions,
): Promise<{ readonly connection?: string }> {
  if (checkConnections !== true || !bronze.enabled || source.check === undefined) return {};
  return { connection: await source.check(signal) };
}

async function incrementalPart(
  spec: DatasetSpec,
  lake: Lake,
  { path, current }: { readonly path: string; readonly current: Manifest | undefined },
  options: BronzeRunOptions,
): Promise<Pick<BronzePlan, 'incremental'>> {
  const { incremental } = spec.bronze;
  if (incremental === undefined || incremental.recordOnly === true) return {};
  const place = placeOf(spec, path, current, options.clock.now());
  const { request, nothingLeft } = await planIncremental(spec, incremental, lake, place, options);
  return {
    incremental: {
      column: request.column,
      start: request.start?.value ?? null,
      ...(request.lookback !== undefined && { lookback: request.lookback }),
      ...(request.until !== undefined && { until: request.until.value }),
      ...(nothingLeft && { until: 'nothing is left: a later partition holds everything from the beginning' }),
    },
  };
}

function printable({ description, inputs, problem }: SourcePlan): BronzePlan['source'] {
  return {
    description,
    inputs: inputs.map(({ path, sizeBytes }) => ({ path, size_bytes: sizeBytes })),
    ...(problem === undefined ? {} : { problem }),
  };
}
