import { didYouMean } from '../../core/nearest.ts';
import { parseRunDate } from '../../core/run-date.ts';
import {
  checkColumns,
  checkFolder,
  checkLabel,
  checkName,
  checkPartitionName,
  checkVersion,
} from '../rules.ts';
import { isRemote } from '../storage/location.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import { checkPlatform, checkReach, sidePlatform } from './platform.ts';
import type { JoinConfig, OutputConfig, SideConfig } from './schema.ts';

type PickedColumns = readonly (string | Readonly<Record<string, string>>)[] | undefined;
type Section = Partly<JoinConfig['silver_join']>;

/** Reports what is wrong between the keys of a join. */
export function checkJoin(config: Partly<JoinConfig>, report: Report): void {
  checkVersion(config.config_version, report);
  checkName(config.environment, ['environment'], report);
  checkPlatform(config.platform, ['platform'], report);
  checkReach(config.platform ?? {}, ['platform', 'bronze'], report);
  const join: Section = config.silver_join ?? {};
  checkLabel(join.name, ['silver_join', 'name'], report);
  for (const side of ['left', 'right'] as const) {
    const at = ['silver_join', side];
    const given = join[side];
    if (given === undefined) continue;
    checkPlace(given, at, report);
    checkPlatform(given.platform, [...at, 'platform'], report);
    if (given.platform !== undefined)
      checkReach(sidePlatform(config.platform, given.platform), [...at, 'platform'], report);
    checkLabel(given.artifact, [...at, 'artifact'], report);
    checkLoadDate(given, at, report);
  }
  if (join.output !== undefined) checkOutput(join.output, report);
}

/** Either a path, or an asset by domain and entity. */
function checkPlace(place: Partly<SideConfig> | Partly<OutputConfig>, at: ConfigPath, report: Report): void {
  checkFolder(place.path, [...at, 'path'], report);
  checkFolder(place.base, [...at, 'base'], report);
  for (const key of ['domain', 'entity', 'environment', 'pattern'] as const)
    checkName(place[key], [...at, key], report);
  checkPartitionName(place.load_partition_name, [...at, 'load_partition_name'], report);
  const muted = (key: string): boolean => report.isMuted([...at, key]);
  if (place.path === undefined) {
    if (muted('path')) return;
    for (const key of ['domain', 'entity'] as const) {
      if (place[key] !== undefined || muted(key)) continue;
      report.invalid(at, `${at.join('.')} requires 'path', or 'domain' and 'entity'`, 'key');
      return;
    }
    return;
  }
  const unused = [
    'base',
    'domain',
    'entity',
    'version',
    'environment',
    'pattern',
    'load_partition_name',
  ] as const;
  for (const key of [...unused, 'load_date'] as const) {
    if (!Object.hasOwn(place, key) || place[key as keyof typeof place] === undefined) continue;
    report.invalid([...at, key], `'${key}' names an asset, and 'path' a folder; keep one of them`, 'key');
  }
}

function checkLoadDate({ load_date: date }: Partly<SideConfig>, at: ConfigPath, report: Report): void {
  if (date === undefined || date.trim().toLowerCase() === 'latest') return;
  const parsed = parseRunDate(date);
  if (parsed !== undefined && parsed.hour === undefined) return;
  const here = [...at, 'load_date'];
  report.invalid(here, `load_date must be a date (YYYY-MM-DD) or latest, got ${report.show(here, date)}`);
}

function checkOutput(output: Partly<OutputConfig>, report: Report): void {
  const at: ConfigPath = ['silver_join', 'output'];
  checkPlace(output, at, report);
  checkFolder(output.checkpoint_dir, [...at, 'checkpoint_dir'], report);
  checkFolder(output.spill_dir, [...at, 'spill_dir'], report);
  if (output.spill_dir !== undefined && isRemote(output.spill_dir))
    report.invalid([...at, 'spill_dir'], 'spill_dir must be on a local disk: the engine spills there');
  checkKeys(output, at, report);
  checkSpellings(output, 'select_columns', 'projection', at, report);
  const selected = output.select_columns === undefined ? 'projection' : 'select_columns';
  checkSelected(output[selected], [...at, selected], report);
  if (output.join_type === 'semi' || output.join_type === 'anti')
    refuseRight(output[selected], [...at, selected], report);
  for (const key of ['primary_keys', 'partition_columns'] as const)
    checkColumns(listOf(output[key]), [...at, key], report, { atLeastOne: false });
  checkColumns(output.column_order, [...at, 'column_order'], report, { atLeastOne: false });
  if (Array.isArray(output.formats) && output.formats.length === 0)
    report.invalid([...at, 'formats'], 'no output format is left: name parquet, csv or both');
  if (output.order_column?.trim() === '')
    report.invalid([...at, 'order_column'], 'order_column must not be empty');
  checkGuards(output.quality_guards, [...at, 'quality_guards'], report);
}

