import { dirname } from 'node:path';
import type { JoinSpec } from '../config/join/spec.ts';
import { FoundryError, throwIfStopped } from '../core/errors.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine, EngineLimits } from '../engine/engine.ts';
import { openPartition } from '../lake/commit.ts';
import type { PartitionWriter } from '../lake/lake.ts';
import { acquireLease } from '../lake/lease.ts';
import { storageOf } from '../storage/open.ts';
import { spoolBudget } from '../storage/spool-budget.ts';
import {
  type JoinProgress,
  placeOf,
  progressOf,
  removeWork,
  resumable,
  type WorkPlace,
  workPlace,
} from './checkpoint.ts';
import { type Joined, runChunks } from './execute.ts';
import { fingerprintsOf, type OpenedJoin } from './fingerprints.ts';
import { finish, isWritten } from './finish.ts';
import { evaluateGuards, type GuardResult, refuseFailed } from './guards.ts';
import { type FetchedInputs, fetchInputs, readInputs, sureOf } from './inputs.ts';
import { bronzeOrigins } from './lineage.ts';
import { joinManifestBody } from './manifest-body.ts';
import type { JoinRunOptions } from './options.ts';
import { joinLease, type Located, tableLocation } from './place.ts';
import { type DescribedJoin, describeJoin, type PreparedJoin, prepareJoin } from './prepare.ts';
import { remoteCheckpoint } from './remote-checkpoint.ts';
import { type JoinReport, joinReport } from './report.ts';
import { expectedRows } from './stats.ts';

/**
 * Joins two tables: committed files → chunks → guards → model → one commit. A run that is killed is gone on with by
 * the next one; until the commit what lay at the output is untouched.
 *
 * @throws EXT001, SUM001, STATE001 for inputs that are not there or not what was committed; CFG001, SCHEMA001 for
 * columns that do not fit; QUAL001 for a guard; LOCK001; ENG002, STG001, INT001.
 */
export async function runJoin(spec: JoinSpec, options: JoinRunOptions): Promise<JoinReport> {
  const started = options.clock.now();
  const described = await describeJoin(spec, options);
  const { output } = described;
  const place = workPlace(output, spec.output, (base) =>
    remoteCheckpoint(storageOf(base, spec.output.place, options)),
  );
  const lease = await acquireLease(output.lake, joinLease(output), {
    signal: options.signal,
    waitSeconds: options.leaseWaitSeconds ?? 0,
  });
  try {
    const writer = await openPartition(output.lake, output.path, {
      signal: options.signal,
      clock: options.clock,
    });
    try {
      options.progress.step('reading');
      const budget = spoolBudget(options.spoolLimitBytes);
      // Files of a local disk are hashed while the engine starts and reads them.
      const fetched = await fetchInputs(described, writer.spool, { ...options, budget });
      const engine = await openEngine(limitsOf(spec, place, options), options.signal);
      try {
        const opened = await openJoin(engine, spec, fetched, options);
        return await joinOpened({ spec, output, place, writer, options, started }, engine, opened);
      } finally {
        await engine.close();
      }
    } finally {
      await writer.discard();
    }
  } finally {
    await lease.release();
  }
}

/** What a join is run with, besides its inputs. */
interface JoinRun {
  readonly spec: JoinSpec;
  readonly output: DescribedJoin['output'];
  readonly place: WorkPlace;
  readonly writer: PartitionWriter;
  readonly options: JoinRunOptions;
  readonly started: Date;
}

