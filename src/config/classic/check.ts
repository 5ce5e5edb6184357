import { checkDeprecations } from '../deprecations.ts';
import { checkPathStructure } from '../path-structure.ts';
import {
  checkColumns,
  checkFolder,
  checkFormats,
  checkLabel,
  checkName,
  checkPartitionName,
  checkVersion,
} from '../rules.ts';
import { checkRun } from '../run-options.ts';
import { chooseModel } from '../silver/models.ts';
import { checkOutputNames, checkSilverOptions, columnList, deleteModeOf } from '../silver/options.ts';
import { modelProblems, uselessSettings } from '../silver/rules.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { ClassicConfig } from './schema.ts';
import { checkSourcePart, isDatabase } from './source.ts';
import { bronzeFormats, partitionStrategy } from './spec.ts';

type Partial = Partly<ClassicConfig>;

/** Reports what is wrong between the keys of a classic config. */
export function checkClassic(config: Partial, report: Report): void {
  checkName(config.environment, ['environment'], report);
  checkVersion(config.config_version, report);
  checkPathStructure(config.path_structure, config.silver, report);
  checkDeprecations(config, report);
  checkPlatform(config.platform ?? {}, report);
  checkSource(config, report);
  checkSilver(config, report);
}

function checkPlatform(platform: NonNullable<Partial['platform']>, report: Report): void {
  const at: ConfigPath = ['platform', 'bronze'];
  const bronze = platform.bronze ?? {};
  const remote = remoteStorage(platform);
  if (bronze.storage_backend === undefined && remote !== undefined) {
    report.later(
      [...at, 'storage_backend'],
      `the storage backend ${remote} is not available yet; set storage_backend: local`,
    );
  }
  if (bronze.storage_backend === 'local') {
    for (const key of ['s3_bucket', 's3_prefix', 'azure_container', 'azure_prefix'] as const) {
      if (bronze[key] !== undefined) report.warn([...at, key], `'${key}' has no effect on the local backend`);
    }
    for (const key of ['s3_connection', 'azure_connection'] as const) {
      if (platform[key] !== undefined)
        report.warn(['platform', key], `'${key}' has no effect on the local backend`);
    }
  }
  checkFolder(bronze.local_path, [...at, 'local_path'], report);
  checkFolder(bronze.output_dir, [...at, 'output_dir'], report);
  checkName(bronze.options?.pattern_folder, [...at, 'options', 'pattern_folder'], report);
}

/** The storage that a config without `storage_backend` evidently means, if it is not the local disk. */
function remoteStorage(platform: NonNullable<Partial['platform']>): 's3' | 'azure' | undefined {
  const bronze = platform.bronze ?? {};
  const has = (...values: readonly unknown[]): boolean => values.some((value) => value !== undefined);
  if (has(bronze.s3_bucket, bronze.s3_prefix, platform.s3_connection)) return 's3';
  if (has(bronze.azure_container, bronze.azure_prefix, platform.azure_connection)) return 'azure';
  return undefined;
}

function checkSource(config: Partial, report: Report): void {
  const source = config.source;
  if (source === undefined) return;
  checkName(source.system, ['source', 'system'], report);
  checkName(source.table, ['source', 'table'], report);
  checkName(source.config_name, ['source', 'config_name'], report);
  checkLabel(source.pattern_id, ['source', 'pattern_id'], report);
  const platform = config.platform?.bronze ?? {};
  const run = source.run ?? {};
  checkRun(run, partitionStrategy(platform), ['source', 'run'], report, { isSplit: isDatabase(source) });
  checkBronzeFormats(run, platform, report);
  checkSourcePart(source, partitionStrategy(platform), report);
}

function checkBronzeFormats(
  run: NonNullable<NonNullable<Partial['source']>['run']>,
  platform: NonNullable<NonNullable<Partial['platform']>['bronze']>,
  report: Report,
): void {
  const explicit = run.write_parquet === false || platform.output_defaults?.allow_parquet === undefined;
  checkFormats(
    bronzeFormats(run, platform),
    explicit
      ? ['source', 'run', 'write_parquet']
      : ['platform', 'bronze', 'output_defaults', 'allow_parquet'],
    report,
  );
  for (const [key, limit] of [
    ['write_parquet', 'allow_parquet'],
    ['write_csv', 'allow_csv'],
  ] as const) {
    if (run[key] === true && platform.output_defaults?.[limit] === false) {
      report.warn(
        ['source', 'run', key],
        `'${key}' has no effect: platform.bronze.output_defaults.${limit} is false`,
      );
    }
  }
}

function checkSilver(config: Partial, report: Report): void {
  const pattern = config.source?.run?.load_pattern ?? 'full';
  const silver = config.silver ?? {};
  const at = (key: string): ConfigPath => ['silver', key];
  checkName(silver.domain, at('domain'), report);
  checkName(silver.entity, at('entity'), report);
  checkColumns(silver.primary_keys, at('primary_keys'), report, { atLeastOne: false });
  columnList(silver.partitioning?.columns)?.forEach((column, index) => {
    checkPartitionName(column, ['silver', 'partitioning', 'columns', index], report);
  });
  checkSilverOptions(silver, ['silver'], report);
  if (config.silver === undefined && (pattern !== 'current_history' || report.isMuted(['silver']))) return;
  if (report.isMuted(at('model')) || report.isMuted(at('model_profile'))) return;
  const { model } = chooseModel(pattern, silver.model, silver.model_profile);
  checkOutputNames(model, silver, report);
  const subject = {
    model,
    pattern,
    keys: silver.primary_keys ?? [],
    orderColumn: silver.order_column,
    deleteMode: deleteModeOf(silver.delete_mode),
  };
  for (const problem of modelProblems(subject)) {
    report.invalid(at(problem.key), `silver.${problem.key} ${problem.message}`, 'key');
  }
  for (const { key, unless } of uselessSettings(model, subject.deleteMode, silver)) {
    report.warn(at(key), `'${key}' has no effect unless ${unless}`);
  }
}
