import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import type { FaultProxy } from '../testing/fault-proxy.ts';
import {
  azureTestConnectionString,
  azureTestStore,
  PROXIED_STORES,
  type TestStore,
} from '../testing/object-stores.ts';
import { expectExit, openWorkspace, parseDocument, runFoundry, type Workspace } from './support.ts';

let w: Workspace;
beforeAll(async () => {
  w = await openWorkspace();
});
afterAll(() => w.remove());

describe('S3 without keys in the environment takes those that the SDK finds', () => {
  const [[, setUp]] = PROXIED_STORES;
  let proxy: FaultProxy;
  let store: TestStore;
  let stand: ReturnType<typeof Bun.serve>;
  beforeAll(async () => {
    ({ proxy, store } = await setUp());
    stand = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answer });
    await w.put('token', 'a.web.token');
    await w.put('.aws/credentials', '[lake]\naws_access_key_id = PROFILE\naws_secret_access_key = s\n');
  });
  afterAll(async () => {
    proxy.close();
    await stand.stop(true);
  });

  /** What clouds offer to their machines: instance metadata (v2), container credentials, and STS. */
  function answer(request: Request): Response {
    const { pathname } = new URL(request.url);
    const keys = (id: string) => ({
      AccessKeyId: id,
      SecretAccessKey: 's',
      Token: 't',
      Expiration: new Date(Date.now() + 3_600_000).toISOString(),
    });
    switch (`${request.method} ${pathname}`) {
      case 'PUT /latest/api/token':
        return new Response('session');
      case 'GET /latest/meta-data/iam/security-credentials/':
        return new Response('role');
      case 'GET /latest/meta-data/iam/security-credentials/role':
        return request.headers.get('x-aws-ec2-metadata-token') === 'session'
          ? Response.json({ Code: 'Success', ...keys('INSTANCE') })
          : new Response('', { status: 401 });
      case 'GET /container':
        return Response.json(keys('CONTAINER'));
      case 'POST /': {
        const { AccessKeyId, SecretAccessKey, Token, Expiration } = keys('WEBIDENTITY');
        return new Response(
          `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>${AccessKeyId}</AccessKeyId><SecretAccessKey>${SecretAccessKey}</SecretAccessKey><SessionToken>${Token}</SessionToken><Expiration>${Expiration}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
          { headers: { 'content-type': 'text/xml' } },
        );
      }
      default:
        return new Response('', { status: 404 });
    }
  }

  test.each([
    ['PROFILE', () => ({ AWS_PROFILE: 'lake' })],
    ['INSTANCE', (url: string) => ({ AWS_EC2_METADATA_SERVICE_ENDPOINT: url })],
    ['CONTAINER', (url: string) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/container` })],
    [
      'WEBIDENTITY',
      (url: string) => ({
        AWS_WEB_IDENTITY_TOKEN_FILE: w.path('token'),
        AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/lake',
        AWS_ENDPOINT_URL_STS: url,
        AWS_REGION: 'us-east-1',
      }),
    ],
  ] as [string, (url: string) => Record<string, string>][])('%s', async (id, variables) => {
    proxy.reset();
    const url = `http://127.0.0.1:${stand.port}`;
    const env = { BRONZE_S3_ENDPOINT: proxy.url, ...variables(url) };
    expectExit(await runFoundry(['storage', 'check', store.place()], { cwd: w.folder, env }), 0);
    const signed = proxy.requests.map(
      ({ headers }) => /Credential=(\w+)/.exec(String(headers.authorization))?.[1],
    );
    expect(new Set(signed)).toEqual(new Set([id]));
    if (id !== 'PROFILE')
      expect(proxy.requests.every(({ headers }) => headers['x-amz-security-token'] === 't')).toBe(true);
  });
});

describe('a shared access signature of Azure', () => {
  const setting = (name: string): string =>
    new RegExp(`${name}=([^;]+)`).exec(azureTestConnectionString())?.[1] ?? '';

  test.each([
    ['racwdl', {}],
    ['rl', { write: 'refused', read: 'not tried', conditional_write: 'not tried', delete: 'not tried' }],
    ['racwl', { delete: 'refused' }],
    ['acwdl', { read: 'refused' }],
    ['racwd', { list: 'refused' }],
  ])('that allows %s is told so, permission by permission', async (allowed, exceptions) => {
    const store = await azureTestStore();
    const key = new StorageSharedKeyCredential(setting('AccountName'), setting('AccountKey'));
    const token = generateBlobSASQueryParameters(
      {
        containerName: store.uri.slice('az://'.length),
        permissions: ContainerSASPermissions.parse(allowed),
        expiresOn: new Date(Date.now() + 3_600_000),
      },
      key,
    );
    const env = {
      AZURE_STORAGE_CONNECTION_STRING: `BlobEndpoint=${setting('BlobEndpoint')};SharedAccessSignature=${token}`,
    };
    const run = await runFoundry(['storage', 'check', store.place(), '--output', 'json'], {
      cwd: w.folder,
      env,
    });
    expectExit(run, Object.keys(exceptions).length === 0 ? 0 : 5);
    const verdicts = parseDocument(run).reports[0].verdicts as {
      permission: string;
      verdict: string;
      hint?: string;
    }[];
    const all = { connect: 'ok', list: 'ok', write: 'ok', read: 'ok', conditional_write: 'ok', delete: 'ok' };
    const found = Object.fromEntries(verdicts.map(({ permission, verdict }) => [permission, verdict]));
    expect(found).toEqual({ ...all, ...exceptions });
    for (const { hint, verdict } of verdicts)
      if (verdict === 'refused') expect(hint).toContain('Storage Blob Data');
  });
});

test('a place may be written as a path, file://, az://, azblob:// and abfss:// alike, and odd characters stay what they are', async () => {
  const store = await azureTestStore();
  const container = store.uri.slice('az://'.length);
  const account = /AccountName=([^;]+)/.exec(azureTestConnectionString())?.[1];
  const odd = 'a b/ü#+%41';
  const places = [
    `az://${container}/${odd}/1`,
    `azblob://${container}/${odd}/2`,
    `abfss://${container}@${account}.dfs.core.windows.net/${odd}/3`,
    `file://${w.folder}/four`,
    './five',
  ];
  const run = await runFoundry(['storage', 'check', ...places, '--output', 'json'], {
    cwd: w.folder,
    env: store.env,
  });
  expectExit(run, 0);
  expect(parseDocument(run).reports.map(({ status }) => status)).toEqual(places.map(() => 'ok'));
  for (const place of [`az://${container}/../x`, `s3://b/a//b`, `abfss://${container}/x`, 'gs://b/x']) {
    const refused = await runFoundry(['storage', 'check', place], { cwd: w.folder, env: store.env });
    expectExit(refused, 2);
    expect(refused.stderr).toContain('[CFG001]');
  }
});
