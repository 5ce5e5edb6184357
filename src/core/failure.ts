import { FoundryError, messageOf } from './errors.ts';

/** How a failure is told to machines: in reports, records, events and hooks. */
export interface FailureDocument {
  readonly dataset?: string;
  readonly code: string;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly hint: string;
  readonly retryable: boolean;
  readonly exit_code: number;
  readonly problems?: readonly unknown[];
}

/**
 * Anything thrown that foundry did not foresee is ERR000. An interruption is what it was made for, where that has a
 * code of its own: a timeout, a disk that is nearly full.
 */
export function asFoundryError(error: unknown): FoundryError {
  if (error instanceof FoundryError && error.code === 'INT001' && error.cause instanceof FoundryError) {
    return error.cause;
  }
  return error instanceof FoundryError
    ? error
    : new FoundryError('ERR000', messageOf(error), { cause: error });
}

/** Interrupted by SIGTERM is 143, by SIGINT 130; both are INT001. */
export function exitCodeOf(error: unknown): number {
  const known = asFoundryError(error);
  return known.code === 'INT001' && known.cause === 'SIGTERM' ? 143 : known.exitCode;
}

export function failureDocument(error: unknown, dataset?: string): FailureDocument {
  const known = asFoundryError(error);
  const problems = 'problems' in known && Array.isArray(known.problems) ? known.problems : undefined;
  return {
    ...(dataset === undefined ? {} : { dataset }),
    code: known.code,
    message: known.message,
    details: known.details,
    hint: known.hint,
    retryable: known.retryable,
    exit_code: exitCodeOf(known),
    ...(problems === undefined ? {} : { problems }),
  };
}
