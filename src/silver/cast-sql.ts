import { unreachable } from '../core/errors.ts';
import { type DataType, sameType } from '../core/schema.ts';
import { literal, sqlType } from '../engine/sql.ts';
import { exactText } from './text-sql.ts';

const DATE = '(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-[0-9]{2}-[0-9]{2}';
/** Digits below a microsecond would be lost; zeros there are not. */
const TIME = '(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\\.[0-9]{1,6}0*)?)?';
const ZONE = '(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)';
const DOUBLE = '[+-]?(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?';
const UUID = '(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
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
  return when(`TRY_CAST(${there} AS ${sqlType(from)}) = ${column}`, there);
}

function textSql(x: string, to: DataType): string {
  const cast = `TRY_CAST(${x} AS ${sqlType(to)})`;
  switch (to.kind) {
    case 'string':
      return x;
    case 'boolean':
      return `CASE lower(${x}) WHEN 'true' THEN true WHEN 'false' THEN false END`;
    case 'int32':
    case 'int64':
      return when(`${matches(x, '-?(?:0|[1-9][0-9]*)')} AND ${x} <> '-0'`, cast);
    case 'decimal': {
      const fraction = to.scale === 0 ? '\\.0+' : `\\.[0-9]{1,${to.scale}}0*`;
      return when(matches(x, `[+-]?[0-9]+(?:${fraction})?`), cast);
    }
    case 'double':
      return (
        `CASE WHEN ${matches(x, DOUBLE)} THEN CASE WHEN NOT isinf(${cast}) THEN ${cast} END ` +
        `WHEN ${matches(x, '(?i)[+-]?nan')} THEN 'nan'::DOUBLE ` +
        `WHEN ${matches(x, '(?i)-inf(?:inity)?')} THEN '-inf'::DOUBLE ` +
        `WHEN ${matches(x, '(?i)\\+?inf(?:inity)?')} THEN 'inf'::DOUBLE END`
      );
    case 'date':
      return when(matches(x, DATE), cast);
    case 'time':
      return when(matches(x, TIME), cast);
    case 'timestamp':
      return to.utc
        ? when(matches(x, `${DATE}[T ]${TIME}${ZONE}`), `TRY_CAST(${withSeconds(x)} AS ${sqlType(to)})`)
        : when(matches(x, `${DATE}[T ]${TIME}`), cast);
    case 'uuid':
      return when(matches(x, UUID), x);
    case 'json':
      return when(isJson(x), x);
    case 'binary':
      return when(matches(x, BASE64), `from_base64(${x})`);
    default:
      return unreachable(to);
  }
}

/** The engine reads a zone only behind seconds: they are filled in where they are absent. */
function withSeconds(x: string): string {
  return `regexp_replace(${x}, '^(.{16})(Z|[+-].*)$', '\\1:00\\2')`;
}

/** The engine also takes NaN, Infinity and a comma behind the last element, outside of texts. */
function isJson(x: string): string {
  const outside = `regexp_replace(${x}, ${literal('"(?:[^"\\\\]|\\\\.)*"')}, '""', 'g')`;
  return `json_valid(${x}) AND NOT regexp_matches(${outside}, ${literal('(?i)n(?:an|f)|,\\s*[\\]}]')})`;
}

function when(condition: string, value: string): string {
  return `CASE WHEN ${condition} THEN ${value} END`;
}

function matches(x: string, pattern: string): string {
  return `regexp_full_match(${x}, ${literal(pattern)})`;
}
