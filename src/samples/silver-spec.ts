import type { DatasetSpec, OutputFormats, SilverModelName, SilverSpec } from '../config/spec.ts';
import { openStorage } from '../storage/open.ts';
import { locationOf } from '../storage/storage.ts';
import type { SamplePattern } from './patterns.ts';
import { SAMPLE_SYSTEM, SAMPLE_TABLE, tablePath } from './plan.ts';

export const SAMPLE_MODELS = [
  'periodic_snapshot',
  'incremental_merge',
  'full_merge_dedupe',
  'scd_type_1',
  'scd_type_2',
  'event',
  'state_scd1',
  'state_scd2',
  'derived_event',
] as const satisfies readonly SilverModelName[];

export interface SampleBases {
  /** The source samples. */
  readonly source: string;
  /** The Bronze lake between them and Silver. */
  readonly bronze: string;
  readonly silver: string;
}

/** Below the Silver base: `<load_pattern>/<silver_model>`. */
export function silverSamplePath(pattern: SamplePattern, model: SilverModelName): string {
  return `${pattern.label}/${model}`;
}

/**
 * The dataset that lands one day's samples of a pattern and promotes them with one model.
 * @param format what of the samples is read
 */
export function silverSampleSpec(
  pattern: SamplePattern,
  model: SilverModelName,
  format: 'parquet' | 'csv',
  bases: SampleBases,
  formats: OutputFormats,
): DatasetSpec {
  const delta = pattern.hybrid === undefined ? '' : 'delta/';
  return {
    name: `${pattern.folder}.${model}`,
    configPath: '(samples)',
    patternId: pattern.folder,
    bronze: {
      enabled: true,
      system: SAMPLE_SYSTEM,
      table: SAMPLE_TABLE,
      source: {
        type: 'file',
        path: `${locationOf(openStorage(bases.source), tablePath(pattern))}/dt={date}/${delta}*.${format}`,
        configFolder: '.',
        format,
        encoding: 'utf-8',
        quote: '"',
        hasHeader: true,
        nullValues: [],
        types: 'infer',
      },
      loadPattern: pattern.loadPattern,
      patternFolder: pattern.folder,
      base: bases.bronze,
      partition: { strategy: 'date', timezone: 'UTC' },
      formats: { parquet: true, csv: false, compression: 'snappy' },
      allowEmpty: false,
    },
    silver: {
      ...silverOf(pattern, model),
      base: `${bases.silver.replace(/\/+$/, '')}/${silverSamplePath(pattern, model)}`,
      formats,
    },
  };
}

function silverOf(pattern: SamplePattern, model: SilverModelName): Omit<SilverSpec, 'base' | 'formats'> {
  const { keys, orderColumn, attributes, metadata } = columnsOf(pattern);
  return {
    enabled: true,
    domain: SAMPLE_SYSTEM,
    entity: SAMPLE_TABLE,
    version: 1,
    loadPartitionName: 'load_date',
    inputScope: 'partition',
    model,
    artifactNames: {},
    keys,
    orderColumn,
    ...deletesOf(pattern, model),
    keepTombstones: false,
    collapseUnchanged: false,
    partitioning: { columns: [], none: true, keepColumns: false },
    requireChecksum: true,
    // Each day has one row without an order_id, on purpose.
    errorHandling: { enabled: true, maxBadRecords: 1, maxBadPercent: 0 },
    allowEmpty: false,
    ...intentOf(model),
    ...(isIntent(model) && { attributes, schemaMode: 'allow_new_columns', metadataColumns: metadata }),
  };
}

function isIntent(model: SilverModelName): boolean {
  return /^(?:event|derived_event|state_scd[12])$/.test(model);
}

function intentOf(model: SilverModelName): Partial<SilverSpec> {
  if (model === 'event') return { entityKind: 'event', inputMode: 'append_log' };
  if (model === 'derived_event') return { entityKind: 'derived_event', inputMode: 'append_log' };
  if (model === 'state_scd1') return { entityKind: 'state', historyMode: 'scd1' };
  if (model === 'state_scd2') return { entityKind: 'state', historyMode: 'scd2' };
  return {};
}

/** The stream of pattern 2 says which orders are gone; the models that know keys act on it. */
function deletesOf(pattern: SamplePattern, model: SilverModelName): Pick<SilverSpec, 'cdc' | 'deleteMode'> {
  if (pattern.label !== 'cdc' || /^(?:periodic_snapshot|incremental_merge)$/.test(model)) {
    return { deleteMode: 'ignore' };
  }
  const cdc = { operationColumn: 'change_type', live: ['insert', 'update'], deleted: ['delete'] };
  if (/event$/.test(model)) return { cdc, deleteMode: 'tombstone_event' };
  return { cdc, deleteMode: /_2$|scd2$/.test(model) ? 'tombstone_state' : 'hard_delete' };
}

function columnsOf(pattern: SamplePattern) {
  const isState = pattern.loadPattern === 'current_history';
  return {
    keys: ['order_id'],
    orderColumn: pattern.loadPattern === 'cdc' ? 'changed_at' : 'updated_at',
    attributes: ['customer_id', 'status', ...(isState ? [] : ['order_total'])],
    metadata: {
      loadBatchIdColumn: 'load_batch_id',
      recordSource: SAMPLE_SYSTEM,
      environment: 'unknown',
      domain: SAMPLE_SYSTEM,
      entity: SAMPLE_TABLE,
      bronzeOwner: 'platform-team',
      silverOwner: 'semantic-team',
    },
  };
}
