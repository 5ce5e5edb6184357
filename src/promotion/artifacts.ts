import { join } from 'node:path';
import type { OutputFormats, SilverSpec } from '../config/spec.ts';
import type { DataType, Field, TableSchema } from '../core/schema.ts';
import type { Engine } from '../engine/engine.ts';
import { copyToPart, hashFile } from '../engine/parts.ts';
import { identifier, literal } from '../engine/sql.ts';
import { partitionSegment } from '../lake/hive.ts';
import type { SpooledPart } from '../lake/lake.ts';
import { type AddedColumn, type ArtifactQuery, PREPARED } from './models/model.ts';
import type { PartitionColumn } from './partitions.ts';
import { exactText } from './text-sql.ts';

/** One artifact as SQL, ready to run once the artifacts that it reads are staged. */
export interface PlannedArtifact {
  readonly artifact: ArtifactQuery['artifact'];
  /** Base name of its files. */
  readonly stem: string;
  /** Every column of the sorted rows, partition columns included. */
  readonly rowSchema: TableSchema;
  /** Appended when files are written, so that they are neither sorted nor staged. */
  readonly constants: readonly AddedColumn[];
  /** Columns of the files. */
  readonly fileSchema: TableSchema;
  readonly partitions: readonly PartitionColumn[];
  /** `staged` gives the local file of an artifact that was staged before. */
  readonly sql: (staged: (artifact: string) => string) => string;
}

export interface ArtifactContext {
  readonly spec: SilverSpec;
  /** Columns of `prepared` that go on, in order. */
  readonly kept: readonly Field[];
  readonly partitions: readonly PartitionColumn[];
  /** Constant columns, appended last. */
  readonly constants: readonly AddedColumn[];
}

export function planArtifacts(
  queries: readonly ArtifactQuery[],
  context: ArtifactContext,
): PlannedArtifact[] {
  const planned: PlannedArtifact[] = [];
  for (const query of queries) {
    const source = planned.find((candidate) => candidate.artifact === query.from);
    planned.push(source === undefined ? fromPrepared(query, context) : fromStaged(query, context, source));
  }
  return planned;
}

function fromPrepared(query: ArtifactQuery, context: ArtifactContext): PlannedArtifact {
  const { partitions, constants } = context;
  const replaced = new Set([...query.without, ...constants.map((column) => column.field.name)]);
  const columns: AddedColumn[] = [
    ...context.kept
      .filter((field) => !replaced.has(field.name))
      .map((field) => ({ field, sql: identifier(field.name) })),
    ...query.added,
  ];
  for (const { name, type, sql } of partitions) {
    if (!columns.some((column) => column.field.name === name)) columns.push({ field: { name, type }, sql });
  }
  const select = columns.map(({ field, sql }) => `${sql} AS ${identifier(field.name)}`).join(', ');
  const orderBy = [...partitions.map((column) => `${column.sql} NULLS LAST`), ...sortKeys(query)];
  const where = query.where === undefined ? '' : ` WHERE ${query.where}`;
  return {
    ...described(query, context, { fields: columns.map((column) => column.field) }),
    sql: () => `SELECT ${select} FROM ${PREPARED}${where} ORDER BY ${orderBy.join(', ')}`,
  };
}

/** `ORDER BY` sees the new columns' names: those of a model stand for what they are made of. */
function sortKeys(query: ArtifactQuery): readonly string[] {
  return query.orderBy.map(
    (key) => query.added.find((column) => identifier(column.field.name) === key)?.sql ?? key,
  );
}

function fromStaged(
  query: ArtifactQuery,
  context: ArtifactContext,
  source: PlannedArtifact,
): PlannedArtifact {
  const orderBy = [
    ...context.partitions.map(({ name }) => `${identifier(name)} NULLS LAST`),
    ...query.orderBy,
  ];
  const where = query.where === undefined ? '' : ` WHERE ${query.where}`;
  return {
    ...described(query, context, source.rowSchema),
    sql: (staged) =>
      `SELECT ${source.rowSchema.fields.map(({ name }) => identifier(name)).join(', ')} FROM read_parquet(${literal(staged(source.artifact))}, hive_partitioning=false)${where} ORDER BY ${orderBy.join(', ')}`,
  };
}

function described(
  query: ArtifactQuery,
  { spec, partitions, constants }: ArtifactContext,
  rowSchema: TableSchema,
) {
  const isInPath = (name: string): boolean => partitions.some((column) => column.name === name);
  const fields = spec.partitioning.keepColumns
    ? rowSchema.fields
    : rowSchema.fields.filter((field) => !isInPath(field.name));
  return {
    artifact: query.artifact,
    stem: spec.artifactNames[query.artifact] ?? query.artifact,
    rowSchema,
    constants,
    fileSchema: { fields: [...fields, ...constants.map((column) => column.field)] },
    partitions,
  };
}

