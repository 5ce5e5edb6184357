import { type DataType, STRING } from '../core/schema.ts';
import { castInt64 } from './cast.ts';
import { decimalRoom, isExactDouble, takeNumberApart } from './number-text.ts';

/** What the JSON values of one column have in common so far; constant size, updated value by value. */
export interface JsonInference {
  /** A value that is not null. `text` is the number as it was written; other kinds' texts are not looked at. */
  add(kind: 'string' | 'boolean' | 'number' | 'json', text: string): void;
  type(): DataType;
}

const ZERO = 48;
const INTEGER = /^-?\d+$/;
/** A JSON number that a double holds exactly enough to be written back as it is: at most 15 digits. */
const SHORT_FIXED = /^-?\d+\.\d+$/;

/**
 * The type that keeps every value of a column (decision 7).
 * - one kind: string, boolean, json; numbers as below; several kinds, or no value at all: string, which keeps
 *   numbers as they were written and nested values as JSON text
 * - integers: int64 where all fit, else decimal(p,0) up to 38 digits, else string
 * - with a fraction or exponent anywhere: double where every number is what its nearest double is written as,
 *   else decimal(p,s) up to 38 digits, else string
 */
export function inferJson(): JsonInference {
  let strings = false;
  let booleans = false;
  let nested = false;
  let numbers = false;
  let integers = true;
  let int64 = true;
  let double = true;
  let decimal = true;
  let whole = 0;
  let scale = 0;

  const addNumber = (text: string): void => {
    numbers = true;
    const isInteger = INTEGER.test(text) && text !== '-0';
    if (isInteger && text.length <= 15) {
      whole = Math.max(whole, text.length - (text.startsWith('-') ? 1 : 0));
      return;
    }
    if (!isInteger) integers = false;
    if (int64 && (!isInteger || castInt64(text) === undefined)) int64 = false;
    if (text.length <= 15 && addShortFixed(text)) return;
    const number = takeNumberApart(text);
    if (number === undefined) {
      double = false;
      decimal = false;
      return;
    }
    if (double && !isExactDouble(number, text)) double = false;
    const room = decimalRoom(number);
    whole = Math.max(whole, room.whole);
    scale = Math.max(scale, room.scale);
    // A decimal has no negative zero.
    if (whole + scale > 38 || (number.negative && number.digits === '')) decimal = false;
  };

  /** The usual price or measure, without taking it apart. */
  const addShortFixed = (text: string): boolean => {
    if (!SHORT_FIXED.test(text) || Number(text) === 0) return false;
    const point = text.indexOf('.');
    let end = text.length;
    while (text.charCodeAt(end - 1) === ZERO) end -= 1;
    const sign = text.startsWith('-') ? 1 : 0;
    whole = Math.max(whole, text.charCodeAt(sign) === ZERO ? 0 : point - sign);
    scale = Math.max(scale, end - point - 1);
    if (whole + scale > 38) decimal = false;
    return true;
  };

  return {
    add(kind, text) {
      if (kind === 'number') addNumber(text);
      else if (kind === 'string') strings = true;
      else if (kind === 'boolean') booleans = true;
      else nested = true;
    },
    type() {
      if (Number(strings) + Number(booleans) + Number(nested) + Number(numbers) !== 1 || strings)
        return STRING;
      if (booleans) return { kind: 'boolean' };
      if (nested) return { kind: 'json' };
      if (int64) return { kind: 'int64' };
      if (!integers && double) return { kind: 'double' };
      return decimal ? { kind: 'decimal', precision: Math.max(whole + scale, 1), scale } : STRING;
    },
  };
}
