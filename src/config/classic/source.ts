import { apiIncrementalSpec } from '../api/incremental.ts';
import { type ApiSurroundings, apiSource, checkApi } from '../api/source.ts';
import { checkCommand, commandSource } from '../command/source.ts';
import { checkCustom, customSource } from '../custom/source.ts';
import { checkDatabase, databaseIncremental, databaseSource } from '../database/source.ts';
import { SOURCE_TYPES } from '../file/schema.ts';
import { checkFile, fileSource } from '../file/source.ts';
import type { PartitionStrategy, SourcePart } from '../spec.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { ClassicConfig } from './schema.ts';

type Source = ClassicConfig['source'];
type Partial = Partly<Source>;
type SourceType = (typeof SOURCE_TYPES)[number];

/** The section of `source` that each type reads. */
const SECTION_OF = {
  file: 'file',
  api: 'api',
  db: 'db',
  custom: 'custom_extractor',
  command: 'command',
} as const satisfies Record<SourceType, keyof Source>;

const API_KEYS = ['timeout_seconds', 'rate_limit_rps', 'max_retry_attempts', 'retry_base_delay'] as const;

/** Seen before the type is checked: whether the other keys are right does not depend on it. */
export function isDatabase(source: Partial): boolean {
  return source.type === 'db' || (source.type === undefined && source.db !== undefined);
}

/** The rules of what `source` reads. */
export function checkSourcePart(source: Partial, strategy: PartitionStrategy, report: Report): void {
  const type = sourceType(source, report);
  if (type === undefined) return;
  const run = source.run ?? {};
  for (const other of SOURCE_TYPES) {
    const section = SECTION_OF[other];
    if (other !== type && source[section] !== undefined) {
      report.warn(['source', section], `'${section}' has no effect on a source of type ${type}`);
    }
  }
  for (const key of API_KEYS) {
    if (type !== 'api' && run[key] !== undefined) {
      report.warn(['source', 'run', key], `'${key}' has no effect on a ${NAMES[type]}`);
    }
  }
  const section = SECTION_OF[type];
  if (source[section] === undefined) {
    const message =
      type === 'file'
        ? "source.file requires 'path'"
        : `source requires '${section}' for a source of type ${type}`;
    report.invalid(['source', section], message, 'key');
    return;
  }
  checkSection(type, source, strategy, report);
}

function checkSection(type: SourceType, source: Partial, strategy: PartitionStrategy, report: Report): void {
  const { run = {}, file, api, db, custom_extractor: custom, command } = source;
  const at: ConfigPath = ['source', SECTION_OF[type]];
  const place = { strategy, loadPattern: run.load_pattern };
  if (type === 'file' && file !== undefined) {
    checkFile(file.path, withoutPath(file), { path: [...at, 'path'], options: at }, report);
  }
  if (type === 'api' && api !== undefined) checkApi(api, apiSurroundings(run, strategy), { api: at }, report);
  if (type === 'db' && db !== undefined) {
    const places = { options: at, connection: [...at, 'conn_str_env'], query: [...at, 'base_query'] };
    checkDatabase(db, places, { ...place, workers: run.parallel_workers }, report);
  }
  if (type === 'custom' && custom !== undefined) checkCustom(custom, at, place, report);
  if (type === 'command' && command !== undefined) checkCommand(command, at, place, report);
}

const NAMES: Readonly<Record<SourceType, string>> = {
  file: 'file source',
  api: 'API',
  db: 'database source; see source.db',
  custom: 'custom source',
  command: 'command',
};

/** The type as written, else the one whose section is there. */
function sourceType(source: Partial, report: Report): SourceType | undefined {
  const isReported = report.isMuted(['source', 'type']);
  if (source.type !== undefined) return isReported ? undefined : source.type;
  const present = SOURCE_TYPES.filter(
    (type) => source[SECTION_OF[type]] !== undefined || report.isMuted(['source', SECTION_OF[type]]),
  );
  const [only] = present;
  if (present.length === 1) return only;
  if (!isReported) {
    report.invalid(['source', 'type'], `source requires 'type': one of ${SOURCE_TYPES.join(', ')}`, 'key');
  }
  return undefined;
}

/** The source of a config that `checkSourcePart` found no problem in. */
export function sourcePart(source: Source, strategy: PartitionStrategy, configPath: string): SourcePart {
  const { run = {}, file, api, db, custom_extractor: custom, command } = source;
  const type = source.type ?? SOURCE_TYPES.find((name) => source[SECTION_OF[name]] !== undefined);
  if (type === 'api' && api !== undefined) {
    return { source: apiSource(api, apiSurroundings(run, strategy)), ...apiIncrementalSpec(api) };
  }
  if (type === 'db' && db !== undefined) {
    const incremental = databaseIncremental(db);
    return {
      source: databaseSource(db, { workers: run.parallel_workers }),
      ...(incremental !== undefined && { incremental }),
    };
  }
  if (type === 'custom' && custom !== undefined) return customSource(custom, configPath);
  if (type === 'command' && command !== undefined) return commandSource(command, configPath);
  return { source: fileSource(file?.path ?? '', withoutPath(file ?? {}), configPath) };
}

function withoutPath<T extends object>({ path: _path, ...options }: T & { readonly path?: unknown }) {
  return options;
}

/** What `run` says of an API. */
function apiSurroundings(
  run: Partly<NonNullable<Source['run']>>,
  strategy: PartitionStrategy,
): ApiSurroundings {
  return {
    timeoutSeconds: run.timeout_seconds,
    rateLimitRps: run.rate_limit_rps,
    maxRetryAttempts: run.max_retry_attempts,
    retryBaseDelay: run.retry_base_delay,
    strategy,
    loadPattern: run.load_pattern,
  };
}
