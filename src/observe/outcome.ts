import type { BronzeReport } from '../bronze/run.ts';
import type { DatasetSpec } from '../config/spec.ts';
import { type FailureDocument, failureDocument } from '../core/failure.ts';
import type { SilverReport } from '../silver/run.ts';

export type Layer = 'bronze' | 'silver';
export type StepReport = BronzeReport | SilverReport;

/** How one step, the landing or the promotion of one dataset, ended. */
export interface StepOutcome {
  readonly spec: DatasetSpec;
  readonly layer: Layer;
  readonly startedAt: Date;
  readonly endedAt: Date;
  /** Absent where the step failed. */
  readonly report?: StepReport;
  readonly failure?: FailureDocument;
}

/** What one process was asked to do, and by whom it can be found again. */
export interface RunFacts {
  readonly runId: string;
  readonly command: string;
  readonly runDate: string;
  readonly configPaths: readonly string[];
}

export function failedStep(
  step: Pick<StepOutcome, 'spec' | 'layer' | 'startedAt' | 'endedAt'>,
  error: unknown,
): StepOutcome {
  return { ...step, failure: failureDocument(error) };
}

/** Rows that a step landed or wrote. */
export function rowsOf(report: StepReport): number {
  if (report.layer === 'bronze') return report.rows;
  return report.artifacts.reduce((sum, artifact) => sum + artifact.rows, 0);
}

/** `[CODE] message`, as the log has it. */
export function failureLine({ code, message }: FailureDocument): string {
  return `[${code}] ${message}`;
}

/** The original's names of datasets: `bronze:<system>.<table>`, `silver:<domain>.<entity>`. */
export function datasetId({ layer, spec }: Pick<StepOutcome, 'layer' | 'spec'>): string {
  if (layer === 'silver' && spec.silver !== undefined) {
    return `silver:${spec.silver.domain}.${spec.silver.entity}`;
  }
  return `bronze:${spec.bronze.system}.${spec.bronze.table}`;
}
