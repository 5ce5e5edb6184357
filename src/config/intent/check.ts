import { checkPathStructure } from '../path-structure.ts';
import {
  checkColumns,
  checkFormats,
  checkLabel,
  checkName,
  checkPartitionName,
  checkVersion,
} from '../rules.ts';
import { checkRun } from '../run-options.ts';
import { checkOutputNames, checkSilverOptions, columnList, deleteModeOf } from '../silver/options.ts';
import { uselessSettings } from '../silver/rules.ts';
import { backendOf, checkStorage } from '../storage/place.ts';
import { checkConnections } from '../storage/settings.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { IntentConfig } from './schema.ts';
import { checkSourcePart } from './source.ts';
import { intentBronzeFormats, intentModel, isEventLike } from './spec.ts';

type Config = Partly<IntentConfig>;
type Bronze = NonNullable<Config['bronze']>;
type Silver = NonNullable<Config['silver']>;

const OPTIONS: ConfigPath = ['bronze', 'options'];

/** Reports what is wrong between the keys of an intent config. */
export function checkIntent(config: Config, report: Report): void {
  for (const key of ['environment', 'domain', 'system', 'entity', 'name'] as const) {
    checkName(config[key], [key], report);
  }
  checkLabel(config.pattern_id, ['pattern_id'], report);
  checkVersion(config.config_version, report);
  checkPathStructure(config.path_structure, config.silver, report);
  checkStorage(config, report);
  checkConnections(config.storage ?? {}, ['storage'], report);
  if (config.bronze !== undefined) checkBronze(config.bronze, backendOf(config, 'bronze'), report);
  if (config.silver !== undefined) checkSilver(config.silver, report);
}

function checkBronze(bronze: Bronze, backend: 'local' | 's3' | 'azure', report: Report): void {
  const options = bronze.options ?? {};
  const type = report.isMuted(['bronze', 'source_type']) ? undefined : (bronze.source_type ?? 'file');
  const isSplit = type === 'db';
  checkRun(options, options.partitioning_strategy ?? 'date', OPTIONS, report, { isSplit, backend });
  const formats = intentBronzeFormats(options);
  checkFormats(formats, [...OPTIONS, 'output_formats'], report);
  checkOwners(bronze, report);
  if (type !== undefined) checkSourcePart(bronze, type, report);
}

function checkOwners({ options = {}, ...bronze }: Bronze, report: Report): void {
  for (const key of ['owner_team', 'owner_contact'] as const) {
    const [above, here] = [bronze[key], options[key]];
    if (above === undefined || here === undefined || above === here) continue;
    report.invalid([...OPTIONS, key], `${key} differs from bronze.${key}; keep one of them`);
  }
}

function checkSilver(silver: Silver, report: Report): void {
  const at = (key: keyof Silver): ConfigPath => ['silver', key];
  checkSilverOptions(silver, ['silver'], report);
  checkColumns(silver.natural_keys, at('natural_keys'), report, { atLeastOne: true });
  checkColumns(silver.attributes, at('attributes'), report, { atLeastOne: false });
  for (const key of [
    'event_ts_column',
    'change_ts_column',
    'record_time_column',
    'load_batch_id_column',
  ] as const) {
    if (silver[key]?.trim() === '') report.invalid(at(key), `${key} must not be empty`);
  }
  if (silver.entity_kind !== undefined) checkKind(silver, silver.entity_kind, report);
  checkPartitioning(silver, report);
}

function checkKind(silver: Silver, kind: IntentConfig['silver']['entity_kind'], report: Report): void {
  const at = (key: keyof Silver): ConfigPath => ['silver', key];
  const isEvent = isEventLike(kind);
  const needed = isEvent ? 'event_ts_column' : 'change_ts_column';
  const other = isEvent ? 'change_ts_column' : 'event_ts_column';
  const foreign = isEvent ? 'history_mode' : 'input_mode';
  if (silver[needed] === undefined) {
    report.invalid(at(needed), `silver.${needed} is required when entity_kind is ${kind}`, 'key');
  }
  if (silver[foreign] !== undefined) {
    report.invalid(at(foreign), `silver.${foreign} does not apply when entity_kind is ${kind}`, 'key');
  }
  if (silver[other] !== undefined && kind !== 'derived_event') {
    report.warn(at(other), `'${other}' has no effect when entity_kind is ${kind}`);
  }
  const mode = deleteModeOf(silver.delete_mode);
  if (mode === (isEvent ? 'tombstone_state' : 'tombstone_event')) {
    const right = isEvent ? 'states' : 'events';
    report.invalid(at('delete_mode'), `${mode} applies to ${right} only, and entity_kind is ${kind}`);
  }
  const model = intentModel({ entity_kind: kind, history_mode: silver.history_mode });
  checkOutputNames(model, silver, report);
  for (const { key, unless } of uselessSettings(model, mode, silver)) {
    report.warn(at(key), `'${key}' has no effect unless ${unless}`);
  }
}

function checkPartitioning(silver: Silver, report: Report): void {
  const at = (key: keyof Silver): ConfigPath => ['silver', key];
  checkPartitionName(silver.record_time_partition, at('record_time_partition'), report);
  const columns = columnList(silver.partition_by);
  checkColumns(columns, at('partition_by'), report, { atLeastOne: false });
  columns?.forEach((column, index) => {
    checkPartitionName(
      column,
      typeof silver.partition_by === 'string' ? at('partition_by') : [...at('partition_by'), index],
      report,
    );
  });
  columnList(silver.partitioning?.columns)?.forEach((column, index) => {
    checkPartitionName(column, ['silver', 'partitioning', 'columns', index], report);
  });
  const [column, partition] = [silver.record_time_column, silver.record_time_partition];
  if ((column === undefined) !== (partition === undefined)) {
    const missing = column === undefined ? 'record_time_column' : 'record_time_partition';
    const present = column === undefined ? 'record_time_partition' : 'record_time_column';
    report.invalid(at(missing), `silver.${missing} is required beside ${present}`, 'key');
  }
  if (columns !== undefined && silver.partitioning?.columns !== undefined) {
    report.invalid(
      ['silver', 'partitioning', 'columns'],
      'partition_by says this already; keep one of them',
      'key',
    );
  }
  if (partition !== undefined && (columns?.length ?? 0) > 0) {
    report.warn(at('partition_by'), "'partition_by' has no effect beside record_time_partition");
  }
}
