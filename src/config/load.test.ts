// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the substitutions of configs look like that
import { describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import { type LoadedConfig, loadConfig, mergeConfigErrors, parseConfig, problemsOf } from './load.ts';
import type { DatasetSpec } from './spec.ts';

const CLASSIC = `config_version: 1
platform: {bronze: {storage_backend: local, local_path: ./lake}}
source:
  system: s
  table: t
  file: {path: data/x.csv}
`;
const INTENT = `
system: s
entity: e
bronze: {path_pattern: data/x.csv}
`;
const STATE = `${INTENT}
silver: {entity_kind: state, natural_keys: [id], change_ts_column: ts}
`;

function load(text: string, env: Record<string, string> = {}): LoadedConfig {
  return parseConfig('conf/c.yaml', text, env);
}

function spec(text: string, env: Record<string, string> = {}): DatasetSpec {
  const { datasets } = load(text, env);
  expect(datasets).toHaveLength(1);
  return datasets[0]!;
}

function refused(text: string, env: Record<string, string> = {}): FoundryError {
  try {
    load(text, env);
  } catch (error) {
    if (error instanceof FoundryError) return error;
    throw error;
  }
  throw new Error('the config was accepted');
}

describe('the scenarios of the original', () => {
  test('8: a classic config without platform or source is refused by name', () => {
    expect(refused('source: {system: s, table: t, file: {path: a.csv}}').message).toContain("'platform'");
    expect(refused('platform: {bronze: {}}').message).toContain("'source'");
    expect(refused('silver: {}').message).toContain("'platform'");
  });

  test('9: a source is refused by the key that is wrong', () => {
    const at = (source: string) =>
      refused(`platform: {bronze: {}}\nsource: {system: s, table: t, ${source}}`).message;
    expect(at('type: file, file: {format: csv}')).toContain("source.file requires 'path'");
    expect(at('type: file')).toContain("source.file requires 'path'");
    expect(at('file: {path: a, format: unsupported}')).toContain('source.file.format');
    expect(at('file: {path: a}, run: {load_pattern: invalid}').toLowerCase()).toContain('load pattern');
    expect(at('type: invalid_type')).toContain('Invalid source.type');
  });

  test('10: zero parallel workers are refused', () => {
    expect(refused(`${CLASSIC}  run: {parallel_workers: 0}`).message).toContain(
      'parallel_workers must be a positive integer',
    );
  });

  test('11: require_checksum takes no text', () => {
    expect(refused(`${CLASSIC}silver: {require_checksum: "yes"}`).message).toContain(
      'silver.require_checksum',
    );
  });

  test('12: current_history requires keys and an order, with or without a silver section', () => {
    const run = `${CLASSIC}  run: {load_pattern: current_history}\n`;
    expect(refused(run).message).toContain('silver.primary_keys');
    expect(refused(`${run}silver: {primary_keys: []}`).message).toContain('silver.primary_keys');
    expect(refused(`${run}silver: {primary_keys: [a]}`).message).toContain('silver.order_column');
    expect(spec(`${run}silver: {primary_keys: [a], order_column: b}`).silver?.model).toBe('scd_type_2');
  });

  test('13: a profile beats the model and the load pattern', () => {
    const silver = 'silver: {model_profile: analytics, model: scd1, primary_keys: [a], order_column: b}';
    expect(spec(`${CLASSIC}${silver}`).silver?.model).toBe('scd_type_2');
    expect(refused(`${CLASSIC}silver: {model_profile: analytic}`).message).toContain(
      'did you mean "analytics"',
    );
  });

  test('14: the environment is substituted in texts and only there', () => {
    const config = (path: string, rest = '') =>
      `${CLASSIC.replace('data/x.csv', `"${path}"`)}  run: {local_output_dir: "${rest || './o'}"}`;
    expect(spec(config('${A}'), { A: 'v.csv' }).bronze.source).toMatchObject({ path: 'v.csv' });
    expect(spec(config('${U:a:b}')).bronze.source).toMatchObject({ path: 'a:b' });
    expect(spec(config('${B}/${E}/d'), { B: 'x', E: 'y' }).bronze.source).toMatchObject({ path: 'x/y/d' });
    expect(spec(config('${X:}a')).bronze.source).toMatchObject({ path: 'a' });
    expect(refused(config('${MISSING}')).message).toContain('MISSING');
  });

  test('17: modes and columns must suit what the entity is', () => {
    const silver = (text: string) => refused(`${INTENT}silver: {${text}}`).message;
    const keys = 'natural_keys: [id]';
    expect(silver(`entity_kind: event, ${keys}, event_ts_column: t, history_mode: scd2`)).toContain(
      'silver.history_mode',
    );
    expect(silver(`entity_kind: state, ${keys}, change_ts_column: t, input_mode: append_log`)).toContain(
      'silver.input_mode',
    );
    expect(silver('entity_kind: event, event_ts_column: t')).toContain('natural_keys');
    expect(silver(`entity_kind: event, ${keys}`)).toContain('silver.event_ts_column');
    expect(silver(`entity_kind: state, ${keys}`)).toContain('silver.change_ts_column');
    expect(silver(`entity_kind: derived_state, ${keys}`)).toContain('silver.change_ts_column');
  });

  test('26: no format left to write is an error in every place that can say so', () => {
    for (const text of [
      `${CLASSIC}  run: {write_parquet: false}`,
      CLASSIC.replace('local_path: ./lake', 'output_defaults: {allow_parquet: false}'),
      `${CLASSIC}silver: {write_parquet: false}`,
      `${STATE.replace('x.csv}', 'x.csv, options: {output_formats: []}}')}`,
      `${STATE.replace('ts}', 'ts, write_parquet: false}')}`,
    ]) {
      expect(refused(text).message).toContain('no output format is left');
    }
  });

  test('44: a headerless file without fieldnames, a metadata file and an unknown format are refused', () => {
    const file = (text: string) => refused(CLASSIC.replace('path: data/x.csv', text)).message;
    expect(file('path: a.tsv, has_header: false')).toContain('fieldnames is required');
    expect(file('path: lake/_metadata.json')).toContain('begins with _');
    expect(file('path: a.xml, format: xml')).toContain('source.file.format');
  });

  test('48: a model that picks rows requires keys and an order column', () => {
    for (const model of ['scd_type_1', 'scd1', 'scd_type_2', 'full_merge_dedupe', 'FULL MERGE']) {
      const error = refused(`${CLASSIC}silver: {model: ${model}}`);
      expect(error.message).toContain('silver.primary_keys is required');
      expect(error.message).toContain('silver.order_column is required');
      expect(error.exitCode).toBe(2);
    }
  });
});

describe('problems', () => {
  test('are all told at once, each with its line, column, path and a guess', () => {
    const error = refused(`platform:
  bronze: {storage_backend: locall}
source:
  system: ../x
  tabel: t
  file:
    path: a.csv
    colums: [a]
    delimiter: ";;"
    types: {a: intt}
  run: {parallel_workers: -1, timezone: Mars}
silver:
  version: one
`);
    expect(error.code).toBe('CFG001');
    expect(error.message.split('\n')).toEqual([
      'conf/c.yaml:2:29 platform.bronze.storage_backend: Invalid platform.bronze.storage_backend "locall": the storage backend must be one of local, s3, azure (did you mean "local"?)',
      'conf/c.yaml:4:11 source.system: system must be one name, without / or \\, got "../x"',
      'conf/c.yaml:5:3 source.tabel: unknown key (did you mean "table"?)',
      'conf/c.yaml:8:5 source.file.colums: unknown key (did you mean "columns"?)',
      'conf/c.yaml:9:16 source.file.delimiter: delimiter must be a single character, got ";;"',
      expect.stringContaining('conf/c.yaml:10:16 source.file.types.a: "intt" is not a type'),
      'conf/c.yaml:11:27 source.run.parallel_workers: parallel_workers must be a positive integer, got -1',
      'conf/c.yaml:11:41 source.run.timezone: "Mars" is not an IANA time zone such as Europe/Berlin or UTC',
      'conf/c.yaml:13:12 silver.version: version must be a positive integer, got "one"',
    ]);
    expect(problemsOf(error)[2]).toEqual({
      code: 'CFG001',
      file: 'conf/c.yaml',
      line: 5,
      column: 3,
      path: 'source.tabel',
      message: 'unknown key (did you mean "table"?)',
    });
  });

  test('name every unknown key of a section, also those that objects inherit', () => {
    const message = refused(
      `${CLASSIC}  bogus_one: 1\n  constructor: 2\n  __proto__: 3\n  toString: 4`,
    ).message;
    for (const key of ['bogus_one', 'constructor', '__proto__', 'toString']) {
      expect(message).toContain(`source.${key}: unknown key`);
    }
  });

  test('say where a key belongs that stands in the wrong section', () => {
    expect(refused(`${CLASSIC}  delimiter: ";"`).message).toContain('did you mean source.file.delimiter');
    expect(refused(`${CLASSIC}  run: {limit_rows: 5}`).message).toContain(
      'belongs in source.file.limit_rows',
    );
  });

  test('ask for quotes where YAML read a number and a text is wanted', () => {
    expect(refused(CLASSIC.replace('table: t', 'table: 2024')).message).toContain(
      'got 2024 (put it in quotes)',
    );
    const cdc = 'cdc: {operation_column: op, delete: 1}';
    expect(refused(`${CLASSIC}silver: {${cdc}}`).message).toContain(
      'delete must be a text or a list of texts, got 1 (put it in quotes)',
    );
  });

  test('never show a value of the environment', () => {
    const message = refused(`${CLASSIC}  run: {load_pattern: "\${P}", parallel_workers: "\${Q}"}`, {
      P: 'hunter2',
      Q: 'hunter3',
    }).message;
    expect(message).not.toContain('hunter');
    expect(message).toContain('${P}');
  });

  test('of several files become one error', () => {
    const merged = mergeConfigErrors([refused('a: ['), refused('')]);
    expect(problemsOf(merged)).toHaveLength(problemsOf(refused('a: [')).length + 1);
  });

  test('tell a mistake once: a broken value is not also reported as missing', () => {
    const lines = refused(
      `${INTENT}silver: {entity_kind: event, natural_keys: 5, even_ts_column: x}`,
    ).message.split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain('natural_keys must be a list of texts, got 5');
    expect(lines[1]).toContain('did you mean "event_ts_column"');
  });

  test.each([
    [`${INTENT}silver: {entity_kind: event, natural_keys: "id, b"}`, 'got "id, b" (write [id, b])'],
    [`${INTENT}silver: {natural_keys: [{id: x}]}`, 'silver.natural_keys.0: item 1 must be text'],
    [
      `${INTENT}silver: {primary_keys: [id]}`,
      'silver.primary_keys: unknown key (did you mean "natural_keys"?)',
    ],
    [
      `${CLASSIC}silver: {natural_keys: [id]}`,
      'silver.natural_keys: unknown key (did you mean "primary_keys"?)',
    ],
    [`${CLASSIC}  run: {write_csv: yes}`, 'got "yes" (write true, without quotes)'],
    [`${CLASSIC}  run: {write_csv: "False"}`, 'got "False" (write false, without quotes)'],
    [`${CLASSIC}  run: {max_rows_per_file: "1,000,000"}`, '(write 1000000, without quotes)'],
    [`${CLASSIC}  run: {max_rows_per_file: many}`, 'must be an integer, got "many"'],
  ])('say how the value or the key of %s would be written', (config, told) => {
    expect(refused(config).message).toContain(told);
    expect(refused(config).message).not.toContain('NaN');
  });

  test('tell two dialects in one config once, not key by key', () => {
    expect(refused(`${INTENT}source: {type: file}`).message.split('\n')).toEqual([
      expect.stringContaining('bronze: two dialects are mixed here'),
    ]);
    expect(refused(`${CLASSIC}bronze: {source_type: file}`).message).toContain('bronze: two dialects');
  });

  test('name names that would leave their folder', () => {
    for (const name of ['"a/b"', '".."', '"a\\\\b"', '""', '"a\\u0007"', '" a"', '"."']) {
      expect(refused(CLASSIC.replace('system: s', `system: ${name}`)).message).toContain('source.system');
      expect(refused(STATE.replace('entity: e', `entity: ${name}`)).message).toContain(' entity: ');
      expect(refused(`${CLASSIC}  run: {pattern_folder: ${name}, batch_id: ${name}}`).message).toContain(
        'batch_id',
      );
      expect(refused(`${CLASSIC}silver: {full_output_name: ${name}, domain: ${name}}`).message).toContain(
        'full_output',
      );
      expect(refused(`${CLASSIC}silver: {load_partition_name: ${name}}`).message).toContain(
        'load_partition_name',
      );
    }
  });

  test('cover what columns and types must be', () => {
    const file = (text: string) =>
      refused(CLASSIC.replace('path: data/x.csv', `path: a.csv, ${text}`)).message;
    expect(file('columns: []')).toContain('columns must not be empty');
    expect(file('columns: [a, b, a]')).toContain('file.columns.2: the column "a" stands twice');
    expect(file('columns: [a, ""]')).toContain('must not be empty');
    expect(file('fieldnames: [a, a]')).toContain('stands twice');
    expect(file('has_header: false, fieldnames: [aa, bb], types: {ab: int}')).toContain(
      'types.ab: fieldnames has no such',
    );
    expect(file('limit_rows: 0')).toContain('limit_rows must be a positive integer');
    expect(file('quote: "\'\'"')).toContain('quote must be a single character');
    expect(file("delimiter: '\\t'")).toContain('in double quotes for a tab');
    expect(file('types: {a: 5}')).toContain('source.file.types.a: a must be text');
    expect(file('types: numbers')).toContain('source.file.types');
    expect(refused(`${CLASSIC}  run: {max_file_size_mb: .inf}`).message).toContain('greater than 0');
    expect(refused(`${CLASSIC}silver: {partitioning: {columns: [a, a]}}`).message).toContain('stands twice');
  });
});

describe('storage of a classic config', () => {
  const at = (bronze: string, more = '') =>
    CLASSIC.replace('storage_backend: local, local_path: ./lake', bronze).replace(
      '}}\n',
      `}${more === '' ? '' : `, ${more}`}}\n`,
    );

  test('is a bucket or a container with a prefix, and how it is reached', () => {
    const s3 = spec(
      at(
        'storage_backend: s3, s3_bucket: lake, s3_prefix: /raw/',
        's3_connection: {endpoint_url_env: E, access_key_env: A, secret_key_env: S, verify_ssl: true}',
      ),
    );
    expect(s3.bronze.base).toBe('s3://lake/raw');
    expect(s3.connections).toEqual({
      s3: {
        endpointUrlEnv: 'E',
        accessKeyId: { env: 'A' },
        secretAccessKey: { env: 'S' },
        verifySsl: true,
      },
    });
    expect(spec(at('azure_container: con, azure_prefix: a/b')).bronze.base).toBe('az://con/a/b');
    expect(spec(CLASSIC.replace('data/x.csv', 's3://b/x.csv')).bronze.source).toMatchObject({
      path: 's3://b/x.csv',
    });
  });

  test('needs its bucket or container, by names that can be some', () => {
    for (const [bronze, path] of [
      ['storage_backend: s3', 'platform.bronze.s3_bucket'],
      ['storage_backend: s3, s3_bucket: "a/b"', 'platform.bronze.s3_bucket'],
      ['storage_backend: s3, s3_bucket: b, s3_prefix: a/../b', 'platform.bronze.s3_prefix'],
      ['storage_backend: azure, azure_prefix: x', 'platform.bronze.azure_container'],
    ] as const) {
      expect(problemsOf(refused(at(bronze))).map((problem) => problem.path)).toEqual([path]);
    }
  });

  test('is classified for storage policies, where a cloud_provider of "" or null is none', () => {
    const metadata = 'storage_backend: s3, s3_bucket: b, storage_metadata: ';
    expect(
      spec(at(`${metadata}{boundary: onprem, provider_type: s3_local, cloud_provider: ""}`)).storageMetadata,
    ).toEqual({ boundary: 'onprem', providerType: 's3_local' });
    expect(problemsOf(refused(at(`${metadata}{boundary: moon}`))).map(({ path }) => path)).toEqual([
      'platform.bronze.storage_metadata.boundary',
    ]);
  });
});

describe('a setting', () => {
  test('is accepted where it asks for nothing', () => {
    spec(`${CLASSIC}\nsilver: {normalization: {trim_strings: false}, schema: {rename_map: {}}}`);
    spec(`${STATE}storage: {bronze: {backend: local}}`);
  });
});

describe('warnings', () => {
  test('name what replaces a key that is accepted and has no effect', () => {
    const { warnings } = load(
      `${STATE}run_mode: full\npolybase_setup: {a: 1}\nbronze_status: x\ntest_range_days: 3`,
    );
    expect(warnings.map((warning) => [warning.path, warning.line])).toEqual([
      ['run_mode', 7],
      ['polybase_setup', 8],
      ['bronze_status', 9],
      ['test_range_days', 10],
    ]);
    expect(warnings[0]?.message).toContain('--dry-run');
  });

  test('tell of settings without effect', () => {
    const paths = (text: string) => load(text).warnings.map((warning) => warning.path);
    expect(paths(`${CLASSIC}  run: {batch_id: b, timeout_seconds: 3, parallel_workers: 4}`)).toEqual([
      'source.run.batch_id',
      'source.run.timeout_seconds',
      'source.run.parallel_workers',
    ]);
    expect(paths(`${CLASSIC}silver: {keep_tombstones: true, collapse_unchanged: true}`)).toEqual([
      'silver.keep_tombstones',
      'silver.collapse_unchanged',
    ]);
    expect(paths(STATE.replace('ts}', 'ts, collapse_unchanged: true}'))).toEqual([]);
    expect(paths(CLASSIC.replace('x.csv', 'x.json.gz, delimiter: ","'))).toEqual(['source.file.delimiter']);
    expect(paths(CLASSIC.replace('data/x.csv', 'x, format: csv, json_path: a'))).toEqual([
      'source.file.json_path',
    ]);
  });
});

describe('the classic dialect', () => {
  test('fills in every default', () => {
    expect(spec(`${CLASSIC.replace(', local_path: ./lake', '')}silver: {}`)).toEqual({
      name: 's.t',
      configPath: 'conf/c.yaml',
      configVersion: 1,
      bronze: {
        enabled: true,
        system: 's',
        table: 't',
        source: {
          type: 'file',
          path: 'data/x.csv',
          configFolder: 'conf',
          encoding: 'utf-8',
          quote: '"',
          hasHeader: true,
          nullValues: [],
          types: 'text',
        },
        loadPattern: 'full',
        base: './output',
        partition: { strategy: 'date', timezone: 'UTC' },
        formats: { parquet: true, csv: false, compression: 'snappy' },
        allowEmpty: false,
      },
      silver: {
        enabled: true,
        base: './silver_output',
        domain: 's',
        entity: 't',
        version: 1,
        loadPartitionName: 'load_date',
        inputScope: 'partition',
        model: 'periodic_snapshot',
        modelIsDefault: true,
        artifactNames: {},
        keys: [],
        deleteMode: 'ignore',
        keepTombstones: false,
        collapseUnchanged: false,
        partitioning: { columns: [], keepColumns: false },
        formats: { parquet: true, csv: false, compression: 'snappy' },
        requireChecksum: false,
        errorHandling: { enabled: false, maxBadRecords: 0, maxBadPercent: 0 },
        allowEmpty: false,
      },
    });
    expect(spec(CLASSIC).silver).toBeUndefined();
  });

  test('takes the base folder from the run, else from the platform', () => {
    expect(spec(CLASSIC).bronze.base).toBe('./lake');
    expect(spec(`${CLASSIC}  run: {local_output_dir: /x}`).bronze.base).toBe('/x');
  });

  test('lets the platform forbid a format and name a codec', () => {
    const limits = 'output_defaults: {allow_parquet: false, parquet_compression: zstd}';
    const text = `${CLASSIC.replace('local_path: ./lake', limits)}  run: {write_csv: true}`;
    expect(spec(text).bronze.formats).toEqual({ parquet: false, csv: true, compression: 'zstd' });
  });

  test('reads the partition strategy and the limits of a part', () => {
    const bronze = (partitioning: string, run: string) =>
      spec(`${CLASSIC.replace('local_path: ./lake', `partitioning: {${partitioning}}`)}  run: {${run}}`)
        .bronze;
    expect(bronze('partition_strategy: batch_id', 'batch_id: b1').partition).toEqual({
      strategy: 'batch_id',
      batchId: 'b1',
      timezone: 'UTC',
    });
    expect(bronze('use_dt_partition: false, partition_strategy: hourly', '').partition.strategy).toBe('none');
    expect(bronze('', 'max_rows_per_file: 0').maxRowsPerFile).toBeUndefined();
    expect(bronze('', 'max_rows_per_file: -1').maxRowsPerFile).toBeUndefined();
    expect(bronze('', 'max_rows_per_file: 25, max_file_size_mb: 0.5')).toMatchObject({
      maxRowsPerFile: 25,
      maxFileSizeBytes: 524288,
    });
  });

  test('takes names of choices in any case, and an empty value as absent', () => {
    const text = `${CLASSIC}  config_name:\n  run: {load_pattern: " CDC ", parquet_compression: ZSTD}`;
    expect(spec(text)).toMatchObject({
      name: 's.t',
      bronze: { loadPattern: 'cdc', formats: { compression: 'zstd' } },
    });
  });
});

describe('the intent dialect', () => {
  test('reads a state', () => {
    const { silver, bronze, environment } = spec(`${STATE}environment: dev\ndomain: d`);
    expect(environment).toBe('dev');
    expect(bronze).toMatchObject({ system: 's', table: 'e', base: './output' });
    expect(silver).toMatchObject({
      base: './silver',
      domain: 'd',
      model: 'state_scd2',
      historyMode: 'scd2',
      entityKind: 'state',
      keys: ['id'],
      orderColumn: 'ts',
      schemaMode: 'strict',
      partitioning: { columns: [], keepColumns: false },
      metadataColumns: { environment: 'dev', bronzeOwner: 'platform-team', silverOwner: 'semantic-team' },
    });
    const mode = (text: string) => spec(STATE.replace('ts}', `ts, ${text}}`)).silver;
    expect(mode('history_mode: latest_only')).toMatchObject({
      model: 'state_scd1',
      historyMode: 'latest_only',
    });
    expect(mode('delete_mode: tombstone')).toMatchObject({ deleteMode: 'tombstone_state' });
    expect(mode('partition_by: []')?.partitioning).toEqual({ columns: [], none: true, keepColumns: false });
    expect(mode('partition_by: a')).toMatchObject({ partitioning: { columns: ['a'] } });
  });

  test('a classic config that names the delete mode ignore has deletes to leave out; one that is silent has none', () => {
    const silver = `${CLASSIC}silver: {model: scd1, primary_keys: [id], order_column: ts`;
    expect(spec(`${silver}}`).silver?.readsDeleteFlags).toBeUndefined();
    expect(spec(`${silver}, delete_mode: ignore}`).silver?.readsDeleteFlags).toBe(true);
  });

  test('reads an event', () => {
    const { silver } = spec(
      `${INTENT}silver: {entity_kind: event, natural_keys: [id], event_ts_column: at, attributes: [a, id], input_mode: replace_daily}`,
    );
    expect(silver).toMatchObject({
      model: 'event',
      inputMode: 'replace_daily',
      attributes: ['a'],
      orderColumn: 'at',
      partitioning: { columns: [] },
    });
    expect(silver?.historyMode).toBeUndefined();
  });

  test('reads every option of Bronze', () => {
    const bronze = spec(
      STATE.replace(
        'x.csv}',
        `x.csv, owner_team: o, options: {load_pattern: cdc, pattern_folder: p, local_output_dir: /l, format: tsv,
         file: {quote: "'", columns: [a]}, partitioning_strategy: batch_id, batch_id: b, output_formats: [csv, parquet]}}`,
      ),
    ).bronze;
    expect(bronze).toMatchObject({
      loadPattern: 'cdc',
      patternFolder: 'p',
      base: '/l',
      ownerTeam: 'o',
      source: { format: 'tsv', quote: "'", columns: ['a'] },
      partition: { strategy: 'batch_id', batchId: 'b' },
      formats: { parquet: true, csv: true },
    });
  });
});

describe('files', () => {
  test('with a list or a tagged value for a section are refused, not taken for an empty section', () => {
    for (const value of ['[]', '!!set {a}', '!!omap [a: 1]', '2025-01-01', 'x']) {
      const { message } = refused(`${CLASSIC}silver: ${value}`);
      expect(message).toContain('silver: silver must be a mapping, got ');
    }
    expect(refused(CLASSIC.replace('{path: data/x.csv}', '[]')).message).toContain('file must be a mapping');
  });

  test.each([
    ['an empty file', '', '1:1: the config is empty'],
    ['comments only', '# nothing yet', '1:1: the config is empty'],
    ['no mapping', '- a', '1:1: a config is a mapping of keys'],
    ['a tab', 'platform:\n\tbronze: {}', '2:1: tabs are not allowed as indentation; use spaces'],
    ['a key twice', `${CLASSIC}source: {}`, '7:1: the key source stands twice in its section'],
    ['an unknown alias', `${CLASSIC}silver: *s`, '7:9: no anchor &s stands before this alias'],
    ['a home for anchors', `x: &x {}\n${CLASSIC}`, '1:1 x: unknown key; the keys here are'],
    [
      'a typo in a key',
      CLASSIC.replace('table', 'tabel'),
      'source.tabel: unknown key (did you mean "table"?)',
    ],
    [
      'a typo in a choice',
      CLASSIC.replace('local,', 'locl,'),
      'the storage backend must be one of local, s3, azure (did you mean "local"?)',
    ],
  ])('with %s are refused with a clear message', (_what, text, message) => {
    expect(refused(text).message).toContain(message);
  });

  test('may share sections by anchors and merge keys', () => {
    const merged = `config_version: 1
platform: {bronze: &b {storage_backend: local, local_path: ./lake}}
sources:
  - source: &s {system: s, table: a, file: {path: x.csv}, run: &r {load_pattern: cdc}}
  - source: {<<: *s, table: b, run: {<<: *r, write_csv: true}}
`;
    const { datasets } = load(merged);
    expect(datasets.map(({ bronze }) => [bronze.table, bronze.loadPattern, bronze.formats.csv])).toEqual([
      ['a', 'cdc', false],
      ['b', 'cdc', true],
    ]);
  });

  test('that are missing, folders, no text or no config are refused by name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'foundry-config-'));
    try {
      await mkdir(join(folder, 'dir.yaml'));
      await writeFile(join(folder, 'binary.yaml'), new Uint8Array([0xff, 0xfe, 0x00, 0x41]));
      await writeFile(join(folder, 'bom.yaml'), `\uFEFF${CLASSIC}`);
      await writeFile(join(folder, 'big.yaml'), `a: ${'x'.repeat(10 * 1024 * 1024)}`);
      for (const [name, message] of [
        ['missing.yaml', 'there is no such file'],
        ['dir.yaml', 'this is a folder'],
        ['binary.yaml', 'not UTF-8'],
        ['big.yaml', 'too large'],
      ] as const) {
        const error = await loadConfig(join(folder, name), {}).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        expect(error).toBeInstanceOf(FoundryError);
        expect((error as FoundryError).message).toContain(name);
        expect((error as FoundryError).message).toContain(message);
      }
      const { datasets } = await loadConfig(join(folder, 'bom.yaml'), {});
      expect(datasets[0]?.bronze.source).toMatchObject({ configFolder: folder });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('with thousands of problems are refused quickly, and say that there are more', () => {
    const started = performance.now();
    const keys = Array.from({ length: 2_000 }, (_, index) => `  zz${index}: 1`).join('\n');
    const problems = problemsOf(refused(`${CLASSIC}${keys}`));
    expect(problems).toHaveLength(201);
    expect(problems.at(-1)?.message).toContain('more problems follow');
    expect(performance.now() - started).toBeLessThan(4_000);
  });

  test('a config of usual size is read in a few milliseconds', () => {
    load(STATE);
    const started = performance.now();
    for (let run = 0; run < 50; run += 1) load(STATE);
    expect((performance.now() - started) / 50).toBeLessThan(100);
  });
});
