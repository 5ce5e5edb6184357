import type { JoinSpec } from '../config/join/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { JoinPlan } from '../join/plan.ts';
import type { JoinReport } from '../join/report.ts';
import { forEachDataset } from './each-dataset.ts';
import type { Perform } from './operate.ts';
import type { DatasetResult } from './outcome.ts';
import type { Session } from './session.ts';

/** A join whose inputs have not been built yet. */
export interface UnplannedJoin {
  readonly dataset: string;
  readonly layer: 'join';
  readonly problem: string;
}

/**
 * The joins of a run's configs, once everything that they may read has been built: after a failure, or where only
 * some of the datasets ran, none is begun.
 */
export async function joinsAfter(
  results: readonly DatasetResult<unknown>[],
  joins: readonly JoinSpec[],
  isPart: boolean,
  session: Session,
  perform: Perform,
): Promise<DatasetResult<JoinReport>[]> {
  if (joins.length === 0) return [];
  const names = joins.map(({ name }) => name).join(', ');
  if (results.some((result) => 'error' in result || 'notRun' in result)) {
    session.log.warn(`not joined, since a dataset failed: ${names}`);
    return joins.map(({ name }) => ({ dataset: name, notRun: true }));
  }
  if (isPart) {
    session.log.warn(
      `not joined, since --source-name chose some datasets only: ${names}; use \`foundry join\``,
    );
    return [];
  }
  const { runJoin } = await import('../join/run.ts');
  return perform(joins, ['join'], (spec) =>
    runJoin(spec, { ...session, progress: session.progress(spec.name) }),
  );
}

/** The plans of the same joins; of one whose inputs are still to be built, what is missing. */
export async function planJoins(
  joins: readonly JoinSpec[],
  session: Session,
): Promise<DatasetResult<JoinPlan | UnplannedJoin>[]> {
  if (joins.length === 0) return [];
  const { planJoin } = await import('../join/plan.ts');
  return forEachDataset<JoinPlan | UnplannedJoin, JoinSpec>(joins, session, async (spec) => {
    try {
      return await planJoin(spec, { ...session, progress: session.progress(spec.name) });
    } catch (error) {
      if (!(error instanceof FoundryError) || error.code !== 'EXT001') throw error;
      return { dataset: spec.name, layer: 'join', problem: error.message };
    }
  });
}
