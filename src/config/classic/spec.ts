import { bronzePathPart, silverPathPart } from '../path-structure.ts';
import { outputFormats } from '../rules.ts';
import { partitionPart, runPart } from '../run-options.ts';
import { chooseModel } from '../silver/models.ts';
import { bronzeErrorHandling, columnList, deleteModeOf, silverPart } from '../silver/options.ts';
import { artifactNames } from '../silver/output-names.ts';
import type { BronzeSpec, DatasetSpec, OutputFormats, PartitionStrategy, SilverSpec } from '../spec.ts';
import { keepLocalPart, remoteBase } from '../storage/place.ts';
import { connectionsPart, storageMetadataPart } from '../storage/settings.ts';
import type { Partly } from '../yaml/validate.ts';
import type { ClassicConfig } from './schema.ts';
import { sourcePart } from './source.ts';

type Source = ClassicConfig['source'];
type PlatformBronze = ClassicConfig['platform']['bronze'];

/** The spec of a classic config that `checkClassic` found no problem in. */
export function classicSpec(config: ClassicConfig, configPath: string): DatasetSpec {
  const { source, silver, environment, config_version: version, path_structure: structure } = config;
  return {
    name: source.config_name ?? `${source.system}.${source.table}`,
    configPath,
    ...(environment !== undefined && { environment }),
    ...(source.pattern_id !== undefined && { patternId: source.pattern_id }),
    ...(version !== undefined && { configVersion: version }),
    ...connectionsPart(config.platform),
    ...storageMetadataPart(config.platform.bronze.storage_metadata),
    bronze: {
      ...bronzeSpec(source, config.platform.bronze, configPath),
      ...bronzePathPart(structure),
      ...bronzeErrorHandling(silver),
    },
    ...(silver !== undefined && {
      silver: { ...silverSpec(silver, source), ...silverPathPart(structure) },
    }),
  };
}

function bronzeSpec(source: Source, platform: PlatformBronze, configPath: string): BronzeSpec {
  const run = source.run ?? {};
  const patternFolder = platform.options?.pattern_folder ?? run.pattern_folder;
  const base = bronzeBase(run, platform);
  return {
    enabled: true,
    system: source.system,
    table: source.table,
    ...sourcePart(source, partitionStrategy(platform), configPath),
    ...(patternFolder !== undefined && { patternFolder }),
    base,
    ...keepLocalPart(base, run.local_output_dir ?? platform.local_path, run),
    partition: partitionPart(run, partitionStrategy(platform)),
    formats: bronzeFormats(run, platform),
    ...runPart(run),
  };
}

/** The storage of a config: as it says, else what its keys evidently mean. */
export function backendOf(platform: Partly<ClassicConfig['platform']>): 'local' | 's3' | 'azure' {
  const bronze = platform.bronze ?? {};
  if (bronze.storage_backend !== undefined) return bronze.storage_backend;
  const has = (...values: readonly unknown[]): boolean => values.some((value) => value !== undefined);
  if (has(bronze.s3_bucket, bronze.s3_prefix)) return 's3';
  return has(bronze.azure_container, bronze.azure_prefix) ? 'azure' : 'local';
}

/** Decisions 24 and 25: a bucket, unless `storage_enabled: false` keeps Bronze local. */
function bronzeBase(run: NonNullable<Source['run']>, platform: PlatformBronze): string {
  const backend = backendOf({ bronze: platform });
  const isPublished = (run.storage_enabled ?? run.s3_enabled) !== false;
  if (backend === 's3' && isPublished) return remoteBase('s3', platform.s3_bucket ?? '', platform.s3_prefix);
  if (backend === 'azure' && isPublished) {
    return remoteBase('azure', platform.azure_container ?? '', platform.azure_prefix);
  }
  return run.local_output_dir ?? platform.local_path ?? platform.output_dir ?? './output';
}

export function partitionStrategy(platform: Partly<PlatformBronze>): PartitionStrategy {
  if (platform.partitioning?.use_dt_partition === false) return 'none';
  return platform.partitioning?.partition_strategy ?? 'date';
}

/** What the run asks for, within what the platform allows. */
export function bronzeFormats(
  run: Partly<NonNullable<Source['run']>>,
  platform: Partly<PlatformBronze>,
): OutputFormats {
  const limits = platform.output_defaults;
  const codec =
    run.parquet_compression ??
    limits?.default_parquet_compression ??
    limits?.parquet_compression ??
    undefined;
  const asked = outputFormats(run.write_parquet, run.write_csv, codec);
  return {
    parquet: asked.parquet && (limits?.allow_parquet ?? true),
    csv: asked.csv && (limits?.allow_csv ?? true),
    compression: asked.compression,
  };
}

function silverSpec(silver: NonNullable<ClassicConfig['silver']>, source: Source): SilverSpec {
  const pattern = source.run?.load_pattern ?? 'full';
  const { model, isDefault } = chooseModel(pattern, silver.model, silver.model_profile);
  const keys = silver.primary_keys ?? [];
  return {
    ...silverPart(silver, pattern),
    base: silver.output_dir ?? './silver_output',
    domain: silver.domain ?? source.system,
    entity: silver.entity ?? source.table,
    model,
    ...(isDefault && { modelIsDefault: true }),
    artifactNames: artifactNames(model, silver),
    keys,
    ...(silver.order_column !== undefined && { orderColumn: silver.order_column }),
    deleteMode: deleteModeOf(silver.delete_mode),
    ...(silver.delete_mode === 'ignore' && { readsDeleteFlags: true }),
    partitioning: {
      columns: columnList(silver.partitioning?.columns) ?? [],
      keepColumns: silver.partitioning?.keep_columns ?? false,
    },
  };
}
