import { incompleteTimes, type SampleColumn } from './propose.ts';
import type { Reading } from './reading.ts';
import { indented, list, mapping, oneLine, text } from './yaml-text.ts';

/** Everything that `foundry init` has to know to write a config. */
export interface Draft {
  readonly type: 'file' | 'api' | 'database';
  readonly dialect: 'intent' | 'classic';
  readonly system: string;
  readonly entity: string;
  /** File: path, glob or folder. API: URL. Database: table. */
  readonly source: string;
  readonly kind: 'state' | 'event';
  readonly keys: readonly string[];
  readonly orderColumn?: string;
  /** Of files, as their first rows show them; empty for what was not looked at. */
  readonly columns: readonly SampleColumn[];
  readonly reading: Reading;
  /** The name of the config file, for the commands in its head. */
  readonly fileName: string;
}

/** Where the header of written configs looks for the JSON Schema, relative to the config. */
export const SCHEMA_FILE = '.foundry/config.schema.json';
export const SCHEMA_HEADER = `# yaml-language-server: $schema=${SCHEMA_FILE}`;

/** A commented config: complete, valid, and ready to run where the source can be read. */
export function renderConfig(draft: Draft): string {
  const body = draft.dialect === 'intent' ? intent(draft) : classic(draft);
  return `${[...head(draft), '', ...body].join('\n')}\n`;
}

function head({ fileName, system, entity }: Draft): string[] {
  return [
    SCHEMA_HEADER,
    '# The line above gives completion and checks in editors that speak YAML, once the schema is there:',
    `#   mkdir -p .foundry && foundry schema config > ${SCHEMA_FILE}`,
    '#',
    `# ${oneLine(entity)} of ${oneLine(system)}. From the folder in which you wrote this config:`,
    `#   foundry config validate ${oneLine(fileName)}`,
    `#   foundry run-intent --config ${oneLine(fileName)} --dry-run            what would be read and written`,
    `#   foundry run-intent --config ${oneLine(fileName)} --date 2025-01-05    land and promote one day`,
  ];
}

function intent(draft: Draft): string[] {
  const isEvent = draft.kind === 'event';
  return [
    '# environment: dev            # puts an env=dev folder in front of Bronze and Silver',
    '# domain: sales               # business domain of the table; without it, the system',
    `system: ${text(draft.system)}   # where the data comes from`,
    `entity: ${text(draft.entity)}   # what a row is about`,
    '',
    'bronze:',
    ...indented(intentSource(draft)),
    '',
    'silver:',
    '  # event: something that happened · state: how something is, with the newest row winning',
    `  entity_kind: ${draft.kind}`,
    ...(isEvent
      ? ['  input_mode: append_log     # or replace_daily: the last row of each key and day']
      : ['  history_mode: scd2         # keep every version; scd1 keeps the newest only']),
    '  # Columns that tell one thing from another',
    `  natural_keys: ${list(draft.keys)}`,
    isEvent ? '  # When it happened' : '  # Which of two rows is newer',
    `  ${isEvent ? 'event_ts_column' : 'change_ts_column'}: ${text(draft.orderColumn ?? 'updated_at')}`,
    ...attributes(draft),
    '  # Folders below the load partition: every value is a file, so choose a column with few values',
    '  partition_by: []',
    '  # semantic_owner: sales-analytics        # who answers for this table',
    '  # semantic_contact: sales@example.com',
  ];
}

function attributes({ columns, keys, orderColumn }: Draft): string[] {
  if (columns.length === 0) {
    return ['  attributes: []             # the other columns to keep', '  schema_mode: allow_new_columns'];
  }
  const others = columns
    .map((column) => column.name)
    .filter((name) => !keys.includes(name) && name !== orderColumn);
  return [
    '  # The other columns. One that comes up later and is not named here is an error, so that it is noticed;',
    '  # schema_mode: allow_new_columns leaves it out instead.',
    ...(others.length === 0
      ? ['  attributes: []']
      : ['  attributes:', ...others.map((name) => `    - ${text(name)}`)]),
    '  schema_mode: strict',
  ];
}

function intentSource(draft: Draft): string[] {
  const owner = [
    '# owner_team: sales-platform              # who answers for the source',
    '# owner_contact: sales-platform@example.com',
  ];
  const pattern =
    '  load_pattern: full         # full: all rows each time · cdc: only changes · current_history';
  if (draft.type === 'file') {
    return [
      'source_type: file',
      '# A file, a glob (exports/*.csv) or a folder; {date} is the run date: exports/orders_{date}.csv',
      `path_pattern: ${text(draft.source)}`,
      ...owner,
      'options:',
      pattern,
      ...fileOptions(draft, '  '),
    ];
  }
  if (draft.type === 'api') {
    return ['source_type: api', ...owner, 'options:', pattern, '  api:', ...indented(api(draft), '    ')];
  }
  return [
    'source_type: db',
    '# Name of the environment variable that holds the connection string; never the string itself',
    `connection_name: ${connection(draft)}`,
    `source_query: ${text(query(draft))}`,
    ...owner,
    'options:',
    pattern,
  ];
}

