import type { JoinSpec } from '../config/join/spec.ts';
import type { ClassicModel } from '../config/silver/models.ts';
import type { OutputFormats, SilverModelName } from '../config/spec.ts';
import type { Clock } from '../core/clock.ts';
import { FoundryError } from '../core/errors.ts';
import type { Log, Progress } from '../core/log.ts';
import type { EngineLimits } from '../engine/engine.ts';
import { runJoin } from '../join/run.ts';
import { silverPartitionPath } from '../lake/layout.ts';
import { acquireLease } from '../lake/lease.ts';
import { MANIFEST_NAME } from '../lake/manifest.ts';
import { openStorage } from '../storage/open.ts';
import { locationOf, type Storage } from '../storage/storage.ts';
import { type OwnedBase, ownBase } from './ownership.ts';
import type { SamplePattern } from './patterns.ts';
import { SAMPLE_SYSTEM, SAMPLE_TABLE } from './plan.ts';
import { silverSamplePath } from './silver-spec.ts';

export interface JoinSampleOptions {
  readonly bases: { readonly silver: string; readonly join: string };
  readonly patterns: readonly SamplePattern[];
  readonly models: readonly SilverModelName[];
  readonly formats: readonly OutputFormats[];
  readonly limits: EngineLimits;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
  readonly progress: Progress;
}

export interface JoinSampleReport {
  readonly dataset: string;
  readonly layer: 'join';
  readonly status: 'complete' | 'planned';
  readonly join_type: string;
  readonly location: string;
  readonly load_date: string;
  readonly rows: number | null;
  readonly files: number | null;
}

/** What makes sense to join: which model of the left table with which of the right, and how. */
interface Combination {
  readonly left: SilverModelName;
  readonly right: SilverModelName;
  readonly type: JoinSpec['output']['joinType'];
  readonly asOf?: true;
  readonly model?: ClassicModel;
}

const COMBINATIONS: readonly Combination[] = [
  // Everything that happened, or lies there, with what is known now.
  { left: 'event', right: 'scd_type_1', type: 'left' },
  { left: 'derived_event', right: 'state_scd1', type: 'left' },
  { left: 'periodic_snapshot', right: 'full_merge_dedupe', type: 'inner' },
  { left: 'incremental_merge', right: 'scd_type_1', type: 'semi' },
  // What happened, with what was known then.
  { left: 'event', right: 'scd_type_2', type: 'left', asOf: true },
  { left: 'event', right: 'state_scd2', type: 'inner', asOf: true },
  // Two views of the same things.
  { left: 'scd_type_1', right: 'scd_type_1', type: 'outer' },
  { left: 'state_scd1', right: 'state_scd2', type: 'right' },
  { left: 'full_merge_dedupe', right: 'scd_type_2', type: 'anti' },
  { left: 'scd_type_1', right: 'full_merge_dedupe', type: 'inner', model: 'scd_type_1' },
];

interface Planned {
  readonly combination: Combination;
  readonly left: SamplePattern;
  readonly right: SamplePattern;
  readonly date: string;
  readonly formats: OutputFormats;
  /** Below the base: `<left>__<right>/<type>/formats-<formats>`. */
  readonly path: string;
}

/**
 * Joins the Silver samples of each pair of patterns in every way that makes sense, into each format.
 * @throws EXT001 where there are no Silver samples to join; USE001 where the base holds what no earlier run made;
 * LOCK001; and what a join throws.
 */
export async function* makeJoinSamples(options: JoinSampleOptions): AsyncGenerator<JoinSampleReport> {
  const { owned, planned, storage } = await openPlan(options);
  const lease = await acquireLease({ storage }, 'samples', options);
  try {
    await owned.claim();
    for (const sample of planned) {
      options.progress.step(sample.path);
      const done = await runJoin(specOf(sample, options), { ...options, runDate: { date: sample.date } });
      yield { ...reportOf(sample, storage), status: 'complete', rows: done.rows, files: done.files.length };
    }
  } finally {
    await lease.release();
  }
}

/** What `makeJoinSamples` would make; writes nothing. */
export async function* planJoinSamples(options: JoinSampleOptions): AsyncGenerator<JoinSampleReport> {
  const { planned, storage } = await openPlan(options);
  for (const sample of planned) yield reportOf(sample, storage);
}

