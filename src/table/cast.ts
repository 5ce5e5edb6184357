import { unreachable } from '../core/errors.ts';
import type { DataType } from '../core/schema.ts';
import { parseDate, parseTime, parseTimestamp } from './temporal.ts';

/** Gives the value, or undefined when the text is not exactly a value of the type. */
export type TextCast = (text: string) => unknown;

const INTEGER = /^-?(?:0|[1-9]\d*)$/;
const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?$/;
const DOUBLE = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const SPECIAL_DOUBLE = /^([+-]?)(nan|inf|infinity)$/i;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/**
 * How text becomes a value of a type. Nothing is trimmed, rounded or guessed:
 * - int32, int64: canonical decimal digits in range (`007`, `+1`, `1e3`, ` 1`, `-0` are refused)
 * - decimal(p,s): digits with an optional sign; trailing zeros beyond the scale are welcome, other digits are
 *   refused, as are more than p-s digits before the point
 * - double: a decimal number, rounded to the nearest double but refused where it overflows; `NaN`, `inf`,
 *   `Infinity` in any case
 * - boolean: `true`, `false` in any case
 * - date: `YYYY-MM-DD`, years 0001 to 9999
 * - time: `HH:MM[:SS[.f]]`; timestamp: `YYYY-MM-DD[T ]HH:MM[:SS[.f]]` without a zone, timestamptz with one
 *   (`Z`, `±HH:MM`, `±HHMM`, `±HH`); non-zero digits below a microsecond are refused
 * - uuid: 8-4-4-4-12 hexadecimal digits, kept as they are; json: any JSON text, kept as it is
 * - binary: padded base64
 */
export function textCast(type: DataType): TextCast {
  switch (type.kind) {
    case 'string':
      return (text) => text;
    case 'boolean':
      return castBoolean;
    case 'int32':
      return castInt32;
    case 'int64':
      return castInt64;
    case 'double':
      return castDouble;
    case 'decimal':
      return (text) => castDecimal(text, type.precision, type.scale);
    case 'date':
      return parseDate;
    case 'time':
      return parseTime;
    case 'timestamp':
      return (text) => parseTimestamp(text, type.utc);
    case 'uuid':
      return (text) => (UUID.test(text) ? text : undefined);
    case 'json':
      return (text) => (isJson(text) ? text : undefined);
    case 'binary':
      return (text) => (BASE64.test(text) ? new Uint8Array(Buffer.from(text, 'base64')) : undefined);
    default:
      return unreachable(type);
  }
}

function castBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : undefined;
}

function castInt32(text: string): number | undefined {
  if (text.length > 11 || !INTEGER.test(text) || text === '-0') return undefined;
  const value = Number(text);
  return value >= -2_147_483_648 && value <= 2_147_483_647 ? value : undefined;
}

const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

export function castInt64(text: string): bigint | undefined {
  if (text.length > 20 || !INTEGER.test(text) || text === '-0') return undefined;
  // Of so few digits a number is exact, and made sooner than a bigint of a text.
  if (text.length <= 15) return BigInt(Number(text));
  const value = BigInt(text);
  return value >= MIN_INT64 && value <= MAX_INT64 ? value : undefined;
}

function castDouble(text: string): number | undefined {
  if (DOUBLE.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  const special = SPECIAL_DOUBLE.exec(text);
  if (special === null) return undefined;
  if (special[2]?.toLowerCase() === 'nan') return Number.NaN;
  return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** The unscaled value; undefined when digits would be lost. */
function castDecimal(text: string, precision: number, scale: number): bigint | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  if (fraction.length > scale && /[1-9]/.test(fraction.slice(scale))) return undefined;
  const digits = (whole + fraction.slice(0, scale).padEnd(scale, '0')).replace(/^0+(?=\d)/, '');
  if (digits.length > precision) return undefined;
  const value = BigInt(digits);
  return sign === '-' ? -value : value;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
