import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { environmentSchema } from './environment-schema.ts';
import { parseConfig, problemsOf } from './load.ts';
import { leavesOf, withValue } from './other-values.ts';

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

const BASES = {
  classic: {
    config_version: 1,
    platform: { bronze: { storage_backend: 'local' } },
    source: { type: 'file', system: 's', table: 't', file: { path: 'x.csv' } },
    silver: {},
  },
  intent: {
    system: 's',
    entity: 't',
    bronze: { path_pattern: 'x.csv' },
    silver: { entity_kind: 'state', natural_keys: ['id'], change_ts_column: 'ts' },
  },
} as const;

/** What keys of a section of another type of source are tried in. */
function basesOf(type: string, section: string, settings: Readonly<Record<string, unknown>>) {
  return {
    classic: { ...BASES.classic, source: { type, system: 's', table: 't', [section]: settings } },
    intent: { ...BASES.intent, bronze: { source_type: type, options: { [section]: settings } } },
  };
}
const API_BASES = basesOf('api', 'api', { base_url: 'https://x.example', endpoint: '/' });
const DB_BASES = basesOf('db', 'db', { conn_str_env: 'U', base_query: 'select 1' });
const CUSTOM_BASES = basesOf('custom', 'custom_extractor', { module: 'x' });
const COMMAND_BASES = basesOf('command', 'command', { run: ['x'] });

/** Which base a key is tried in, where it is not that of files. */
const OTHER_BASES = [
  [
    /^(?:source\.api|bronze\.options\.api)\.|^source\.run\.(?:timeout_seconds|rate_limit_rps|max_retry_attempts|retry_base_delay)$|^bronze\.(?:connection_name|source_query)$/,
    API_BASES,
  ],
  [/^(?:source\.db|bronze\.options\.db)\.|^bronze\.partition_column$|\.parallel_workers$/, DB_BASES],
  [/^(?:source|bronze\.options)\.custom_extractor\./, CUSTOM_BASES],
  [/^(?:source|bronze\.options)\.command\./, COMMAND_BASES],
] as const;

const CURSOR = { 'incremental.cursor_column': 'ts' };
const CHUNKS = { chunk_rows: 10 };

const INCREMENTAL = Object.fromEntries(
  ['enabled', 'cursor_type', 'initial_value', 'lookback', 'null_rows', 'state_file'].map((key) => [
    `incremental.${key}`,
    CURSOR,
  ]),
);
/** As `BESIDE`, below the section of the database. */
const BESIDE_DB: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  table: { base_query: undefined },
  columns: { base_query: undefined, table: 't' },
  ...INCREMENTAL,
  partition_on: CHUNKS,
  chunk_delay_seconds: CHUNKS,
  consistency: { ...CHUNKS, partition_on: 'id' },
};

const CSV = { format: 'csv' };

/** As `BESIDE`, below the section of a command. */
const BESIDE_COMMAND: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  ...INCREMENTAL,
  delimiter: CSV,
  quote: CSV,
  null_values: CSV,
  has_header: { ...CSV, fieldnames: ['a'] },
  fieldnames: { ...CSV, has_header: false },
  stream: { format: 'singer' },
};

const BEARER = { 'auth.type': 'bearer', 'auth.token_env': 'T' };
const API_KEY = { 'auth.type': 'api_key', 'auth.key_env': 'K' };
const BASIC = { 'auth.type': 'basic', 'auth.username_env': 'U', 'auth.password_env': 'P' };
const OAUTH = {
  'auth.type': 'oauth2_client_credentials',
  'auth.token_url': 'https://x.example/token',
  'auth.client_id': 'c',
  'auth.client_secret_env': 'S',
};
const REFRESH = {
  'auth.type': 'oauth2_refresh_token',
  'auth.token_url': 'https://x.example/token',
  'auth.client_id': 'c',
  'auth.refresh_token_env': 'R',
};
const SIGV4 = { 'auth.type': 'aws_sigv4', 'auth.region': 'eu-west-1' };
const paging = (type: string) => ({ 'pagination.type': type });
const POST = { method: 'post' };
const absent = (key: string) => ({ [key]: undefined });

