import { type DataType, STRING } from '../core/schema.ts';
import { castInt64 } from './cast.ts';
import { parseDate, parseTimestamp } from './temporal.ts';

/**
 * What the texts of one column have in common so far. Constant size, updated value by value, so that a file of
 * any length can be looked at.
 */
export interface TextInference {
  /** A value that is not null. */
  add(text: string): void;
  type(): DataType;
}

const FIXED = /^-?(?:0|[1-9]\d*)\.(\d+)$/;
const STAMP_SHAPE = /^.{10}([T ]).{5}(:\d{2}(?:\.\d+)?)?(Z?)$/;

/**
 * Lossless typing (decision 6): a column gets a type only if every value, written back in one way for the whole
 * column, gives the text it came from. Tried in this order:
 * boolean (`true`, `false`), int64 (canonical digits), double (the shortest text of the double), decimal(p,s)
 * (canonical, the same number of digits behind the point in every value), date, timestamp and timestamptz (valid,
 * of one shape: separator, seconds, digits of the fraction; zones only as `Z`). Anything else, and a column
 * without a value, stays string. `007`, `+1`, `1e5`, ` 1`, `-0`, `NaN` are text.
 */
export function inferText(): TextInference {
  let any = false;
  let boolean = true;
  let int64 = true;
  let double = true;
  let date = true;
  let decimal = true;
  let wholeDigits = 0;
  let scale: number | undefined;
  let stamp = true;
  let stampShape: string | undefined;

  const addDecimal = (text: string): void => {
    const fraction = FIXED.exec(text)?.[1];
    if (
      fraction === undefined ||
      (scale !== undefined && fraction.length !== scale) ||
      isNegativeZero(text)
    ) {
      decimal = false;
      return;
    }
    scale = fraction.length;
    const whole = text.length - 1 - scale - (text.startsWith('-') ? 1 : 0);
    // A leading zero is written back whatever the precision, and needs no digit of it.
    const needed = /^-?0\./.test(text) ? 0 : whole;
    if (needed > wholeDigits) wholeDigits = needed;
    if (wholeDigits + scale > 38) decimal = false;
  };

  const addStamp = (text: string): void => {
    const shape = STAMP_SHAPE.exec(text);
    const utc = shape?.[3] === 'Z';
    if (shape === null || parseTimestamp(text, utc) === undefined) {
      stamp = false;
      return;
    }
    const found = `${shape[1]}${shape[2]?.length ?? 0}${shape[3]}`;
    stampShape ??= found;
    if (stampShape !== found || (shape[2]?.length ?? 0) > 10) stamp = false;
  };

  return {
    add(text) {
      any = true;
      if (boolean && text !== 'true' && text !== 'false') boolean = false;
      if (int64 && castInt64(text) === undefined) int64 = false;
      if (double && !isShortestDouble(text)) double = false;
      if (decimal) addDecimal(text);
      if (date && parseDate(text) === undefined) date = false;
      if (stamp) addStamp(text);
    },
    type() {
      if (!any) return STRING;
      if (boolean) return { kind: 'boolean' };
      if (int64) return { kind: 'int64' };
      if (double) return { kind: 'double' };
      if (decimal && scale !== undefined) return { kind: 'decimal', precision: wholeDigits + scale, scale };
      if (date) return { kind: 'date' };
      if (stamp) return { kind: 'timestamp', unit: 'micros', utc: stampShape?.endsWith('Z') === true };
      return STRING;
    },
  };
}

function isShortestDouble(text: string): boolean {
  const value = Number(text);
  return Number.isFinite(value) && String(value) === text;
}

function isNegativeZero(text: string): boolean {
  return text.startsWith('-') && !/[1-9]/.test(text);
}
