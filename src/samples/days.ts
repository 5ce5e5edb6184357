const DAY_MS = 24 * 60 * 60 * 1000;

/** Midnight UTC of `start` plus `days`, in milliseconds since 1970. */
export function dayStart(start: string, days: number): number {
  return Date.parse(`${start}T00:00:00Z`) + days * DAY_MS;
}

/** `2025-11-14` of `2025-11-13` and 1. */
export function dayAfter(start: string, days: number): string {
  return new Date(dayStart(start, days)).toISOString().slice(0, 10);
}

/** `2025-11-13T08:03:00Z`; with milliseconds where there are some. */
export function instantText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z');
}

/** The original's hour per row, but within the day: hour by hour, then the same hours a second later. */
export function hourly(row: number): number {
  const hour = row % 24;
  const second = Math.floor(row / 24) % 3600;
  return (hour * 3600 + second) * 1000;
}

/** An order changes every so many days; each on a day of its own, so that every day changes a tenth of them. */
const CHANGE_DAYS = 10;

/** The last day up to `day` on which a row changed; `born` is the first one on which it was there. */
export function changeDay(row: number, day: number, born: number, updates: boolean): number {
  if (!updates) return born;
  const last = previousChange(row, day);
  return Math.max(last, born);
}

/** The last change of a row up to `day`, whether or not the row was there by then. */
export function previousChange(row: number, day: number): number {
  return day - ((((row + day) % CHANGE_DAYS) + CHANGE_DAYS) % CHANGE_DAYS);
}

/** How long each version of a row lives, in days. */
export const VERSION_DAYS = CHANGE_DAYS;
