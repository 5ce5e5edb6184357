import { bronzePathPart, silverPathPart } from '../path-structure.ts';
import { outputFormats } from '../rules.ts';
import { partitionPart, runPart } from '../run-options.ts';
import { bronzeErrorHandling, columnList, deleteModeOf, silverPart } from '../silver/options.ts';
import { artifactNames } from '../silver/output-names.ts';
import type { BronzeSpec, DatasetSpec, OutputFormats, SilverModelName, SilverSpec } from '../spec.ts';
import { bronzeBase, keepLocalPart, silverBase } from '../storage/place.ts';
import { connectionsPart, storageMetadataPart } from '../storage/settings.ts';
import type { Partly } from '../yaml/validate.ts';
import type { IntentConfig } from './schema.ts';
import { sourcePart } from './source.ts';

type Silver = IntentConfig['silver'];
type Options = NonNullable<IntentConfig['bronze']['options']>;

/** The spec of an intent config that `checkIntent` found no problem in. */
export function intentSpec(config: IntentConfig, configPath: string): DatasetSpec {
  const { environment, system, entity, pattern_id: patternId, config_version: version } = config;
  return {
    name: config.name ?? `${system}.${entity}`,
    configPath,
    ...(environment !== undefined && { environment }),
    ...(patternId !== undefined && { patternId }),
    ...(version !== undefined && { configVersion: version }),
    ...connectionsPart(config.storage ?? {}),
    ...storageMetadataPart(config.storage?.storage_metadata),
    bronze: { ...bronzeSpec(config, configPath), ...bronzePathPart(config.path_structure) },
    silver: { ...silverSpec(config), ...silverPathPart(config.path_structure) },
  };
}

function bronzeSpec(config: IntentConfig, configPath: string): BronzeSpec {
  const { bronze } = config;
  const options = bronze.options ?? {};
  const { ownerTeam, ownerContact } = ownersOf(bronze);
  return {
    enabled: bronze.enabled ?? true,
    system: config.system,
    table: config.entity,
    ...sourcePart(config, configPath),
    ...(options.pattern_folder !== undefined && { patternFolder: options.pattern_folder }),
    base: bronzeBase(config),
    ...keepLocalPart(bronzeBase(config), options.local_output_dir, options),
    partition: partitionPart(options, options.partitioning_strategy ?? 'date'),
    formats: intentBronzeFormats(options),
    ...runPart(options),
    ...bronzeErrorHandling(config.silver),
    ...(ownerTeam !== undefined && { ownerTeam }),
    ...(ownerContact !== undefined && { ownerContact }),
  };
}

function ownersOf({ owner_team, owner_contact, options }: IntentConfig['bronze']) {
  return {
    ownerTeam: owner_team ?? options?.owner_team,
    ownerContact: owner_contact ?? options?.owner_contact,
  };
}

/** The formats listed, else Parquet, within what `output_defaults` allows. */
export function intentBronzeFormats(options: Partly<Options>): OutputFormats {
  const limits = options.output_defaults;
  const listed = options.output_formats;
  const codec =
    options.parquet_compression ?? limits?.default_parquet_compression ?? limits?.parquet_compression;
  const asked = outputFormats(listed?.includes('parquet'), listed?.includes('csv'), codec);
  return {
    parquet: asked.parquet && (limits?.allow_parquet ?? true),
    csv: asked.csv && (limits?.allow_csv ?? true),
    compression: asked.compression,
  };
}

function silverSpec(config: IntentConfig): SilverSpec {
  const { silver, system, entity } = config;
  const isEvent = isEventLike(silver.entity_kind);
  const keys = silver.natural_keys;
  const orderColumn = isEvent ? silver.event_ts_column : silver.change_ts_column;
  return {
    ...silverPart(silver, config.bronze.options?.load_pattern ?? 'full'),
    base: silverBase(config),
    domain: config.domain ?? system,
    entity,
    model: intentModel(silver),
    entityKind: silver.entity_kind,
    ...(isEvent
      ? { inputMode: silver.input_mode ?? 'append_log' }
      : { historyMode: silver.history_mode ?? 'scd2' }),
    artifactNames: artifactNames(intentModel(silver), silver),
    keys,
    ...(orderColumn !== undefined && { orderColumn }),
    attributes: (silver.attributes ?? []).filter((name) => !keys.includes(name) && name !== orderColumn),
    deleteMode: deleteModeOf(silver.delete_mode),
    schemaMode: silver.schema_mode ?? 'strict',
    partitioning: partitioning(silver),
    metadataColumns: {
      loadBatchIdColumn: silver.load_batch_id_column ?? 'load_batch_id',
      recordSource: system,
      environment: config.environment ?? 'unknown',
      domain: config.domain ?? system,
      entity,
      bronzeOwner: ownersOf(config.bronze).ownerTeam ?? 'platform-team',
      silverOwner: silver.semantic_owner ?? 'semantic-team',
    },
  };
}

export function isEventLike(kind: Silver['entity_kind']): boolean {
  return kind === 'event' || kind === 'derived_event';
}

export function intentModel(silver: Pick<Silver, 'entity_kind' | 'history_mode'>): SilverModelName {
  if (isEventLike(silver.entity_kind)) return silver.entity_kind === 'event' ? 'event' : 'derived_event';
  return (silver.history_mode ?? 'scd2') === 'scd2' ? 'state_scd2' : 'state_scd1';
}

function partitioning(silver: Silver): SilverSpec['partitioning'] {
  const keepColumns = silver.partitioning?.keep_columns ?? false;
  const { record_time_column: column, record_time_partition: partition } = silver;
  if (column !== undefined && partition !== undefined) {
    return { columns: [], keepColumns, recordTime: { column, partition } };
  }
  const columns = columnList(silver.partition_by) ?? columnList(silver.partitioning?.columns);
  return { columns: columns ?? [], ...(columns?.length === 0 && { none: true }), keepColumns };
}
