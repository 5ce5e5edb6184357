import { randomUUID } from 'node:crypto';
import type { Connections } from '../config/storage/connections.ts';
import { Secret } from '../core/secret.ts';
import type { OpenStorageOptions } from '../storage/open.ts';
import { openStorage } from '../storage/open.ts';
import type { Storage } from '../storage/storage.ts';
import { type FaultProxy, faultProxy } from './fault-proxy.ts';
import { serviceUrl } from './services.ts';

/** A store of the tests: real servers, a bucket of one's own. */
export interface TestStore {
  readonly name: 's3' | 'azure';
  /** Of the bucket or container. */
  readonly uri: string;
  readonly connections: Connections;
  /** For the program as a process of its own: variables that its configs and defaults read. */
  readonly env: Readonly<Record<string, string>>;
  /** An empty place in it. */
  place(): string;
  open(uri: string, options?: OpenStorageOptions): Storage;
}

/** Faster than people would wait. */
export const QUICK_RETRIES = { baseMs: 5, capMs: 20 };

/** Address of a server that speaks S3 and takes any keys. */
export function s3TestEndpoint(): string {
  return serviceUrl('FOUNDRY_TEST_S3_URL');
}

export function azureTestConnectionString(): string {
  return serviceUrl('FOUNDRY_TEST_AZURE_URL');
}

export const TEST_KEYS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test-secret' };

/** @param endpoint another way to the server, such as a proxy that fails. */
export async function s3TestStore(endpoint = s3TestEndpoint()): Promise<TestStore> {
  const bucket = `t-${randomUUID()}`;
  const made = await fetch(`${s3TestEndpoint()}/${bucket}`, { method: 'PUT' });
  if (!made.ok) throw new Error(`the S3 test server made no bucket: HTTP ${made.status}`);
  const connections: Connections = {
    s3: {
      endpointUrl: endpoint,
      region: 'us-east-1',
      accessKeyId: { secret: new Secret(TEST_KEYS.AWS_ACCESS_KEY_ID) },
      secretAccessKey: { secret: new Secret(TEST_KEYS.AWS_SECRET_ACCESS_KEY) },
    },
  };
  return store('s3', `s3://${bucket}`, connections, { ...TEST_KEYS, BRONZE_S3_ENDPOINT: endpoint });
}

export async function azureTestStore(connectionString = azureTestConnectionString()): Promise<TestStore> {
  const container = `t-${randomUUID()}`;
  const { azureSettings } = await import('../storage/azure-settings.ts');
  const { openAzure } = await import('../storage/azure.ts');
  const settings = azureSettings(
    { connectionString: { secret: new Secret(azureTestConnectionString()) } },
    undefined,
    {},
  );
  await (await openAzure(container, settings)).createContainer(new AbortController().signal);
  const connections: Connections = { azure: { connectionString: { secret: new Secret(connectionString) } } };
  return store('azure', `az://${container}`, connections, {
    AZURE_STORAGE_CONNECTION_STRING: connectionString,
  });
}

/** A store of the tests that is reached through a proxy, which fails where a test says so. */
export interface ProxiedStore {
  readonly proxy: FaultProxy;
  readonly store: TestStore;
}

/** Each object store that tests run on, by the name that their titles give it. */
export const PROXIED_STORES = [
  ['S3', proxiedS3],
  ['Azure', proxiedAzure],
] as const;

async function proxiedS3(): Promise<ProxiedStore> {
  const proxy = await faultProxy(s3TestEndpoint());
  return { proxy, store: await s3TestStore(proxy.url) };
}

async function proxiedAzure(): Promise<ProxiedStore> {
  const direct = azureTestConnectionString();
  const { origin } = new URL(/BlobEndpoint=([^;]+)/.exec(direct)?.[1] ?? '');
  const proxy = await faultProxy(origin);
  return { proxy, store: await azureTestStore(direct.replace(origin, proxy.url)) };
}

function store(
  name: TestStore['name'],
  uri: string,
  connections: Connections,
  env: TestStore['env'],
): TestStore {
  return {
    name,
    uri,
    connections,
    env,
    place: () => `${uri}/${randomUUID().slice(0, 8)}`,
    open: (place, options = {}) => openStorage(place, { connections, retry: QUICK_RETRIES, ...options }),
  };
}
