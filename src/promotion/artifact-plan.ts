import type { SilverSpec } from '../config/spec.ts';
import type { Field, TableSchema } from '../core/schema.ts';
import { identifier, parquetRows } from '../engine/sql.ts';
import { type AddedColumn, type ArtifactQuery, PREPARED } from './models/model.ts';
import type { PartitionColumn } from './partitions.ts';

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
  /** Absent: its rows come out of `prepared`. */
  readonly taken?: Taken;
  /** Of these, which, by what was decided; absent: all. */
  readonly where?: string;
  /** `staged` gives the local file of an artifact that was staged before. */
  readonly sql: (staged: (artifact: string) => string) => string;
}

/** Rows of an earlier artifact, in its order. */
interface Taken {
  readonly from: string;
  /** Absent: all. */
  readonly where?: string;
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
  const select = columns.flatMap(({ field, sql, madeOf }) => madeOf ?? `${sql} AS ${identifier(field.name)}`);
  const orderBy = [
    ...partitions.map((column) => `${column.sortSql ?? column.sql} NULLS LAST`),
    ...sortKeys(query),
  ];
  const where = query.where === undefined ? '' : ` WHERE ${query.where}`;
  const sorted = `SELECT ${select.join(', ')} FROM ${PREPARED}${where} ORDER BY ${orderBy.join(', ')}`;
  return {
    ...described(query, context, { fields: columns.map((column) => column.field) }),
    ...(query.where !== undefined && { where: query.where }),
    sql: () => withMade(columns, sorted),
  };
}

/** Adds the columns that are made of sorted ones. */
function withMade(columns: readonly AddedColumn[], sorted: string): string {
  if (columns.every(({ madeOf }) => madeOf === undefined)) return sorted;
  const select = columns.map(({ field, sql, madeOf }) => {
    const name = identifier(field.name);
    return madeOf === undefined ? name : `${sql} AS ${name}`;
  });
  return `SELECT ${select.join(', ')} FROM (${sorted})`;
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
  const { where } = query;
  const columns = source.rowSchema.fields.map(({ name }) => identifier(name)).join(', ');
  return {
    ...described(query, context, source.rowSchema),
    taken: { from: source.artifact, ...(where !== undefined && { where }) },
    // Several threads keep the order of the file, but group its rows by chance; after a sort they do not.
    sql: (staged) =>
      `SELECT ${columns} FROM ${parquetRows(staged(source.artifact))} ` +
      `WHERE ${where ?? 'true'} ORDER BY file_row_number`,
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
