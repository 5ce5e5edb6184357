import { Glob } from 'bun';
import type { JoinSpec } from '../config/join/spec.ts';
import type { DatasetSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { commaList } from './flag-values.ts';
import type { Session } from './session.ts';

export interface DatasetChoice {
  /** Config files: a comma list of paths and globs. */
  readonly config?: string | undefined;
  /** Names, or globs of names, of the datasets to take; absent: all. */
  readonly sourceName?: string | undefined;
}

export interface LoadedConfigs {
  readonly datasets: readonly DatasetSpec[];
  readonly joins: readonly JoinSpec[];
}

/**
 * The chosen datasets of every config file, or all problems at once: a second file is checked even when the
 * first one is wrong.
 *
 * @throws USE001 without --config, for a name that no dataset has, or where there is no dataset at all; CFG001
 * listing each problem of each file
 */
export async function loadDatasets(choice: DatasetChoice, session: Session): Promise<DatasetSpec[]> {
  const { datasets, joins } = await loadConfigs(choice, session);
  const [join] = joins;
  if (datasets.length > 0 || join === undefined) return [...datasets];
  throw new FoundryError('USE001', `${join.configPath} holds a join and no dataset`, {
    hint: `Run it with \`foundry join --config ${join.configPath}\`.`,
  });
}

/** As `loadDatasets`, with the joins of the files; there may be no dataset. */
export async function loadConfigs(choice: DatasetChoice, session: Session): Promise<LoadedConfigs> {
  const paths = await configPaths(choice.config, session.command);
  const { formatProblem, loadConfig, mergeConfigErrors, warningsOf } = await import('../config/load.ts');
  const datasets: DatasetSpec[] = [];
  const joins: JoinSpec[] = [];
  const failures: FoundryError[] = [];
  for (const path of paths) {
    try {
      const loaded = await loadConfig(path, process.env);
      for (const warning of loaded.warnings) session.log.warn(formatProblem(warning));
      datasets.push(...loaded.datasets);
      if (loaded.join !== undefined) joins.push(loaded.join);
    } catch (error) {
      if (!(error instanceof FoundryError)) throw error;
      for (const warning of warningsOf(error)) session.log.warn(formatProblem(warning));
      failures.push(error);
    }
  }
  if (failures.length > 0) {
    const failure = mergeConfigErrors(failures);
    await (await import('./operate.ts')).tellFailure(session, paths, failure);
    throw failure;
  }
  const wanted = chosen(datasets, commaList(choice.sourceName));
  session.shareAmong(wanted.length);
  return { datasets: wanted, joins };
}

async function configPaths(config: string | undefined, command: string): Promise<string[]> {
  const given = commaList(config);
  if (given.length === 0) {
    throw new FoundryError('USE001', '--config is missing: name the config file to run', {
      hint: `For example: foundry ${command} --config my-dataset.yaml`,
    });
  }
  const paths: string[] = [];
  for (const path of given) {
    if (!/[*?[{]/.test(path)) {
      paths.push(path);
      continue;
    }
    const found = await Array.fromAsync(new Glob(path).scan({ onlyFiles: true, absolute: false }));
    if (found.length === 0) throw new FoundryError('USE001', `--config: no file matches ${path}`);
    paths.push(...found.sort());
  }
  return [...new Set(paths)];
}

function chosen(datasets: DatasetSpec[], wanted: readonly string[]): DatasetSpec[] {
  if (wanted.length === 0) return datasets;
  const names = datasets.map((spec) => spec.name);
  for (const name of wanted) {
    if (names.some((candidate) => matches(name, candidate))) continue;
    throw new FoundryError(
      'USE001',
      `--source-name: there is no dataset "${name}"${didYouMean(name, names)}; the configs have ${names.join(', ')}`,
    );
  }
  return datasets.filter((spec) => wanted.some((name) => matches(name, spec.name)));
}

function matches(pattern: string, name: string): boolean {
  return pattern === name || new Glob(pattern).match(name);
}