/** As `BESIDE`, below the section of the API. */
const BESIDE_API: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'auth.type': { 'auth.token_env': 'T' },
  'auth.token_env': BEARER,
  'auth.token_file': { ...BEARER, ...absent('auth.token_env') },
  'auth.key_env': API_KEY,
  'auth.key_file': { ...API_KEY, ...absent('auth.key_env') },
  'auth.key_header': API_KEY,
  'auth.key_param': API_KEY,
  'auth.username_env': BASIC,
  'auth.username_file': { ...BASIC, ...absent('auth.username_env') },
  'auth.password_env': BASIC,
  'auth.password_file': { ...BASIC, ...absent('auth.password_env') },
  'auth.token_url': OAUTH,
  'auth.client_id': OAUTH,
  'auth.client_id_env': { ...OAUTH, ...absent('auth.client_id') },
  'auth.client_secret_env': OAUTH,
  'auth.client_secret_file': { ...OAUTH, ...absent('auth.client_secret_env') },
  'auth.client_auth': OAUTH,
  'auth.scopes': OAUTH,
  'auth.audience': OAUTH,
  'auth.refresh_token_env': REFRESH,
  'auth.refresh_token_file': { ...REFRESH, ...absent('auth.refresh_token_env') },
  'auth.region': SIGV4,
  'auth.service': SIGV4,
  'auth.access_key_id_env': SIGV4,
  'auth.secret_access_key_env': SIGV4,
  'auth.session_token_env': SIGV4,
  auth_type: { auth_token_env: 'T' },
  auth_token_env: { auth_type: 'bearer', auth_token_env: 'T' },
  auth_key_env: { auth_type: 'api_key', auth_key_env: 'K' },
  auth_key_header: { auth_type: 'api_key', auth_key_env: 'K' },
  auth_key_name: { auth_type: 'api_key', auth_key_env: 'K' },
  auth_username_env: { auth_type: 'basic', auth_username_env: 'U', auth_password_env: 'P' },
  auth_password_env: { auth_type: 'basic', auth_username_env: 'U', auth_password_env: 'P' },
  base_url_env: absent('base_url'),
  url: absent('base_url'),
  ...Object.fromEntries(
    [
      'enabled',
      'cursor_type',
      'initial_value',
      'initial_cursor_value',
      'lookback',
      'null_rows',
      'state_file',
    ].map((key) => [`incremental.${key}`, { 'incremental.cursor_field': 'ts' }]),
  ),
  'incremental.cursor_param': { 'incremental.cursor_field': 'ts' },
  'incremental.format': { 'incremental.cursor_field': 'ts', 'incremental.cursor_param': 'since' },
  body: POST,
  body_format: POST,
  'pagination.page_size': paging('offset'),
  'pagination.offset_param': paging('offset'),
  'pagination.limit_param': paging('offset'),
  'pagination.page_param': paging('page'),
  'pagination.page_size_param': paging('page'),
  'pagination.start_page': paging('page'),
  'pagination.total_pages_path': paging('page'),
  'pagination.stop_on_short_page': paging('page'),
  'pagination.cursor_param': paging('cursor'),
  'pagination.cursor_path': paging('cursor'),
  'pagination.next_token_path': paging('cursor'),
  'pagination.cursor_header': paging('cursor'),
  'pagination.next_url_path': paging('next_url'),
  'pagination.key_field': paging('keyset'),
  'pagination.key_param': paging('keyset'),
  'pagination.parameters_in': { ...POST, ...paging('page') },
  'pagination.has_more_path': paging('page'),
  'pagination.max_pages': paging('page'),
  'pagination.on_total_mismatch': { 'pagination.total_path': 'total' },
  'pagination.on_repeated_page': paging('page'),
  'rate_limit.burst': { 'rate_limit.rps': 1 },
  'tls.cert_file': { 'tls.key_file': 'k' },
  'tls.key_file': { 'tls.cert_file': 'c' },
};

const KEYED = { 'silver.model': 'scd_type_1', 'silver.primary_keys': ['id'], 'silver.order_column': 'ts' };
const OPERATION = { 'silver.cdc.operation_column': 'op' };

/** Keys that mean something only beside others, and what to set beside them. */
const BESIDE: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'source.type': { 'source.command': { run: ['x'] } },
  'bronze.source_type': { 'bronze.options.command': { run: ['x'] } },
  'source.file.fieldnames': { 'source.file.has_header': false },
  'source.file.has_header': { 'source.file.fieldnames': ['a'] },
  'bronze.options.file.fieldnames': { 'bronze.options.file.has_header': false },
  'bronze.options.file.has_header': { 'bronze.options.file.fieldnames': ['a'] },
  'silver.input_mode': { 'silver.entity_kind': 'event', 'silver.event_ts_column': 'ts' },
  'silver.event_ts_column': { 'silver.entity_kind': 'event' },
  'silver.record_time_column': { 'silver.record_time_partition': 'day' },
  'silver.record_time_partition': { 'silver.record_time_column': 'at' },
  'silver.write_parquet': { 'silver.write_csv': true },
  'source.run.write_parquet': { 'source.run.write_csv': true },
  'platform.bronze.output_defaults.allow_csv': { 'source.run.write_csv': true },
  'platform.bronze.output_defaults.allow_parquet': { 'source.run.write_csv': true },
  'bronze.options.output_defaults.allow_csv': { 'bronze.options.output_formats': ['csv', 'parquet'] },
  'bronze.options.output_defaults.allow_parquet': { 'bronze.options.output_formats': ['csv', 'parquet'] },
  'platform.bronze.storage_backend': { 'platform.bronze.s3_bucket': 'b' },
  'platform.s3_connection.kms_key_id': { 'platform.s3_connection.server_side_encryption': 'aws:kms' },
  'storage.s3_connection.kms_key_id': { 'storage.s3_connection.server_side_encryption': 'aws:kms' },
  'silver.cdc.insert': OPERATION,
  'silver.cdc.update': OPERATION,
  'silver.cdc.delete': OPERATION,
  'silver.cdc.read': OPERATION,
  'silver.cdc.refresh': OPERATION,
};

