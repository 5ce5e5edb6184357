import { type Field, formatType } from '../core/schema.ts';
import type { ManifestBody, ManifestColumn } from '../lake/manifest.ts';
import { loadBatchId } from '../promotion/metadata-columns.ts';
import { isTypedByOrder } from '../promotion/order-type.ts';
import type { Promoted } from '../promotion/promote.ts';
import type { SilverDataset } from '../promotion/promotion.ts';
import type { SchemaChanges } from './contract.ts';
import type { OpenedBronze } from './inputs.ts';
import type { BronzeScope } from './scope.ts';

export interface ManifestFacts {
  readonly dataset: SilverDataset;
  readonly runDate: string;
  readonly runId: string | undefined;
  readonly scope: BronzeScope;
  readonly bronze: OpenedBronze;
  readonly promoted: Promoted;
  readonly inputSchema: readonly ManifestColumn[];
  /** Absent where there is no earlier load to compare with. */
  readonly schemaChanges: SchemaChanges | undefined;
  readonly startedAt: string;
  readonly runtimeSeconds: number;
}

/** The columns that came in under their new names, in the types in which Silver takes them. */
export function inputSchemaOf({ silver }: SilverDataset, { promotion }: Promoted): readonly ManifestColumn[] {
  const { order, relation } = promotion;
  return relation.schema.fields.map(({ name, type }) => ({
    name,
    type: formatType(order !== undefined && isTypedByOrder(silver, name) ? order.type : type),
  }));
}

/** The original's fields (original-behaviour §5.7) and foundry's own. */
export function silverManifestBody(facts: ManifestFacts): ManifestBody {
  const { dataset, runDate, scope, promoted } = facts;
  const rowsWritten = promoted.artifacts.reduce((sum, artifact) => sum + artifact.rows, 0);
  return {
    layer: 'silver',
    status: rowsWritten === 0 ? 'empty' : 'complete',
    ...(facts.runId !== undefined && { run_id: facts.runId }),
    started_at: facts.startedAt,
    run_date: runDate,
    load_pattern: scope.loadPattern,
    dataset_id: `${dataset.bronze.system}.${dataset.silver.entity}`,
    config_name: dataset.name,
    ...(dataset.patternId === undefined ? {} : { pattern_id: dataset.patternId }),
    ...(dataset.environment === undefined ? {} : { environment: dataset.environment }),
    ...settingsOf(facts),
    ...inputsOf(facts),
    ...artifactsOf(promoted),
    ...rowsOf(promoted, rowsWritten),
    ...(dataset.silver.detectMissing === true && { missing_keys: promoted.missing }),
    input_schema: facts.inputSchema,
    schema_changes: facts.schemaChanges ?? null,
    ...ownersOf(dataset),
    runtime_seconds: facts.runtimeSeconds,
  };
}

/** What the config says of the rows and files. */
function settingsOf({ dataset, runDate, promoted: { promotion } }: ManifestFacts) {
  const spec = dataset.silver;
  return {
    domain: spec.domain,
    entity: spec.entity,
    version: spec.version,
    silver_model: spec.model,
    entity_kind: spec.entityKind ?? null,
    history_mode: spec.historyMode ?? null,
    input_mode: spec.inputMode ?? null,
    delete_mode: spec.deleteMode,
    schema_mode: spec.schemaMode ?? null,
    primary_keys: spec.keys,
    order_column: spec.orderColumn ?? null,
    order_type: promotion.order === undefined ? null : formatType(promotion.order.type),
    sequence_column: spec.sequenceColumn ?? null,
    load_batch_id: loadBatchId(dataset, runDate),
    load_partition_name: spec.loadPartitionName,
    include_pattern_folder: spec.patternFolder !== undefined,
    partition_columns: columns(promotion.partitions),
    keep_partition_columns: spec.partitioning.keepColumns,
    write_parquet: spec.formats.parquet,
    write_csv: spec.formats.csv,
    parquet_compression: spec.formats.compression,
    require_checksum: spec.requireChecksum,
    normalization: {
      trim_strings: spec.shaping?.trimStrings ?? false,
      empty_strings_as_null: spec.shaping?.emptyStringsAsNull ?? false,
    },
    rename_map: spec.shaping?.renames ?? {},
    error_handling: {
      enabled: spec.errorHandling.enabled,
      max_bad_records: spec.errorHandling.maxBadRecords,
      max_bad_percent: spec.errorHandling.maxBadPercent,
    },
  };
}

function inputsOf({ dataset: { silver: spec }, scope, bronze }: ManifestFacts) {
  return {
    bronze_path: scope.location,
    bronze_size_bytes: bronze.partitions
      .flatMap((partition) => partition.files)
      .reduce((sum, file) => sum + file.sizeBytes, 0),
    inputs: bronze.partitions.map(({ path, manifest }) => ({ path, commit_id: manifest?.commit_id ?? null })),
    input_scope: spec.inputScope,
    detect_missing: spec.detectMissing ?? false,
    operation_column: spec.cdc?.operationColumn ?? null,
    inputs_not_read: scope.notRead.map(({ path }) => path),
  };
}

function artifactsOf({ promotion, artifacts }: Promoted) {
  return {
    schema: columns(promotion.artifacts[0]?.fileSchema.fields ?? []),
    artifacts: Object.fromEntries(
      promotion.artifacts.map((planned) => [
        planned.artifact,
        {
          name: planned.stem,
          rows: artifacts.find(({ artifact }) => artifact === planned.artifact)?.rows ?? 0,
          schema: columns(planned.fileSchema.fields),
        },
      ]),
    ),
  };
}

function rowsOf({ promotion, counts, quarantine }: Promoted, written: number) {
  return {
    rows_read: counts.read,
    rows_written: written,
    live_rows: counts.live,
    superseded_rows: counts.superseded,
    deleted_rows: counts.deleted,
    duplicate_rows: counts.duplicate,
    unchanged_rows: counts.unchanged,
    quarantined_rows: counts.quarantined,
    quarantine_reasons: quarantine.reasons,
    quality: { rows_read: counts.read, rows_written: written },
    new_columns: promotion.undeclared,
    dropped_columns: promotion.dropped,
    widened_columns: promotion.relation.widened,
  };
}

function ownersOf(dataset: SilverDataset) {
  const spec = dataset.silver;
  return {
    bronze_owner: spec.metadataColumns?.bronzeOwner ?? dataset.bronze.ownerTeam ?? null,
    ...(dataset.bronze.ownerContact === undefined
      ? {}
      : { bronze_owner_contact: dataset.bronze.ownerContact }),
    silver_owner: spec.metadataColumns?.silverOwner ?? null,
    ...(spec.semanticOwner === undefined ? {} : { semantic_owner: spec.semanticOwner }),
    ...(spec.semanticContact === undefined ? {} : { semantic_contact: spec.semanticContact }),
  };
}

function columns(fields: readonly Field[]) {
  return fields.map(({ name, type }) => ({ name, type: formatType(type) }));
}
