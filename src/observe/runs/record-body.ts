import { hostname } from 'node:os';
import { BUILD_INFO } from '../../core/build-info.ts';
import type { Manifest } from '../../lake/manifest.ts';
import type { RunRecord } from '../../lake/run-record.ts';
import type { RunFacts, Step, StepOutcome, StepReport } from '../outcome.ts';

const INPUTS_RECORDED = 50;

/** What is known of a step before it begins; whoever dies before its end leaves this. */
export function startRecord(facts: RunFacts, { spec, layer, startedAt }: Step): RunRecord {
  return {
    format_version: 1,
    run_id: facts.runId,
    command: facts.command,
    dataset: spec.name,
    layer,
    outcome: 'running',
    config: spec.configPath,
    run_date: facts.runDate,
    started_at: startedAt.toISOString(),
    tool: { name: 'foundry', ...BUILD_INFO },
    host: hostname(),
    pid: process.pid,
  };
}

/** @param path of the partition, @param manifest what was committed there */
export function endRecord(
  facts: RunFacts,
  outcome: StepOutcome,
  path: string | undefined,
  manifest: Manifest | undefined,
): RunRecord {
  const { startedAt, endedAt, report, failure } = outcome;
  const inputs = inputsOf(report, manifest);
  return {
    ...startRecord(facts, outcome),
    outcome: outcomeName(outcome),
    exit_code: failure?.exit_code ?? 0,
    ended_at: endedAt.toISOString(),
    seconds: (endedAt.getTime() - startedAt.getTime()) / 1000,
    ...(inputs !== undefined && {
      inputs: inputs.slice(0, INPUTS_RECORDED),
      inputs_total: inputs.length,
    }),
    ...(report !== undefined && { output: outputOf(report, path, manifest), rows: rowCounts(report) }),
    ...(report?.layer === 'bronze' && report.cursor !== undefined && { cursor: report.cursor }),
    ...(failure !== undefined && { error: { ...failure } }),
  };
}

function outcomeName({ report, failure }: StepOutcome): RunRecord['outcome'] {
  if (failure !== undefined) return failure.code === 'INT001' ? 'interrupted' : 'failed';
  return report === undefined || report.status === 'skipped' ? 'empty' : report.status;
}

function inputsOf(
  report: StepReport | undefined,
  manifest: Manifest | undefined,
): readonly { readonly path: string }[] | undefined {
  if (manifest?.inputs !== undefined) return manifest.inputs.map((input) => ({ ...input }));
  if (report?.layer === 'silver') return report.inputs.map((path) => ({ path }));
  if (report?.layer === 'join') return report.inputs.map(({ location }) => ({ path: location }));
  const source = manifest?.source;
  if (typeof source !== 'object' || source === null || !('inputs' in source)) return undefined;
  return Array.isArray(source.inputs) ? source.inputs : undefined;
}

function outputOf(
  report: StepReport,
  path: string | undefined,
  manifest: Manifest | undefined,
): NonNullable<RunRecord['output']> {
  return {
    location: report.location,
    ...(path !== undefined && { partition: path }),
    ...(manifest !== undefined && { commit_id: manifest.commit_id }),
    files: report.files.length,
    size_bytes: report.files.reduce((sum, file) => sum + file.size_bytes, 0),
  };
}

function rowCounts(report: StepReport): Readonly<Record<string, number>> {
  const replaced = report.replaced_rows === undefined ? {} : { replaced: report.replaced_rows };
  if (report.layer === 'bronze') {
    return { landed: report.rows, quarantined: report.quarantined ?? 0, ...replaced };
  }
  const written = report.artifacts.reduce((sum, artifact) => sum + artifact.rows, 0);
  const counted = report.layer === 'join' ? { joined: report.rows } : report.rows;
  return { ...counted, written, ...replaced };
}
