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
import { bucketProblem, containerProblem, prefixProblem } from '../storage/location.ts';
import { checkConnections } from '../storage/settings.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { ClassicConfig } from './schema.ts';
import { checkSourcePart, isDatabase } from './source.ts';
import { backendOf, bronzeFormats, partitionStrategy } from './spec.ts';

type Partial = Partly<ClassicConfig>;

/** Reports what is wrong between the keys of a classic config. */
export function checkClassic(config: Partial, report: Report): void {
  checkName(config.environment, ['environment'], report);
  checkVersion(config.config_version, report);
  checkPathStructure(config.path_structure, config.silver, report);
  checkDeprecations(config, report);
  checkPlatform(config, report);
  checkSource(config, report);
  checkSilver(config, report);
}

function checkPlatform(config: Partial, report: Report): void {
  const platform = config.platform ?? {};
  const at: ConfigPath = ['platform', 'bronze'];
  const bronze = platform.bronze ?? {};
  const backend = backendOf(platform);
  for (const [key, of] of [
    ['s3_bucket', 's3'],
    ['s3_prefix', 's3'],
    ['azure_container', 'azure'],
    ['azure_prefix', 'azure'],
  ] as const) {
    if (bronze[key] !== undefined && of !== backend)
      report.warn([...at, key], `'${key}' has no effect on the ${backend} backend`);
  }
  const isMuted = report.isMuted([...at, 'storage_backend']);
  if (backend === 's3' && bronze.s3_bucket === undefined && !isMuted) {
    report.invalid([...at, 's3_bucket'], "platform.bronze requires 's3_bucket' for the backend s3", 'key');
  }
  if (backend === 'azure' && bronze.azure_container === undefined && !isMuted) {
    report.invalid(
      [...at, 'azure_container'],
      "platform.bronze requires 'azure_container' for the backend azure",
      'key',
    );
  }
  checkPlace([...at, 's3_bucket'], bronze.s3_bucket, bucketProblem, report);
  checkPlace([...at, 'azure_container'], bronze.azure_container, containerProblem, report);
  checkPlace([...at, 's3_prefix'], bronze.s3_prefix, prefixProblem, report);
  checkPlace([...at, 'azure_prefix'], bronze.azure_prefix, prefixProblem, report);
  checkConnections(platform, ['platform'], report);
  checkFolder(bronze.local_path, [...at, 'local_path'], report);
  checkFolder(bronze.output_dir, [...at, 'output_dir'], report);
  checkName(bronze.options?.pattern_folder, [...at, 'options', 'pattern_folder'], report);
}

function checkPlace(
  at: ConfigPath,
  value: string | undefined,
  problemOf: (value: string) => string | undefined,
  report: Report,
): void {
  const problem = value === undefined ? undefined : problemOf(value);
  if (problem !== undefined) report.invalid(at, `${report.show(at, value)}: ${problem}`);
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
  const backend = backendOf(config.platform ?? {});
  const isSplit = isDatabase(source);
  checkRun(run, partitionStrategy(platform), ['source', 'run'], report, { isSplit, backend });
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
