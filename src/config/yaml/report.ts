import type { ConfigDocument } from './document.ts';
import type { SubstitutedText } from './environment.ts';
import {
  type ConfigPath,
  type ConfigProblem,
  type ConfigWarning,
  formatPath,
  pathKey,
  showValue,
} from './problems.ts';

/** Collects what is found in one file, with positions. */
export interface Report {
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigWarning[];
  /**
   * The config is wrong at `path`. Dropped when a problem was already reported at, above or below that path:
   * one mistake is told once.
   */
  invalid(path: ConfigPath, message: string, part?: 'key' | 'value'): void;
  /** @param code of a deprecation */
  warn(path: ConfigPath, message: string, code?: string): void;
  /** Keeps later problems at `path` from being reported. */
  mute(path: ConfigPath): void;
  isMuted(path: ConfigPath): boolean;
  /** Whether no more problems are taken. */
  isFull(): boolean;
  /** The value as messages may show it: what came from the environment is shown as it was written. */
  show(path: ConfigPath, value: unknown): string;
  /** The written and the substituted text, where the value came from the environment. */
  originOf(path: ConfigPath): SubstitutedText | undefined;
}

/** Who has more problems than this corrects these first; a file can hold any number. */
const MAX_PROBLEMS = 200;

export interface ReportOptions {
  /** From paths of the values that are checked to paths of the file. */
  readonly rebase?: (path: ConfigPath) => ConfigPath;
  /** Paths of the file at which something was reported already. */
  readonly muted?: readonly ConfigPath[];
}

export function createReport(
  file: string,
  document: Pick<ConfigDocument, 'locate'>,
  origins: ReadonlyMap<string, SubstitutedText>,
  options: ReportOptions = {},
): Report {
  const problems: ConfigProblem[] = [];
  const warnings: ConfigWarning[] = [];
  const muted: ConfigPath[] = [...(options.muted ?? [])];
  const rebase = options.rebase ?? ((path: ConfigPath) => path);

  const place = (path: ConfigPath, part: 'key' | 'value') => {
    const real = rebase(path);
    return { file, ...document.locate(real, part), path: formatPath(real) };
  };
  const isMuted = (path: ConfigPath): boolean => muted.some((other) => related(other, rebase(path)));
  const originOf = (path: ConfigPath): SubstitutedText | undefined => origins.get(pathKey(rebase(path)));
  const add = (
    code: ConfigProblem['code'],
    path: ConfigPath,
    message: string,
    part: 'key' | 'value',
  ): void => {
    if (problems.length > MAX_PROBLEMS || isMuted(path)) return;
    const told = problems.length < MAX_PROBLEMS ? message : 'more problems follow; correct these first';
    problems.push({ code, ...place(path, part), message: told });
    muted.push(rebase(path));
  };

  return {
    problems,
    warnings,
    invalid: (path, message, part = 'value') => add('CFG001', path, message, part),
    warn: (path, message, code) => {
      warnings.push({ ...(code !== undefined && { code }), ...place(path, 'key'), message });
    },
    mute: (path) => {
      muted.push(rebase(path));
    },
    isMuted,
    isFull: () => problems.length > MAX_PROBLEMS,
    show: (path, value) => {
      const origin = originOf(path);
      return origin === undefined ? showValue(value) : `${showValue(origin.written)} (from the environment)`;
    },
    originOf,
  };
}

/** Whether one path is the other or lies below it. */
function related(a: ConfigPath, b: ConfigPath): boolean {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    if (String(a[index]) !== String(b[index])) return false;
  }
  return true;
}
