import type { DatasetSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { commaList } from './args.ts';
import type { DatasetResult } from './outcome.ts';
import type { Session } from './session.ts';

/**
 * Every dataset of every config file, or all their problems at once: a second file is checked even when the
 * first one is wrong.
 *
 * @throws USE001 without --config; CFG001 listing each problem of each file
 */
export async function loadDatasets(config: string | undefined, session: Session): Promise<DatasetSpec[]> {
  const paths = commaList(config);
  if (paths.length === 0) {
    throw new FoundryError('USE001', '--config is missing: name the config file to run', {
      hint: `For example: foundry ${session.command} --config my-dataset.yaml`,
    });
  }
  const { loadConfig, mergeConfigErrors } = await import('../config/load.ts');
  const datasets: DatasetSpec[] = [];
  const failures: FoundryError[] = [];
  for (const path of paths) {
    try {
      const loaded = await loadConfig(path, process.env);
      for (const warning of loaded.warnings) session.log.warn(warning.message);
      datasets.push(...loaded.datasets);
    } catch (error) {
      if (!(error instanceof FoundryError)) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 0) throw mergeConfigErrors(failures);
  return datasets;
}

/** Runs `work` for each dataset in turn; one that fails does not stop the others, an interruption does. */
export async function forEachDataset<R>(
  datasets: readonly DatasetSpec[],
  session: Session,
  work: (spec: DatasetSpec) => Promise<R>,
): Promise<DatasetResult<R>[]> {
  const results: DatasetResult<R>[] = [];
  for (const spec of datasets) {
    try {
      results.push({ dataset: spec.name, report: await work(spec) });
    } catch (error) {
      results.push({ dataset: spec.name, error });
      if (session.signal.aborted) break;
    } finally {
      session.clearProgress();
    }
  }
  return results;
}
