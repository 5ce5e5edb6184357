import type { DatasetSpec } from '../config/spec.ts';
import { FoundryError, throwIfStopped } from '../core/errors.ts';
import { openPartition } from '../lake/commit.ts';
import type { Committed, Lake, PartitionWriter } from '../lake/lake.ts';
import { acquireLease } from '../lake/lease.ts';
import type { Cursor, ManifestBody } from '../lake/manifest.ts';
import { checkUnchanged } from '../lake/neighbours.ts';
import type { ReferenceRecord } from '../lake/reference.ts';
import { openSource } from '../sources/open.ts';
import { storageOf } from '../storage/open.ts';
import { tightRoom } from '../storage/room.ts';
import { locationOf } from '../storage/storage.ts';
import type { Extracted } from './extract.ts';
import { keepLocal } from './keep-local.ts';
import { bronzeManifestBody } from './manifest-body.ts';
import type { BronzeRunOptions } from './options.ts';
import { planReading } from './reading.ts';
import { decideReference } from './reference.ts';
import { sourceContext } from './source-context.ts';
import { bronzeTarget, placeOf } from './target.ts';

export interface BronzeReport {
  readonly dataset: string;
  readonly layer: 'bronze';
  readonly status: 'complete' | 'unchanged' | 'empty' | 'skipped';
  readonly run_date: string;
  /** Where the partition is. */
  readonly location: string;
  /** Key of the partition below the Bronze base. */
  readonly partition: string;
  /** Flags that replace this same partition. */
  readonly retry_with: string;
  readonly rows: number;
  /** Rows kept aside, and why; only where error handling is on. */
  readonly quarantined?: number;
  readonly quarantine_reasons?: Readonly<Record<string, number>>;
  readonly files: readonly LandedFile[];
  readonly replaced_rows?: number;
  /** Incremental datasets: what was asked for, and how far it came. */
  readonly cursor?: CursorReport;
  readonly lane?: Extracted['lane'];
  readonly seconds: number;
}

export interface LandedFile {
  readonly path: string;
  /** Of answers kept as they came, how many they are. */
  readonly rows: number;
  readonly size_bytes: number;
  /** Absent for data. */
  readonly role?: 'quarantine' | 'raw';
}

/** The manifest's cursor without its row hashes. */
export type CursorReport = Omit<Cursor, 'start_rows' | 'end_rows'>;

/**
 * Lands one dataset's partition: source → parts → one commit. Until the commit the old partition is untouched,
 * and after it the new one is whole.
 *
 * @throws LOCK001 another run holds the dataset; QUAL001 a full load came back empty, or too many rows do not fit; and what the source,
 * the formats and the storage throw.
 */
export async function runBronze(
  spec: DatasetSpec,
  options: BronzeRunOptions,
  open: typeof openSource = openSource,
): Promise<BronzeReport> {
  const { bronze } = spec;
  const started = options.clock.now();
  const target = bronzeTarget(bronze, {
    ...(spec.environment === undefined ? {} : { environment: spec.environment }),
    ...options,
  });
  const storage = storageOf(bronze.base, spec, options);
  const location = locationOf(storage, target.path);
  const report = {
    dataset: spec.name,
    layer: 'bronze' as const,
    run_date: options.runDate.date,
    location,
    partition: target.path,
    retry_with: target.retryWith,
  };
  if (!bronze.enabled) return { ...report, status: 'skipped', rows: 0, files: [], seconds: 0 };

  const source = await open(bronze.source, sourceContext(spec, options));
  const sourcePlan = await source.plan();
  const inputBytes = sourcePlan.inputs.reduce((sum, input) => sum + input.sizeBytes, 0);
  const tight = await tightRoom(storage, inputBytes);
  if (tight !== undefined) options.log.warn(tight);
  const lake: Lake = { storage, ...(bronze.pathKeys !== undefined && { pathKeys: bronze.pathKeys }) };
  const lease = await acquireLease(lake, leaseName(spec), {
    signal: options.signal,
    waitSeconds: options.leaseWaitSeconds ?? 0,
  });
  try {
    const writer = await openPartition(lake, target.path, { signal: options.signal });
    try {
      const reference = await referenceRecord(spec, lake, target.path, options);
      const place = placeOf(spec, target.path, writer.previous, started);
      const reading = await planReading(spec, lake, place, options);
      const { extracted, cursor, state } = await reading.read(source, writer);
      refuseEmptyReplacement(spec, writer, extracted, location);
      throwIfStopped(options.signal);
      options.progress.step('committing');
      const sourceTypes = source.sourceTypes?.();
      const landed = {
        target,
        source: sourcePlan,
        sourceTypes,
        extracted,
        reference,
        started,
        cursor,
        state,
      };
      const body = bronzeManifestBody(spec, landed, writer.previous, options);
      await checkUnchanged(lake, reading.continues);
      const committed = await commit(spec, writer, extracted.parts, body, options);
      return {
        ...report,
        ...outcome(committed, writer),
        rows: extracted.rows,
        ...(bronze.errorHandling !== undefined && {
          quarantined: extracted.rejected?.rows ?? 0,
          quarantine_reasons: extracted.rejected?.reasons ?? {},
        }),
        ...(cursor !== undefined && { cursor: withoutHashes(cursor) }),
        lane: extracted.lane,
        seconds: (options.clock.now().getTime() - started.getTime()) / 1000,
      };
    } finally {
      await writer.discard();
    }
  } finally {
    await lease.release();
  }
}

