import type { JoinSpec } from '../config/join/spec.ts';
import { type Field, formatType } from '../core/schema.ts';
import type { ManifestBody } from '../lake/manifest.ts';
import type { JoinProgress } from './checkpoint.ts';
import type { Joined } from './execute.ts';
import type { Finished } from './finish.ts';
import type { GuardResult } from './guards.ts';
import type { JoinInput } from './inputs.ts';
import { type BronzeOrigin, type ColumnLineage, columnLineage } from './lineage.ts';
import type { Located } from './place.ts';
import type { PreparedJoin } from './prepare.ts';
import { matchedLeftRows, rightOnlyRows } from './stats.ts';

export interface JoinFacts {
  readonly spec: JoinSpec;
  readonly runDate: string;
  readonly runId: string | undefined;
  readonly output: Located;
  readonly left: JoinInput;
  readonly right: JoinInput;
  readonly bronze: Readonly<Record<'left' | 'right', readonly BronzeOrigin[]>>;
  readonly prepared: PreparedJoin;
  readonly joined: Joined;
  readonly finished: Finished;
  readonly guards: readonly GuardResult[];
  /** The chunk that this run began with, where an earlier one had done some. */
  readonly resumedAt: number | null;
  readonly checkpointFile: string;
  readonly startedAt: string;
  readonly runtimeSeconds: number;
}

/** The original's fields (original-behaviour §6.7), and those by which joins can be chained and traced. */
export function joinManifestBody(facts: JoinFacts): ManifestBody {
  const { finished, guards, joined, left, prepared, right, spec } = facts;
  const { output } = spec;
  const { model, shape, strategy } = prepared;
  const rows = joined.progress.total_records;
  const columns = (fields: readonly Field[]) =>
    fields.map(({ name, type }) => ({ name, type: formatType(type) }));
  const written = finished.artifacts.reduce((sum, artifact) => sum + artifact.rows, 0);
  return {
    layer: 'join',
    status: written === 0 ? 'empty' : 'complete',
    ...(facts.runId !== undefined && { run_id: facts.runId }),
    started_at: facts.startedAt,
    run_date: facts.runDate,
    load_pattern: left.manifest?.load_pattern ?? 'full',
    config_name: spec.name,
    ...assetOf(facts.output.path),
    joined_sources: [left.location, right.location],
    silver_model: model.used,
    requested_model: model.requested,
    formats: { parquet: output.formats.parquet, csv: output.formats.csv },
    parquet_compression: output.formats.compression,
    join_type: shape.joinType,
    join_type_is_default: output.joinTypeIsDefault,
    projection: output.projection ?? null,
    primary_keys: recordKeys(facts),
    order_column: model.orderColumn ?? null,
    join_key_pairs: shape.keys.map((key) => ({ left: key.left.name, right: key.right.name })),
    as_of:
      output.asOf === undefined
        ? null
        : { left: output.asOf.left, right_from: output.asOf.rightFrom, right_to: output.asOf.rightTo },
    join_strategy: { requested: output.strategy, used: strategy.used, why: strategy.why },
    performance_profile: output.profile,
    chunk_size: strategy.chunkSize,
    inputs: [inputOf(left, facts.bronze.left), inputOf(right, facts.bronze.right)],
    lineage: [left, right].map(({ artifact, manifest, path, side }) => ({
      side,
      path,
      artifact: artifact ?? null,
      commit_id: manifest?.commit_id ?? null,
      bronze: facts.bronze[side].map((origin) => origin.path),
    })),
    progress: progressBlock(joined.progress, facts),
    join_stats: joinStats(facts, rows),
    join_metrics: joined.chunks.map(
      ({ file: _file, sample_keys: _keys, sha256: _sha, size_bytes: _size, ...chunk }) => chunk,
    ),
    output_columns: shape.columns.map(({ name }) => name),
    column_lineage: columnLineage(shape.columns, { left, right }),
    quality_guards: guards,
    partition_columns: columns(prepared.partitions),
    keep_partition_columns: output.keepPartitionColumns,
    schema: columns(finished.artifacts[0]?.fields ?? []),
    artifacts: Object.fromEntries(
      finished.artifacts.map(({ artifact, fields, rows: count }) => [
        artifact,
        { name: artifact, rows: count, schema: columns(fields) },
      ]),
    ),
    rows_joined: rows,
    rows_written: written,
    runtime_seconds: facts.runtimeSeconds,
  };
}

