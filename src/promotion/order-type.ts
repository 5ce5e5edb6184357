import type { SilverSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { DataType, Field } from '../core/schema.ts';
import type { Engine } from '../engine/engine.ts';
import { identifier, literal, sqlType } from '../engine/sql.ts';

/** How a column orders rows: NULL where a value has no place in the order. */
export interface OrderExpression {
  readonly type: DataType;
  readonly sql: string;
}

/** What the config calls a column by which rows are put in order. */
export type OrderRole = 'order' | 'sequence' | 'record time';

/**
 * An intent declares its order column as a time, so Silver has it as one. A classic config declares nothing: the
 * column only decides, and goes on as Bronze has it.
 */
export function isTypedByOrder(spec: SilverSpec, column: string): boolean {
  return spec.attributes !== undefined && column === spec.orderColumn;
}

const DATE = '(?:000[1-9]|00[1-9]\\d|0[1-9]\\d\\d|[1-9]\\d{3})-\\d{2}-\\d{2}';
/** Digits below a microsecond would be lost; zeros there are not. */
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d(?:\\.\\d{1,6}0*)?)?';
const NAIVE = `${DATE}(?:[T ]${TIME})?`;
/** The engine also takes +99:00, an offset that no clock has, and would put its row anywhere. */
const OFFSET = '[+-](?:[01]\\d|2[0-3])(?::?[0-5]\\d)?';
const ZONED = `${DATE}[T ]${TIME} ?(?:Z|z|${OFFSET})`;
const PLAIN_NUMBER = '[+-]?\\d+(?:\\.\\d+)?';
const MAX_DIGITS = 38;

const NAIVE_TYPE: DataType = { kind: 'timestamp', unit: 'micros', utc: false };
const ZONED_TYPE: DataType = { kind: 'timestamp', unit: 'micros', utc: true };

/**
 * The order of a column by its own type; a text column by what its values are: numbers, or ISO 8601 timestamps.
 * Values that are neither are left without a place.
 * @param relation a query or view with the column.
 * @throws DATA001 naming the column whose values mix numbers with timestamps, zoned with naive timestamps
 * (without a timezone), or are none of these; CFG001 for a timezone that does not exist.
 */
export async function orderExpression(
  engine: Engine,
  relation: string,
  field: Field,
  timezone: string | undefined,
  role: OrderRole = 'order',
): Promise<OrderExpression> {
  const column = identifier(field.name);
  const { type } = field;
  if (type.kind === 'double') return { type, sql: `CASE WHEN NOT isnan(${column}) THEN ${column} END` };
  if (type.kind !== 'string') return { type, sql: column };

  const naive = naiveSql(column);
  const [quick] = await engine.query(
    `SELECT count(${column}) AS total, count(${naive}) AS naive FROM ${relation}`,
  );
  const total = Number(quick?.total);
  // Nothing to go by is taken as timestamps too: the columns of an empty slice are then those of a full one.
  if (total === Number(quick?.naive)) return { type: NAIVE_TYPE, sql: `${column}::TIMESTAMP` };
  return mixed(engine, relation, field, timezone, role);
}

