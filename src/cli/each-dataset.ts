import type { DatasetSpec } from '../config/spec.ts';
import { withinScope } from '../core/run-scope.ts';
import type { DatasetResult } from './outcome.ts';
import type { Session } from './session.ts';

/**
 * Runs the steps of each dataset, at most `session.workers` datasets at a time, and gives the results in the
 * datasets' order. One that fails does not stop the others, unless --fail-fast says so; that and an interruption keep
 * from beginning what has not begun.
 */
export async function forEachDataset<R, S extends { readonly name: string } = DatasetSpec>(
  datasets: readonly S[],
  session: Session,
  steps: (spec: S) => AsyncIterable<R> | Promise<R>,
): Promise<DatasetResult<R>[]> {
  const results: DatasetResult<R>[][] = datasets.map(({ name }) => [{ dataset: name, notRun: true }]);
  const queue = [...datasets.entries()];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const [index, spec] = next;
      results[index] = await withinScope({ dataset: spec.name }, () => runSteps(spec, steps));
      session.clearProgress();
      const failed = results[index]?.some((result) => 'error' in result) === true;
      if (session.signal.aborted || (failed && session.failFast)) queue.length = 0;
    }
  };
  await Promise.all(Array.from({ length: Math.min(session.workers, datasets.length) }, worker));
  return results.flat();
}

/** Keeps the reports of the steps that were committed before one failed. */
async function runSteps<R, S extends { readonly name: string }>(
  spec: S,
  steps: (spec: S) => AsyncIterable<R> | Promise<R>,
): Promise<DatasetResult<R>[]> {
  const results: DatasetResult<R>[] = [];
  const add = (report: R): void => void results.push({ dataset: spec.name, report });
  try {
    const running = steps(spec);
    if (running instanceof Promise) add(await running);
    else for await (const report of running) add(report);
  } catch (error) {
    results.push({ dataset: spec.name, error });
  }
  return results;
}
