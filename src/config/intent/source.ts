import { apiIncrementalSpec } from '../api/incremental.ts';
import { type ApiSurroundings, apiSource, checkApi } from '../api/source.ts';
import { checkCommand, commandSource } from '../command/source.ts';
import { checkCustom, customSource } from '../custom/source.ts';
import { type DatabaseOptions, databaseIncremental, databaseSource } from '../database/source.ts';
import type { SOURCE_TYPES } from '../file/schema.ts';
import { checkFile, fileSource } from '../file/source.ts';
import type { SourcePart } from '../spec.ts';
import { sourcePath } from '../storage/place.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import { checkIntentDatabase, intentDatabase } from './database.ts';
import type { IntentConfig } from './schema.ts';

type Bronze = Partly<IntentConfig['bronze']>;
type SourceType = (typeof SOURCE_TYPES)[number];

const OPTIONS: ConfigPath = ['bronze', 'options'];

const NAMES: Readonly<Record<SourceType, string>> = {
  file: 'a file source',
  api: 'an API',
  db: 'a database source',
  custom: 'a custom source',
  command: 'a command',
};

/** The keys of `bronze` and of `bronze.options` that only some types of sources read. */
const ABOVE = {
  path_pattern: ['file'],
  connection_name: ['api', 'db'],
  source_query: ['api', 'db'],
  partition_column: ['db'],
} as const satisfies Partial<Record<keyof Bronze, readonly SourceType[]>>;
const BELOW = {
  file: ['file'],
  format: ['file'],
  api: ['api'],
  db: ['db'],
  custom_extractor: ['custom'],
  command: ['command'],
} as const satisfies Partial<Record<keyof NonNullable<Bronze['options']>, readonly SourceType[]>>;

/** The rules of what `bronze` reads. */
export function checkSourcePart(bronze: Bronze, type: SourceType, report: Report): void {
  const options = bronze.options ?? {};
  const warnOf = (value: unknown, readers: readonly SourceType[], at: ConfigPath): void => {
    if (value !== undefined && !readers.includes(type))
      report.warn(at, `'${at.at(-1)}' has no effect on ${NAMES[type]}`);
  };
  for (const [key, readers] of Object.entries(ABOVE)) {
    warnOf(bronze[key as keyof typeof ABOVE], readers, ['bronze', key]);
  }
  for (const [key, readers] of Object.entries(BELOW)) {
    warnOf(options[key as keyof typeof BELOW], readers, [...OPTIONS, key]);
  }
  const place = {
    strategy: options.partitioning_strategy ?? ('date' as const),
    loadPattern: options.load_pattern,
  };
  if (type === 'file') checkFiles(bronze, report);
  if (type === 'api') checkApis(bronze, report);
  if (type === 'db') checkIntentDatabase(bronze, report);
  if (type === 'custom' && isThere(options.custom_extractor, 'custom_extractor', bronze, report)) {
    checkCustom(options.custom_extractor ?? {}, [...OPTIONS, 'custom_extractor'], place, report);
  }
  if (type === 'command' && isThere(options.command, 'command', bronze, report)) {
    checkCommand(options.command ?? {}, [...OPTIONS, 'command'], place, report);
  }
}

/** Whether a section can be checked: one that is missing is an error where Bronze is landed. */
function isThere(section: unknown, key: string, { enabled }: Bronze, report: Report): boolean {
  const at = [...OPTIONS, key];
  if (section !== undefined) return true;
  if (enabled !== false && !report.isMuted(at)) {
    report.invalid(at, `bronze requires 'options.${key}' for this source_type`, 'key');
  }
  return false;
}

function checkFiles(bronze: Bronze, report: Report): void {
  const options = bronze.options ?? {};
  if (bronze.path_pattern === undefined && bronze.enabled !== false) {
    report.invalid(['bronze', 'path_pattern'], "bronze requires 'path_pattern' for a file source", 'key');
  }
  const { path: _moved, ...file } = options.file ?? {};
  if (file.format !== undefined && options.format !== undefined && file.format !== options.format) {
    report.invalid(
      [...OPTIONS, 'format'],
      `format differs from bronze.options.file.format; keep one of them`,
    );
  }
  const format = file.format ?? options.format;
  checkFile(
    bronze.path_pattern,
    { ...file, ...(format !== undefined && { format }) },
    { path: ['bronze', 'path_pattern'], options: [...OPTIONS, 'file'] },
    report,
  );
}

function checkApis(bronze: Bronze, report: Report): void {
  const { api } = bronze.options ?? {};
  if (report.isMuted([...OPTIONS, 'api']) && api === undefined) return;
  const places = {
    api: [...OPTIONS, 'api'],
    connectionName: ['bronze', 'connection_name'],
    sourceQuery: ['bronze', 'source_query'],
  };
  checkApi(api ?? {}, apiSurroundings(bronze), places, report);
}

/** The source of a config that `checkSourcePart` found no problem in. */
export function sourcePart(config: IntentConfig, configPath: string): SourcePart {
  const { bronze } = config;
  const { file: written = {}, ...options } = bronze.options ?? {};
  switch (bronze.source_type ?? 'file') {
    case 'api': {
      const api = options.api ?? {};
      return { source: apiSource(api, apiSurroundings(bronze)), ...apiIncrementalSpec(api) };
    }
    case 'db': {
      const database = intentDatabase<DatabaseOptions>(bronze, options.db ?? {});
      const incremental = databaseIncremental(database);
      return {
        source: databaseSource(database, { workers: options.parallel_workers }),
        ...(incremental !== undefined && { incremental }),
      };
    }
    case 'custom':
      return customSource(options.custom_extractor ?? {}, configPath);
    case 'command':
      return commandSource(options.command ?? {}, configPath);
    case 'file': {
      const { path: _moved, ...file } = written;
      const format = file.format ?? options.format;
      const all = { ...file, ...(format !== undefined && { format }) };
      return { source: fileSource(sourcePath(config), all, configPath) };
    }
  }
}

/** What `bronze` says of an API outside of its section. */
function apiSurroundings(bronze: Bronze): ApiSurroundings {
  const { options = {} } = bronze;
  return {
    connectionName: bronze.connection_name,
    sourceQuery: bronze.source_query,
    strategy: options.partitioning_strategy ?? 'date',
    loadPattern: options.load_pattern,
  };
}
