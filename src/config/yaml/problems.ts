import { FoundryError } from '../../core/errors.ts';

/** Keys and indexes from the root of the file down to a value. */
export type ConfigPath = readonly (string | number)[];

/** 1-based, as editors count. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Something worth knowing that does not stop a run. Without a position it concerns the file as a whole. */
export interface ConfigWarning {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** Dotted: `source.file.columns.0`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** Of deprecations: the original's code, which also begins the message. */
  readonly code?: string;
}

export interface ConfigProblem extends ConfigWarning {
  readonly code: 'CFG001';
}

/** A config that was refused, with every problem that was found in it. */
export class ConfigError extends FoundryError {
  readonly problems: readonly ConfigProblem[];
  /** What else there is to know of the refused configs. */
  readonly warnings: readonly ConfigWarning[];

  constructor(
    problems: readonly ConfigProblem[],
    options: { readonly cause?: unknown; readonly warnings?: readonly ConfigWarning[] } = {},
  ) {
    super('CFG001', problems.map(formatProblem).join('\n'), options);
    this.problems = problems;
    this.warnings = options.warnings ?? [];
  }
}

/** The problems behind an error of `loadConfig`, for output as JSON; empty for any other error. */
export function problemsOf(error: unknown): readonly ConfigProblem[] {
  return error instanceof ConfigError ? error.problems : [];
}

/** The warnings of configs that were refused; empty for any other error. */
export function warningsOf(error: unknown): readonly ConfigWarning[] {
  return error instanceof ConfigError ? error.warnings : [];
}

/** One error for several refused files, so that all of their problems are told at once. */
export function mergeConfigErrors(errors: readonly FoundryError[]): FoundryError {
  const foreign = errors.find((error) => !(error instanceof ConfigError));
  return (
    foreign ??
    new ConfigError(errors.flatMap(problemsOf), {
      cause: errors[0],
      warnings: errors.flatMap(warningsOf),
    })
  );
}

/** `orders.yaml:3:8 source.file.format: what is wrong`. */
export function formatProblem(problem: ConfigWarning): string {
  const position = problem.line === undefined ? '' : `:${problem.line}:${problem.column ?? 1}`;
  const path = problem.path === '' ? '' : ` ${problem.path}`;
  return `${problem.file}${position}${path}: ${problem.message}`;
}

/** `source.file.columns.0`; keys that hold dots or spaces are quoted. */
export function formatPath(path: ConfigPath): string {
  return path.map((part) => (/^[\w-]+$/.test(String(part)) ? part : JSON.stringify(part))).join('.');
}

/** A map key for a path. */
export function pathKey(path: ConfigPath): string {
  return JSON.stringify(path.map(String));
}

/** `"text"`, `12`, `a list`: a value as messages show it, shortened. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
  }
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value);
  return value instanceof Date ? 'a date' : 'a mapping';
}
