import type { SilverSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { DataType, Field } from '../core/schema.ts';
import { identifier, literal } from '../engine/sql.ts';
import { ORDER } from './models/model.ts';
import { dateOf, isTypedByOrder, type OrderExpression } from './order-type.ts';
import type { Probe } from './probe.ts';

export interface PartitionColumn {
  readonly name: string;
  readonly type: DataType;
  /** Over the relation that the artifact reads. */
  readonly sql: string;
  /** What orders rows as `sql` does, and is cheaper to sort by. */
  readonly sortSql?: string;
  /** Whether the files would have the column if it were no partition column. */
  readonly isColumn: boolean;
}

const DATE: DataType = { kind: 'date' };

/**
 * The partition columns of every artifact (original-behaviour §5.4.7): `record_time_partition`; else what
 * `partition_by` names, where an unknown name that ends `_dt` is the date of the order column; else, for intents,
 * `<event_ts>_dt` or `effective_from_dt`.
 * @throws SCHEMA001 for a column that is neither there nor derived; DATA001 for a record time that is no time.
 */
export async function partitionColumns(
  probe: Probe,
  spec: SilverSpec,
  kept: readonly Field[],
  order: OrderExpression | undefined,
  warn: (message: string) => void,
): Promise<PartitionColumn[]> {
  const columns: PartitionColumn[] = [];
  for (const column of await chosenColumns(probe, spec, kept, order, warn)) {
    const sortSql = await numbered(probe, column);
    columns.push({ ...column, ...(sortSql !== undefined && { sortSql }) });
  }
  return columns;
}

/** More values than this are texts to the sort as well. */
const MOST_NUMBERED = 2_000;

/**
 * Texts of few values by their place among these: where all that rows are sorted by has a fixed width, wide rows are
 * sorted in three quarters of the time.
 */
async function numbered(probe: Probe, { name, type, sql }: PartitionColumn): Promise<string | undefined> {
  const column = identifier(name);
  if (type.kind !== 'string' || sql !== column) return undefined;
  const found = await probe.first(
    `SELECT list(v ORDER BY v) AS v FROM (SELECT DISTINCT ${column} AS v FROM bronze_rows ` +
      `WHERE ${column} IS NOT NULL LIMIT ${MOST_NUMBERED + 1})`,
  );
  const values = found?.v;
  const isUsable =
    Array.isArray(values) && values.length > 0 && values.length <= MOST_NUMBERED && !values.some(hasNul);
  return isUsable
    ? `${column}::ENUM(${values.map((value) => literal(String(value))).join(', ')})`
    : undefined;
}

/** It is an expression in SQL, which a type does not take. */
function hasNul(value: unknown): boolean {
  return String(value).includes('\0');
}

async function chosenColumns(
  probe: Probe,
  spec: SilverSpec,
  kept: readonly Field[],
  order: OrderExpression | undefined,
  warn: (message: string) => void,
): Promise<PartitionColumn[]> {
  const { recordTime, columns } = spec.partitioning;
  if (recordTime !== undefined) return [await recordTimeColumn(probe, spec, recordTime, kept, order)];
  if (spec.partitioning.none === true) return [];
  const isIntent = spec.attributes !== undefined;
  if (columns.length > 0) {
    return columns.flatMap((name) => {
      const column = existing(name, spec, kept, order);
      const found = column ?? (isIntent ? derived(name, order) : undefined);
      if (column === undefined && found !== undefined) warnOfOtherDate(name, spec, kept, warn);
      if (found !== undefined) return [found];
      if (isIntent) throw missing(spec, name, kept);
      warn(`partitioning: there is no column "${name}"; its folder level is left out`);
      return [];
    });
  }
  if (!isIntent || order === undefined) return [];
  const isEvents = spec.model === 'event' || spec.model === 'derived_event';
  const name = isEvents ? `${spec.orderColumn}_dt` : 'effective_from_dt';
  const column = existing(name, spec, kept, order) ?? derived(name, order);
  if (column === undefined) {
    warn(
      `"${spec.orderColumn}" has no dates, so the files are not partitioned; set partition_by to choose a column`,
    );
    return [];
  }
  return [column];
}

/** Whoever names folders after the date of one column does not expect that of another in them. */
function warnOfOtherDate(
  name: string,
  spec: SilverSpec,
  kept: readonly Field[],
  warn: (message: string) => void,
): void {
  const meant = name.slice(0, -'_dt'.length);
  const isOther = meant === 'effective_to' || kept.some((field) => field.name === meant);
  if (!isOther || meant === spec.orderColumn) return;
  const advice =
    meant === 'effective_to'
      ? 'versions are not partitioned by their end'
      : `for that, set record_time_column: ${meant} and record_time_partition: ${name}`;
  warn(`partition_by: "${name}" holds the date of "${spec.orderColumn}", not that of "${meant}"; ${advice}`);
}

function existing(
  name: string,
  spec: SilverSpec,
  kept: readonly Field[],
  order: OrderExpression | undefined,
): PartitionColumn | undefined {
  const field = kept.find((candidate) => candidate.name === name);
  if (field === undefined) return undefined;
  if (order !== undefined && isTypedByOrder(spec, name)) {
    return { name, type: order.type, sql: ORDER, isColumn: true };
  }
  return { name, type: field.type, sql: identifier(name), isColumn: true };
}

function derived(name: string, order: OrderExpression | undefined): PartitionColumn | undefined {
  const date = order === undefined || !name.endsWith('_dt') ? undefined : dateOf(order.type, ORDER);
  return date === undefined ? undefined : { name, type: DATE, sql: date, isColumn: false };
}

async function recordTimeColumn(
  probe: Probe,
  spec: SilverSpec,
  recordTime: { readonly column: string; readonly partition: string },
  kept: readonly Field[],
  order: OrderExpression | undefined,
): Promise<PartitionColumn> {
  const name = recordTime.partition;
  const isColumn = kept.some((field) => field.name === name);
  const field = kept.find((candidate) => candidate.name === recordTime.column);
  if (field === undefined) throw missing(spec, recordTime.column, kept);
  if (order !== undefined && field.name === spec.orderColumn) {
    const date = dateOf(order.type, ORDER);
    if (date !== undefined) return { name, type: DATE, sql: date, isColumn };
  }
  const time = await probe.order(field, 'record time');
  const date = dateOf(time.type, time.sql);
  const column = identifier(field.name);
  const lost =
    date === undefined
      ? { value: time.type.kind }
      : await probe.first(
          `SELECT ${column}::VARCHAR AS value FROM bronze_rows WHERE ${column} IS NOT NULL AND (${date}) IS NULL LIMIT 1`,
        );
  if (date === undefined || lost !== undefined) {
    throw new FoundryError(
      'DATA001',
      `record_time_column "${field.name}" holds ${JSON.stringify(String(lost?.value))}, which has no date`,
      { details: { column: field.name } },
    );
  }
  return { name, type: DATE, sql: date, isColumn };
}

function missing(spec: SilverSpec, name: string, kept: readonly Field[]): FoundryError {
  return new FoundryError(
    'SCHEMA001',
    `there is no column "${name}" to partition ${spec.entity} by, and none is derived under that name`,
    {
      details: { column: name },
      hint: `Columns: ${kept.map((field) => field.name).join(', ')}. A name that ends _dt is the date of a timestamp order column.`,
    },
  );
}
