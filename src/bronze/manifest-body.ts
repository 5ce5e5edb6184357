import type { DatasetSpec } from '../config/spec.ts';
import { formatType } from '../core/schema.ts';
import type { Cursor, Manifest, ManifestBody } from '../lake/manifest.ts';
import { batchStart } from '../lake/partitions.ts';
import type { ReferenceRecord } from '../lake/reference.ts';
import type { SourceState } from '../lake/source-state.ts';
import type { SourcePlan } from '../sources/source.ts';
import type { Extracted } from './extract.ts';
import type { BronzeRunOptions } from './options.ts';
import type { BronzeTarget } from './target.ts';

/** What one run has to say about itself. */
export interface Landed {
  readonly target: BronzeTarget;
  readonly source: SourcePlan;
  /** The source's own names of the types. */
  readonly sourceTypes: Readonly<Record<string, string>> | undefined;
  readonly extracted: Extracted;
  readonly reference: ReferenceRecord | null;
  readonly started: Date;
  readonly cursor: Cursor | undefined;
  readonly state: SourceState | undefined;
}

/** @param previous what the partition held before */
export function bronzeManifestBody(
  spec: DatasetSpec,
  { target, source, sourceTypes, extracted, reference, started, cursor, state }: Landed,
  previous: Manifest | undefined,
  options: BronzeRunOptions,
): ManifestBody {
  const { bronze } = spec;
  return {
    layer: 'bronze',
    status: extracted.rows === 0 ? 'empty' : 'complete',
    ...(options.runId !== undefined && { run_id: options.runId }),
    started_at: started.toISOString(),
    batch_timestamp: started.toISOString(),
    run_date: options.runDate.date,
    system: bronze.system,
    table: bronze.table,
    ...(spec.environment === undefined ? {} : { environment: spec.environment }),
    config_name: spec.name,
    ...(spec.configVersion === undefined ? {} : { config_version: spec.configVersion }),
    ...(spec.patternId === undefined ? {} : { pattern_id: spec.patternId }),
    partition_path: `${target.path}/`,
    ...(target.batchId === undefined
      ? {}
      : {
          batch_id: target.batchId,
          batch_started_at: previous === undefined ? started.toISOString() : batchStart(previous),
        }),
    file_formats: { csv: bronze.formats.csv, parquet: bronze.formats.parquet },
    load_pattern: bronze.loadPattern,
    ...(bronze.errorHandling !== undefined && {
      quarantined_rows: extracted.rejected?.rows ?? 0,
      quarantine_reasons: extracted.rejected?.reasons ?? {},
    }),
    ...(extracted.lateColumns !== undefined && {
      late_columns: extracted.lateColumns.map(({ column, firstPart, firstRow }) => ({
        column,
        first_part: firstPart,
        first_row: firstRow,
      })),
    }),
    reference_mode: reference,
    ...(cursor !== undefined && { cursor }),
    ...(state !== undefined && { state }),
    schema: extracted.schema.fields.map(({ name, type }) => ({ name, type: formatType(type) })),
    source: {
      type: bronze.source.type,
      description: source.description,
      ...(options.recording?.mode === 'replay' && { replayed: true }),
      inputs: source.inputs.map(({ path, sizeBytes }) => ({ path, size_bytes: sizeBytes })),
      ...(sourceTypes !== undefined && { types: sourceTypes }),
    },
    ...(bronze.ownerTeam === undefined ? {} : { owner_team: bronze.ownerTeam }),
    ...(bronze.ownerContact === undefined ? {} : { owner_contact: bronze.ownerContact }),
    runtime_seconds: (options.clock.now().getTime() - started.getTime()) / 1000,
  };
}
