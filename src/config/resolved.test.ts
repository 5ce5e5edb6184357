// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the substitutions of configs look like that
import { describe, expect, test } from 'bun:test';
import { readdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ResolvedSetting, resolveConfig } from './resolved.ts';

const FIXTURES = join(import.meta.dir, '../../fixtures/intents');

async function resolve(files: Readonly<Record<string, string>>, env: Record<string, string> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'foundry-resolved-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), text);
    }
    const { datasets } = await resolveConfig(join(root, 'configs/c.yaml'), env);
    return datasets.map(({ settings }) => new Map(settings.map((setting) => [setting.path, setting])));
  } finally {
    await rm(root, { recursive: true });
  }
}

/** `12:8`, `PATH at 3:1` or `default`. */
function from(setting: ResolvedSetting | undefined): string {
  const { origin } = setting ?? {};
  if (origin === undefined) return 'nowhere';
  if (origin.kind === 'default') return 'default';
  return `${origin.kind === 'variable' ? `${origin.name} at ` : ''}${origin.line}:${origin.column}`;
}

const CLASSIC = `config_version: 1
platform:
  bronze: {storage_backend: local, local_path: ./lake}
source:
  system: shop
  table: \${TABLE}
  file: {path: "\${FOLDER:data}/x.csv", types: {at: timestamp}}
  run: {load_pattern: CDC, max_rows_per_file: 10}
silver:
  write_csv: false
`;

describe('a resolved config', () => {
  test('takes what an API leaves to defaults for defaults, not for what its type says', async () => {
    const api = 'source: {type: api, system: s, table: t, api: {base_url: "https://x.example", endpoint: /}}';
    const text = `config_version: 1\nplatform: {bronze: {storage_backend: local}}\n${api}\n`;
    const [settings] = await resolve({ 'configs/c.yaml': text });
    const told = (path: string) => [settings?.get(path)?.value, from(settings?.get(path))];
    expect(told('bronze.source.type')).toEqual(['api', '3:16']);
    expect(told('bronze.source.base.url')).toEqual(['https://x.example', '3:58']);
    expect(told('bronze.source.retry.attempts')).toEqual([5, 'default']);
    expect(told('bronze.source.pagination.type')).toEqual(['none', 'default']);
  });

  test('tells the line of what is written, the variable of what is substituted, and what is a default', async () => {
    const [settings] = await resolve({ 'configs/c.yaml': CLASSIC }, { TABLE: 'orders' });
    const told = (path: string) => {
      const setting = settings?.get(path);
      return [setting?.value, from(setting), setting?.key];
    };
    expect(told('bronze.system')).toEqual(['shop', '5:11', 'source.system']);
    expect(told('bronze.table')).toEqual(['orders', 'TABLE at 6:10', 'source.table']);
    expect(told('bronze.source.path')).toEqual(['data/x.csv', '7:16', 'source.file.path']);
    expect(told('bronze.source.types.at')).toEqual(['timestamp', '7:47', 'source.file.types']);
    expect(told('bronze.base')).toEqual(['./lake', '3:48', 'platform.bronze.local_path']);
    expect(told('bronze.loadPattern')).toEqual(['cdc', '8:23', 'source.run.load_pattern']);
    expect(told('bronze.maxRowsPerFile')).toEqual([10, '8:47', 'source.run.max_rows_per_file']);
    expect(told('silver.entity')).toEqual(['orders', 'TABLE at 6:10', 'source.table']);
    expect(told('silver.formats.csv')).toEqual([false, '10:14', 'silver.write_csv']);
    expect(told('silver.formats.parquet')).toEqual([true, 'default', 'silver.write_parquet']);
    expect(told('silver.loadPartitionName')).toEqual(['load_date', 'default', 'silver.load_partition_name']);
    // It follows from the load pattern, so that is where to look.
    expect(told('silver.model')).toEqual(['incremental_merge', '8:23', 'source.run.load_pattern']);
  });

  test('points into shared sections and into the entries of a list', async () => {
    const datasets = await resolve({
      'configs/c.yaml': `environment: dev
domain: sales
datasets:
  - {system: s, entity: a, bronze: &b {path_pattern: x.csv}, silver: &s {entity_kind: event, natural_keys: [i], event_ts_column: t}}
  - {system: s, entity: b, domain: own, bronze: *b, silver: *s}
`,
    });
    expect(datasets.map((settings) => from(settings.get('silver.domain')))).toEqual(['2:9', '5:36']);
    expect(datasets.map((settings) => from(settings.get('bronze.table')))).toEqual(['4:25', '5:25']);
    expect(datasets.map((settings) => from(settings.get('environment')))).toEqual(['1:14', '1:14']);
  });

  test('masks secrets: those of environment files, in addresses, and in variables that are named so', async () => {
    const [settings] = await resolve(
      {
        'configs/c.yaml': CLASSIC.replace('config_version: 1', 'environment: dev').replace(
          'TABLE',
          'DB_PASSWORD',
        ),
        'environments/dev.yaml':
          'name: dev\ns3: {endpoint_url: "http://me:hush@x", secret_access_key: "${KEY}", buckets: {a_b: c}}\n',
      },
      { KEY: 'hush', DB_PASSWORD: 'hush' },
    );
    expect(settings?.get('environmentFile.s3.secretAccessKey')).toMatchObject({
      value: '***',
      key: 's3.secret_access_key',
    });
    expect(from(settings?.get('environmentFile.s3.secretAccessKey'))).toBe('KEY at 2:59');
    expect(settings?.get('environmentFile.s3.endpointUrl')?.value).toBe('http://me:***@x');
    expect(settings?.get('environmentFile.s3.buckets.a_b')).toMatchObject({
      value: 'c',
      key: 's3.buckets.a_b',
    });
    expect(JSON.stringify([...(settings ?? [])])).not.toContain('hush');
  });

  test.each(readdirSync(FIXTURES).filter((name) => name.endsWith('.yaml')))(
    'of %s has an origin for every value, and plain data only',
    async (name) => {
      for (const { spec, settings } of (await resolveConfig(join(FIXTURES, name), {})).datasets) {
        expect(settings.length).toBeGreaterThan(20);
        expect(new Set(settings.map(({ path }) => path)).size).toBe(settings.length);
        expect(settings.find(({ path }) => path === 'bronze.system')).toMatchObject({
          value: spec.bronze.system,
          origin: { kind: 'file' },
        });
        for (const { origin } of settings) {
          if (origin.kind === 'file') expect(origin.line).toBeGreaterThan(1);
        }
        expect(structuredClone(settings)).toEqual([...settings]);
      }
    },
  );
});
