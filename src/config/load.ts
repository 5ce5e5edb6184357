import { readFile, stat } from 'node:fs/promises';
import { FoundryError, messageOf } from '../core/errors.ts';
import { parseYaml } from './document.ts';
import { type Environment, substitute } from './environment.ts';
import { ConfigError, type ConfigProblem, type ConfigWarning, formatPath } from './problems.ts';
import { readDatasets } from './read-datasets.ts';
import type { DatasetSpec } from './spec.ts';

export type { ConfigProblem, ConfigWarning } from './problems.ts';
export { formatProblem, mergeConfigErrors, problemsOf } from './problems.ts';

export interface LoadedConfig {
  readonly datasets: readonly DatasetSpec[];
  readonly warnings: readonly ConfigWarning[];
}

const MAX_BYTES = 1024 * 1024;

/**
 * Reads a config file of either dialect. Nothing outside the file is looked at.
 *
 * @throws ConfigError (CFG001, or CFG010 when everything wrong is only not built yet) with all problems at once.
 */
export async function loadConfig(path: string, env: Environment): Promise<LoadedConfig> {
  const text = await readText(path);
  return parseConfig(path, text, env);
}

/** As `loadConfig`, for a text at hand. */
export function parseConfig(path: string, text: string, env: Environment): LoadedConfig {
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
  if (all.length > 0) throw new ConfigError(all);
  return { datasets: read.datasets, warnings: [...read.warnings].sort(byPosition) };
}

function byPosition(a: ConfigWarning, b: ConfigWarning): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

/** The text of a config file. @throws ConfigError when it is missing, too large or no text. */
export async function readText(path: string): Promise<string> {
  const refuse = (message: string, cause?: unknown): FoundryError =>
    new ConfigError([{ code: 'CFG001', file: path, path: '', message }], { cause });
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw refuse('this is a folder, not a config file');
    if (found.size > MAX_BYTES) throw refuse('this file is too large to be a config (1 MiB at most)');
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof FoundryError) throw error;
    if (error instanceof TypeError) throw refuse('this file is not UTF-8 text', error);
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw refuse('there is no such file', error);
    if (code === 'EACCES' || code === 'EPERM') throw refuse('this file may not be read by this user', error);
    throw refuse(`this file cannot be read: ${messageOf(error)}`, error);
  }
}