async function mixed(
  engine: Engine,
  relation: string,
  field: Field,
  timezone: string | undefined,
  role: OrderRole,
): Promise<OrderExpression> {
  const column = identifier(field.name);
  const [naive, zoned, number] = [naiveSql(column), zonedSql(column), numberSql(column)];
  const [counts] = await engine.query(
    `SELECT count(${naive}) AS naive, count(${zoned}) AS zoned, count(${number}) AS numbers, ` +
      `max(length(regexp_extract(${number}, '^[+-]?0*(\\d*)', 1))) AS whole, ` +
      `max(length(regexp_extract(${number}, '\\.(\\d+)$', 1))) AS fraction FROM ${relation}`,
  );
  const found = {
    naive: Number(counts?.naive),
    zoned: Number(counts?.zoned),
    numbers: Number(counts?.numbers),
  };
  if (found.numbers > 0 && found.naive + found.zoned === 0) {
    return numberOrder(field, role, number, Number(counts?.whole ?? 0), Number(counts?.fraction ?? 0));
  }
  if (found.numbers > 0 || found.naive + found.zoned === 0) {
    throw new FoundryError(
      'DATA001',
      `the ${role} column "${field.name}" holds ${found.numbers > 0 ? 'both numbers and timestamps' : 'neither numbers nor ISO 8601 timestamps'}`,
      {
        details: { column: field.name, ...found },
        hint: 'Give it a type with silver.types (string orders it as text), name another column, or mend the values at the source.',
      },
    );
  }
  if (found.naive > 0 && found.zoned > 0) {
    if (timezone === undefined) {
      throw new FoundryError(
        'DATA001',
        `the ${role} column "${field.name}" mixes ${found.zoned} timestamps with a time zone and ${found.naive} without`,
        {
          details: { column: field.name, ...found },
          hint: 'Set timezone to the zone that the others are in.',
        },
      );
    }
    await requireTimezone(engine, timezone);
    return { type: ZONED_TYPE, sql: `coalesce(${zoned}, ${naive} AT TIME ZONE ${literal(timezone)})` };
  }
  return found.naive > 0 ? { type: NAIVE_TYPE, sql: naive } : { type: ZONED_TYPE, sql: zoned };
}

function numberOrder(
  field: Field,
  role: OrderRole,
  number: string,
  whole: number,
  fraction: number,
): OrderExpression {
  if (whole + fraction > MAX_DIGITS) {
    throw new FoundryError(
      'DATA001',
      `the ${role} column "${field.name}" holds numbers of more than ${MAX_DIGITS} digits`,
      { details: { column: field.name } },
    );
  }
  const type: DataType =
    fraction === 0 && whole <= 18
      ? { kind: 'int64' }
      : { kind: 'decimal', precision: Math.max(1, whole + fraction), scale: fraction };
  return { type, sql: `(${number})::${sqlType(type)}` };
}

/** @throws CFG001 for a zone that the engine does not know. */
export async function requireTimezone(engine: Engine, timezone: string): Promise<void> {
  const found = await engine.query(
    `SELECT name FROM pg_timezone_names() WHERE lower(name) = lower(${literal(timezone)})`,
  );
  if (found.some(({ name }) => name === timezone)) return;
  const meant = found[0] === undefined ? '' : ` (did you mean "${found[0].name}"?)`;
  throw new FoundryError('CFG001', `timezone: "${timezone}" is no IANA time zone${meant}`);
}

function matching(column: string, pattern: string): string {
  return `regexp_full_match(${column}, ${literal(pattern)})`;
}

function naiveSql(column: string): string {
  return `CASE WHEN ${matching(column, NAIVE)} THEN TRY_CAST(${column} AS TIMESTAMP) END`;
}

/** The engine reads a zone only right behind seconds, and no small z. */
function zonedSql(column: string): string {
  const joined = `regexp_replace(upper(${column}), ' ?(Z|[+-][0-9:]+)$', '\\1')`;
  const filled = `regexp_replace(${joined}, '^(.{16})(Z|[+-].*)$', '\\1:00\\2')`;
  return `CASE WHEN ${matching(column, ZONED)} THEN TRY_CAST(${filled} AS TIMESTAMP WITH TIME ZONE) END`;
}

function numberSql(column: string): string {
  return `CASE WHEN ${matching(column, PLAIN_NUMBER)} THEN ${column} END`;
}

/**
 * The date of a value as SQL, or undefined where its type has none.
 * @param sql of type `type`.
 */
export function dateOf(type: DataType, sql: string): string | undefined {
  switch (type.kind) {
    case 'date':
      return sql;
    case 'timestamp':
      return `(${sql})::DATE`;
    default:
      return undefined;
  }
}
