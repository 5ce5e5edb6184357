import { describe, expect, test } from 'bun:test';
import type { AzureConnection, S3Connection } from '../config/storage/connections.ts';
import { Secret } from '../core/secret.ts';
import { type ListedPage, pageOf } from './azure.ts';
import { azureSettings } from './azure-settings.ts';
import { s3Settings } from './s3-settings.ts';

const KEYS = { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' };

function failure(work: () => unknown): { readonly code: string; readonly message: string } {
  try {
    work();
  } catch (error) {
    return error as { code: string; message: string };
  }
  throw new Error('it did not fail');
}

describe('settings of S3', () => {
  test.each([
    ['nothing: all is the SDK’s own', {}, {}, { pathStyle: false, verifySsl: true }],
    [
      'the keys of the AWS tools, with their session',
      {},
      { ...KEYS, AWS_SESSION_TOKEN: 't', AWS_DEFAULT_REGION: 'eu-1' },
      { region: 'eu-1', credentials: { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 't' } },
    ],
    [
      'keys by names of one’s own, to which the environment’s session does not belong',
      { accessKeyId: { env: 'A' }, secretAccessKey: { env: 'S' } },
      { A: 'a', S: 's', AWS_SESSION_TOKEN: 'other' },
      { credentials: { accessKeyId: 'a', secretAccessKey: 's' } },
    ],
    [
      'an endpoint by name: path style, and a region that nobody asks for',
      { endpointUrlEnv: 'E' },
      { E: 'http://minio:9000/' },
      { endpoint: 'http://minio:9000', pathStyle: true, region: 'us-east-1' },
    ],
    ['the original’s variable', {}, { BRONZE_S3_ENDPOINT: 'http://x' }, { endpoint: 'http://x' }],
    ['the AWS tools’ variable', {}, { AWS_ENDPOINT_URL: 'http://y' }, { endpoint: 'http://y' }],
    [
      'the config before the environment',
      { endpointUrl: 'http://own', region: 'r', pathStyle: false, caFile: 'mine.pem' },
      { AWS_ENDPOINT_URL: 'http://y', AWS_REGION: 'other', AWS_CA_BUNDLE: 'theirs.pem' },
      { endpoint: 'http://own', region: 'r', pathStyle: false, caFile: 'mine.pem' },
    ],
    [
      'names whose variables are not set',
      { accessKeyId: { env: 'A' }, secretAccessKey: { env: 'S' } },
      {},
      {},
    ],
    ['encryption', { encryption: 'aws:kms', kmsKeyId: 'k' }, {}, { encryption: 'aws:kms', kmsKeyId: 'k' }],
  ] as [string, S3Connection, Record<string, string>, object][])('%s', (_name, connection, env, expected) => {
    const settings = s3Settings(connection, env);
    expect(settings).toMatchObject(expected);
    if (!('credentials' in expected)) expect(settings.credentials).toBeUndefined();
  });

  test('one key without the other is AUTH001 that names the missing variable, never the value', () => {
    const error = failure(() =>
      s3Settings({ secretAccessKey: { env: 'MINIO_SECRET' } }, { AWS_ACCESS_KEY_ID: 'hush' }),
    );
    expect(error.code).toBe('AUTH001');
    expect(error.message).toContain('MINIO_SECRET is not');
    expect(error.message).not.toContain('hush');
  });

  test('variables of an environment file that are not set are an error as soon as the storage is opened', () => {
    expect(failure(() => s3Settings({ unset: ['s3.secret_access_key'] }, KEYS)).message).toContain(
      's3.secret_access_key',
    );
    expect(failure(() => s3Settings({ endpointUrl: 'minio:9000' }, {})).code).toBe('CFG001');
  });
});

describe('settings of Azure', () => {
  const TEXT =
    'DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5==;EndpointSuffix=core.windows.net';

  test.each([
    [
      'a connection string, before anything else',
      { connectionString: { env: 'C' }, accountKey: { env: 'K' } },
      { C: TEXT, K: 'k' },
      { kind: 'key', account: 'acc', key: 'a2V5==', accountUrl: 'https://acc.blob.core.windows.net' },
    ],
    [
      'a connection string with a shared access signature',
      {
        connectionString: {
          secret: new Secret('BlobEndpoint=https://x.blob.y/;SharedAccessSignature=?sv=1&sig=2'),
        },
      },
      {},
      { kind: 'sas', token: 'sv=1&sig=2', accountUrl: 'https://x.blob.y' },
    ],
    [
      'account and key by names',
      { accountName: { env: 'N' }, accountKey: { env: 'K' } },
      { N: 'acc', K: 'k' },
      { kind: 'key', account: 'acc', key: 'k', accountUrl: 'https://acc.blob.core.windows.net' },
    ],
    [
      'a shared access signature',
      { accountUrl: 'https://acc.blob.core.windows.net/', sasToken: { env: 'S' } },
      { S: '?sv=1' },
      { kind: 'sas', token: 'sv=1' },
    ],
    [
      'a service principal',
      {
        accountUrl: 'https://a.b',
        tenantId: { env: 'T' },
        clientId: { env: 'I' },
        clientSecret: { env: 'S' },
      },
      { T: 't', I: 'i', S: 's' },
      { kind: 'identity', identity: { type: 'secret', tenantId: 't', clientId: 'i', secret: 's' } },
    ],
    [
      'a managed identity, by its client id',
      { accountUrl: 'https://a.b', useManagedIdentity: true, clientId: { value: 'i' } },
      {},
      { kind: 'identity', identity: { type: 'managed', clientId: 'i' } },
    ],
    [
      'what the SDK finds',
      { accountUrl: 'https://a.b' },
      {},
      { kind: 'identity', identity: { type: 'default' } },
    ],
    [
      'Azurite',
      {},
      { AZURE_STORAGE_CONNECTION_STRING: 'UseDevelopmentStorage=true' },
      { account: 'devstoreaccount1' },
    ],
  ] as [string, AzureConnection, Record<string, string>, object][])(
    '%s',
    (_name, connection, env, expected) => {
      expect(azureSettings(connection, undefined, env)).toMatchObject(expected);
    },
  );

  test('the account of an abfss:// URI is used, and refused where the connection has another one', () => {
    const host = 'acc.dfs.core.windows.net';
    expect(azureSettings({ accountKey: { value: 'k' } }, host, {})).toMatchObject({
      account: 'acc',
      accountUrl: 'https://acc.blob.core.windows.net',
    });
    expect(azureSettings({ connectionString: { value: TEXT } }, host, {})).toMatchObject({ account: 'acc' });
    const other = failure(() =>
      azureSettings({ connectionString: { value: TEXT } }, 'other.dfs.core.windows.net', {}),
    );
    expect([other.code, other.message]).toEqual([
      'CFG001',
      expect.stringContaining('other, the connection acc'),
    ]);
  });

  test('what is missing is AUTH001 that names the variable', () => {
    expect(failure(() => azureSettings({}, undefined, {})).message).toContain('AZURE_STORAGE_ACCOUNT');
    expect(
      failure(() => azureSettings({ connectionString: { env: 'MINE' } }, undefined, {})).message,
    ).toContain('MINE');
    const principal = { accountUrl: 'https://a.b', tenantId: { env: 'T' }, clientSecret: { env: 'S' } };
    expect(failure(() => azureSettings(principal, undefined, { T: 't' })).message).toContain(
      'client_id_env, S',
    );
    expect(
      failure(() => azureSettings({ connectionString: { value: 'AccountName=x' } }, undefined, {})).code,
    ).toBe('AUTH001');
  });

  test('entries by which a hierarchical namespace keeps its folders are no objects (as its listings have them)', () => {
    const properties = { etag: '0x8D', contentLength: 0, lastModified: new Date(0) };
    const page: ListedPage = {
      continuationToken: 'next',
      segment: {
        blobItems: [
          { name: 'a', metadata: { hdi_isfolder: 'true' }, properties },
          { name: 'a/b', metadata: { Hdi_isfolder: 'true' }, properties },
          { name: 'a/c', properties: { ...properties, resourceType: 'directory' } },
          { name: 'a/d/', properties },
          { name: 'a/b/part.parquet', properties: { ...properties, contentLength: 5, resourceType: 'file' } },
        ],
      },
    };
    const { objects, next } = pageOf(page);
    expect(objects.map(({ key, sizeBytes }) => [key, sizeBytes])).toEqual([['a/b/part.parquet', 5]]);
    expect(next).toBe('next');
    expect(pageOf({ ...page, continuationToken: '' }).next).toBeUndefined();
  });
});
