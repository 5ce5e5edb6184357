import type { FailureDocument } from '../../core/failure.ts';
import { datasetId, failureLine, isJoin, type RunFacts, rowsOf, type StepOutcome } from '../outcome.ts';

/** How the whole command ended. */
export interface RunEnd {
  readonly exitCode: number;
  /** Absent where nothing was reached: the configs could not be read. */
  readonly steps: readonly StepOutcome[];
  /** Datasets that were not begun, since the run ended before. */
  readonly notRun: readonly string[];
  readonly failures: readonly FailureDocument[];
}

/**
 * What a hook is told: the original's fields (original-behaviour §8.5), and the run's id, exit code and each step with
 * its rows. Fields of one dataset stand there only where there is one.
 */
export function hookPayload(facts: RunFacts, end: RunEnd): Readonly<Record<string, unknown>> {
  const { steps, failures, exitCode } = end;
  const specs = [...new Set(steps.map((step) => step.spec))];
  const isSingle = specs.length + end.notRun.length <= 1;
  return {
    layer: facts.command === 'run-intent' ? 'intent' : facts.command,
    status: exitCode === 0 ? 'success' : 'failure',
    ...(failures.length > 0 && { error: failures.map(failureLine).join('; ') }),
    run_id: facts.runId,
    command: facts.command,
    exit_code: exitCode,
    retryable: exitCode === 0 ? false : failures.every((failure) => failure.retryable),
    run_date: facts.runDate,
    config_paths: facts.configPaths,
    config_names: specs.map((spec) => spec.name),
    datasets: [...new Set(steps.map(datasetId))],
    tables: [...new Set(specs.flatMap((spec) => (isJoin(spec) ? [] : [spec.bronze.table])))],
    ...(isSingle ? singleFields(steps) : { parallel_results: parallelResults(end) }),
    steps: steps.map(stepDocument),
  };
}

function singleFields(steps: readonly StepOutcome[]): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const { spec, layer, report } of steps) {
    if (isJoin(spec)) {
      fields.config_name = spec.name;
      fields.silver_model = spec.output.model;
      if (report !== undefined) fields.silver_partition = report.location;
      continue;
    }
    if (layer === 'bronze') {
      if (report?.layer === 'bronze') fields.relative_path = `${report.partition}/`;
      fields.load_pattern = spec.bronze.loadPattern;
      continue;
    }
    fields.config_name = spec.name;
    fields.domain = spec.silver?.domain;
    fields.entity = spec.silver?.entity;
    fields.silver_model = spec.silver?.model;
    if (report?.layer === 'silver') {
      fields.bronze_path = report.inputs[0] ?? null;
      fields.silver_partition = report.location;
      fields.load_pattern = report.load_pattern ?? spec.bronze.loadPattern;
    }
  }
  return fields;
}

function parallelResults({ steps, notRun }: RunEnd): readonly Readonly<Record<string, unknown>>[] {
  const names = [...new Set(steps.map((step) => step.spec.name))];
  return [
    ...names.map((name) => ({
      config_name: name,
      status: steps.some((step) => step.spec.name === name && step.failure !== undefined)
        ? 'failure'
        : 'success',
    })),
    ...notRun.map((name) => ({ config_name: name, status: 'not_run' })),
  ];
}

function stepDocument({ spec, layer, startedAt, endedAt, report, failure }: StepOutcome) {
  return {
    dataset: spec.name,
    layer,
    status: report?.status ?? 'failed',
    ...(report !== undefined && { rows: rowsOf(report), location: report.location }),
    seconds: (endedAt.getTime() - startedAt.getTime()) / 1000,
    ...(failure !== undefined && { error: failure }),
  };
}