async function openPlan(
  options: JoinSampleOptions,
): Promise<{ planned: readonly Planned[]; owned: OwnedBase; storage: Storage }> {
  const silver = openStorage(options.bases.silver);
  const dates = new Map<string, readonly string[]>();
  const datesOf = async (pattern: SamplePattern, model: SilverModelName): Promise<readonly string[]> => {
    const path = silverSamplePath(pattern, model);
    if (!dates.has(path)) dates.set(path, await loadDates(silver, path));
    return dates.get(path) ?? [];
  };
  const planned: Planned[] = [];
  for (const left of options.patterns) {
    for (const right of options.patterns) {
      if (left === right && options.patterns.length > 1) continue;
      for (const combination of COMBINATIONS) {
        if (!isWanted(combination, options.models)) continue;
        const own = await datesOf(left, combination.left);
        const date = (await datesOf(right, combination.right)).findLast((day) => own.includes(day));
        if (date === undefined) continue;
        for (const formats of options.formats)
          planned.push({
            combination,
            left,
            right,
            date,
            formats,
            path: pathOf(combination, left, right, formats),
          });
      }
    }
  }
  if (planned.length === 0) {
    throw new FoundryError('EXT001', `there are no Silver samples to join at ${locationOf(silver, '')}`, {
      hint: 'Make them with `foundry samples silver`, or say with --silver-base-dir where they are.',
    });
  }
  const storage = openStorage(options.bases.join);
  return {
    planned,
    owned: await ownBase(
      storage,
      planned.map(({ path }) => path),
    ),
    storage,
  };
}

function isWanted({ left, right }: Combination, models: readonly SilverModelName[]): boolean {
  return models.includes(left) && models.includes(right);
}

async function loadDates(silver: Storage, path: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for await (const { key } of silver.list(path)) {
    const date = /\/load_date=(\d{4}-\d{2}-\d{2})\//.exec(key)?.[1];
    if (date !== undefined && key.endsWith(`/${MANIFEST_NAME}`)) found.add(date);
  }
  return [...found].sort();
}

function pathOf(
  { asOf, left, right, type }: Combination,
  leftPattern: SamplePattern,
  rightPattern: SamplePattern,
  formats: OutputFormats,
): string {
  const names = [leftPattern.label, left, rightPattern.label, right];
  const how = asOf === true ? `${type}_as_of` : type;
  return `${names[0]}.${names[1]}__${names[2]}.${names[3]}/${how}/formats-${formatName(formats)}`;
}

function formatName({ csv, parquet }: OutputFormats): string {
  return csv && parquet ? 'both' : csv ? 'csv' : 'parquet';
}

function specOf(sample: Planned, { bases }: JoinSampleOptions): JoinSpec {
  const { combination, date, formats, left, path, right } = sample;
  const partition = silverPartitionPath({
    domain: SAMPLE_SYSTEM,
    entity: SAMPLE_TABLE,
    version: 1,
    loadPartitionName: 'load_date',
    date,
  });
  const place = (pattern: SamplePattern, model: SilverModelName) => ({
    kind: 'path' as const,
    path: `${bases.silver.replace(/\/+$/, '')}/${silverSamplePath(pattern, model)}/${partition}`,
  });
  return {
    name: path,
    configPath: '(samples)',
    left: { place: place(left, combination.left) },
    right: { place: place(right, combination.right) },
    output: {
      place: { kind: 'path', path: `${bases.join.replace(/\/+$/, '')}/${path}` },
      model: combination.model ?? 'periodic_snapshot',
      formats,
      joinType: combination.type,
      joinTypeIsDefault: false,
      keys: [{ left: 'order_id', right: 'order_id' }],
      ...(combination.asOf === true && {
        asOf: {
          left: left.loadPattern === 'cdc' ? 'changed_at' : 'updated_at',
          rightFrom: 'effective_from',
          rightTo: 'effective_to',
        },
      }),
      strategy: 'auto',
      profile: 'auto',
      columnOrder: ['order_id'],
      guards: { nullRatio: [], uniqueKeys: [] },
      primaryKeys: [],
      partitionColumns: [],
      keepPartitionColumns: false,
      allowEmpty: true,
    },
  };
}

function reportOf({ combination, date, path }: Planned, storage: Storage): JoinSampleReport {
  return {
    dataset: path,
    layer: 'join',
    status: 'planned',
    join_type: combination.type,
    location: locationOf(storage, path),
    load_date: date,
    rows: null,
    files: null,
  };
}