function classic(draft: Draft): string[] {
  const { columns, keys, orderColumn } = draft;
  const hasKeys = keys.length > 0 && orderColumn !== undefined;
  const model = !hasKeys ? 'periodic_snapshot' : draft.kind === 'state' ? 'scd_type_2' : 'full_merge_dedupe';
  return [
    'config_version: 1',
    '',
    '# Owned by the platform team: where Bronze lies',
    'platform:',
    '  bronze:',
    '    storage_backend: local',
    '    local_path: ./output',
    '',
    '# Owned by the source team: what is read',
    'source:',
    `  type: ${draft.type === 'database' ? 'db' : draft.type}`,
    `  system: ${text(draft.system)}   # where the data comes from`,
    `  table: ${text(draft.entity)}   # what a row is about`,
    ...indented(classicSource(draft)),
    '  run:',
    '    load_pattern: full         # full: all rows each time · cdc: only changes · current_history',
    '',
    '# How Bronze is promoted',
    'silver:',
    '  # periodic_snapshot: the rows as they are · full_merge_dedupe, scd_type_1: the newest row of each key',
    '  # scd_type_2: every version of each key · incremental_merge: the changes as they are',
    `  model: ${model}`,
    ...(hasKeys
      ? [
          `  primary_keys: ${list(keys)}   # columns that tell one thing from another`,
          `  order_column: ${text(orderColumn)}   # which of two rows is newer`,
        ]
      : [
          `  # primary_keys: ${oneLine(list(keys.length > 0 ? keys : ['id']))}   # columns that tell one thing from another`,
          `  # order_column: ${oneLine(text(orderColumn ?? incompleteTimes(columns)[0] ?? 'updated_at'))}   # which of two rows is newer`,
          ...(columns.length > 0
            ? [`  # The columns: ${oneLine(columns.map(({ name }) => name).join(', '))}`]
            : []),
        ]),
  ];
}

function classicSource(draft: Draft): string[] {
  if (draft.type === 'file') {
    return [
      'file:',
      '  # A file, a glob (exports/*.csv) or a folder; {date} is the run date: exports/orders_{date}.csv',
      `  path: ${text(draft.source)}`,
      ...fileOptions(draft, '').slice(1),
    ];
  }
  if (draft.type === 'api') return ['api:', ...indented(api(draft))];
  return [
    'db:',
    '  # Name of the environment variable that holds the connection string; never the string itself',
    `  conn_str_env: ${connection(draft)}`,
    `  base_query: ${text(query(draft))}`,
  ];
}

/** How the file is read. Types are a question of text files only; the rest brings its own. */
function fileOptions({ source, columns, reading }: Draft, indent: string): string[] {
  const isTyped = /\.(jsonl?|ndjson|parquet)(\.\w+)?$/i.test(source);
  const lines = [...readingOf(reading), ...(isTyped ? [] : typesOf(columns))];
  return lines.length === 0 ? [] : [`${indent}file:`, ...indented(lines, `${indent}  `)];
}

function readingOf({ encoding, delimiter, fieldnames, jsonPath }: Reading): string[] {
  return [
    ...(jsonPath === undefined
      ? []
      : ['# Where the records are in the document', `json_path: ${text(jsonPath)}`]),
    ...(encoding === undefined ? [] : [`encoding: ${text(encoding)}`]),
    ...(delimiter === undefined ? [] : [`delimiter: ${JSON.stringify(delimiter)}`]),
    ...(fieldnames === undefined
      ? []
      : [
          '# The first line holds values, so the names are made up: give better ones, here and below',
          'has_header: false',
          `fieldnames: ${list(fieldnames)}`,
        ]),
  ];
}

function typesOf(columns: readonly SampleColumn[]): string[] {
  const pinned = columns.filter(({ type }) => type !== 'string');
  const types = mapping(Object.fromEntries(pinned.map(({ name, type }) => [name, type])));
  return [
    '# infer: a column gets a type only where no value would change; text: every cell as it is.',
    ...(pinned.length === 0
      ? []
      : ['# To hold the source to what it has now, name the types:', `# types: ${oneLine(types)}`]),
    'types: infer',
  ];
}

function api({ source }: Draft): string[] {
  const url = URL.parse(source);
  const base = url === null ? 'https://api.example.com' : url.origin;
  return [
    `base_url: ${text(base)}`,
    `endpoint: ${text(url === null ? '/' : `${url.pathname}${url.search}`)}`,
    '# Name of the environment variable that holds the token; never the token itself',
    'auth_type: bearer',
    `auth_token_env: API_TOKEN`,
    'pagination:',
    '  type: page',
    '  page_size: 100',
  ];
}

function connection({ system }: Draft): string {
  return `${system.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')}_DB_URL`;
}

function query({ source }: Draft): string {
  return /\s/.test(source.trim()) ? source : `SELECT * FROM ${source}`;
}