const BELOW = [
  ['api', BESIDE_API],
  ['db', BESIDE_DB],
  ['custom_extractor', INCREMENTAL],
  ['command', BESIDE_COMMAND],
] as const;

/** Values that a key takes, where any text or list would not do. */
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  timezone: ['Europe/Berlin'],
  delimiter: [';'],
  quote: ["'"],
  encoding: ['latin1'],
  types: [{ a: 'int64' }],
  config_version: [2],
  cursor_type: ['int64'],
  lookback: ['2h'],
  url: ['https://y.example'],
  base_url: ['https://y.example'],
  token_url: ['https://y.example'],
  statuses: [[500]],
  jitter: [0.5],
  endpoint_url: ['http://localhost:9000'],
  account_url: ['https://account.blob.core.windows.net'],
};

/** The keys of a JSON Schema that hold values, and not only further keys. */
function leaves(schema: JsonSchema, path: readonly string[] = []): { path: string[]; schema: JsonSchema }[] {
  const { properties } = schema;
  if (properties === undefined || Object.keys(properties).length === 0) return [{ path: [...path], schema }];
  return Object.entries(properties).flatMap(([key, child]) => leaves(child, [...path, key]));
}

function samples(schema: JsonSchema): unknown[] {
  if (schema.enum !== undefined) return [...schema.enum];
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap(samples);
  if (schema.type === 'string') return ['other'];
  if (schema.type === 'integer' || schema.type === 'number') return [2];
  if (schema.type === 'boolean') return [true, false];
  if (schema.type === 'array') return samples(schema.items ?? {}).map((item) => [item]);
  if (schema.type === 'object') return [{ other: 'other' }];
  return ['other', { other: 1 }];
}

/** What the config says, or how it is refused; a refusal of the sample itself is no effect of the key. */
function outcome(config: unknown, path: string): { readonly told: boolean; readonly shown: string } {
  const names = (other: string): boolean =>
    other === path || other.startsWith(`${path}.`) || path.startsWith(`${other}.`);
  try {
    const { datasets, warnings } = parseConfig('c.yaml', stringify(config), {});
    return { told: warnings.some((warning) => names(warning.path)), shown: JSON.stringify(datasets) };
  } catch (error) {
    const told = problemsOf(error).some(
      (problem) => names(problem.path) && problem.message.includes('belongs in'),
    );
    return { told, shown: `refused: ${String(error)}` };
  }
}

describe.each(['classic', 'intent'] as const)('every key of the JSON Schema of %s configs', (dialect) => {
  const schemaOf = (name: string): JsonSchema =>
    JSON.parse(readFileSync(join(import.meta.dir, `../../schemas/${name}.schema.json`), 'utf8'));
  const { silver_join, ...properties } = schemaOf(dialect).properties ?? {};
  const all = leaves({ properties });

  test('but those of a join beside it, which join.test.ts tries', () => {
    expect(silver_join).toEqual(schemaOf('join').properties?.silver_join as JsonSchema);
  });

  test('there are many', () => {
    expect(all.length).toBeGreaterThan(90);
  });

  test.each(all.map(({ path, schema }) => [path.join('.'), schema] as const))(
    '%s changes what a run does, or is told to have no effect',
    (path, schema) => {
      const isClassicDelete = path === 'silver.delete_mode' && dialect === 'classic';
      const sections = dialect === 'classic' ? 'source' : 'bronze.options';
      const below = BELOW.flatMap(([name, besides]) => {
        const section = `${sections}.${name}`;
        const found = path.startsWith(`${section}.`) ? besides[path.slice(section.length + 1)] : undefined;
        return Object.entries(found ?? {}).map(([key, value]) => [`${section}.${key}`, value] as const);
      });
      const unset =
        dialect === 'intent' && path === 'bronze.connection_name' ? [[`${sections}.api`, {}] as const] : [];
      const beside = [...Object.entries(isClassicDelete ? KEYED : (BESIDE[path] ?? {})), ...below, ...unset];
      const set = (config: unknown, key: string, value: unknown) => withValue(config, key.split('.'), value);
      const base = beside.reduce<unknown>(
        (config, [key, value]) => set(config, key, value),
        (OTHER_BASES.find(([keys]) => keys.test(path))?.[1] ?? BASES)[dialect],
      );
      const before = outcome(base, path);
      const candidates = VALUES[path.split('.').at(-1) ?? ''] ?? samples(schema);
      const outcomes = candidates.map((value) => outcome(set(base, path, value), path));
      const counts = outcomes.some(
        ({ told, shown }) =>
          (told && !before.told) || (!shown.startsWith('refused') && shown !== before.shown),
      );
      if (!counts)
        throw new Error(`${path} has no effect:\n${outcomes.map(({ shown }) => shown).join('\n')}`);
    },
  );
});

test('every key of an environment file is in its JSON Schema', () => {
  const file = join(import.meta.dir, '../../schemas/environment.schema.json');
  const all = leaves(JSON.parse(readFileSync(file, 'utf8')) as JsonSchema);
  expect(all.map(({ path }) => path)).toEqual(
    leavesOf(environmentSchema).map(({ path }) => path.map(String)),
  );
});
