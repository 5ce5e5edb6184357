import { FoundryError, unreachable } from '../core/errors.ts';
import type { DataType } from '../core/schema.ts';
import { formatDecimal } from './format.ts';
import { type DecimalText, takeNumberApart } from './number-text.ts';
import { formatDate, formatTimestamp, parseDate, parseTime, parseTimestamp } from './temporal.ts';

const NANOS_PER_MICRO = 1000n;

/** How the values of a cursor column are ordered. All numbers are of one kind, so that a column may widen. */
export const CURSOR_KINDS = ['number', 'date', 'time', 'timestamp', 'timestamptz', 'text'] as const;
export type CursorKind = (typeof CURSOR_KINDS)[number];

/** Undefined for types without an order that a cursor could use. */
export function cursorKindOf(type: DataType): CursorKind | undefined {
  switch (type.kind) {
    case 'int32':
    case 'int64':
    case 'decimal':
    case 'double':
      return 'number';
    case 'date':
    case 'time':
      return type.kind;
    case 'timestamp':
      return type.utc ? 'timestamptz' : 'timestamp';
    case 'string':
    case 'uuid':
      return 'text';
    case 'boolean':
    case 'binary':
    case 'json':
      return undefined;
    default:
      return unreachable(type);
  }
}

/** What a text evidently is, where nothing declares it: a number, ISO 8601, else just text. */
export function guessCursorKind(text: string): CursorKind {
  const kinds: readonly CursorKind[] = ['number', 'date', 'timestamptz', 'timestamp'];
  return kinds.find((kind) => parseCursor(kind, text) !== undefined) ?? 'text';
}

/** A value in a form that `compareCursors` compares: texts by code unit, times in nanoseconds, numbers by their digits. */
export type CursorValue = string | bigint | DecimalText;

/** Undefined when the text is no value of the kind; `NaN` and infinities are none. */
export function parseCursor(kind: CursorKind, text: string): CursorValue | undefined {
  switch (kind) {
    case 'number':
      return takeNumberApart(text);
    case 'date': {
      const days = parseDate(text);
      return days === undefined ? undefined : BigInt(days);
    }
    case 'time':
      return toNanos(text, parseTime);
    case 'timestamp':
      return toNanos(text, (micros) => parseTimestamp(micros, false));
    case 'timestamptz':
      return toNanos(text, (micros) => parseTimestamp(micros, true));
    case 'text':
      return text;
    default:
      return unreachable(kind);
  }
}

const BELOW_MICROS = /(:\d\d\.\d{6})(\d{1,3})0*(?!\d)/;

/**
 * Columns hold microseconds, but the texts of a cursor may be finer, and as texts they would be in another order:
 * `10:00:00.5Z` before `10:00:00Z`.
 */
function toNanos(text: string, parse: (micros: string) => bigint | undefined): bigint | undefined {
  const finer = BELOW_MICROS.exec(text);
  const micros = parse(finer === null ? text : text.replace(BELOW_MICROS, '$1'));
  if (micros === undefined) return undefined;
  return micros * NANOS_PER_MICRO + BigInt((finer?.[2] ?? '').padEnd(3, '0'));
}

/** Of a time, rounded down; undefined when the text is no value of the kind. */
export function cursorMicros(kind: 'time' | 'timestamp' | 'timestamptz', text: string): bigint | undefined {
  const nanos = parseCursor(kind, text);
  if (typeof nanos !== 'bigint') return undefined;
  const rest = ((nanos % NANOS_PER_MICRO) + NANOS_PER_MICRO) % NANOS_PER_MICRO;
  return (nanos - rest) / NANOS_PER_MICRO;
}

/** Below 0 when `a` comes first, 0 when they are equal (`1.5` and `1.50`). Both must be of one kind. */
export function compareCursors(a: CursorValue, b: CursorValue): number {
  if (typeof a === 'object' && typeof b === 'object') return compareNumbers(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether two texts are one value of a kind that a manifest names; texts that are no such values must be alike. */
export function sameCursor(kind: string | undefined, a: string, b: string): boolean {
  const known = CURSOR_KINDS.find((name) => name === kind);
  const [left, right] = known === undefined ? [] : [parseCursor(known, a), parseCursor(known, b)];
  return left === undefined || right === undefined ? a === b : compareCursors(left, right) === 0;
}

function compareNumbers(a: DecimalText, b: DecimalText): number {
  const sign = (it: DecimalText): number => (it.digits === '' ? 0 : it.negative ? -1 : 1);
  if (sign(a) !== sign(b)) return sign(a) - sign(b);
  return sign(a) * compareMagnitudes(a, b);
}

/** Digits have no zeros at either end, so the place of the first digit decides, then digit by digit. */
function compareMagnitudes(a: DecimalText, b: DecimalText): number {
  const place = a.digits.length + a.exponent - (b.digits.length + b.exponent);
  if (place !== 0) return place;
  return a.digits < b.digits ? -1 : a.digits > b.digits ? 1 : 0;
}

const DURATION = /^(\d+(?:\.\d+)?)\s*(s|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?)$/;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Microseconds of `90s`, `15m`, `2h`, `3d`, `1 week`; undefined for anything else. */
export function parseDuration(text: string): bigint | undefined {
  const match = DURATION.exec(text.trim());
  const unit = SECONDS[match?.[2]?.[0] ?? ''];
  return match === null || unit === undefined
    ? undefined
    : BigInt(Math.round(Number(match[1]) * unit * 1_000_000));
}

const MICROS_PER_DAY = 86_400_000_000n;

/**
 * The cursor value that lies `lookback` before another: a number before a number, a duration (`parseDuration`; whole
 * days for dates) before a time.
 * @throws CFG001 where the lookback does not fit the kind
 */
export function lookBack(kind: CursorKind, value: string, lookback: string): string {
  const at = parseCursor(kind, value);
  const duration = parseDuration(lookback);
  if (kind === 'number' && typeof at === 'object') {
    const distance = takeNumberApart(lookback);
    if (distance !== undefined && !distance.negative) return subtract(at, distance);
  } else if (typeof at === 'bigint' && duration !== undefined) {
    if (kind === 'date') return formatDate(Number(at - (duration + MICROS_PER_DAY - 1n) / MICROS_PER_DAY));
    const micros = kind === 'timestamp' || kind === 'timestamptz' ? cursorMicros(kind, value) : undefined;
    if (micros !== undefined) return formatTimestamp(micros - duration, kind === 'timestamptz');
  }
  throw new FoundryError('CFG001', `the lookback ${JSON.stringify(lookback)} does not fit a ${kind} cursor`, {
    hint: 'Write a number for a number column, and a duration such as 2h or 3d for dates and timestamps. Text and times of day have no lookback.',
  });
}

function subtract(a: DecimalText, b: DecimalText): string {
  const scale = Math.max(0, -a.exponent, -b.exponent);
  const unscaled = (it: DecimalText): bigint =>
    (it.negative ? -1n : 1n) *
    BigInt(it.digits === '' ? '0' : it.digits) *
    10n ** BigInt(it.exponent + scale);
  return formatDecimal(unscaled(a) - unscaled(b), scale);
}