/** From opened inputs to the commit. */
async function joinOpened(
  { spec, output, place, writer, options, started }: JoinRun,
  engine: Engine,
  opened: OpenedJoin,
): Promise<JoinReport> {
  const seconds = (): number => (options.clock.now().getTime() - started.getTime()) / 1000;
  const { left, prepared, right, verified } = opened;
  const begun = await beginOrResume(spec, place, opened, output, options);
  const resumedAt = begun.chunks.length === 0 ? null : begun.chunks.length;
  const isFinal = isWritten(spec, prepared.model);
  const compression = isFinal ? spec.output.formats.compression : 'snappy';
  const { shape, strategy } = prepared;
  const work = { shape, strategy, left, right, verified, place, compression, isFinal };
  const joined = await sureOf(verified, () => runChunks(engine, work, begun, options));
  await verified;
  refuseWrongCount(joined, prepared);
  const guards = await guarded(engine, spec, prepared, joined, place);
  options.progress.step('writing');
  const request = {
    spec,
    model: prepared.model,
    columns: shape.columns,
    chunks: joined.chunks,
    rowGroupRows: joined.rowGroupRows,
    spool: writer.spool,
  };
  const finished = await finish(engine, request, options);
  const rows = finished.artifacts.reduce((sum, artifact) => sum + artifact.rows, 0);
  refuseEmptyReplacement(spec, rows, writer, output.location);
  throwIfStopped(options.signal);
  options.progress.step('committing');
  const body = joinManifestBody({
    spec,
    runDate: options.runDate.date,
    runId: options.runId,
    output,
    left,
    right,
    bronze: { left: await bronzeOrigins(left), right: await bronzeOrigins(right) },
    prepared,
    joined,
    finished,
    guards,
    resumedAt,
    checkpointFile: placeOf(place),
    startedAt: started.toISOString(),
    runtimeSeconds: seconds(),
  });
  const committed = await writer.commit(finished.parts, body);
  await removeWork(place);
  return joinReport({
    spec,
    runDate: options.runDate.date,
    location: output.location,
    inputs: [left, right],
    prepared,
    joined,
    finished,
    guards,
    committed,
    previous: writer.previous,
    resumedAt,
    seconds: seconds(),
  });
}

function limitsOf({ output }: JoinSpec, { workFolder }: WorkPlace, { limits }: JoinRunOptions): EngineLimits {
  return output.spillDir === undefined ? limits : { ...limits, spillFolder: dirname(workFolder) };
}

async function openJoin(
  engine: Engine,
  spec: JoinSpec,
  fetched: FetchedInputs,
  options: JoinRunOptions,
): Promise<OpenedJoin> {
  const inputs = await readInputs(engine, fetched);
  const { left, right } = inputs;
  for (const warning of [...left.warnings, ...right.warnings]) options.log.warn(warning);
  const prepared = prepareJoin(spec, left, right, options.limits.memoryBytes);
  if (prepared.model.warning !== undefined) options.log.warn(prepared.model.warning);
  options.log.debug(`strategy ${prepared.strategy.used}: ${prepared.strategy.why}`);
  return { ...inputs, prepared };
}

async function beginOrResume(
  spec: JoinSpec,
  place: WorkPlace,
  opened: OpenedJoin,
  output: Located,
  { log }: JoinRunOptions,
): Promise<JoinProgress> {
  const fingerprints = fingerprintsOf(spec, opened);
  const found = await resumable(
    place,
    { location: output.location, table: tableLocation(output) },
    fingerprints,
  );
  if ('progress' in found) {
    const { chunk_count: all, chunks_processed: done } = found.progress;
    log.info(`going on with an earlier run: ${done} of ${all} chunks are done`);
    return found.progress;
  }
  if (found.reason !== undefined)
    log.warn(`an earlier run cannot be gone on with: ${found.reason}; starting over`);
  return progressOf({
    format_version: 1,
    join: spec.name,
    output: output.location,
    work_folder: place.workFolder,
    fingerprints,
    chunk_count: opened.prepared.strategy.chunkCount,
    chunks: [],
  });
}

/** A bug, or a work folder that something else wrote to: better no table than a wrong one. */
function refuseWrongCount({ progress, stats }: Joined, { shape }: PreparedJoin): void {
  const expected = expectedRows(stats, shape.joinType);
  if (expected === undefined || expected === progress.total_records) return;
  throw new Error(`the join has ${progress.total_records} rows, but its keys say ${expected}`);
}

async function guarded(
  engine: Engine,
  spec: JoinSpec,
  { shape }: PreparedJoin,
  { chunks, progress, stats }: Joined,
  place: WorkPlace,
): Promise<readonly GuardResult[]> {
  const files = chunks.map(({ file }) => file);
  const facts = { rows: progress.total_records, stats, joinType: shape.joinType };
  const results = await evaluateGuards(engine, spec.output.guards, files, facts);
  try {
    refuseFailed(spec.name, results);
  } catch (error) {
    await removeWork(place);
    throw error;
  }
  return results;
}

function refuseEmptyReplacement(
  spec: JoinSpec,
  rows: number,
  writer: PartitionWriter,
  location: string,
): void {
  const before = writer.previous?.record_count ?? 0;
  if (rows > 0 || before === 0 || spec.output.allowEmpty) return;
  throw new FoundryError('QUAL001', `${spec.name}: no rows come out, but ${location} holds ${before}`, {
    details: { rows_before: before },
    hint: 'If that is right, set output.allow_empty: true.',
  });
}
