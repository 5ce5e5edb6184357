import { unreachable } from '../core/errors.ts';
import type { DataType } from '../core/schema.ts';
import { sqlType } from './sql.ts';

const CLOCK = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6}0*)?)?';
const ZONE = '(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)';
const DOUBLE = '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?';
const UUID = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';

/** When text is exactly a value of a type, and the value then; both are of use only where the text is not NULL. */
export interface TextCastSql {
  readonly valid: string;
  readonly value: string;
}

/**
 * The rules of `table/cast.ts` in SQL: what is valid here is valid there and gives the same value. (A double that is
 * not finite is valid there only; the other lane then decides.) Undefined for `NOT_TYPED_BY_ENGINE`.
 * @param text an SQL expression
 */
export function textCastSql(type: DataType, text: string): TextCastSql | undefined {
  const target = sqlType(type);
  const tried = `TRY_CAST(${text} AS ${target})`;
  switch (type.kind) {
    case 'string':
      return { valid: 'true', value: text };
    case 'uuid':
      return { valid: matches(text, UUID), value: text };
    case 'boolean':
      return {
        valid: matches(text, '[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]'),
        value: `(lower(${text}) = 'true')`,
      };
    case 'int32':
    case 'int64':
      return { valid: `coalesce(${tried}::VARCHAR = ${text}, false)`, value: tried };
    case 'double':
      return {
        valid: `(${matches(text, DOUBLE)} AND coalesce(isfinite(${tried}), false))`,
        value: tried,
      };
    case 'decimal': {
      const unsigned = `TRY_CAST(ltrim(${text}, '+') AS ${target})`;
      return {
        valid: `(${matches(text, decimalPattern(type.precision, type.scale))} AND ${unsigned} IS NOT NULL)`,
        value: unsigned,
      };
    }
    case 'date':
      return { valid: validDate(text), value: tried };
    case 'time':
      return { valid: matches(text, CLOCK), value: clock(text) };
    case 'timestamp': {
      const valid = `(${validDate(`left(${text}, 10)`)} AND ${matches(`substr(${text}, 11)`, `[T ]${CLOCK}${type.utc ? ZONE : ''}`)})`;
      const day = `TRY_CAST(left(${text}, 10) AS DATE)`;
      if (!type.utc) return { valid, value: `(${day} + ${clock(`substr(${text}, 12)`)})` };
      const local = `(${day} + ${clock(`regexp_extract(substr(${text}, 12), '^[0-9:.]+')`)})`;
      return { valid, value: `((${local} - ${offset(text)}) AT TIME ZONE 'UTC')` };
    }
    case 'json':
    case 'binary':
      return undefined;
    default:
      return unreachable(type);
  }
}

export function matches(text: string, pattern: string): string {
  return `regexp_full_match(${text}, '${pattern}')`;
}

/** `YYYY-MM-DD`, years 0001 to 9999: what is written back as it was, in ten characters. */
export function validDate(text: string): string {
  return `coalesce(length(${text}) = 10 AND TRY_CAST(${text} AS DATE)::VARCHAR = ${text}, false)`;
}

/** Sign, digits before the point without leading zeros, digits behind it without zeros beyond the scale. */
function decimalPattern(precision: number, scale: number): string {
  const whole = precision === scale ? '0+' : `(0+|0*[1-9][0-9]{0,${precision - scale - 1}})`;
  const fraction = scale === 0 ? '0+' : `[0-9]{1,${scale}}0*`;
  return `[+-]?${whole}([.]${fraction})?`;
}

/** `HH:MM[:SS[.f]]` as a time; digits beyond the sixth are known to be zeros. */
function clock(text: string): string {
  return `TRY_CAST(CASE WHEN length(${text}) = 5 THEN ${text} || ':00' ELSE left(${text}, 15) END AS TIME)`;
}

/** The zone at the end of a timestamp as an interval, `Z` as none. */
function offset(text: string): string {
  const part = (group: number): string =>
    `regexp_extract(substr(${text}, 17), '([+-])([0-9]{2}):?([0-9]{2})?$', ${group})`;
  const minutes = `(coalesce(TRY_CAST(${part(2)} AS INTEGER), 0) * 60 + coalesce(TRY_CAST(${part(3)} AS INTEGER), 0))`;
  return `to_minutes(CASE WHEN ${part(1)} = '-' THEN -${minutes} ELSE ${minutes} END)`;
}
