import { findEnvironment, type ReadEnvironment, readEnvironment } from './environment-file.ts';
import { joinInEnvironment } from './join/environment.ts';
import type { JoinSpec } from './join/spec.ts';
import { type ReadConfig, readConfig } from './read-config.ts';
import type { DatasetSpec } from './spec.ts';
import { inEnvironment } from './storage/environment.ts';
import type { Environment } from './yaml/environment.ts';
import { type ConfigWarning, formatPath } from './yaml/problems.ts';
import { readText } from './yaml/read-text.ts';

export type { ConfigProblem, ConfigWarning } from './yaml/problems.ts';
export { formatProblem, mergeConfigErrors, problemsOf, warningsOf } from './yaml/problems.ts';
export { readText } from './yaml/read-text.ts';

export interface LoadedConfig {
  readonly datasets: readonly DatasetSpec[];
  /** Of a file with a `silver_join` section; such a file may have no dataset. */
  readonly join?: JoinSpec;
  readonly warnings: readonly ConfigWarning[];
}

export interface OpenedConfig extends LoadedConfig {
  readonly read: ReadConfig;
  /** The environment files of the datasets, by name of the environment. */
  readonly environments: ReadonlyMap<string, ReadEnvironment>;
}

/**
 * Reads a config file of either dialect, and the files of the environments that it names. Nothing else is looked
 * at.
 *
 * @throws ConfigError (CFG001) with all problems at once.
 */
export async function loadConfig(path: string, env: Environment): Promise<LoadedConfig> {
  const { datasets, join, warnings } = await openConfig(path, env);
  return { datasets, ...(join !== undefined && { join }), warnings };
}

/** As `loadConfig`, for a text at hand and without environment files. */
export function parseConfig(path: string, text: string, env: Environment): LoadedConfig {
  const { datasets, join, warnings } = readConfig(path, text, env);
  return { datasets, ...(join !== undefined && { join }), warnings };
}

/** As `loadConfig`, with what `resolveConfig` needs to tell where each value came from. */
export async function openConfig(path: string, env: Environment): Promise<OpenedConfig> {
  const read = readConfig(path, await readText(path), env);
  const environments = new Map<string, ReadEnvironment>();
  const warnings = [...read.warnings];
  const looked = new Set<string>();
  for (const [index, { environment }] of read.datasets.entries()) {
    if (environment === undefined || looked.has(environment)) continue;
    looked.add(environment);
    const found = await findEnvironment(environment, path);
    if (found.exists) {
      const file = await readEnvironment(found.path, environment, env);
      environments.set(environment, file);
      warnings.push(...file.warnings);
    } else if (found.hasFolder) {
      // Where there is no such folder, the name is only part of paths, and of what the storages ask for themselves.
      const at = read.drafts[index]?.view.rebase(['environment']) ?? ['environment'];
      warnings.push({
        file: path,
        ...read.document.locate(at, 'value'),
        path: formatPath(at),
        message: `there is no ${found.path} that says how to reach the environment ${environment}`,
      });
    }
  }
  const datasets = read.datasets.map((spec): DatasetSpec => {
    const file = spec.environment === undefined ? undefined : environments.get(spec.environment);
    return file === undefined ? spec : inEnvironment(spec, file.spec);
  });
  const join = read.join && (await joinWithEnvironment(read.join, path, env, environments));
  return { datasets, ...(join !== undefined && { join }), warnings, read, environments };
}

/** A join alone names an environment that no dataset has had read. */
async function joinWithEnvironment(
  join: JoinSpec,
  path: string,
  env: Environment,
  known: ReadonlyMap<string, ReadEnvironment>,
): Promise<JoinSpec> {
  const { environment } = join;
  if (environment === undefined) return join;
  const file = known.get(environment)?.spec;
  if (file !== undefined) return joinInEnvironment(join, file);
  const found = await findEnvironment(environment, path);
  return found.exists
    ? joinInEnvironment(join, (await readEnvironment(found.path, environment, env)).spec)
    : join;
}
