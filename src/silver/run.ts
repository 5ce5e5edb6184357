import type { DatasetSpec, LoadPattern } from '../config/spec.ts';
import { FoundryError, throwIfStopped } from '../core/errors.ts';
import { openEngine } from '../engine/duckdb.ts';
import { openPartition } from '../lake/commit.ts';
import type { Committed, Lake, PartitionWriter } from '../lake/lake.ts';
import { acquireLease } from '../lake/lease.ts';
import { type Promoted, promote, type RowCounts } from '../promotion/promote.ts';
import type { SilverDataset } from '../promotion/promotion.ts';
import { withNewNames } from '../promotion/rename.ts';
import { storageOf } from '../storage/open.ts';
import { locationOf } from '../storage/storage.ts';
import { describeChanges, earlierLoad, type SchemaChanges, schemaChanges } from './contract.ts';
import { tellingDamage } from './damaged.ts';
import { type OpenedBronze, openBronze } from './inputs.ts';
import { inputSchemaOf, silverManifestBody } from './manifest-body.ts';
import type { SilverRunOptions } from './options.ts';
import { type BronzeScope, bronzeScope } from './scope.ts';
import { describeStale, type StaleLoad, staleLoads } from './stale.ts';
import { silverLease, silverTarget } from './target.ts';

export interface SilverReport {
  readonly dataset: string;
  readonly layer: 'silver';
  readonly status: 'complete' | 'unchanged' | 'empty' | 'skipped';
  readonly run_date: string;
  /** Where the load partition is. */
  readonly location: string;
  /** Key of the load partition below the Silver base. */
  readonly partition: string;
  readonly model: string;
  readonly load_pattern?: LoadPattern;
  /** Bronze partitions, as keys below the Bronze base. */
  readonly inputs: readonly string[];
  /** Partitions of the same date that a newer full load superseded. */
  readonly not_read: readonly string[];
  readonly rows: RowCounts;
  readonly quarantine_reasons: Readonly<Record<string, number>>;
  readonly artifacts: readonly { readonly artifact: string; readonly rows: number }[];
  readonly files: readonly { readonly path: string; readonly rows: number; readonly size_bytes: number }[];
  /** Against the load before; absent where there is none. */
  readonly schema_changes?: SchemaChanges;
  /** Columns that came in and are not declared, kept or not. */
  readonly new_columns: readonly string[];
  readonly dropped_columns: readonly string[];
  readonly replaced_rows?: number;
  /** How often a newer full snapshot no longer held a key; only where that is looked for. */
  readonly missing_keys?: number;
  /** Other load partitions whose Bronze was committed since they were built. */
  readonly stale: readonly StaleLoad[];
  readonly seconds: number;
}

const NO_ROWS: RowCounts = {
  read: 0,
  live: 0,
  superseded: 0,
  deleted: 0,
  duplicate: 0,
  unchanged: 0,
  quarantined: 0,
};

/**
 * Promotes one Bronze partition: committed parts → SQL → artifacts → one commit. Until the commit the old load
 * partition is untouched, and after it the new one is whole.
 *
 * @throws EXT001 nothing has landed; SUM001 Bronze is not what was committed; SCHEMA001, DATA001, QUAL001 the data
 * does not fit; LOCK001 another run holds the dataset; ENG002, STG001, INT001.
 */
