import { messageOf } from '../../core/errors.ts';
import { type Log, silentLog } from '../../core/log.ts';
import type { Manifest } from '../../lake/manifest.ts';
import { readManifest } from '../../lake/reader.ts';
import { writeRunRecord } from '../../lake/run-history.ts';
import { openStorage } from '../../storage/open.ts';
import type { Storage } from '../../storage/storage.ts';
import { isJoin, type RunFacts, type Step, type StepOutcome } from '../outcome.ts';
import { endRecord, startRecord } from './record-body.ts';

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
  { spec, layer, report }: Step & Pick<StepOutcome, 'report'>,
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

/**
 * Says that a step begins. Its end writes over it; a run that is killed leaves it. Never throws: the end tells what is
 * wrong with the place.
 */
export async function recordStart(facts: RunFacts, step: Step): Promise<void> {
  if (!isEnabled(step)) return;
  try {
    const place = await placeOf(step, facts);
    if (place !== undefined) await withDeadline(writeRunRecord(place.storage, startRecord(facts, step)));
  } catch {}
}

function isEnabled({ spec, layer }: Step): boolean {
  if (isJoin(spec)) return true;
  return layer === 'bronze' ? spec.bronze.enabled : spec.silver?.enabled === true;
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
  await writeRunRecord(place.storage, endRecord(facts, outcome, place.path, manifest));
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
