import type { DatasetSpec } from '../config/spec.ts';
import { FoundryError, throwIfStopped } from '../core/errors.ts';
import { formatType } from '../core/schema.ts';
import { openPartition } from '../lake/commit.ts';
import type { Committed, Lake, PartitionWriter } from '../lake/lake.ts';
import { acquireLease } from '../lake/lease.ts';
import type { ManifestBody } from '../lake/manifest.ts';
import type { ReferenceRecord } from '../lake/reference.ts';
import { openSource } from '../sources/open.ts';
import type { SourcePlan } from '../sources/source.ts';
import { openStorage } from '../storage/open.ts';
import { locationOf } from '../storage/storage.ts';
import { type Extracted, extract } from './extract.ts';
import type { BronzeRunOptions } from './options.ts';
import { decideReference } from './reference.ts';
import { type BronzeTarget, bronzeTarget } from './target.ts';

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
  readonly files: readonly { readonly path: string; readonly rows: number; readonly size_bytes: number }[];
  readonly replaced_rows?: number;
  readonly lane?: Extracted['lane'];
  readonly seconds: number;
}

/**
 * Lands one dataset's partition: source → parts → one commit. Until the commit the old partition is untouched,
 * and after it the new one is whole.
 *
 * @throws LOCK001 another run holds the dataset; QUAL001 a full load came back empty, or too many rows do not fit; and what the source,
 * the formats and the storage throw.
 */
export async function runBronze(spec: DatasetSpec, options: BronzeRunOptions): Promise<BronzeReport> {
  const { bronze } = spec;
  const started = options.clock.now();
  const target = bronzeTarget(bronze, {
    ...(spec.environment === undefined ? {} : { environment: spec.environment }),
    ...options,
  });
  const storage = openStorage(bronze.base);
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

  const source = await openSource(bronze.source, { runDate: options.runDate, warn: options.log.warn });
  const sourcePlan = await source.plan();
  const lake: Lake = { storage, ...(bronze.pathKeys !== undefined && { pathKeys: bronze.pathKeys }) };
  const lease = await acquireLease(lake, leaseName(spec), {
    signal: options.signal,
    waitSeconds: options.leaseWaitSeconds ?? 0,
  });
  try {
    const writer = await openPartition(lake, target.path, { signal: options.signal });
    try {
      const reference = await referenceRecord(spec, lake, target.path, options);
      const extracted = await extract(bronze, source, writer.spool, options);
      refuseEmptyReplacement(spec, writer, extracted, location);
      throwIfStopped(options.signal);
      options.progress.step('committing');
      const body = manifestBody(spec, { target, source: sourcePlan, extracted, reference, started }, options);
      const committed = await writer.commit(extracted.parts, body);
      return {
        ...report,
        ...outcome(committed, writer),
        rows: extracted.rows,
        ...(bronze.errorHandling !== undefined && {
          quarantined: extracted.rejected?.rows ?? 0,
          quarantine_reasons: extracted.rejected?.reasons ?? {},
        }),
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

interface Landed {
  readonly target: BronzeTarget;
  readonly source: SourcePlan;
  readonly extracted: Extracted;
  readonly reference: ReferenceRecord | null;
  readonly started: Date;
}

function manifestBody(
  spec: DatasetSpec,
  { target, source, extracted, reference, started }: Landed,
  options: BronzeRunOptions,
): ManifestBody {
  const { bronze } = spec;
  return {
    layer: 'bronze',
    status: extracted.rows === 0 ? 'empty' : 'complete',
    started_at: started.toISOString(),
    batch_timestamp: started.toISOString(),
    run_date: options.runDate.date,
    system: bronze.system,
    table: bronze.table,
    ...(spec.environment === undefined ? {} : { environment: spec.environment }),
    config_name: spec.name,
    ...(spec.configVersion === undefined ? {} : { config_version: spec.configVersion }),
    ...(spec.patternId === undefined ? {} : { pattern_id: spec.patternId }),
    partition_path: `${target.path}/`,
    ...(target.batchId === undefined ? {} : { batch_id: target.batchId }),
    file_formats: { csv: bronze.formats.csv, parquet: bronze.formats.parquet },
    load_pattern: bronze.loadPattern,
    ...(bronze.errorHandling !== undefined && {
      quarantined_rows: extracted.rejected?.rows ?? 0,
      quarantine_reasons: extracted.rejected?.reasons ?? {},
    }),
    reference_mode: reference,
    schema: extracted.schema.fields.map(({ name, type }) => ({ name, type: formatType(type) })),
    source: {
      type: bronze.source.type,
      description: source.description,
      inputs: source.inputs.map(({ path, sizeBytes }) => ({ path, size_bytes: sizeBytes })),
    },
    ...(bronze.ownerTeam === undefined ? {} : { owner_team: bronze.ownerTeam }),
    ...(bronze.ownerContact === undefined ? {} : { owner_contact: bronze.ownerContact }),
    runtime_seconds: (options.clock.now().getTime() - started.getTime()) / 1000,
  };
}

function outcome(
  { manifest, changed }: Committed,
  writer: PartitionWriter,
): Pick<BronzeReport, 'status' | 'files' | 'replaced_rows'> {
  const status = manifest.status === 'empty' ? 'empty' : changed ? 'complete' : 'unchanged';
  return {
    status,
    files: manifest.files.map(({ path, rows, size_bytes }) => ({ path, rows, size_bytes })),
    ...(writer.previous === undefined ? {} : { replaced_rows: writer.previous.record_count }),
  };
}
