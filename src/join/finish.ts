import { join } from 'node:path';
import type { JoinSpec } from '../config/join/spec.ts';
import type { SilverSpec } from '../config/spec.ts';
import type { Field } from '../core/schema.ts';
import { executeEach } from '../engine/each.ts';
import type { Engine } from '../engine/engine.ts';
import { copySql, hashFile, type PartFormat } from '../engine/parts.ts';
import { parquetRows } from '../engine/sql.ts';
import type { SpooledPart } from '../lake/lake.ts';
import type { PlannedArtifact } from '../promotion/artifact-plan.ts';
import { promote } from '../promotion/promote.ts';
import { linkOrCopy } from '../storage/durable.ts';
import type { ChunkDone } from './checkpoint.ts';
import type { OutputColumn } from './columns.ts';
import { type ModelChoice, needsKeys } from './model.ts';
import type { JoinRunOptions } from './options.ts';

/** One artifact of the output as the manifest tells it. */
export interface FinishedArtifact {
  readonly artifact: string;
  readonly rows: number;
  readonly fields: readonly Field[];
}

export interface Finished {
  readonly parts: readonly SpooledPart[];
  readonly artifacts: readonly FinishedArtifact[];
}

export interface FinishRequest {
  readonly spec: JoinSpec;
  readonly model: ModelChoice;
  readonly columns: readonly OutputColumn[];
  readonly chunks: readonly ChunkDone[];
  /** Of the files; absent: the engine's own number. */
  readonly rowGroupRows?: number | undefined;
  /** Private folder of the commit. */
  readonly spool: string;
}

/** Rows of one part, unless a single chunk has more. */
const PART_ROWS = 1_000_000;

/**
 * The files of the output from the joined chunks. Rows that are taken as they are, into Parquet without folders, are
 * written already: chunks become parts. Everything else goes the way of Silver.
 * @throws QUAL001 for a NULL key where the model needs one; ENG002, STG001, INT001.
 */
export async function finish(
  engine: Engine,
  request: FinishRequest,
  options: JoinRunOptions,
): Promise<Finished> {
  return isWritten(request.spec, request.model)
    ? takeChunks(engine, request)
    : promoteChunks(engine, request, options);
}

/** Whether the chunks are files of the output as they are. */
export function isWritten({ output }: JoinSpec, model: ModelChoice): boolean {
  const { formats, partitionColumns } = output;
  return !needsKeys(model.used) && partitionColumns.length === 0 && formats.parquet && !formats.csv;
}

async function takeChunks(
  engine: Engine,
  { chunks, columns, model, rowGroupRows, spec, spool }: FinishRequest,
): Promise<Finished> {
  const artifact = model.used === 'incremental_merge' ? 'cdc_changes' : 'full_snapshot';
  const format: PartFormat = {
    format: 'parquet',
    compression: spec.output.formats.compression,
    ...(rowGroupRows !== undefined && { rowGroupRows }),
  };
  const groups = groupsOf(chunks).map((group, index) => ({
    group,
    file: join(spool, `${artifact}-${index}.parquet.tmp`),
  }));
  const several = groups.filter(({ group }) => group.length > 1);
  // Several threads would keep the order of the rows, but group them by chance.
  await executeEach(
    engine,
    several.map(({ file, group }) => concatSql(group, file, format)),
    () => undefined,
  );
  const parts: SpooledPart[] = [];
  for (const [index, { file, group }] of groups.entries()) {
    const [only] = group;
    const rows = group.reduce((sum, chunk) => sum + chunk.record_count, 0);
    const isOne = group.length === 1 && only !== undefined;
    if (isOne) await linkOrCopy(only.file, file);
    const hashed = isOne ? { sizeBytes: only.size_bytes, sha256: only.sha256 } : await hashFile(file);
    const stem = groups.length === 1 ? artifact : `${artifact}-part-${String(index + 1).padStart(4, '0')}`;
    parts.push({ file, folder: '', stem, format: 'parquet', rows, role: 'data', artifact, ...hashed });
  }
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  return {
    parts,
    artifacts: [{ artifact, rows, fields: columns.map(({ name, type }) => ({ name, type })) }],
  };
}

/** Neighbouring chunks that are put together; without any row the first chunk, for its columns. */
function groupsOf(chunks: readonly ChunkDone[]): readonly (readonly ChunkDone[])[] {
  const filled = chunks.filter((chunk) => chunk.record_count > 0);
  if (filled.length === 0) return [chunks.slice(0, 1)];
  const groups: ChunkDone[][] = [];
  let rows = PART_ROWS;
  for (const chunk of filled) {
    if (rows >= PART_ROWS) {
      groups.push([]);
      rows = 0;
    }
    groups.at(-1)?.push(chunk);
    rows += chunk.record_count;
  }
  return groups;
}

/** In the chunks' order, which the engine keeps. */
function concatSql(group: readonly ChunkDone[], file: string, format: PartFormat): string {
  const files = parquetRows(...group.map((chunk) => chunk.file));
  return copySql(`SELECT * FROM ${files}`, file, format);
}

async function promoteChunks(
  engine: Engine,
  { chunks, columns, model, spec, spool }: FinishRequest,
  options: JoinRunOptions,
): Promise<Finished> {
  const subject = { bronze: { system: 'join' }, silver: modelSpec(spec, model) };
  const schema = { fields: columns.map(({ name, type }) => ({ name, type })) };
  const inputs = chunks.map(({ chunk_index: index, file }) => ({
    localPath: file,
    name: `joined chunk ${index + 1}`,
  }));
  const promoted = await promote(engine, subject, inputs, schema, spool, options);
  const fieldsOf = (artifact: string): readonly Field[] =>
    promoted.promotion.artifacts.find((planned: PlannedArtifact) => planned.artifact === artifact)?.fileSchema
      .fields ?? [];
  return {
    parts: promoted.parts,
    artifacts: promoted.artifacts.map(({ artifact, rows }) => ({
      artifact,
      rows,
      fields: fieldsOf(artifact),
    })),
  };
}

/** The model of a join in the words of Silver. */
export function modelSpec({ name, output }: JoinSpec, model: ModelChoice): SilverSpec {
  return {
    enabled: true,
    base: '',
    domain: '',
    entity: name,
    version: 1,
    loadPartitionName: 'load_date',
    inputScope: 'partition',
    model: model.used,
    artifactNames: {},
    keys: needsKeys(model.used) ? model.primaryKeys : [],
    ...(needsKeys(model.used) && model.orderColumn !== undefined && { orderColumn: model.orderColumn }),
    deleteMode: 'ignore',
    keepTombstones: false,
    collapseUnchanged: false,
    partitioning: { columns: output.partitionColumns, keepColumns: output.keepPartitionColumns },
    formats: output.formats,
    requireChecksum: false,
    errorHandling: { enabled: false, maxBadRecords: 0, maxBadPercent: 0 },
    allowEmpty: output.allowEmpty,
  };
}