export async function runSilver(configured: DatasetSpec, options: SilverRunOptions): Promise<SilverReport> {
  const started = options.clock.now();
  if (!isPromotable(configured)) return skipped(configured, options);
  const spec: SilverDataset = { ...configured, silver: withNewNames(configured.silver) };
  const { silver } = spec;
  const storage = storageOf(silver.base, spec, options);
  const lake = { storage };
  const path = silverTarget(spec, options.runDate);
  const location = locationOf(storage, path);
  const seconds = (): number => (options.clock.now().getTime() - started.getTime()) / 1000;

  const scope = await bronzeScope(spec, options);
  for (const { path: unread } of scope.notRead)
    options.log.info(`not read, a newer full load exists: ${unread}`);
  if (scope.read.length === 0) refuseMissing(scope.location);
  const lease = await acquireLease(lake, silverLease(spec), {
    signal: options.signal,
    waitSeconds: options.leaseWaitSeconds ?? 0,
  });
  try {
    const writer = await openPartition(lake, path, { signal: options.signal, clock: options.clock });
    const engine = await openEngine(options.limits, options.signal);
    try {
      const bronze = await openBronze(engine, scope, writer.spool, {
        ...options,
        requireChecksum: silver.requireChecksum,
      });
      for (const warning of bronze.warnings) options.log.warn(warning);
      const promoted = await tellingDamage(engine, bronze, () =>
        promote(engine, spec, bronze.parts, bronze.schema, writer.spool, {
          ...options,
          ...(bronze.snapshots !== undefined && { snapshots: bronze.snapshots }),
        }),
      );
      refuseEmptyReplacement(spec, scope.loadPattern, promoted, writer, location);
      const inputSchema = knowsColumns(bronze) ? inputSchemaOf(spec, promoted) : [];
      const changes = schemaChanges(await earlierLoad(lake, path), inputSchema);
      const told = changes === undefined ? undefined : describeChanges(changes);
      if (told !== undefined) options.log.warn(`other columns than in ${changes?.against}: ${told}`);
      throwIfStopped(options.signal);
      options.progress.step('committing');
      const body = silverManifestBody({
        dataset: spec,
        runDate: options.runDate.date,
        runId: options.runId,
        scope,
        bronze,
        promoted,
        inputSchema,
        schemaChanges: changes,
        startedAt: started.toISOString(),
        runtimeSeconds: seconds(),
      });
      const committed = await writer.commit(promoted.parts, body);
      const stale = await tellStale(lake, path, scope, options);
      return {
        dataset: spec.name,
        layer: 'silver',
        ...outcome(committed, writer),
        run_date: options.runDate.date,
        location,
        partition: path,
        model: silver.model,
        load_pattern: scope.loadPattern,
        inputs: bronze.partitions.map((partition) => partition.path),
        not_read: scope.notRead.map((partition) => partition.path),
        rows: promoted.counts,
        quarantine_reasons: promoted.quarantine.reasons,
        artifacts: promoted.artifacts.map(({ artifact, rows }) => ({ artifact, rows })),
        ...(changes === undefined ? {} : { schema_changes: changes }),
        new_columns: promoted.promotion.undeclared,
        dropped_columns: promoted.promotion.dropped,
        ...(silver.detectMissing === true && { missing_keys: promoted.missing }),
        stale,
        seconds: seconds(),
      };
    } finally {
      await engine.close();
      await writer.discard();
    }
  } finally {
    await lease.release();
  }
}

/** Without a part and a manifest, columns are only what the config says. */
function knowsColumns({ parts, schema }: OpenedBronze): boolean {
  return parts.length > 0 || schema.fields.length > 0;
}

/** What was committed stays committed, whether or not the other loads can be looked at. */
async function tellStale(
  lake: Lake,
  path: string,
  scope: BronzeScope,
  { log }: SilverRunOptions,
): Promise<readonly StaleLoad[]> {
  try {
    const stale = await staleLoads(lake, path, scope);
    if (stale.length > 0) log.warn(describeStale(stale));
    return stale;
  } catch (error) {
    if (!(error instanceof FoundryError)) throw error;
    log.warn(`which other load partitions are stale is not known: ${error.message}`);
    return [];
  }
}

function isPromotable(spec: DatasetSpec): spec is SilverDataset {
  return spec.silver?.enabled === true;
}

function skipped(spec: DatasetSpec, options: SilverRunOptions): SilverReport {
  return {
    dataset: spec.name,
    layer: 'silver',
    status: 'skipped',
    run_date: options.runDate.date,
    location: '',
    partition: '',
    model: spec.silver?.model ?? 'none',
    inputs: [],
    not_read: [],
    rows: NO_ROWS,
    quarantine_reasons: {},
    artifacts: [],
    files: [],
    new_columns: [],
    dropped_columns: [],
    stale: [],
    seconds: 0,
  };
}

function refuseMissing(location: string): never {
  throw new FoundryError('EXT001', `no Bronze partition has landed at ${location}`, {
    hint: 'Run `foundry bronze` for this date first, or name a partition with --bronze-path.',
  });
}

function refuseEmptyReplacement(
  { name, silver }: SilverDataset,
  loadPattern: LoadPattern,
  promoted: Promoted,
  writer: PartitionWriter,
  location: string,
): void {
  const before = writer.previous?.record_count ?? 0;
  const rows = promoted.artifacts.reduce((sum, artifact) => sum + artifact.rows, 0);
  if (rows > 0 || before === 0 || loadPattern !== 'full' || silver.allowEmpty) return;
  throw new FoundryError(
    'QUAL001',
    `${name}: no rows come out, but ${location} holds ${before}; a full load does not replace rows by nothing`,
    {
      details: { rows_before: before },
      hint: 'If that is right, set silver.allow_empty: true.',
    },
  );
}

function outcome(
  { manifest, changed }: Committed,
  writer: PartitionWriter,
): Pick<SilverReport, 'status' | 'files' | 'replaced_rows'> {
  return {
    status: manifest.status === 'empty' ? 'empty' : changed ? 'complete' : 'unchanged',
    files: manifest.files.map(({ path, rows, size_bytes }) => ({ path, rows, size_bytes })),
    ...(writer.previous === undefined ? {} : { replaced_rows: writer.previous.record_count }),
  };
}
