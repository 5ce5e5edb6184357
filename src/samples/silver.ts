import type { DatasetSpec, OutputFormats, SilverModelName } from '../config/spec.ts';
import type { Clock } from '../core/clock.ts';
import { FoundryError } from '../core/errors.ts';
import type { Log, Progress } from '../core/log.ts';
import type { EngineLimits } from '../engine/engine.ts';
import { runIntent } from '../intent/run.ts';
import { bronzePartitionPath, silverPartitionPath } from '../lake/layout.ts';
import { acquireLease } from '../lake/lease.ts';
import { openStorage } from '../storage/open.ts';
import { locationOf, type Storage } from '../storage/storage.ts';
import { type OwnedBase, ownBase } from './ownership.ts';
import type { SamplePattern } from './patterns.ts';
import { SAMPLE_SYSTEM, SAMPLE_TABLE, tablePath } from './plan.ts';
import { type SampleBases, silverSamplePath, silverSampleSpec } from './silver-spec.ts';

export interface SilverSampleOptions {
  readonly bases: SampleBases;
  readonly patterns: readonly SamplePattern[];
  readonly models: readonly SilverModelName[];
  readonly formats: OutputFormats;
  /** Only the first days of each pattern. */
  readonly days?: number;
  readonly limits: EngineLimits;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  readonly progress: Progress;
}

/** One model's samples of one pattern, made or planned. */
export interface SilverSampleReport {
  readonly dataset: string;
  readonly layer: 'silver';
  readonly status: 'complete' | 'planned';
  readonly load_pattern: string;
  readonly model: string;
  readonly location: string;
  readonly partitions: readonly {
    readonly path: string;
    readonly load_date: string;
    readonly rows_read: number | null;
    readonly artifacts: Readonly<Record<string, number>> | null;
    readonly files: number | null;
  }[];
}

/**
 * Lands the source samples in a Bronze lake and promotes each day with each model, as `run-intent` would.
 *
 * @throws EXT001 where there are no source samples; USE001 where a base holds what no earlier run made; CFG001 for
 * a base that is none; LOCK001; and what Bronze and Silver throw.
 */
export async function* makeSilverSamples(options: SilverSampleOptions): AsyncGenerator<SilverSampleReport> {
  const plan = await openPlan(options);
  const lease = await acquireLease({ storage: plan.silver }, 'samples', options);
  try {
    await plan.ownedBronze.claim();
    await plan.ownedSilver.claim();
    for (const source of plan.sources) {
      for (const [index, model] of options.models.entries()) {
        const partitions = [];
        for (const date of source.dates) {
          const spec = silverSampleSpec(source.pattern, model, source.format, options.bases, options.formats);
          // The day is landed once, and promoted with each model from there.
          partitions.push(await promoteDay(spec, date, index > 0, source.pattern, model, options));
        }
        yield report(plan.silver, source.pattern, model, 'complete', partitions);
      }
    }
  } finally {
    await lease.release();
  }
}

/** What `makeSilverSamples` would make; writes nothing. */
export async function* planSilverSamples(options: SilverSampleOptions): AsyncGenerator<SilverSampleReport> {
  const plan = await openPlan(options);
  for (const { pattern, dates } of plan.sources) {
    for (const model of options.models) {
      const partitions = dates.map((date) => ({
        path: silverPath(pattern, model, date),
        load_date: date,
        rows_read: null,
        artifacts: null,
        files: null,
      }));
      yield report(plan.silver, pattern, model, 'planned', partitions);
    }
  }
}

interface SourceDays {
  readonly pattern: SamplePattern;
  readonly format: 'parquet' | 'csv';
  readonly dates: readonly string[];
}

interface SilverPlan {
  readonly silver: Storage;
  readonly sources: readonly SourceDays[];
  readonly ownedBronze: OwnedBase;
  readonly ownedSilver: OwnedBase;
}

