import { exitCodeOf, failureDocument } from '../core/failure.ts';
import type { Attributes } from '../core/span.ts';
import { traced } from '../core/trace.ts';
import type { RunEnd } from '../observe/hooks/payload.ts';
import type { Observer } from '../observe/observer.ts';
import {
  failedStep,
  isJoin,
  type Layer,
  type RunFacts,
  rowsOf,
  type Step,
  type StepOutcome,
  type StepReport,
  type StepSpec,
} from '../observe/outcome.ts';
import { forEachDataset } from './each-dataset.ts';
import { combineExitCodes, type DatasetResult } from './outcome.ts';
import { openRunGuard } from './run-guard.ts';
import type { Session } from './session.ts';

/**
 * Runs the steps of each dataset as `forEachDataset`.
 * @param layers the steps of a dataset in their order: the one that gave no report is the one that failed
 */
export type Perform = <R extends StepReport, S extends StepSpec>(
  specs: readonly S[],
  layers: readonly Layer[],
  steps: (spec: S) => AsyncIterable<R> | Promise<R>,
) => Promise<DatasetResult<R>[]>;

/**
 * A run that does something, unlike a plan: disks and memory are looked at before and meanwhile, and of each step and
 * of the end whoever wants to know is told: the log, the record of runs, lineage, the hooks. None of them changes the
 * outcome.
 *
 * @param specs all that may be run, for what is said about the whole
 * @throws STG001, ENG002 where there is too little disk or memory to begin, after telling the hooks
 */
export async function operate<R extends StepReport>(
  session: Session,
  specs: readonly StepSpec[],
  layers: readonly Layer[],
  work: (perform: Perform) => Promise<DatasetResult<R>[]>,
): Promise<DatasetResult<R>[]> {
  const facts = factsOf(session, specs);
  const guard = await openRunGuard(specs, session, layers).catch(async (error: unknown) => {
    await tellFailure(session, facts.configPaths, error);
    throw error;
  });
  const { openObserver } = await import('../observe/observer.ts');
  const observer = await openObserver(facts, process.env, session);
  const outcomes: StepOutcome[] = [];
  const results = await traced(
    'foundry.run',
    () => runAttributes(facts),
    () =>
      work((some, planned, steps) =>
        forEachDataset(some, session, (spec) =>
          followed(spec, session, planned, steps, { observer, outcomes }),
        ),
      ),
  );
  guard.stop();
  await observer.finish();
  await fire(session, facts, {
    exitCode: combineExitCodes(results.map((result) => ('error' in result ? exitCodeOf(result.error) : 0))),
    steps: outcomes,
    notRun: results.flatMap((result) => ('notRun' in result ? [result.dataset] : [])),
    failures: results.flatMap((result) =>
      'error' in result ? [failureDocument(result.error, result.dataset)] : [],
    ),
  });
  return results;
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
  readonly observer: Observer;
  readonly outcomes: StepOutcome[];
}

async function* followed<R extends StepReport, S extends StepSpec>(
  spec: S,
  session: Session,
  layers: readonly Layer[],
  steps: (spec: S) => AsyncIterable<R> | Promise<R>,
  { observer, outcomes }: Follower,
): AsyncGenerator<R> {
  const hasSilver = !isJoin(spec) && spec.silver !== undefined;
  const planned = layers.filter((layer) => layer !== 'silver' || hasSilver);
  let step: Step = { spec, layer: planned[0] ?? layers[0] ?? 'bronze', startedAt: session.clock.now() };
  const ended = () => ({ ...step, endedAt: session.clock.now() });
  const tell = async (outcome: StepOutcome): Promise<void> => {
    outcomes.push(outcome);
    logStep(session, outcome);
    await observer.ended(outcome);
  };
  await observer.started(step);
  let running: AsyncIterator<R> | undefined;
  try {
    for (;;) {
      const { layer } = step;
      const found = await traced(
        `foundry.${layer}`,
        () => ({ 'foundry.dataset': spec.name }),
        async (span) => {
          running ??= reportsOf(steps(spec));
          const next = await running.next();
          if (next.done !== true) {
            const { status, location } = next.value;
            span?.set({
              'foundry.status': status,
              'foundry.location': location,
              'foundry.rows': rowsOf(next.value),
            });
          }
          return next;
        },
      );
      if (found.done === true) return;
      await tell({ ...ended(), report: found.value });
      yield found.value;
      const next = planned[planned.indexOf(found.value.layer) + 1];
      if (next === undefined) return;
      step = { spec, layer: next, startedAt: session.clock.now() };
      await observer.started(step);
    }
  } catch (error) {
    await tell(failedStep(ended(), error));
    throw error;
  }
}

async function* reportsOf<R>(running: AsyncIterable<R> | Promise<R>): AsyncGenerator<R> {
  if (running instanceof Promise) yield await running;
  else yield* running;
}

/** Why one failed is told with the report, with what to do. */
function logStep({ log }: Session, { layer, startedAt, endedAt, report }: StepOutcome): void {
  const seconds = (endedAt.getTime() - startedAt.getTime()) / 1000;
  if (report === undefined) {
    log.event(`${layer} failed after ${seconds.toFixed(2)} s`, { layer, status: 'failed', seconds });
    return;
  }
  const rows = rowsOf(report);
  const facts = { layer, status: report.status, rows, location: report.location, seconds };
  log.event(`${layer} ${report.status}: ${rows} rows in ${seconds.toFixed(2)} s`, facts);
}

function runAttributes({ command, runId, runDate }: RunFacts): Attributes {
  return { 'foundry.command': command, 'foundry.run_id': runId, 'foundry.run_date': runDate };
}

function factsOf(session: Session, specs: readonly StepSpec[]): RunFacts {
  return {
    runId: session.runId,
    command: session.command,
    runDate: session.runDate.date,
    configPaths: [...new Set(specs.map((spec) => spec.configPath))],
  };
}
