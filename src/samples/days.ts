const DAY_MS = 24 * 60 * 60 * 1000;

/** The days of one set of samples, by their number from 0; negative ones are before the first. */
export interface Calendar {
  /** `2025-11-14` */
  date(day: number): string;
  /** `2025-11-14T08:03:00Z`; with milliseconds where there are some. `time`: milliseconds into the day. */
  instant(day: number, time: number): string;
}

/** Remembers its days: a date is asked for once a row. */
export function calendarFrom(start: string): Calendar {
  const first = Date.parse(`${start}T00:00:00Z`);
  const known = new Map<number, string>();
  const date = (day: number): string => {
    const found = known.get(day) ?? new Date(first + day * DAY_MS).toISOString().slice(0, 10);
    known.set(day, found);
    return found;
  };
  return {
    date,
    instant(day, time) {
      const seconds = Math.floor(time / 1000);
      const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
      const rest = time % 1000;
      return `${date(day)}T${clock}${rest === 0 ? '' : `.${String(rest).padStart(3, '0')}`}Z`;
    },
  };
}

function two(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

/** Milliseconds into the day. The original's hour per row, then the same hours a second later. */
export function hourly(row: number): number {
  const hour = row % 24;
  const second = Math.floor(row / 24) % 3600;
  return (hour * 3600 + second) * 1000;
}

/** An order changes every so many days; each on a day of its own, so that every day changes a tenth of them. */
const CHANGE_DAYS = 10;

/** The last day up to `day` on which a row changed; `born` is the first one on which it was there. */
export function changeDay(row: number, day: number, born: number, updates: boolean): number {
  return updates ? Math.max(previousChange(row, day), born) : born;
}

/** The last change of a row up to `day`, whether or not the row was there by then. */
export function previousChange(row: number, day: number): number {
  return day - ((row + day) % CHANGE_DAYS);
}

/** How long each version of a row lives, in days. */
export const VERSION_DAYS = CHANGE_DAYS;