export interface WrittenArtifact {
  readonly artifact: string;
  readonly rows: number;
  readonly parts: readonly SpooledPart[];
  /** Local Parquet with all rows and columns, sorted; later artifacts read it. */
  readonly staged: string;
}

/**
 * Writes one artifact: sorted once, then one file per partition value and format, so that the bytes do not depend
 * on threads. Zero rows give one file that has the columns.
 */
export async function writeArtifact(
  engine: Engine,
  planned: PlannedArtifact,
  formats: OutputFormats,
  spool: string,
  stagedOf: (artifact: string) => string,
): Promise<WrittenArtifact> {
  const wanted = (['parquet', 'csv'] as const).filter((format) => formats[format]);
  const base = { stem: planned.stem, role: 'data', artifact: planned.artifact } as const;
  if (planned.partitions.length === 0 && formats.parquet && !formats.csv) {
    const file = join(spool, `${planned.artifact}.parquet.tmp`);
    const select = `SELECT ${columnList(planned, planned.fileSchema, 'parquet')} FROM (${planned.sql(stagedOf)})`;
    const { rows } = await copyToPart(engine, select, file, {
      format: 'parquet',
      compression: formats.compression,
    });
    const part = { ...base, file, folder: '', format: 'parquet', rows, ...(await hashFile(file)) } as const;
    return { artifact: planned.artifact, rows, parts: [part], staged: file };
  }

  const staged = join(spool, `${planned.artifact}.staged.tmp`);
  const { rows } = await copyToPart(engine, planned.sql(stagedOf), staged, {
    format: 'parquet',
    compression: 'none',
  });
  const isWhole = planned.partitions.length === 0 || rows === 0;
  const schema = rows === 0 ? withEveryColumn(planned) : planned.fileSchema;
  const parts: SpooledPart[] = [];
  const groups = isWhole
    ? [{ from: 0, rows, values: {}, folder: '' }]
    : await groupsOf(engine, planned, staged);
  for (const [index, group] of groups.entries()) {
    for (const format of wanted) {
      const file = join(spool, `${planned.artifact}-${index}.${format}.tmp`);
      const range = `file_row_number >= ${group.from} AND file_row_number < ${group.from + group.rows}`;
      await copyToPart(
        engine,
        `SELECT ${columnList(planned, schema, format)} FROM read_parquet(${literal(staged)}, hive_partitioning=false) WHERE ${range}`,
        file,
        { format, compression: formats.compression },
      );
      parts.push({
        ...base,
        file,
        folder: group.folder,
        format,
        rows: group.rows,
        ...(isWhole ? {} : { partitionValues: group.values }),
        ...(await hashFile(file)),
      });
    }
  }
  return { artifact: planned.artifact, rows, parts, staged };
}

/** Without a row there is no folder that could name a partition column. */
function withEveryColumn(planned: PlannedArtifact): TableSchema {
  return { fields: [...planned.rowSchema.fields, ...planned.constants.map((column) => column.field)] };
}

interface Group {
  readonly from: number;
  readonly rows: number;
  readonly values: Readonly<Record<string, string | null>>;
  readonly folder: string;
}

/** The staged rows are sorted by the partition columns: every combination is one range of rows. */
async function groupsOf(engine: Engine, planned: PlannedArtifact, staged: string): Promise<Group[]> {
  const names = planned.partitions.map((column) => column.name);
  const values = planned.partitions.map(({ name, type }) => partitionText(identifier(name), type));
  const found = await engine.query(
    `SELECT ${values.map((sql, index) => `${sql} AS v${index}`).join(', ')}, min(file_row_number)::BIGINT AS start, count(*) AS n ` +
      `FROM read_parquet(${literal(staged)}, hive_partitioning=false) GROUP BY ${values.map((_, index) => `v${index}`).join(', ')} ORDER BY start`,
  );
  return found.map((row) => {
    const texts = names.map((_, index) => (row[`v${index}`] === null ? null : String(row[`v${index}`])));
    return {
      from: Number(row.start),
      rows: Number(row.n),
      values: Object.fromEntries(names.map((name, index) => [name, texts[index] ?? null])),
      folder: names.map((name, index) => `${partitionSegment(name, texts[index] ?? null)}/`).join(''),
    };
  });
}

function partitionText(column: string, type: DataType): string {
  return type.kind === 'binary' ? `hex(${column})` : `${column}::VARCHAR`;
}

function columnList(planned: PlannedArtifact, schema: TableSchema, format: 'parquet' | 'csv'): string {
  return schema.fields
    .map(({ name, type }) => {
      const column = identifier(name);
      const sql = planned.constants.find((constant) => constant.field.name === name)?.sql ?? column;
      return `${format === 'csv' ? exactText(sql, type) : sql} AS ${column}`;
    })
    .join(', ');
}
