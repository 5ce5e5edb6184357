import { type DataType, sameType } from '../core/schema.ts';
import { literal, sqlType } from '../engine/sql.ts';
import { matches, textCastSql } from '../engine/text-cast.ts';
import { exactText } from './text-sql.ts';

const BASE64 = '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?';

const NUMBERS: ReadonlySet<DataType['kind']> = new Set(['int32', 'int64', 'decimal', 'double']);
const TEXTS: ReadonlySet<DataType['kind']> = new Set(['string', 'uuid', 'json']);

/**
 * SQL for a value in another type: NULL for NULL, and where the value has no exact counterpart there. Text becomes a
 * value by the rules of `table/cast.ts`; anything becomes text; numbers, and dates and naive timestamps, become one
 * another where nothing is lost. Undefined where types have no such way.
 */
export function castSql(column: string, from: DataType, to: DataType): string | undefined {
  if (sameType(from, to)) return column;
  if (TEXTS.has(from.kind)) return textSql(column, to);
  if (to.kind === 'string') return exactText(column, from);
  const bothNumbers = NUMBERS.has(from.kind) && NUMBERS.has(to.kind);
  const isNaive = (type: DataType): boolean =>
    type.kind === 'date' || (type.kind === 'timestamp' && !type.utc);
  return bothNumbers || (isNaive(from) && isNaive(to)) ? thereAndBack(column, from, to) : undefined;
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
