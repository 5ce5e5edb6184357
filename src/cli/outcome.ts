import { FoundryError, messageOf } from '../core/errors.ts';

/** How one dataset ended: its report, or why there is none. */
export type DatasetResult<R> =
  | { readonly dataset: string; readonly report: R }
  | { readonly dataset: string; readonly error: unknown };

/** A plan or report has no code of its own: anything thrown that foundry did not foresee is ERR000. */
export function exitCodeOf(error: unknown): number {
  return error instanceof FoundryError ? stopCode(error) : 1;
}

/** Interrupted by SIGTERM is 143, by SIGINT 130; both are INT001. */
function stopCode(error: FoundryError): number {
  return error.code === 'INT001' && error.cause === 'SIGTERM' ? 143 : error.exitCode;
}

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

/** What `--output json` says of a failure. */
export interface ErrorDocument {
  readonly dataset?: string;
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint: string;
  readonly retryable: boolean;
  readonly exit_code: number;
  readonly problems?: readonly unknown[];
}

export function errorDocument(error: unknown, dataset?: string): ErrorDocument {
  const known = asFoundryError(error);
  const problems = 'problems' in known && Array.isArray(known.problems) ? known.problems : undefined;
  return {
    ...(dataset === undefined ? {} : { dataset }),
    code: known.code,
    message: known.message,
    details: known.details,
    hint: known.hint,
    retryable: known.retryable,
    exit_code: stopCode(known),
    ...(problems === undefined ? {} : { problems }),
  };
}

/** The lines of a failure for a person: no stack for a user's mistake, always one for our bug. */
export function errorText(error: unknown): string {
  const known = asFoundryError(error);
  const lines = [known.toString(), `  what to do: ${known.hint}`];
  if (known.code === 'ERR000' && error instanceof Error && error.stack !== undefined) lines.push(error.stack);
  return lines.join('\n');
}

function asFoundryError(error: unknown): FoundryError {
  return error instanceof FoundryError
    ? error
    : new FoundryError('ERR000', messageOf(error), { cause: error });
}