async function openPlan(options: SilverSampleOptions): Promise<SilverPlan> {
  const { bases } = options;
  const [source, bronze, silver] = [bases.source, bases.bronze, bases.silver].map((base) =>
    openStorage(base, { signal: options.signal }),
  ) as [Storage, Storage, Storage];
  const sources: SourceDays[] = [];
  for (const pattern of options.patterns) sources.push(await sourceDays(source, pattern, options.days));
  const landed = sources.flatMap(({ pattern, dates }) => dates.map((date) => bronzePath(pattern, date)));
  const promoted = sources.flatMap(({ pattern, dates }) =>
    options.models.flatMap((model) => dates.map((date) => silverPath(pattern, model, date))),
  );
  return {
    silver,
    sources,
    ownedBronze: await ownBase(bronze, landed, '--bronze-base-dir'),
    ownedSilver: await ownBase(silver, promoted),
  };
}

/** Parquet where there is some, as every reader of foundry does. */
async function sourceDays(source: Storage, pattern: SamplePattern, days?: number): Promise<SourceDays> {
  const below = tablePath(pattern);
  const datesOf: Record<'parquet' | 'csv', Set<string>> = { parquet: new Set(), csv: new Set() };
  const file =
    pattern.hybrid === undefined
      ? /dt=([^/]+)\/[^/]+\.(parquet|csv)$/
      : /dt=([^/]+)\/delta\/[^/]+\.(parquet|csv)$/;
  for await (const { key } of source.list(below)) {
    const [, date, format] = file.exec(key) ?? [];
    if (date !== undefined && (format === 'parquet' || format === 'csv')) datesOf[format].add(date);
  }
  const format = datesOf.parquet.size > 0 ? 'parquet' : 'csv';
  const dates = [...datesOf[format]].sort().slice(0, days);
  if (dates.length > 0) return { pattern, format, dates };
  throw new FoundryError('EXT001', `there are no source samples at ${locationOf(source, below)}`, {
    hint: 'Make them with `foundry samples`, or say with --source-base-dir where they are.',
  });
}

async function promoteDay(
  spec: DatasetSpec,
  date: string,
  hasLanded: boolean,
  pattern: SamplePattern,
  model: SilverModelName,
  options: SilverSampleOptions,
): Promise<SilverSampleReport['partitions'][number]> {
  options.progress.step(`${silverSamplePath(pattern, model)} ${date}`);
  const run = { ...options, runDate: { date }, skipBronze: hasLanded, skipSilver: false };
  for await (const done of runIntent(spec, run)) {
    if (done.layer !== 'silver') continue;
    return {
      path: silverPath(pattern, model, date),
      load_date: date,
      rows_read: done.rows.read,
      artifacts: Object.fromEntries(done.artifacts.map(({ artifact, rows }) => [artifact, rows])),
      files: done.files.length,
    };
  }
  throw new Error(`${spec.name} gave no Silver`);
}

function report(
  silver: Storage,
  pattern: SamplePattern,
  model: SilverModelName,
  status: SilverSampleReport['status'],
  partitions: SilverSampleReport['partitions'],
): SilverSampleReport {
  const path = silverSamplePath(pattern, model);
  return {
    dataset: path,
    layer: 'silver',
    status,
    load_pattern: pattern.loadPattern,
    model,
    location: locationOf(silver, path),
    partitions,
  };
}

function bronzePath(pattern: SamplePattern, date: string): string {
  return bronzePartitionPath({
    system: SAMPLE_SYSTEM,
    table: SAMPLE_TABLE,
    pattern: pattern.folder,
    strategy: 'date',
    date,
  });
}

function silverPath(pattern: SamplePattern, model: SilverModelName, date: string): string {
  const partition = silverPartitionPath({
    domain: SAMPLE_SYSTEM,
    entity: SAMPLE_TABLE,
    version: 1,
    loadPartitionName: 'load_date',
    date,
  });
  return `${silverSamplePath(pattern, model)}/${partition}`;
}
