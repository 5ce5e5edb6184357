import { describe, expect, test } from 'bun:test';
import { parseConfig } from '../config/load.ts';
import type { DatasetSpec } from '../config/spec.ts';
import { addressProblem, joinProblems, onpremProblems } from './policy.ts';

const ALL = { source: true, bronze: true, silver: true };
const ONPREM = '{boundary: onprem, provider_type: s3_local}';

function dataset(
  bronze: string,
  more: { path?: string; silver?: string; connection?: string } = {},
): DatasetSpec {
  const { path = 'in.csv', silver = './silver', connection = '{}' } = more;
  const { datasets } = parseConfig(
    'c.yaml',
    `platform: {bronze: {${bronze}}, s3_connection: ${connection}}
source: {system: s, table: t, file: {path: "${path}"}}
silver: {output_dir: "${silver}"}
`,
    {},
  );
  const [spec] = datasets;
  if (spec === undefined) throw new Error('no dataset');
  return spec;
}

const LOCAL = `storage_backend: local, storage_metadata: ${ONPREM}`;
const MINIO = '{endpoint_url: "http://minio.lan:9000"}';
const S3 = `storage_backend: s3, s3_bucket: b, storage_metadata: ${ONPREM}`;

describe('--storage-scope onprem', () => {
  test.each([
    ['without storage_metadata', dataset('storage_backend: local'), 'boundary must be onprem; it is missing'],
    [
      'a cloud boundary',
      dataset('storage_backend: local, storage_metadata: {boundary: cloud}'),
      'it is cloud',
    ],
    [
      's3_cloud',
      dataset('storage_backend: local, storage_metadata: {boundary: onprem, provider_type: s3_cloud}'),
      'provider_type is s3_cloud',
    ],
    [
      'azure_adls',
      dataset('storage_backend: local, storage_metadata: {boundary: onprem, provider_type: azure_adls}'),
      'provider_type is azure_adls',
    ],
    [
      'a cloud provider',
      dataset('storage_backend: local, storage_metadata: {boundary: onprem, cloud_provider: aws}'),
      'cloud_provider is aws',
    ],
    [
      'azure, whatever the metadata say',
      dataset(`storage_backend: azure, azure_container: con, storage_metadata: ${ONPREM}`),
      'Bronze lies on Azure',
    ],
    ['S3 without an endpoint', dataset(S3), 'Bronze lies on AWS'],
    [
      'an endpoint in the cloud',
      dataset(S3, { connection: '{endpoint_url: "https://s3.eu-west-1.amazonaws.com"}' }),
      'goes to s3.eu-west-1.amazonaws.com',
    ],
    [
      'an endpoint that may be anywhere',
      dataset(S3, { connection: '{endpoint_url: "https://minio.example.com"}' }),
      'not known to be on the own premises',
    ],
    ['a source in the cloud', dataset(LOCAL, { path: 's3://b/in.csv' }), 'the source lies on AWS'],
    [
      'Silver in the cloud',
      dataset(LOCAL, { silver: 'abfss://con@acc.dfs.core.windows.net/x' }),
      'Silver lies on Azure',
    ],
  ])('refuses %s', (_name, spec, problem) => {
    expect(onpremProblems(spec, ALL, {})).toEqual([expect.stringContaining(problem)]);
  });

  test.each([
    ['a local lake', dataset(LOCAL)],
    ['s3_local with an endpoint at home', dataset(S3, { connection: MINIO })],
    [
      'a cloud_provider of ""',
      dataset(`storage_backend: local, storage_metadata: {boundary: onprem, cloud_provider: ""}`),
    ],
    [
      'every layer on an endpoint at home',
      dataset(S3, { connection: MINIO, path: 's3://b/i.csv', silver: 's3://b/s' }),
    ],
  ])('takes %s', (_name, spec) => {
    expect(onpremProblems(spec, ALL, {})).toEqual([]);
  });

  test('takes hosts that the operator names, alone or with all below them', () => {
    const spec = dataset(S3, { connection: '{endpoint_url_env: E}' });
    const env = { E: 'https://minio.example.com' };
    expect(onpremProblems(spec, ALL, { ...env, FOUNDRY_ONPREM_HOSTS: 'a.b, minio.example.com' })).toEqual([]);
    expect(onpremProblems(spec, ALL, { ...env, FOUNDRY_ONPREM_HOSTS: '.example.com' })).toEqual([]);
    expect(onpremProblems(spec, ALL, { ...env, FOUNDRY_ONPREM_HOSTS: 'example.com' })).toHaveLength(1);
  });

  test.each([
    ['postgres://u:hush@db.example.com:5432/x', 'goes to db.example.com'],
    ['postgres://u:hush@a.lan,b.example.com/x', 'goes to b.example.com'],
    ['Server=tcp:sql.example.com,1433;Password=hush', 'goes to sql.example.com'],
    ['nonsense', 'is no address'],
    ['postgres://u:hush@localhost/x', undefined],
    ['Server=sql.corp;Password=hush', undefined],
    ['postgres:///x?host=/run/postgresql', undefined],
    ['', undefined],
  ])('judges the database of %s', (connection, problem) => {
    const text = `platform: {bronze: {storage_backend: local, storage_metadata: ${ONPREM}}}
source: {system: s, table: t, type: db, db: {conn_str_env: DB, base_query: SELECT 1}}
`;
    const [spec] = parseConfig('c.yaml', text, {}).datasets;
    const found = spec === undefined ? [] : onpremProblems(spec, ALL, { DB: connection });
    expect(found).toEqual(problem === undefined ? [] : [expect.stringContaining(problem)]);
    expect(String(found)).not.toContain('hush');
  });

  test('judges the address of an API, also one that a variable holds', () => {
    const text = (
      base: string,
    ): string => `platform: {bronze: {storage_backend: local, storage_metadata: ${ONPREM}}}
source: {system: s, table: t, type: api, api: {base_url: "${base}", endpoint: /x}}
`;
    const problems = (base: string) => {
      const [spec] = parseConfig('c.yaml', text(base), {}).datasets;
      return spec === undefined ? [] : onpremProblems(spec, ALL, {});
    };
    expect(problems('https://api.example.com/v1')).toEqual([
      expect.stringContaining('goes to api.example.com'),
    ]);
    expect(problems('http://erp.lan/api')).toEqual([]);
  });

  test('judges only what a run touches', () => {
    const spec = dataset(LOCAL, { path: 's3://b/in.csv', silver: 's3://b/s' });
    expect(onpremProblems(spec, { ...ALL, source: false }, {})).toHaveLength(1);
    expect(onpremProblems(spec, { source: false, bronze: true, silver: false }, {})).toEqual([]);
  });

  test.each([
    ['path: "s3://b/l"', '', 'the left side lies on AWS'],
    ['path: l', 'path: "az://con/x"', 'the output lies on Azure'],
    ['path: l', 'path: o, checkpoint_dir: "s3://b/work"', 'the checkpoint lies on AWS'],
    ['path: l', 'path: o, checkpoint_dir: work', undefined],
  ])('judges a join of %s into %s', (left, output, problem) => {
    const { join } = parseConfig(
      'j.yaml',
      `platform: {bronze: {storage_backend: local, storage_metadata: ${ONPREM}}}
silver_join: {left: {${left}}, right: {path: r}, output: {${output === '' ? 'path: o' : output}}}
`,
      {},
    );
    if (join === undefined) throw new Error('no join');
    expect(joinProblems(join, {})).toEqual(problem === undefined ? [] : [expect.stringContaining(problem)]);
  });

  test('judges who is asked for credentials where a web identity stands in for keys', () => {
    const spec = dataset(S3, { connection: MINIO });
    const env = { AWS_WEB_IDENTITY_TOKEN_FILE: '/token', AWS_ROLE_ARN: 'arn' };
    expect(onpremProblems(spec, ALL, env)).toEqual([expect.stringContaining('goes to sts.amazonaws.com')]);
    expect(onpremProblems(spec, ALL, { ...env, AWS_ENDPOINT_URL_STS: 'https://sts.lan' })).toEqual([]);
    expect(onpremProblems(spec, ALL, { ...env, AWS_ACCESS_KEY_ID: 'id' })).toEqual([]);
  });

  test('reads the endpoint of an environment file and of the process too', () => {
    const spec = dataset(S3);
    expect(onpremProblems(spec, ALL, { BRONZE_S3_ENDPOINT: 'http://10.0.0.7:9000' })).toEqual([]);
    expect(onpremProblems(spec, ALL, { AWS_ENDPOINT_URL: 'https://8.8.8.8' })).toHaveLength(1);
    const file = { ...spec, connections: { s3: { endpointUrl: 'https://storage.googleapis.com' } } };
    expect(onpremProblems(file, ALL, {})).toHaveLength(1);
  });

  test.each([
    ['http://localhost:1', true],
    ['http://[::1]:1', true],
    ['http://[fd00::1]', true],
    ['http://172.16.0.1', true],
    ['http://172.32.0.1', false],
    ['http://host', true],
    ['https://x.internal/a', true],
    ['https://localhost.example.com', false],
    ['https://notlocal', true],
    ['https://evillocal.com', false],
    ['https://10.0.0.1.evil.com', false],
    ['not an address', false],
  ])('takes %s: %p', (address, isTaken) => {
    expect(addressProblem(address, {}) === undefined).toBe(isTaken);
  });
});