/** What the path of an output within Silver's layout says. */
function assetOf(path: string): Readonly<Record<string, string | number>> {
  const value = (key: string): string | undefined => new RegExp(`(?:^|/)${key}=([^/]+)`).exec(path)?.[1];
  const [domain, entity, version] = [value('domain'), value('entity'), /\/v(\d+)(?:\/|$)/.exec(path)?.[1]];
  return {
    ...(domain !== undefined && { domain }),
    ...(entity !== undefined && { entity }),
    ...(version !== undefined && { version: Number(version) }),
  };
}

/**
 * The columns that identify a row of the output: the configured ones; the left side's keys where each left row comes
 * out once at most and nothing else does; else both sides' keys together. None where a side declares none.
 */
function recordKeys({ joined, left, prepared, right, spec }: JoinFacts): readonly string[] {
  const { model, shape } = prepared;
  if (spec.output.primaryKeys.length > 0) return spec.output.primaryKeys;
  const isOneRow = joined.stats.fan_out <= 1 && rightOnlyRows(joined.stats, shape.joinType) === 0;
  const takesLeftOnly = shape.joinType === 'semi' || shape.joinType === 'anti';
  if (isOneRow || takesLeftOnly || model.primaryKeys.length === 0) return model.primaryKeys;
  const ofRight = right.primaryKeys.map(
    (name) => shape.columns.find((column) => column.right === name)?.name,
  );
  const isComplete =
    left.primaryKeys.length > 0 && ofRight.length > 0 && ofRight.every((name) => name !== undefined);
  return isComplete
    ? [...new Set([...model.primaryKeys, ...ofRight.filter((name) => name !== undefined)])]
    : [];
}

function inputOf(input: JoinInput, bronze: readonly BronzeOrigin[]) {
  const { artifact, label, location, manifest, partition, path, rows, side } = input;
  const kept = [
    'load_pattern',
    'load_partition_name',
    'partition_columns',
    'primary_keys',
    'order_column',
    'domain',
    'entity',
    'version',
    'bronze_path',
  ];
  return {
    path,
    commit_id: manifest?.commit_id ?? null,
    side,
    ...(label !== undefined && { name: label }),
    silver_path: location,
    layer: manifest?.layer ?? null,
    silver_model: manifest?.silver_model ?? null,
    artifact: artifact ?? null,
    record_count: rows,
    chunk_count: partition.files.length,
    run_date: manifest?.run_date ?? null,
    files: partition.files.map(({ path: file, rows: count, sha256 }) => ({
      path: file,
      rows: count ?? null,
      sha256: sha256 ?? null,
    })),
    ...Object.fromEntries(
      kept.flatMap((key) => (manifest?.[key] === undefined ? [] : [[key, manifest[key]]])),
    ),
    bronze,
  };
}

function progressBlock(progress: JoinProgress, { checkpointFile, resumedAt }: JoinFacts) {
  const { chunk_count, chunks_processed, last_chunk, recent_chunks, total_records } = progress;
  return {
    chunks_processed,
    chunk_count,
    total_records,
    recent_chunks,
    last_chunk,
    resumed_at_chunk: resumedAt,
    checkpoint_file: checkpointFile,
  };
}

export function joinStats({ joined, prepared }: Pick<JoinFacts, 'joined' | 'prepared'>, rows: number) {
  const { bucketBytes, chunks, stats } = joined;
  const { joinType } = prepared.shape;
  const engineSpill = Math.max(0, ...chunks.map((chunk) => chunk.spilled_bytes));
  return {
    chunk_count: joined.progress.chunks_processed,
    left_rows: stats.left_rows,
    right_rows: stats.right_rows,
    matched_left_rows: matchedLeftRows(stats, joinType, rows),
    matched_right_keys: stats.matched_right_keys,
    unmatched_right_keys: stats.right_keys - stats.matched_right_keys,
    right_only_rows: rightOnlyRows(stats, joinType),
    fan_out: stats.fan_out,
    // Of the chunks, as the engine's profile has it.
    build_sides: [...new Set(chunks.flatMap(({ build_side: side }) => side ?? []))].sort(),
    partitions: prepared.strategy.used === 'hash' ? prepared.strategy.chunkCount : 1,
    partition_bytes: bucketBytes,
    engine_spilled_bytes: engineSpill,
    spilled_bytes: bucketBytes + engineSpill,
  };
}

export type JoinStats = ReturnType<typeof joinStats>;
export type { ColumnLineage };
