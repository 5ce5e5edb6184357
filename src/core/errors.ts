/**
 * Every failure that foundry can name, once: what it means, how the process ends, whether running again can
 * help, and what to do next. `docs/errors.md` is generated from this table.
 */
export const ERRORS = {
  ERR000: {
    exit: 1,
    retryable: false,
    meaning: 'A bug in foundry, or an error it did not expect.',
    hint: 'Please report it with the stack trace shown.',
  },
  USE001: {
    exit: 2,
    retryable: false,
    meaning: 'The command line is wrong.',
    hint: 'See `foundry <command> --help`.',
  },
  CFG001: {
    exit: 2,
    retryable: false,
    meaning: 'A config file is missing, unreadable or invalid.',
    hint: 'Correct the places listed, then check with --validate-only.',
  },
  POL001: {
    exit: 2,
    retryable: false,
    meaning: 'A policy of this run forbids a place that its configs or flags name. Nothing was contacted.',
    hint: 'Run it without the policy, correct the places named, or name hosts of your own in FOUNDRY_ONPREM_HOSTS.',
  },
  DATA001: {
    exit: 3,
    retryable: false,
    meaning: 'The source holds something that cannot be read as its format, or cannot be kept exactly.',
    hint: 'Correct the source at the place named, or describe its format differently in the config.',
  },
  QUAL001: {
    exit: 3,
    retryable: false,
    meaning: 'The data was refused by a quality rule.',
    hint: 'Nothing was replaced. Look at the rows named, correct them at the source, and run again.',
  },
  SCHEMA001: {
    exit: 3,
    retryable: false,
    meaning: 'The columns of the data do not match what the config declares.',
    hint: 'Declare the columns, or set schema_mode: allow_new_columns.',
  },
  SUM001: {
    exit: 3,
    retryable: false,
    meaning: 'A file of the lake is not the file that its manifest describes.',
    hint: 'Land the partition again from its source.',
  },
  EXT001: {
    exit: 4,
    retryable: false,
    meaning: 'The source could not be read.',
    hint: 'Check that the source exists and that this user may read it.',
  },
  AUTH001: {
    exit: 4,
    retryable: false,
    meaning: 'The source refused the credentials, or they are missing.',
    hint: 'Check the environment variables that the config names.',
  },
  PAGE001: {
    exit: 4,
    retryable: false,
    meaning: 'The pages of an API do not lead from the first to the last record once.',
    hint: 'Look at the answers of the pages named, and describe the pagination as the API does it.',
  },
  STG001: {
    exit: 5,
    retryable: false,
    meaning: 'The storage failed: no space, no permission, or an I/O error.',
    hint: 'What was committed before is untouched. Mend the storage and run again.',
  },
  STATE001: {
    exit: 5,
    retryable: false,
    meaning: 'A manifest of the lake cannot be read or contradicts itself.',
    hint: 'Land the partition again, or restore its _metadata.json.',
  },
  ENG001: {
    exit: 5,
    retryable: false,
    meaning: 'The embedded engine could not be started.',
    hint: 'Set FOUNDRY_CACHE_DIR to a folder that is writable and not mounted noexec.',
  },
  ENG002: {
    exit: 5,
    retryable: false,
    meaning: 'The embedded engine ran out of memory or of room to spill.',
    hint: 'Raise --memory-limit, or point FOUNDRY_SPILL_DIR at a larger disk.',
  },
  RETRY001: {
    exit: 75,
    retryable: true,
    meaning: 'A temporary failure outlasted all retries.',
    hint: 'Run again later.',
  },
  LOCK001: {
    exit: 75,
    retryable: true,
    meaning: 'Another run holds this dataset, or replaced the partition first.',
    hint: 'Run again when the other run has ended.',
  },
  TIME001: {
    exit: 75,
    retryable: true,
    meaning:
      'The run took longer than --timeout allows. Nothing was committed by the step that was under way.',
    hint: 'Run again, or raise --timeout.',
  },
  INT001: {
    exit: 130,
    retryable: true,
    meaning: 'The run was interrupted. Nothing was committed by the step that was under way.',
    hint: 'Run again.',
  },
} as const satisfies Record<
  string,
  { readonly exit: number; readonly retryable: boolean; readonly meaning: string; readonly hint: string }
>;

export type ErrorCode = keyof typeof ERRORS;

export type Details = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ErrorOptions {
  readonly details?: Details;
  /** Replaces the table's hint with a more precise one. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** A failure that is not a bug: it is shown without a stack, with its code, details and hint. */
export class FoundryError extends Error {
  override readonly name = 'FoundryError' as const;
  readonly code: ErrorCode;
  readonly details: Details;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.hint = options.hint ?? ERRORS[code].hint;
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  /** `[CODE] message (k=v, k=v)`, the form that the original's users search their logs for. */
  override toString(): string {
    const details = Object.entries(this.details)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key}=${value}`);
    return `[${this.code}] ${this.message}${details.length > 0 ? ` (${details.join(', ')})` : ''}`;
  }
}

/** The message of anything thrown, without its stack. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Ends an exhaustive switch: the compiler reports the member that was forgotten. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}

/** Throws INT001 once the run was told to stop; call it between steps that can take long. */
export function throwIfStopped(signal: AbortSignal): void {
  if (signal.aborted) throw new FoundryError('INT001', 'interrupted', { cause: signal.reason });
}
