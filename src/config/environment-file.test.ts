// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the substitutions of configs look like that
import { describe, expect, test } from 'bun:test';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { loadConfig, problemsOf } from './load.ts';

const INTENT = `environment: dev
system: s
entity: t
bronze: {path_pattern: x.csv}
silver: {entity_kind: state, natural_keys: [id], change_ts_column: ts}
`;
const CLASSIC = `environment: dev
config_version: 1
platform: {bronze: {storage_backend: local}}
source: {system: s, table: t, file: {path: x.csv}}
`;
const PATH = 'environments/dev.yaml';

/** Loads `configs/c.yaml` from a folder that holds these files. */
async function load(files: Readonly<Record<string, string>>, env: Record<string, string> = {}) {
  const root = await mkdtemp(join(tmpdir(), 'foundry-environment-'));
  try {
    for (const [name, text] of Object.entries({ 'configs/c.yaml': INTENT, ...files })) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), text);
    }
    const { datasets, warnings } = await loadConfig(join(root, 'configs/c.yaml'), env);
    return { dataset: datasets[0], warnings };
  } finally {
    await rm(root, { recursive: true });
  }
}

async function refused(environment: string): Promise<string[]> {
  const error = await load({ [PATH]: environment }).catch((thrown: unknown) => thrown);
  return problemsOf(error).map(({ file, line, column, path, message }) => {
    expect(file).toEndWith(PATH);
    return `${line}:${column} ${path}: ${message}`;
  });
}

describe('an environment file', () => {
  const FULL = `name: dev
s3:
  endpoint_url: \${ENDPOINT:http://localhost:9000}
  access_key_id: \${KEY}
  secret_access_key: \${SECRET}
  buckets: {bronze_data: "\${BUCKET:-dev-bronze}"}
azure: {connection_string: "\${AZURE:x}"}
`;

  test('is found beside the folder of the config, and its secrets are never shown nor exported', async () => {
    const before = { ...process.env };
    const { dataset, warnings } = await load({ [PATH]: FULL }, { KEY: 'AKIA1', SECRET: 'hush-hush' });
    expect(warnings).toEqual([]);
    expect(dataset?.environmentFile).toMatchObject({
      name: 'dev',
      s3: {
        endpointUrl: 'http://localhost:9000',
        region: 'us-east-1',
        buckets: { bronze_data: 'dev-bronze' },
      },
    });
    expect(dataset?.environmentFile?.s3?.secretAccessKey?.reveal()).toBe('hush-hush');
    for (const shown of [JSON.stringify(dataset), inspect(dataset, { depth: 9 })]) {
      expect(shown).not.toContain('hush-hush');
      expect(shown).not.toContain('AKIA1');
    }
    expect(process.env).toEqual(before);
  });

  test('lacks what a variable that is not set would give, and says so', async () => {
    const { dataset, warnings } = await load({ [PATH]: FULL }, { KEY: 'AKIA1' });
    expect(dataset?.environmentFile?.s3).not.toHaveProperty('secretAccessKey');
    expect(warnings).toMatchObject([
      {
        line: 5,
        column: 3,
        path: 's3.secret_access_key',
        message: expect.stringContaining('SECRET is not set'),
      },
    ]);
    expect(JSON.stringify(dataset)).not.toContain('${');
  });

  test('gives its datasets real bucket names and connections, below what the config says itself', async () => {
    const intent = `environment: dev
system: s
entity: t
storage: {source: {backend: s3}, bronze: {backend: s3, prefix: b}, silver: {backend: s3, bucket: other}, s3_connection: {region: eu-1}}
bronze: {path_pattern: in/x.csv}
silver: {entity_kind: state, natural_keys: [id], change_ts_column: ts}
`;
    const { dataset } = await load(
      { [PATH]: FULL, 'configs/c.yaml': intent },
      { KEY: 'AKIA1', SECRET: 'hush' },
    );
    expect(dataset?.bronze.base).toBe('s3://dev-bronze/b');
    expect(dataset?.bronze.source).toMatchObject({ path: 's3://source_data/in/x.csv' });
    expect(dataset?.silver?.base).toBe('s3://other');
    expect(dataset?.connections?.s3).toMatchObject({ endpointUrl: 'http://localhost:9000', region: 'eu-1' });
    const lacking = await load({ [PATH]: FULL, 'configs/c.yaml': intent }, { KEY: 'AKIA1' });
    expect(lacking.dataset?.connections?.s3?.unset).toEqual(['s3.secret_access_key']);
  });

  test('belongs to classic configs too', async () => {
    const { dataset } = await load({ 'configs/c.yaml': CLASSIC, [PATH]: 'name: dev' });
    expect(dataset?.environmentFile?.name).toBe('dev');
  });

  test('that is missing is a warning with a place, where other environments have theirs', async () => {
    const missing = await load({ 'environments/prod.yaml': 'name: prod' });
    expect(missing.warnings).toMatchObject([
      { line: 1, column: 14, path: 'environment', message: expect.stringContaining('environments/dev.yaml') },
    ]);
    expect((await load({})).warnings).toEqual([]);
    expect((await load({ 'configs/c.yaml': CLASSIC })).warnings).toEqual([]);
    const typo = await load({ 'configs/c.yaml': CLASSIC, 'environments/prod.yaml': 'name: prod' });
    expect(typo.warnings.map(({ path }) => path)).toEqual(['environment']);
  });

  test('warns of secrets that stand in it, and of another name', async () => {
    const { warnings } = await load({ [PATH]: 'name: prod\ns3: {secret_access_key: oh-no}' });
    expect(warnings.map(({ path }) => path)).toEqual(['s3.secret_access_key', 'name']);
    expect(JSON.stringify(warnings)).not.toContain('oh-no');
  });

  test('is refused with its own name and place', async () => {
    expect(await refused('s3: {}')).toEqual(["1:1 name: the config requires 'name'"]);
    expect(await refused('name: dev\ns3: {bukets: {}}')).toEqual([
      '2:6 s3.bukets: unknown key (did you mean "buckets"?)',
    ]);
    expect((await refused('name: dev\ns3: {endpoint_url: localhost}'))[0]).toStartWith(
      '2:20 s3.endpoint_url: ',
    );
    expect(await refused('name: [')).toHaveLength(1);
    expect(await refused('')).toHaveLength(1);
    expect(await refused('- a')).toHaveLength(1);
  });
});
