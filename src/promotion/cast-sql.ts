import { type DataType, sameType } from '../core/schema.ts';
import { literal, sqlType } from '../engine/sql.ts';
import { matches, textCastSql } from '../engine/text-cast.ts';
import { instantSql, localSql } from './local-time.ts';
import { exactText } from './text-sql.ts';

const BASE64 = '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?';

const NUMBERS: ReadonlySet<DataType['kind']> = new Set(['int32', 'int64', 'decimal', 'double']);
const TEXTS: ReadonlySet<DataType['kind']> = new Set(['string', 'uuid', 'json']);

/**
 * SQL for a value in another type: NULL for NULL, and where the value has no exact counterpart there. Text becomes a
 * value by the rules of `table/cast.ts`; anything becomes text; numbers, and dates and naive timestamps, become one
 * another where nothing is lost. Undefined where types have no such way.
 * @param timezone in which times without a zone are: with it, they and times with one become one another.
 */
export function castSql(column: string, from: DataType, to: DataType, timezone?: string): string | undefined {
  if (sameType(from, to)) return column;
  if (TEXTS.has(from.kind)) {
    return to.kind === 'timestamp' && timezone !== undefined
      ? timeSql(column, to.utc, timezone)
      : textSql(column, to);
  }
  if (to.kind === 'string') return exactText(column, from);
  const bothNumbers = NUMBERS.has(from.kind) && NUMBERS.has(to.kind);
  if (bothNumbers || (isNaive(from) && isNaive(to))) return thereAndBack(column, from, to);
  if (timezone === undefined) return undefined;
  if (isNaive(from) && isZoned(to)) return instantSql(`${column}::TIMESTAMP`, timezone);
  return isZoned(from) && to.kind === 'timestamp' ? localSql(column, timezone) : undefined;
}

export function isZoned(type: DataType): boolean {
  return type.kind === 'timestamp' && type.utc;
}

export function isNaive(type: DataType): boolean {
  return type.kind === 'date' || (type.kind === 'timestamp' && !type.utc);
}

/** Text of either kind: the one is the target's, the other goes through the zone. */
function timeSql(x: string, utc: boolean, timezone: string): string {
  const [naive, zoned] = [false, true].map((each) =>
    textCastSql({ kind: 'timestamp', unit: 'micros', utc: each }, x),
  );
  if (naive === undefined || zoned === undefined) throw new Error('text has no way to a timestamp');
  const [as, by] = utc ? [zoned, naive] : [naive, zoned];
  const other = utc ? instantSql(by.value, timezone) : localSql(by.value, timezone);
  return `CASE WHEN ${as.valid} THEN ${as.value} WHEN ${by.valid} THEN ${other} END`;
}

function thereAndBack(column: string, from: DataType, to: DataType): string {
  const there = `TRY_CAST(${column} AS ${sqlType(to)})`;
  return `CASE WHEN TRY_CAST(${there} AS ${sqlType(from)}) = ${column} THEN ${there} END`;
}

function textSql(x: string, to: DataType): string {
  if (to.kind === 'json') return `CASE WHEN ${isJson(x)} THEN ${x} END`;
  if (to.kind === 'binary') return `CASE WHEN ${matches(x, BASE64)} THEN from_base64(${x}) END`;
  const cast = textCastSql(to, x);
  if (cast === undefined) throw new Error(`text has no way to ${to.kind}`);
  const special = to.kind === 'double' ? ` ${specialDoubles(x)}` : '';
  return `CASE WHEN ${cast.valid} THEN ${cast.value}${special} END`;
}

function specialDoubles(x: string): string {
  return (
    `WHEN ${matches(x, '(?i)[+-]?nan')} THEN 'nan'::DOUBLE ` +
    `WHEN ${matches(x, '(?i)-inf(?:inity)?')} THEN '-inf'::DOUBLE ` +
    `WHEN ${matches(x, '(?i)[+]?inf(?:inity)?')} THEN 'inf'::DOUBLE`
  );
}

/** The engine also takes NaN, Infinity and a comma behind the last element, outside of texts. */
function isJson(x: string): string {
  const outside = `regexp_replace(${x}, ${literal('"(?:[^"\\\\]|\\\\.)*"')}, '""', 'g')`;
  return `json_valid(${x}) AND NOT regexp_matches(${outside}, ${literal('(?i)n(?:an|f)|,\\s*[\\]}]')})`;
}
