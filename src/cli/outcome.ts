import { asFoundryError } from '../core/failure.ts';

/** How one dataset ended: its report, or why there is none. */
export type DatasetResult<R> =
  | { readonly dataset: string; readonly report: R }
  /** The run ended before it began. */
  | { readonly dataset: string; readonly notRun: true }
  | { readonly dataset: string; readonly error: unknown };

/**
 * One code for several datasets: an interruption wins, then 1, then the lowest of 2–5, and 75 only if every
 * failure was temporary (decision 17).
 */
export function combineExitCodes(codes: readonly number[]): number {
  const failures = codes.filter((code) => code !== 0);
  if (failures.length === 0) return 0;
  const stopped = failures.find((code) => code === 130 || code === 143);
  if (stopped !== undefined) return stopped;
  return Math.min(...failures);
}

/** The lines of a failure for a person: no stack for a user's mistake, always one for our bug. */
export function errorText(error: unknown): string {
  const known = asFoundryError(error);
  const lines = [known.toString(), `  what to do: ${known.hint}`];
  if (known.code === 'ERR000' && error instanceof Error && error.stack !== undefined) lines.push(error.stack);
  return lines.join('\n');
}
