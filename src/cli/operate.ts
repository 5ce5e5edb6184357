import type { DatasetSpec } from '../config/spec.ts';
import { exitCodeOf, failureDocument } from '../core/failure.ts';
import type { Guard, GuardedPlace } from '../observe/guard.ts';
import type { RunEnd } from '../observe/hooks/payload.ts';
import {
  failedStep,
  type Layer,
  type RunFacts,
  rowsOf,
  type StepOutcome,
  type StepReport,
} from '../observe/outcome.ts';
import { forEachDataset } from './datasets.ts';
import { combineExitCodes, type DatasetResult } from './outcome.ts';
import type { Session } from './session.ts';

/**
 * Runs the steps of each dataset as `forEachDataset`, and tells of each step and of the end whoever wants to know: the
 * log, the record of runs, the hooks. None of them changes the outcome.
 *
 * @param layers the steps of a dataset in their order: the one that gave no report is the one that failed
 */
export async function operate<R extends StepReport>(
  datasets: readonly DatasetSpec[],
  session: Session,
  layers: readonly Layer[],
  steps: (spec: DatasetSpec) => AsyncIterable<R> | Promise<R>,
): Promise<DatasetResult<R>[]> {
  const facts = factsOf(session, datasets);
  const outcomes: StepOutcome[] = [];
  const add = async (outcome: StepOutcome): Promise<void> => {
    outcomes.push(outcome);
    tellStep(session, outcome);
    await observer.ended(outcome);
  };
  const guard = await guarded(datasets, session, layers);
  const { openObserver } = await import('../observe/observer.ts');
  const observer = await openObserver(facts, process.env, session);
  const results = await forEachDataset(datasets, session, (spec) =>
    observed(spec, session, layers, steps, { started: observer.started, add }),
  );
  guard.stop();
  await observer.finish();
  const failures = results.flatMap((result) =>
    'error' in result ? [failureDocument(result.error, result.dataset)] : [],
  );
  await fire(session, facts, {
    exitCode: combineExitCodes(results.map((result) => ('error' in result ? exitCodeOf(result.error) : 0))),
    steps: outcomes,
    notRun: results.flatMap((result) => ('notRun' in result ? [result.dataset] : [])),
    failures,
  });
  return results;
}

/** @throws STG001, ENG002 where there is too little disk or memory to begin, after telling the hooks. */
async function guarded(
  datasets: readonly DatasetSpec[],
  session: Session,
  layers: readonly Layer[],
): Promise<Guard> {
  const { openGuard } = await import('../observe/guard.ts');
  const { openStorage } = await import('../storage/open.ts');
  const bases = datasets.flatMap(({ bronze, silver }) => [
    ...(layers.includes('bronze') ? [bronze.base] : []),
    ...(layers.includes('silver') && silver !== undefined ? [silver.base] : []),
  ]);
  const folders = [...new Set(bases)].flatMap((base) => openStorage(base).local?.path('') ?? []);
  const places = folders.map((folder): GuardedPlace => ({ folder, what: 'the lake' }));
  const spilling = { folder: session.limits.spillFolder, what: 'spilling' } as const;
  try {
    return await openGuard(layers.includes('silver') ? [...places, spilling] : places, process.env, {
      log: session.log,
      onShort: session.stop,
    });
  } catch (error) {
    await tellFailure(session, factsOf(session, datasets).configPaths, error);
    throw error;
  }
}

/** Tells the hooks of a failure before any dataset was reached: configs that cannot be read. Not of a plan. */
export async function tellFailure(
  session: Session,
  configPaths: readonly string[],
  error: unknown,
): Promise<void> {
  if (session.isPlan) return;
  const facts = { ...factsOf(session, []), configPaths };
  const failures = [failureDocument(error)];
  await fire(session, facts, { exitCode: exitCodeOf(error), steps: [], notRun: [], failures });
}

async function fire(session: Session, facts: RunFacts, end: RunEnd): Promise<void> {
  const { onSuccess, onFailure } = session.hooks;
  const { webhooks, commands } = end.exitCode === 0 ? onSuccess : onFailure;
  if (webhooks.length + commands.length === 0) return;
  session.clearProgress();
  const { fireHooks } = await import('../observe/hooks/hooks.ts');
  await fireHooks(session.hooks, facts, end, session);
}

interface Follower {
  started(step: Pick<StepOutcome, 'spec' | 'layer' | 'startedAt'>): void;
  add(outcome: StepOutcome): Promise<void>;
}

async function* observed<R extends StepReport>(
  spec: DatasetSpec,
  session: Session,
  layers: readonly Layer[],
  steps: (spec: DatasetSpec) => AsyncIterable<R> | Promise<R>,
  { started, add }: Follower,
): AsyncGenerator<R> {
  const planned = layers.filter((layer) => layer !== 'silver' || spec.silver !== undefined);
  let step = { spec, layer: planned[0] ?? layers[0] ?? 'bronze', startedAt: session.clock.now() };
  const ended = () => ({ ...step, endedAt: session.clock.now() });
  started(step);
  try {
    const running = steps(spec);
    for await (const report of running instanceof Promise ? [running] : running) {
      await add({ ...ended(), report });
      yield report;
      const next = planned[planned.indexOf(report.layer) + 1];
      if (next === undefined) continue;
      step = { spec, layer: next, startedAt: session.clock.now() };
      started(step);
    }
  } catch (error) {
    await add(failedStep(ended(), error));
    throw error;
  }
}

/** Failures are told with the report, each with what to do. */
function tellStep({ log }: Session, { layer, startedAt, endedAt, report }: StepOutcome): void {
  if (report === undefined) return;
  const seconds = (endedAt.getTime() - startedAt.getTime()) / 1000;
  const rows = rowsOf(report);
  const facts = { layer, status: report.status, rows, location: report.location, seconds };
  log.event(`${layer} ${report.status}: ${rows} rows in ${seconds.toFixed(2)} s`, facts);
}

function factsOf(session: Session, datasets: readonly DatasetSpec[]): RunFacts {
  return {
    runId: session.runId,
    command: session.command,
    runDate: session.runDate.date,
    configPaths: [...new Set(datasets.map((spec) => spec.configPath))],
  };
}
