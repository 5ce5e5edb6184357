import { formatDate } from '../../table/temporal.ts';

/** Gives the text of a value that is not NULL. */
export type CellText = (value: unknown) => string;

const MS_PER_DAY = 86_400_000;
const TICKS_PER_MS = 10_000;

/**
 * How the driver's values of a column become text again: numbers by their shortest form, decimals with their scale,
 * dates and times with the 100 ns that the driver keeps beside its Date, instants with `Z`, binary in hexadecimal.
 */
export function cellText(declaration: string, scale: number | undefined): CellText {
  switch (declaration) {
    case 'bit':
      return (value) => (value === true ? 'true' : 'false');
    case 'decimal':
    case 'numeric':
    case 'smallmoney': {
      const digits = declaration === 'smallmoney' ? 4 : (scale ?? 0);
      return (value) => (typeof value === 'number' ? fixed(value, digits) : String(value));
    }
    case 'real':
    case 'float':
      return number;
    case 'date':
      return onDate((date) => formatDate(Math.floor(date.getTime() / MS_PER_DAY)));
    case 'time':
      return onDate((date) => timeText(ticksOf(date, 0)));
    case 'datetime':
    case 'smalldatetime':
    case 'datetime2':
      return onDate(timestampText);
    case 'datetimeoffset':
      return onDate((date) => `${timestampText(date)}Z`);
    case 'uniqueidentifier':
      return (value) => String(value).toLowerCase();
    default:
      return (value) => (Buffer.isBuffer(value) ? value.toString('hex') : String(value));
  }
}

function number(value: unknown): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Exact up to 15 digits, which is as far as the driver's numbers are used. */
function fixed(value: number, scale: number): string {
  const unscaled = BigInt(Math.round(value * 10 ** scale));
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  return `${unscaled < 0n ? '-' : ''}${whole}${scale === 0 ? '' : `.${digits.slice(-scale)}`}`;
}

function onDate(text: (date: Date) => string): CellText {
  return (value) => (value instanceof Date ? text(value) : String(value));
}

function timestampText(date: Date): string {
  const days = Math.floor(date.getTime() / MS_PER_DAY);
  return `${formatDate(days)}T${timeText(ticksOf(date, days))}`;
}

/** 100 ns since midnight. The driver keeps what is below its milliseconds in seconds, as `nanosecondsDelta`. */
function ticksOf(date: Date, days: number): number {
  const below: unknown = Reflect.get(date, 'nanosecondsDelta');
  const rest = typeof below === 'number' ? Math.round(below * 1e7) : 0;
  return (date.getTime() - days * MS_PER_DAY) * TICKS_PER_MS + rest;
}

function timeText(ticks: number): string {
  const seconds = Math.floor(ticks / 10_000_000);
  const two = (value: number) => (value < 10 ? `0${value}` : String(value));
  const fraction = String(ticks % 10_000_000)
    .padStart(7, '0')
    .replace(/0$/, '');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`;
}
