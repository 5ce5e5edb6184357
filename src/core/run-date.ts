/** The logical date of a run, with the hour where one hour of it is addressed (`2025-01-05T09`). */
export interface RunDate {
  /** `YYYY-MM-DD` */
  readonly date: string;
  /** `HH`, only when `--date` named one. */
  readonly hour?: string;
}

/** Undefined when the text is not a real calendar date (`2025-13-01`, `2025-02-30`) or hour. */
export function parseRunDate(text: string): RunDate | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}))?$/.exec(text.trim());
  if (match === null) return undefined;
  const [, year, month, day, hour] = match;
  const instant = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const date = `${year}-${month}-${day}`;
  if (Number.isNaN(instant.getTime()) || instant.toISOString().slice(0, 10) !== date) return undefined;
  if (hour === undefined) return { date };
  return Number(hour) < 24 ? { date, hour } : undefined;
}
