import type { DatasetSpec, SilverSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { type Field, STRING } from '../core/schema.ts';
import { identifier } from '../engine/sql.ts';
import { type PlannedArtifact, planArtifacts } from './artifact-plan.ts';
import { keepColumns } from './columns.ts';
import { type Decision, decisionOf } from './decide.ts';
import { changedNames, decideSql } from './decide-sql.ts';
import { metadataColumns } from './metadata-columns.ts';
import { missingOf, type Snapshots } from './missing.ts';
import { CHANGE_COLUMNS, type ModelColumns } from './models/model.ts';
import { MODELS } from './models/registry.ts';
import { isTypedByOrder, type OrderExpression } from './order-type.ts';
import { type PartitionColumn, partitionColumns } from './partitions.ts';
import type { Probe } from './probe.ts';
import type { Relation } from './relation.ts';
import type { PromotionSubject } from './subject.ts';

export type SilverDataset = DatasetSpec & { readonly silver: SilverSpec };

/** What the partitions of a table's history are, where more than one is read. */
export interface History {
  readonly snapshots: Snapshots;
  /** Every row as SQL, also those that are set aside. */
  readonly rows: string;
}

/** Everything about one Silver run but its rows: data, and the SQL of each step. */
export interface Promotion {
  readonly relation: Relation;
  readonly kept: readonly Field[];
  readonly dropped: readonly string[];
  readonly undeclared: readonly string[];
  readonly order?: OrderExpression;
  readonly decision?: Decision;
  readonly partitions: readonly PartitionColumn[];
  readonly artifacts: readonly PlannedArtifact[];
  /** Fills `decided`; absent for models that take rows as they are. */
  readonly decideSql?: string;
  readonly preparedSql: string;
}

/**
 * @throws SCHEMA001 for columns that do not match the config; DATA001 for an order column without an order;
 * CFG001 for settings that contradict each other.
 */
export async function planPromotion(
  dataset: PromotionSubject,
  relation: Relation,
  probe: Probe,
  runDate: string,
  warn: (message: string) => void,
  history?: History,
): Promise<Promotion> {
  const spec = dataset.silver;
  const model = MODELS[spec.model];
  const { kept, dropped, undeclared } = keepColumns(spec, relation.schema);
  const constants = metadataColumns(dataset, runDate);
  const prepares = model.preparation !== 'none';
  if (prepares) requireKeysAndOrder(spec);
  const order = prepares ? await probe.order(fieldNamed(kept, spec.orderColumn)) : undefined;
  const sequence =
    prepares && spec.sequenceColumn !== undefined
      ? await sequenceOrder(probe, fieldNamed(kept, spec.sequenceColumn))
      : undefined;
  const decision =
    model.preparation === 'none' || order === undefined
      ? undefined
      : decisionOf(spec, model.preparation, kept, order, sequence, historyOf(spec, order, history));
  const typed = kept.map((field) =>
    order !== undefined && isTypedByOrder(spec, field.name) ? { ...field, type: order.type } : field,
  );
  const partitions = await partitionColumns(probe, spec, kept, order, warn);
  const columns: ModelColumns = {
    fields: typed,
    ...(order === undefined ? {} : { orderType: order.type }),
    ...(decision?.kind === 'changes' && { changed: changedNames(decision) }),
  };
  const queries = model.artifacts(spec, columns);
  refuseCollisions(
    kept,
    queries.flatMap((query) => query.added.map((column) => column.field.name)),
    queries.flatMap((query) => query.without),
  );
  for (const { field } of constants) {
    if (kept.some((candidate) => candidate.name === field.name)) {
      warn(`the column "${field.name}" of Bronze is replaced by the metadata column of that name`);
    }
  }
  for (const name of model.preparation === 'changes' ? CHANGE_COLUMNS : []) {
    if (kept.some((field) => field.name === name)) {
      warn(`the column "${name}" of Bronze is replaced by what the model derives under that name`);
    }
  }
  const artifacts = planArtifacts(queries, { spec, kept: typed, partitions, constants });
  refuseFilesWithoutColumns(artifacts);
  return {
    relation,
    kept,
    dropped,
    undeclared,
    ...(order === undefined ? {} : { order }),
    ...(decision === undefined ? {} : { decision, decideSql: decideSql(decision) }),
    partitions,
    artifacts,
    preparedSql: preparedSql(spec, kept, decision),
  };
}

function historyOf(spec: SilverSpec, order: OrderExpression, history: History | undefined) {
  if (history === undefined || history.snapshots.partCount === 0) return undefined;
  const { snapshots, rows } = history;
  const column = { column: spec.orderColumn ?? '', type: order.type };
  const missing = spec.detectMissing === true ? missingOf(snapshots, rows, column, spec.timezone) : undefined;
  return { snapshots, ...(missing !== undefined && { missing }) };
}

function requireKeysAndOrder(spec: SilverSpec): void {
  const lacking = [
    ...(spec.keys.length === 0 ? ['key columns'] : []),
    ...(spec.orderColumn === undefined ? ['an order column'] : []),
  ];
  if (lacking.length === 0) return;
  throw new FoundryError('CFG001', `the model ${spec.model} needs ${lacking.join(' and ')}`, {
    hint: 'Set primary_keys and order_column, or pass --primary-key and --order-column.',
  });
}

function fieldNamed(fields: readonly Field[], name: string | undefined): Field {
  return fields.find((field) => field.name === name) ?? { name: name ?? '', type: STRING };
}

/** A sequence only breaks ties, but one without an order would break them at random. */
async function sequenceOrder(probe: Probe, field: Field): Promise<OrderExpression> {
  const sequence = await probe.order(field, 'sequence');
  const column = identifier(field.name);
  const lost = await probe.first(
    `SELECT ${column}::VARCHAR AS value FROM bronze_rows WHERE ${column} IS NOT NULL AND (${sequence.sql}) IS NULL LIMIT 1`,
  );
  if (lost === undefined) return sequence;
  throw new FoundryError(
    'DATA001',
    `the sequence column "${field.name}" holds ${JSON.stringify(lost.value)} among ${sequence.type.kind} values`,
    { details: { column: field.name, value: String(lost.value) } },
  );
}

function refuseCollisions(
  kept: readonly Field[],
  added: readonly string[],
  without: readonly string[],
): void {
  const taken = added.filter((name) => !without.includes(name) && kept.some((field) => field.name === name));
  if (taken.length === 0) return;
  throw new FoundryError(
    'SCHEMA001',
    `Bronze already has ${taken.map((name) => `"${name}"`).join(', ')}, which the model adds`,
    { hint: 'Give the column another name with schema.rename_map, or leave it out.' },
  );
}

function refuseFilesWithoutColumns(artifacts: readonly PlannedArtifact[]): void {
  const bare = artifacts.find((artifact) => artifact.fileSchema.fields.length === 0);
  if (bare === undefined) return;
  throw new FoundryError(
    'CFG001',
    `every column of ${bare.stem} is a partition column, which leaves no column for its files`,
    { hint: 'Partition by fewer columns, or set partitioning.keep_columns: true.' },
  );
}

function preparedSql(spec: SilverSpec, kept: readonly Field[], decision: Decision | undefined): string {
  if (decision === undefined) return 'SELECT * FROM bronze_rows';
  const columns = kept.map(({ name }) =>
    isTypedByOrder(spec, name) ? `d."__order" AS ${identifier(name)}` : `b.${identifier(name)}`,
  );
  const told =
    decision.kind === 'changes'
      ? ['"__change"', ...changedNames(decision).madeOf].map((name) => `, d.${name}`).join('')
      : '';
  return (
    `SELECT ${columns.join(', ')}, d."__order", d."__next", d."__deleted", d."__status"${told} ` +
    `FROM bronze_rows b JOIN decided d ON b."__file" = d."__file" AND b."__row" = d."__row"`
  );
}
