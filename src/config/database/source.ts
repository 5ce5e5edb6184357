import type * as v from 'valibot';
import { didYouMean } from '../../core/nearest.ts';
import { checkIncremental, incrementalSpec } from '../incremental.ts';
import { checkColumns, checkLabel, checkTimezone } from '../rules.ts';
import { checkColumnTypes, columnTypes } from '../silver/column-types.ts';
import type { IncrementalSpec, LoadPattern, PartitionStrategy } from '../spec.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { databaseOptions } from './schema.ts';
import type { DatabaseEngine, DatabaseSourceSpec } from './spec.ts';
import { ANY_LEXIS, placeholdersOf, segmentsOf, singleStatement } from './sql-text.ts';

type Entries = typeof databaseOptions;
export type DatabaseOptions = { readonly [K in keyof Entries]?: v.InferOutput<Entries[K]> };

/** Where the keys of a database source stand; the two dialects differ. */
export interface DatabasePlaces {
  readonly options: ConfigPath;
  readonly connection: ConfigPath;
  readonly query: ConfigPath;
}

export interface DatabaseRun {
  readonly strategy: PartitionStrategy | undefined;
  readonly loadPattern: LoadPattern | undefined;
  readonly workers: number | undefined;
}

/** What placeholders a query may use beside its own `params`. */
export const DATE_PLACEHOLDERS = ['run_date', 'start_date', 'end_date'] as const;
export const CURSOR_PLACEHOLDERS = ['since', 'until'] as const;

const VARIABLE = /^[A-Za-z_]\w*$/;

/** The rules of database sources that need more than one key, or more than a type. */
export function checkDatabase(
  options: Partly<DatabaseOptions>,
  places: DatabasePlaces,
  run: DatabaseRun,
  report: Report,
): void {
  const at = (key: keyof DatabaseOptions): ConfigPath => [...places.options, key];
  checkConnection(options, places, report);
  checkQuery(options, places, report);
  checkCursor(options, at('incremental'), run, report);
  if (options.types !== undefined) checkColumnTypes(options.types, at('types'), report);
  checkTimezone(options.timezone, at('timezone'), report);
  checkLabel(options.application_name, at('application_name'), report);
  checkLabel(options.partition_on, at('partition_on'), report);
  checkSplit(options, at, run, report);
  if (options.driver === 'pymssql') {
    report.invalid(at('driver'), "the driver pymssql is called 'mssql' here");
  }
  if (options.batch_size !== undefined && options.fetch_batch_size !== undefined) {
    report.invalid(at('batch_size'), 'fetch_batch_size says this already; keep one of them', 'key');
  }
}

function checkConnection(options: Partly<DatabaseOptions>, places: DatabasePlaces, report: Report): void {
  const name = options.conn_str_env;
  if (name === undefined) {
    report.invalid(
      places.connection,
      `a database source requires '${places.connection.at(-1)}': the environment variable with the connection string`,
      'key',
    );
  } else if (!VARIABLE.test(name)) {
    // Who wrote the connection string itself here finds no copy of it in a log.
    report.invalid(
      places.connection,
      `${places.connection.at(-1)} must be the name of an environment variable, such as ERP_DB_URL`,
    );
  }
}

function checkQuery(options: Partly<DatabaseOptions>, places: DatabasePlaces, report: Report): void {
  const at = (key: keyof DatabaseOptions): ConfigPath => [...places.options, key];
  const { base_query: query, table, columns } = options;
  if (query !== undefined && table !== undefined) {
    report.invalid(at('table'), `table and ${places.query.at(-1)} are both given; keep one of them`, 'key');
  } else if (query === undefined && table === undefined && !report.isMuted(places.query)) {
    report.invalid(places.query, `a database source requires '${places.query.at(-1)}', or 'table'`, 'key');
  }
  if (columns !== undefined && table === undefined) {
    report.invalid(at('columns'), "'columns' belongs to 'table'; a query names its own columns", 'key');
  }
  checkColumns(columns, at('columns'), report, { atLeastOne: true });
  if (table !== undefined && qualifiedName(table) === undefined) {
    report.invalid(
      at('table'),
      `${report.show(at('table'), table)} is no name of a table, such as sales.orders`,
    );
  }
  for (const name of Object.keys(options.params ?? {})) {
    const here = [...at('params'), name];
    if (!VARIABLE.test(name)) report.invalid(here, 'a placeholder is called by letters, digits and _', 'key');
    else if ([...DATE_PLACEHOLDERS, ...CURSOR_PLACEHOLDERS].some((known) => known === name))
      report.invalid(here, `the placeholder ${name} has a meaning of its own; choose another name`, 'key');
  }
  if (query !== undefined) checkSql(query, options, places.query, report);
}

function checkSql(query: string, options: Partly<DatabaseOptions>, at: ConfigPath, report: Report): void {
  if (singleStatement(query, ANY_LEXIS) === undefined) {
    report.invalid(
      at,
      query.trim() === '' ? 'the query must not be empty' : 'the query must be one statement',
    );
    return;
  }
  const isIncremental = options.incremental !== undefined && options.incremental.enabled !== false;
  const known = [
    ...DATE_PLACEHOLDERS,
    ...(isIncremental ? CURSOR_PLACEHOLDERS : []),
    ...Object.keys(options.params ?? {}),
  ];
  for (const { name, text } of placeholdersOf(query, ANY_LEXIS)) {
    if (known.includes(name)) continue;
    if (CURSOR_PLACEHOLDERS.some((cursor) => cursor === name)) {
      report.invalid(at, `the placeholder ${text} needs an incremental section`);
    } else if (text.startsWith('{{')) {
      report.invalid(at, `the placeholder ${text} is not known${didYouMean(name, known)}`);
    }
  }
  const quoted = segmentsOf(query, ANY_LEXIS).filter(({ kind }) => kind === 'quoted');
  const trapped = quoted.map(({ text }) => /\{\{\s*(\w+)\s*\}\}/.exec(text)).find((match) => match !== null);
  if (trapped !== undefined && known.includes(trapped?.[1] ?? '')) {
    report.invalid(
      at,
      `${trapped?.[0]} stands in quotes, where it is text; it is bound as a parameter: leave the quotes out`,
    );
  }
}

