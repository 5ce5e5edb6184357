import { bronzeTarget } from '../bronze/target.ts';
import type { DatasetSpec } from '../config/spec.ts';
import { systemClock } from '../core/clock.ts';
import { FoundryError } from '../core/errors.ts';
import type { RunDate } from '../core/run-date.ts';
import { silverTarget } from '../silver/target.ts';
import { openSource } from '../sources/open.ts';

export interface ReadinessItem {
  readonly item: string;
  readonly ready: boolean;
  /** What to do where it is not. */
  readonly hint: string;
}

export interface DatasetExpansion {
  readonly dataset: string;
  readonly config: string;
  readonly derived_paths: { readonly bronze: string; readonly silver?: string };
  readonly readiness: readonly ReadinessItem[];
}

/** Where a dataset's Bronze and Silver of one day lie, and what is still open before it can be run every day. */
export async function expandDataset(spec: DatasetSpec, runDate: RunDate): Promise<DatasetExpansion> {
  const silver = silverPath(spec, runDate);
  return {
    dataset: spec.name,
    config: spec.configPath,
    derived_paths: { bronze: bronzePath(spec, runDate), ...(silver === undefined ? {} : { silver }) },
    readiness: await readiness(spec, runDate),
  };
}

/** The last folder of partitions that only a run can name. */
const UNKNOWN = { hourly: '<HH>', timestamp: '<YYYYMMDD_HHMM>', batch_id: '<batch id>' } as const;

function bronzePath({ bronze, environment }: DatasetSpec, runDate: RunDate): string {
  const { strategy, batchId } = bronze.partition;
  const { path } = bronzeTarget(bronze, {
    ...(environment === undefined ? {} : { environment }),
    runDate,
    clock: systemClock,
  });
  const isKnown = strategy === 'date' || strategy === 'none' || (runDate.hour ?? batchId) !== undefined;
  return below(bronze.base, isKnown ? path : path.replace(/[^=/]*$/, UNKNOWN[strategy]));
}

function silverPath({ silver, ...dataset }: DatasetSpec, runDate: RunDate): string | undefined {
  return silver === undefined ? undefined : below(silver.base, silverTarget({ ...dataset, silver }, runDate));
}

function below(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}/${path}/`;
}

async function readiness(spec: DatasetSpec, runDate: RunDate): Promise<ReadinessItem[]> {
  const { bronze, silver } = spec;
  const source = await sourceItem(spec, runDate);
  const items: ReadinessItem[] = [
    source,
    {
      item: 'the path takes the run date, or the file is replaced each day',
      ready: bronze.source.type !== 'file' || /\{(date|yyyy)\}/.test(bronze.source.path),
      hint: 'write {date} where the date stands in the name, unless the same file is replaced each day',
    },
    {
      item: 'the team that owns the source is named',
      ready: bronze.ownerTeam !== undefined && bronze.ownerContact !== undefined,
      hint: 'set owner_team and owner_contact of bronze',
    },
  ];
  if (silver === undefined) {
    return [...items, { item: 'Silver is described', ready: false, hint: 'add a silver section' }];
  }
  return [
    ...items,
    {
      item: 'the columns that identify a record are declared',
      ready: silver.keys.length > 0,
      hint: 'set natural_keys (classic: primary_keys)',
    },
    {
      item: 'the column that tells newer from older is declared',
      ready: silver.orderColumn !== undefined,
      hint: 'set event_ts_column or change_ts_column (classic: order_column)',
    },
    {
      item: 'columns have types',
      ready: bronze.source.type !== 'file' || bronze.source.types !== 'text' || isTyped(spec),
      hint: 'set types of the file options to infer, or to a mapping of columns to types',
    },
    {
      item: 'bad rows have a rule',
      ready: silver.errorHandling.enabled,
      hint: 'set error_handling of silver; without it one bad row refuses the run',
    },
    {
      item: 'the owner of the table is named',
      ready: silver.semanticOwner !== undefined && silver.semanticContact !== undefined,
      hint: 'set semantic_owner and semantic_contact of silver',
    },
  ];
}

/** Formats that carry their types. */
function isTyped({ bronze: { source } }: DatasetSpec): boolean {
  if (source.type !== 'file') return true;
  const format = source.format ?? /\.(parquet|jsonl?|ndjson)(\.\w+)?$/i.exec(source.path)?.[1];
  return format !== undefined && format !== 'csv' && format !== 'tsv';
}

async function sourceItem(spec: DatasetSpec, runDate: RunDate): Promise<ReadinessItem> {
  const source = await openSource(spec.bronze.source, {
    runDate,
    warn: () => undefined,
    ...(spec.connections !== undefined && { connections: spec.connections }),
  });
  try {
    const { description, problem } = await source.plan();
    return {
      item: `the source is there: ${description}`,
      ready: problem === undefined,
      hint: problem ?? '',
    };
  } catch (error) {
    if (!(error instanceof FoundryError)) throw error;
    return { item: 'the source is there', ready: false, hint: error.message };
  }
}
