/** Calendar arithmetic on the proleptic Gregorian calendar, exact over every 64-bit timestamp. */

const MICROS_PER_SECOND = 1_000_000n;
const MICROS_PER_DAY = 86_400_000_000n;

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?$/;
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}(?::?\d{2})?)?$/;

/** Days since 1970-01-01. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1,
  };
}

/** `YYYY-MM-DD`, years 0001 to 9999 → days since 1970-01-01; undefined when it is no such day. */
export function parseDate(text: string): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  if (year === 0 || month < 1 || month > 12 || day < 1 || day > 31) return undefined;
  const days = daysFromCivil(year, month, day);
  return day <= 28 || civilFromDays(days).day === day ? days : undefined;
}

/** `HH:MM[:SS[.f]]` → microseconds since midnight; undefined beyond 23:59:59.999999 or below a microsecond. */
export function parseTime(text: string): bigint | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [, hour, minute, second = '0', fraction = ''] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (fraction.length > 6 && /[1-9]/.test(fraction.slice(6))) return undefined;
  const micros = Number(fraction.slice(0, 6).padEnd(6, '0'));
  return BigInt((Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1_000_000 + micros);
}

/**
 * ISO 8601 `YYYY-MM-DD[T ]HH:MM[:SS[.f]]` → microseconds since 1970-01-01T00:00:00.
 * `utc` requires a zone (`Z`, `±HH`, `±HH:MM`, `±HHMM`) and gives the instant; without it a zone is refused.
 */
export function parseTimestamp(text: string, utc: boolean): bigint | undefined {
  const match = TIMESTAMP.exec(text);
  if (match === null) return undefined;
  const [, date = '', time = '', zone] = match;
  if ((zone !== undefined) !== utc) return undefined;
  const days = parseDate(date);
  const micros = parseTime(time);
  const offset = zone === undefined ? 0n : parseOffset(zone);
  if (days === undefined || micros === undefined || offset === undefined) return undefined;
  return BigInt(days) * MICROS_PER_DAY + micros - offset;
}

function parseOffset(zone: string): bigint | undefined {
  if (zone === 'Z') return 0n;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2)) * (zone.length > 3 ? 1 : 0);
  if (hours > 23 || minutes > 59) return undefined;
  const micros = BigInt(hours * 3600 + minutes * 60) * MICROS_PER_SECOND;
  return zone.startsWith('-') ? -micros : micros;
}

/** ISO 8601; years outside 0000 to 9999 get a sign and six digits. */
export function formatDate(days: number): string {
  const { year, month, day } = civilFromDays(days);
  const digits = String(Math.abs(year)).padStart(year < 0 || year > 9999 ? 6 : 4, '0');
  const sign = year < 0 ? '-' : year > 9999 ? '+' : '';
  return `${sign}${digits}-${two(month)}-${two(day)}`;
}

/** `HH:MM:SS.ffffff`, always with six digits. */
export function formatTime(micros: bigint): string {
  const total = Number(micros);
  const seconds = Math.floor(total / 1_000_000);
  const fraction = String(total - seconds * 1_000_000).padStart(6, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`;
}

/** `YYYY-MM-DDTHH:MM:SS.ffffff`, with a `Z` for an instant. */
export function formatTimestamp(micros: bigint, utc: boolean): string {
  const rest = ((micros % MICROS_PER_DAY) + MICROS_PER_DAY) % MICROS_PER_DAY;
  const days = Number((micros - rest) / MICROS_PER_DAY);
  return `${formatDate(days)}T${formatTime(rest)}${utc ? 'Z' : ''}`;
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}