function checkCursor(
  options: Partly<DatabaseOptions>,
  at: ConfigPath,
  run: DatabaseRun,
  report: Report,
): void {
  const { incremental } = options;
  if (incremental === undefined || incremental.enabled === false) return;
  const { cursor_column: column, incremental_key: older } = incremental;
  if (column === undefined && older === undefined) {
    report.invalid([...at, 'cursor_column'], "incremental requires 'cursor_column'", 'key');
  }
  if (column !== undefined && older !== undefined && column !== older) {
    report.invalid(
      [...at, 'incremental_key'],
      'incremental_key differs from cursor_column; keep one of them',
    );
  }
  checkLabel(column, [...at, 'cursor_column'], report);
  checkLabel(older, [...at, 'incremental_key'], report);
  checkIncremental(incremental, { at, strategy: run.strategy, loadPattern: run.loadPattern }, report);
}

function checkSplit(
  options: Partly<DatabaseOptions>,
  at: (key: keyof DatabaseOptions) => ConfigPath,
  run: DatabaseRun,
  report: Report,
): void {
  const isSplit = (run.workers ?? 1) > 1 || options.chunk_rows !== undefined;
  if (options.consistency === 'chunk' && options.partition_on === undefined) {
    report.invalid(
      at('partition_on'),
      "consistency: chunk needs 'partition_on', a column that never changes: rows could move between chunks",
      'key',
    );
  }
  for (const key of ['partition_on', 'chunk_delay_seconds', 'consistency'] as const) {
    if (options[key] !== undefined && !isSplit) {
      report.warn(at(key), `'${key}' has no effect without chunk_rows or parallel_workers above 1`);
    }
  }
  if (options.limit_rows !== undefined && isSplit) {
    report.invalid(
      at('limit_rows'),
      'limit_rows takes the first rows, which a read in chunks does not have',
      'key',
    );
  }
  if (
    options.limit_rows !== undefined &&
    options.incremental !== undefined &&
    options.incremental.enabled !== false
  ) {
    report.invalid(
      at('limit_rows'),
      'limit_rows would leave rows out that the next run takes as landed',
      'key',
    );
  }
}

/** `sales.orders`, `"Sales"."order.items"`: the names, without quotes. */
export function qualifiedName(text: string): readonly string[] | undefined {
  const pattern = /\s*(?:"((?:[^"]|"")+)"|`((?:[^`]|``)+)`|\[((?:[^\]]|\]\])+)\]|([^\s."`[\]]+))\s*(\.|$)/y;
  const names: string[] = [];
  for (let at = 0; at <= text.length; ) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) return undefined;
    const [, double, back, bracket, plain, end] = match;
    names.push(
      double?.replaceAll('""', '"') ??
        back?.replaceAll('``', '`') ??
        bracket?.replaceAll(']]', ']') ??
        plain ??
        '',
    );
    if (end === '') break;
    at = pattern.lastIndex;
  }
  return names.length > 0 && names.length <= 4 ? names : undefined;
}

const ENGINES: Readonly<Record<string, DatabaseEngine>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
  mssql: 'mssql',
  sqlserver: 'mssql',
};

/** The spec of options that `checkDatabase` found no problem in. */
export function databaseSource(
  options: DatabaseOptions,
  run: { readonly workers: number | undefined },
): DatabaseSourceSpec {
  const driver = ENGINES[options.driver ?? ''];
  return {
    type: 'db',
    connectionEnv: options.conn_str_env ?? '',
    ...(driver !== undefined && { driver }),
    query:
      options.table === undefined
        ? { kind: 'query', sql: options.base_query ?? '' }
        : {
            kind: 'table',
            names: qualifiedName(options.table) ?? [],
            ...(options.columns !== undefined && { columns: options.columns }),
          },
    params: options.params ?? {},
    types: columnTypes(options.types ?? {}),
    wideDecimals: options.wide_decimals ?? 'text',
    geometry: options.geometry ?? 'wkb',
    ...(options.timezone !== undefined && { timezone: options.timezone }),
    fetchRows: options.fetch_batch_size ?? options.batch_size ?? 10_000,
    connectTimeoutSeconds: options.connect_timeout_seconds ?? 30,
    ...(options.statement_timeout_seconds !== undefined && {
      statementTimeoutSeconds: options.statement_timeout_seconds,
    }),
    lockTimeoutSeconds: options.lock_timeout_seconds ?? 30,
    applicationName: options.application_name ?? 'foundry',
    maxAttempts: options.max_attempts ?? 3,
    split: {
      workers: run.workers ?? 1,
      ...(options.partition_on !== undefined && { column: options.partition_on }),
      ...(options.chunk_rows !== undefined && { chunkRows: options.chunk_rows }),
      chunkDelayMs: Math.round((options.chunk_delay_seconds ?? 0) * 1000),
      consistency: options.consistency ?? 'snapshot',
    },
    ...(options.limit_rows !== undefined && { limitRows: options.limit_rows }),
  };
}

/** Undefined where the source is read in full. */
export function databaseIncremental(options: DatabaseOptions): IncrementalSpec | undefined {
  const { incremental } = options;
  return incrementalSpec(incremental?.cursor_column ?? incremental?.incremental_key, incremental);
}
