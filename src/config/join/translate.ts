import { chooseModel, MODEL_NAMES, type ModelName, type ModelProfile } from '../silver/models.ts';
import type { OutputFormats } from '../spec.ts';
import { listOf } from './check.ts';
import { reachOf, sidePlatform } from './platform.ts';
import type { JoinConfig, OutputConfig, SideConfig } from './schema.ts';
import type {
  GuardSpec,
  JoinOutputSpec,
  JoinPlace,
  JoinReach,
  JoinSideSpec,
  JoinSpec,
  KeyPair,
  Selected,
} from './spec.ts';

/** The spec of a join that `checkJoin` found no problem in. */
export function joinSpec(config: JoinConfig, configPath: string): JoinSpec {
  const { left, name, output, right } = config.silver_join;
  const { environment, platform = {} } = config;
  const place = placeOf(output, environment, 'run', reachOf(platform));
  return {
    name: name ?? (place.kind === 'asset' ? `${place.domain}.${place.entity}` : nameOf(place.path)),
    configPath,
    ...(environment !== undefined && { environment }),
    left: sideOf(left, environment, reachOf(sidePlatform(platform, left.platform))),
    right: sideOf(right, environment, reachOf(sidePlatform(platform, right.platform))),
    output: outputOf(output, place),
  };
}

/** The entity that a path names, else its last folder. */
function nameOf(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  const value = (key: string): string | undefined =>
    segments.find((segment) => segment.startsWith(`${key}=`))?.slice(key.length + 1);
  const entity = value('entity');
  if (entity === undefined) return segments.at(-1) ?? path;
  return [value('domain'), entity].filter((part) => part !== undefined).join('.');
}

function sideOf(side: SideConfig, environment: string | undefined, reach: JoinReach): JoinSideSpec {
  return {
    ...(side.name !== undefined && { name: side.name }),
    place: placeOf(side, environment, loadDateOf(side.load_date), reach),
    ...(side.artifact !== undefined && { artifact: side.artifact.trim() }),
  };
}

function loadDateOf(text: string | undefined): Extract<JoinPlace, { kind: 'asset' }>['loadDate'] {
  if (text === undefined) return 'run';
  const trimmed = text.trim().toLowerCase();
  return trimmed === 'latest' ? 'latest' : { date: trimmed };
}

function placeOf(
  place: SideConfig | OutputConfig,
  topEnvironment: string | undefined,
  loadDate: Extract<JoinPlace, { kind: 'asset' }>['loadDate'],
  reach: JoinReach,
): JoinPlace {
  if (place.path !== undefined) return { ...reach, kind: 'path', path: place.path };
  const environment = place.environment ?? topEnvironment;
  return {
    ...reach,
    kind: 'asset',
    ...(place.base !== undefined && { base: place.base }),
    ...(environment !== undefined && { environment }),
    domain: place.domain ?? '',
    entity: place.entity ?? '',
    version: place.version ?? 1,
    ...(place.pattern !== undefined && { patternFolder: place.pattern }),
    loadPartitionName: place.load_partition_name ?? 'load_date',
    loadDate,
  };
}

function outputOf(output: OutputConfig, place: JoinPlace): JoinOutputSpec {
  const selected = output.select_columns ?? output.projection;
  return {
    place,
    model: modelOf(output.model),
    formats: formatsOf(output),
    joinType: output.join_type ?? 'inner',
    joinTypeIsDefault: output.join_type === undefined,
    keys: keysOf(output),
    ...(output.as_of !== undefined && {
      asOf: {
        left: output.as_of.left,
        rightFrom: output.as_of.right_from ?? 'effective_from',
        rightTo: output.as_of.right_to ?? 'effective_to',
      },
    }),
    strategy: output.join_strategy ?? 'auto',
    profile: output.performance_profile ?? 'auto',
    ...(output.chunk_size !== undefined && { chunkSize: Math.max(0, output.chunk_size) }),
    ...(selected !== undefined && { projection: selected.map(selectedOf) }),
    columnOrder: output.column_order ?? [],
    guards: guardsOf(output.quality_guards ?? {}),
    ...(output.checkpoint_dir !== undefined && { checkpointDir: output.checkpoint_dir }),
    ...(output.spill_dir !== undefined && { spillDir: output.spill_dir }),
    primaryKeys: listOf(output.primary_keys) ?? [],
    ...(output.order_column !== undefined && { orderColumn: output.order_column }),
    partitionColumns: listOf(output.partition_columns) ?? [],
    keepPartitionColumns: output.keep_partition_columns ?? false,
    allowEmpty: output.allow_empty ?? false,
  };
}

function modelOf(name: OutputConfig['model']): JoinOutputSpec['model'] {
  if (name === undefined) return 'periodic_snapshot';
  const isModel = MODEL_NAMES.includes(name as ModelName);
  return chooseModel(
    'full',
    isModel ? (name as ModelName) : undefined,
    isModel ? undefined : (name as ModelProfile),
  ).model;
}

function formatsOf({ formats = 'parquet', parquet_compression: codec }: OutputConfig): OutputFormats {
  const wanted = listOf(formats) ?? [];
  return {
    parquet: wanted.includes('parquet'),
    csv: wanted.includes('csv'),
    compression: codec ?? 'snappy',
  };
}

function keysOf(output: OutputConfig): 'auto' | readonly KeyPair[] {
  const pairs = output.join_key_pairs ?? output.join_key_mapping;
  if (pairs !== undefined) {
    return pairs.map((pair) =>
      typeof pair === 'string'
        ? { left: pair, right: pair }
        : { left: pair.left ?? pair.source ?? '', right: pair.right ?? pair.target ?? '' },
    );
  }
  const keys = listOf(output.join_keys);
  if (keys === undefined || (keys.length === 1 && keys[0]?.trim().toLowerCase() === 'auto')) return 'auto';
  return keys.map((key) => ({ left: key, right: key }));
}

function selectedOf(item: string | Readonly<Record<string, string>>): Selected {
  if (typeof item === 'string') return { source: item };
  if (item.source !== undefined) {
    return { source: item.source, ...(item.alias !== undefined && { alias: item.alias }) };
  }
  const [[source, alias] = ['', '']] = Object.entries(item);
  return { source, alias };
}

function guardsOf(guards: NonNullable<OutputConfig['quality_guards']>): GuardSpec {
  const { min, max } = guards.row_count ?? {};
  return {
    ...(guards.row_count !== undefined && {
      rowCount: { ...(min !== undefined && { min }), ...(max !== undefined && { max }) },
    }),
    nullRatio: (guards.null_ratio ?? []).map(({ column, max_ratio: maxRatio = 0 }) => ({ column, maxRatio })),
    uniqueKeys: (guards.unique_keys ?? []).map((guard) => ({
      columns: listOf(guard.columns ?? guard.keys) ?? [],
    })),
    ...(guards.match_rate !== undefined && { matchRate: guards.match_rate }),
    ...(guards.fan_out !== undefined && { fanOut: guards.fan_out }),
  };
}
