import { literal } from '../engine/sql.ts';

/** Beyond these a zone's clocks would leave the years that text can tell. */
const FIRST = '0001-01-02';
const LAST = '9999-12-30';
const DAY = 86_400_000_000;

/**
 * SQL for the instant at which a zone's clocks show a time; NULL where they show it twice or never, as in the hour
 * that is repeated or skipped when the clocks change.
 * @param local of type TIMESTAMP.
 */
export function instantSql(local: string, timezone: string): string {
  return withValue(
    within(local, 'TIMESTAMP'),
    't',
    withValue(`t AT TIME ZONE ${literal(timezone)}`, 'u', `CASE WHEN ${isCertain(timezone)} THEN u END`),
  );
}

/**
 * SQL for what a zone's clocks show at an instant; NULL where they show the same at another one too.
 * @param instant of type TIMESTAMP WITH TIME ZONE.
 */
export function localSql(instant: string, timezone: string): string {
  return withValue(
    within(instant, 'TIMESTAMPTZ'),
    'u',
    withValue(`u AT TIME ZONE ${literal(timezone)}`, 't', `CASE WHEN ${isCertain(timezone)} THEN t END`),
  );
}

/**
 * Whether `u` is the only instant at which the zone's clocks show `t`. Another one would be as far off as the zone
 * changed its offset, and that it has the day before and the day after.
 */
function isCertain(timezone: string): string {
  const clock = (micros: string): string =>
    `epoch_us(make_timestamptz(${micros}) AT TIME ZONE ${literal(timezone)})`;
  const shows = (micros: string): string => `${clock(micros)} = epoch_us(t)`;
  const isOnly = (shift: string): string => {
    const other = `epoch_us(t) - (${clock(`epoch_us(u) ${shift}`)} - (epoch_us(u) ${shift}))`;
    return withValue(other, 'v', `v = epoch_us(u) OR NOT ${shows('v')}`);
  };
  return [shows('epoch_us(u)'), isOnly(`- ${DAY}`), isOnly(`+ ${DAY}`)].join(' AND ');
}

function within(value: string, type: string): string {
  return withValue(value, 'v', `CASE WHEN v BETWEEN ${type} '${FIRST}' AND ${type} '${LAST}' THEN v END`);
}

/** An expression over a value that is computed once. */
function withValue(value: string, name: string, expression: string): string {
  return `list_transform([${value}], lambda ${name}: ${expression})[1]`;
}
