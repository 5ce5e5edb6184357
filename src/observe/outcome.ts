import type { BronzeReport } from '../bronze/run.ts';
import type { JoinSpec } from '../config/join/spec.ts';
import type { DatasetSpec } from '../config/spec.ts';
import { type FailureDocument, failureDocument } from '../core/failure.ts';
import type { JoinReport } from '../join/report.ts';
import type { SilverReport } from '../silver/run.ts';

export type Layer = 'bronze' | 'silver' | 'join';
export type StepReport = BronzeReport | SilverReport | JoinReport;
export type StepSpec = DatasetSpec | JoinSpec;

/** What a step is about: one dataset's landing or promotion, or one join. */
export interface Step {
  readonly spec: StepSpec;
  readonly layer: Layer;
  readonly startedAt: Date;
}

/** How one step ended. */
export interface StepOutcome extends Step {
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

export function failedStep(step: Step & { readonly endedAt: Date }, error: unknown): StepOutcome {
  return { ...step, failure: failureDocument(error) };
}

export function isJoin(spec: StepSpec): spec is JoinSpec {
  return !('bronze' in spec);
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

/** The original's names of datasets: `bronze:<system>.<table>`, `silver:<domain>.<entity>`; and `join:<name>`. */
export function datasetId({ layer, spec }: Pick<Step, 'layer' | 'spec'>): string {
  return `${layer}:${jobName({ layer, spec })}`;
}

/** What a step is about, within its layer. */
export function jobName({ layer, spec }: Pick<Step, 'layer' | 'spec'>): string {
  if (isJoin(spec)) return spec.name;
  const { bronze, silver } = spec;
  return layer === 'silver' && silver !== undefined
    ? `${silver.domain}.${silver.entity}`
    : `${bronze.system}.${bronze.table}`;
}
