import { unreachable } from '../core/errors.ts';
import type { DataType } from '../core/schema.ts';
import { formatDate, formatTime, formatTimestamp } from './temporal.ts';

/** Gives the canonical text of a value that is not null. */
export type TextFormat = (value: unknown) => string;

/**
 * The text that `textCast` of the same type reads back as the same value: decimals with their whole scale,
 * doubles by their shortest form (`NaN`, `Infinity`), times and timestamps with six digits of a second,
 * instants with `Z`, binary in base64.
 * @throws TypeError when a value is not held as `DataType` says.
 */
export function textFormat(type: DataType): TextFormat {
  switch (type.kind) {
    case 'string':
    case 'uuid':
    case 'json':
      return (value) => (typeof value === 'string' ? value : wrong(type, value));
    case 'boolean':
      return (value) => (typeof value === 'boolean' ? String(value) : wrong(type, value));
    case 'int32':
      return (value) => (typeof value === 'number' ? String(value) : wrong(type, value));
    case 'double':
      return (value) => (typeof value === 'number' ? formatDouble(value) : wrong(type, value));
    case 'int64':
      return (value) => (typeof value === 'bigint' ? String(value) : wrong(type, value));
    case 'decimal':
      return (value) => (typeof value === 'bigint' ? formatDecimal(value, type.scale) : wrong(type, value));
    case 'date':
      return (value) => (typeof value === 'number' ? formatDate(value) : wrong(type, value));
    case 'time':
      return (value) => (typeof value === 'bigint' ? formatTime(value) : wrong(type, value));
    case 'timestamp':
      return (value) => (typeof value === 'bigint' ? formatTimestamp(value, type.utc) : wrong(type, value));
    case 'binary':
      return (value) =>
        value instanceof Uint8Array ? Buffer.from(value).toString('base64') : wrong(type, value);
    default:
      return unreachable(type);
  }
}

function formatDouble(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** `1250n` at scale 2 → `12.50`. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n;
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = scale === 0 ? '' : `.${digits.slice(-scale)}`;
  return `${negative ? '-' : ''}${whole}${fraction}`;
}

function wrong(type: DataType, value: unknown): never {
  throw new TypeError(
    `a ${type.kind} column holds ${typeof value === 'object' ? 'an object' : typeof value}`,
  );
}