function checkKeys(output: Partly<OutputConfig>, at: ConfigPath, report: Report): void {
  checkSpellings(output, 'join_key_pairs', 'join_key_mapping', at, report);
  const key = output.join_key_pairs === undefined ? 'join_key_mapping' : 'join_key_pairs';
  const pairs = output[key];
  if (pairs !== undefined && output.join_keys !== undefined)
    report.invalid(
      [...at, 'join_keys'],
      `'join_keys' and '${key}' both name the keys; keep one of them`,
      'key',
    );
  if (pairs?.length === 0) report.invalid([...at, key], `${key} must not be empty`);
  pairs?.forEach((pair, index) => {
    const here = [...at, key, index];
    if (typeof pair === 'string') checkLabelled(pair, here, 'a key column', report);
    else checkMapping(pair, here, ['left', 'source'], ['right', 'target'], report);
  });
  const keys = listOf(output.join_keys);
  checkColumns(keys, [...at, 'join_keys'], report, { atLeastOne: true });
  if (keys !== undefined && keys.length > 1 && keys.includes('auto'))
    report.invalid([...at, 'join_keys'], "'auto' stands alone: it takes the declared primary keys");
}

/** `{left: a, right: b}` with the other spellings of both. */
function checkMapping(
  pair: Readonly<Record<string, unknown>>,
  at: ConfigPath,
  left: readonly string[],
  right: readonly string[],
  report: Report,
): void {
  const known = [...left, ...right];
  for (const [name, value] of Object.entries(pair)) {
    if (!known.includes(name))
      report.invalid(
        [...at, name],
        `unknown key${didYouMean(name, known)}; the keys here are ${known.join(', ')}`,
        'key',
      );
    else if (typeof value === 'string') checkLabelled(value, [...at, name], 'a key column', report);
  }
  for (const names of [left, right]) {
    const given = names.filter((name) => Object.hasOwn(pair, name));
    if (given.length === 0 && !report.isMuted(at)) report.invalid(at, `a key pair requires '${names[0]}'`);
    if (given.length > 1) report.invalid(at, `'${given.join("' and '")}' say the same; keep one of them`);
  }
}

function checkSpellings(
  output: Partly<OutputConfig>,
  name: 'join_key_pairs' | 'select_columns',
  other: 'join_key_mapping' | 'projection',
  at: ConfigPath,
  report: Report,
): void {
  if (output[name] === undefined || output[other] === undefined) return;
  report.invalid([...at, other], `'${other}' is another spelling of '${name}'; keep one of them`, 'key');
}

function checkSelected(selected: PickedColumns, at: ConfigPath, report: Report): void {
  if (selected?.length === 0) report.invalid(at, `${at.at(-1)} must not be empty`);
  selected?.forEach((item, index) => {
    const here = [...at, index];
    if (typeof item === 'string') {
      checkLabelled(item, here, 'a column', report);
      return;
    }
    const names = Object.keys(item);
    const isLong = Object.hasOwn(item, 'source');
    const odd = names.find((name) => isLong && name !== 'source' && name !== 'alias');
    if (odd !== undefined)
      report.invalid([...here, odd], `unknown key; the keys here are source, alias`, 'key');
    else if (!isLong && names.length !== 1)
      report.invalid(here, 'a column is written as {source: x, alias: y} or {x: y}');
    for (const [name, value] of Object.entries(item))
      checkLabelled(value, [...here, name], 'a column', report);
  });
}

/** A semi or anti join looks at the right side, and takes nothing of it. */
function refuseRight(selected: PickedColumns, at: ConfigPath, report: Report): void {
  selected?.forEach((item, index) => {
    const source = typeof item === 'string' ? item : (item.source ?? Object.keys(item)[0] ?? '');
    if (/^(?:right|target)\./.test(source))
      report.invalid([...at, index], 'a semi or anti join has the columns of the left side only');
  });
}

function checkLabelled(value: string, at: ConfigPath, what: string, report: Report): void {
  if (value.trim() === '') report.invalid(at, `${what} must not be empty`);
}

function checkGuards(
  guards: Partly<NonNullable<OutputConfig['quality_guards']>> | undefined,
  at: ConfigPath,
  report: Report,
): void {
  const { min, max } = guards?.row_count ?? {};
  if (min !== undefined && max !== undefined && min > max)
    report.invalid([...at, 'row_count'], `min is greater than max: ${min} and ${max}`);
  guards?.unique_keys?.forEach((guard, index) => {
    const here = [...at, 'unique_keys', index];
    const columns = listOf(guard.columns ?? guard.keys);
    if (guard.columns !== undefined && guard.keys !== undefined)
      report.invalid([...here, 'keys'], "'keys' is another spelling of 'columns'; keep one of them", 'key');
    else if (columns === undefined || columns.length === 0)
      report.invalid(here, 'unique_keys must name columns');
    else
      checkColumns(columns, [...here, guard.columns === undefined ? 'keys' : 'columns'], report, {
        atLeastOne: true,
      });
  });
}

export function listOf(value: string | readonly string[] | undefined): readonly string[] | undefined {
  return typeof value === 'string' ? [value] : value;
}
