import type { JoinSpec } from './join/spec.ts';
import { type Draft, readDatasets } from './read-datasets.ts';
import type { DatasetSpec } from './spec.ts';
import { type ConfigDocument, parseYaml } from './yaml/document.ts';
import { type Environment, type SubstitutedText, substitute } from './yaml/environment.ts';
import { ConfigError, type ConfigProblem, type ConfigWarning, formatPath } from './yaml/problems.ts';

/** A config file that was found right. */
export interface ReadConfig {
  readonly datasets: readonly DatasetSpec[];
  /** Of a file with a `silver_join` section. */
  readonly join?: JoinSpec;
  readonly warnings: readonly ConfigWarning[];
  /** Of each dataset, what it was read from. */
  readonly drafts: readonly Draft[];
  readonly document: ConfigDocument;
  readonly origins: ReadonlyMap<string, SubstitutedText>;
}

/**
 * Reads the text of a config of either dialect.
 *
 * @throws ConfigError (CFG001) with all problems at once.
 */
export function readConfig(path: string, text: string, env: Environment): ReadConfig {
  const parsed = parseYaml(text);
  if ('problems' in parsed) {
    throw new ConfigError(
      parsed.problems.map((problem) => ({ ...problem, code: 'CFG001' as const, file: path, path: '' })),
    );
  }
  const { document } = parsed;
  const { value, origins, problems } = substitute(document.value, env);
  const read = readDatasets({
    file: path,
    document,
    value,
    origins,
    unresolved: problems.map(({ path: at }) => at),
  });
  const warnings = [...read.warnings].sort(byPosition);
  const all = [
    ...problems.map(
      (problem): ConfigProblem => ({
        code: 'CFG001',
        file: path,
        ...document.locate(problem.path, 'value'),
        path: formatPath(problem.path),
        message: problem.message,
      }),
    ),
    ...read.problems,
  ].sort(byPosition);
  if (all.length > 0) throw new ConfigError(all, { warnings });
  const { datasets, drafts, join } = read;
  return { datasets, ...(join !== undefined && { join }), warnings, drafts, document, origins };
}

function byPosition(a: ConfigWarning, b: ConfigWarning): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