/** Also into the local base that `keep_local` asks for; the bucket comes first, as what readers of the lake see. */
async function commit(
  { bronze }: DatasetSpec,
  writer: PartitionWriter,
  parts: Extracted['parts'],
  body: ManifestBody,
  options: BronzeRunOptions,
): Promise<Committed> {
  if (bronze.keepLocal === undefined) return writer.commit(parts, body);
  const copy = await keepLocal(bronze.keepLocal, writer.path, parts, body, options);
  try {
    const committed = await writer.commit(parts, body);
    await copy.commit();
    return committed;
  } finally {
    await copy.discard();
  }
}

/** One name per table and environment: two runs of one dataset never write side by side. */
function leaseName(spec: DatasetSpec): string {
  return [spec.environment, spec.bronze.system, spec.bronze.table]
    .filter((name) => name !== undefined)
    .join('/');
}

function refuseEmptyReplacement(
  spec: DatasetSpec,
  writer: PartitionWriter,
  extracted: Extracted,
  location: string,
): void {
  if (extracted.rows > 0 || !writer.holdsData || spec.bronze.loadPattern !== 'full' || spec.bronze.allowEmpty)
    return;
  const before = writer.previous?.record_count;
  const refused = extracted.rejected?.rows ?? 0;
  const gave = refused === 0 ? 'the source gave no rows' : `each of the ${refused} rows was refused`;
  throw new FoundryError(
    'QUAL001',
    `${spec.name}: ${gave}, but ${location} holds ${before ?? 'data that foundry did not write'}; a full load does not replace rows by nothing`,
    {
      details: { rows_before: before },
      hint: 'If the source really is empty now, set run.allow_empty: true (intents: bronze.options.allow_empty).',
    },
  );
}

async function referenceRecord(
  spec: DatasetSpec,
  lake: Lake,
  path: string,
  options: BronzeRunOptions,
): Promise<ReferenceRecord | null> {
  const { reference } = spec.bronze;
  if (reference === undefined) return null;
  const record = await decideReference(spec, reference, lake, path, options.runDate.date);
  if (record.reference_path === null) {
    options.log.warn(
      `${spec.name}: this delta belongs to no reference; none has landed up to ${options.runDate.date}`,
    );
  }
  return record;
}

function withoutHashes({ start_rows: _start, end_rows: _end, ...cursor }: Cursor): CursorReport {
  return cursor;
}

function outcome(
  { manifest, changed }: Committed,
  writer: PartitionWriter,
): Pick<BronzeReport, 'status' | 'files' | 'replaced_rows'> {
  const status = manifest.status === 'empty' ? 'empty' : changed ? 'complete' : 'unchanged';
  return {
    status,
    files: manifest.files.map(({ path, rows, size_bytes, role }) => ({
      path,
      rows,
      size_bytes,
      ...(role !== 'data' && { role }),
    })),
    ...(writer.previous === undefined ? {} : { replaced_rows: writer.previous.record_count }),
  };
}
