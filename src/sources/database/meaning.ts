import type { ErrorCode } from '../../core/errors.ts';

/** What an error of a server or its driver is to whoever runs foundry. */
export interface Meaning {
  readonly code: ErrorCode;
  /** What to do. */
  readonly hint: string;
}

/** One meaning of several errors: their numbers, states or names. */
export function alike(
  errors: readonly (string | number)[],
  meaning: Meaning,
): Readonly<Record<string, Meaning>> {
  return Object.fromEntries(errors.map((error) => [error, meaning]));
}

const LONGEST_QUERY = 500;

/** A query as messages show it. */
export function oneLine(sql: string): string {
  const text = sql.replaceAll(/\s+/g, ' ').trim();
  return text.length <= LONGEST_QUERY ? text : `${text.slice(0, LONGEST_QUERY)}…`;
}
