import { hostname } from 'node:os';
import { BUILD_INFO } from '../../core/build-info.ts';
import { messageOf } from '../../core/errors.ts';
import { type Log, silentLog } from '../../core/log.ts';
import type { Manifest } from '../../lake/manifest.ts';
import { readManifest } from '../../lake/reader.ts';
import { writeRunRecord } from '../../lake/run-history.ts';
import type { RunRecord } from '../../lake/run-record.ts';
import { openStorage } from '../../storage/open.ts';
import type { Storage } from '../../storage/storage.ts';
import { isJoin, type RunFacts, type StepOutcome, type StepReport } from '../outcome.ts';

const INPUTS_RECORDED = 50;
/** A storage that hangs must not hold a run that is done. */
const DEADLINE_MS = 10_000;

/** A step with what it committed; absent where it committed nothing, or was replaced since. */
export interface CommittedStep {
  readonly outcome: StepOutcome;
  readonly manifest?: Manifest;
}

interface Place {
  readonly storage: Storage;
  /** Of the partition that the step committed; absent where it failed before it was known. */
  readonly path?: string;
}

/** Where a step writes. */
async function placeOf(
  { spec, layer, report }: StepOutcome,
  { runDate }: RunFacts,
): Promise<Place | undefined> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  if (isJoin(spec)) {
    const { locate } = await import('../../join/place.ts');
    const { lake, path } = await locate(
      spec.output.place,
      { runDate: { date: runDate }, signal, log: silentLog },
      true,
    );
    return { storage: lake.storage, path };
  }
  const base = layer === 'bronze' ? spec.bronze.base : spec.silver?.base;
  if (base === undefined) return undefined;
  const path = report === undefined || report.layer === 'join' ? undefined : report.partition;
  return {
    storage: openStorage(base, { connections: spec.connections, signal }),
    ...(path !== undefined && { path }),
  };
}

/** Leaves the record of a step beside its data. Never throws: without it, the run ended as it did. */
export async function recordStep(facts: RunFacts, outcome: StepOutcome, log: Log): Promise<CommittedStep> {
  if (outcome.report?.status === 'skipped') return { outcome };
  try {
    return await withDeadline(write(facts, outcome));
  } catch (error) {
    log.warn(`no record of this run could be written: ${messageOf(error)}`);
    return { outcome };
  }
}

async function write(facts: RunFacts, outcome: StepOutcome): Promise<CommittedStep> {
  const place = await placeOf(outcome, facts);
  if (place === undefined) return { outcome };
  const manifest = outcome.report === undefined ? undefined : await committedManifest(place, facts);
  await writeRunRecord(place.storage, runRecord(facts, outcome, place.path, manifest));
  return { outcome, ...(manifest !== undefined && { manifest }) };
}

/** Unless another run has replaced it since. */
async function committedManifest(
  { storage, path }: Place,
  { runId }: RunFacts,
): Promise<Manifest | undefined> {
  const manifest = path === undefined ? undefined : await readManifest({ storage }, path);
  return manifest?.run_id === runId ? manifest : undefined;
}

function runRecord(
  facts: RunFacts,
  outcome: StepOutcome,
  path: string | undefined,
  manifest: Manifest | undefined,
): RunRecord {
  const { spec, layer, startedAt, endedAt, report, failure } = outcome;
  const inputs = inputsOf(report, manifest);
  return {
    format_version: 1,
    run_id: facts.runId,
    command: facts.command,
    dataset: spec.name,
    layer,
    outcome: outcomeName(outcome),
    exit_code: failure?.exit_code ?? 0,
    config: spec.configPath,
    run_date: facts.runDate,
    started_at: startedAt.toISOString(),
    ended_at: endedAt.toISOString(),
    seconds: (endedAt.getTime() - startedAt.getTime()) / 1000,
    tool: { name: 'foundry', ...BUILD_INFO },
    host: hostname(),
    pid: process.pid,
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

async function withDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${DEADLINE_MS / 1000} s`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
