import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Connection } from '../config/storage/connections.ts';
import { runCommand } from '../testing/binary.ts';
import { faultProxy } from '../testing/fault-proxy.ts';
import { s3TestEndpoint, s3TestStore, type TestStore } from '../testing/object-stores.ts';
import { openStorage } from './open.ts';

let folder = '';
let store: TestStore;
let server: ReturnType<typeof Bun.serve>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'foundry-tls-'));
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
  const made = await runCommand(['openssl', 'req', '-x509', ...key, ...names, ...files]);
  if (made.code !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`);
  const upstream = s3TestEndpoint();
  server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    tls: { key: Bun.file(join(folder, 'key.pem')), cert: Bun.file(join(folder, 'cert.pem')) },
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const { method, headers } = request;
      const hasBody = method === 'PUT' || method === 'POST';
      return fetch(`${upstream}${pathname}${search}`, {
        method,
        headers,
        ...(hasBody && { body: await request.arrayBuffer() }),
      });
    },
  });
  store = await s3TestStore();
});
afterAll(async () => {
  await server.stop(true);
  await rm(folder, { recursive: true, force: true });
});

function put(connection: S3Connection): Promise<unknown> {
  const s3 = { ...store.connections.s3, endpointUrl: `https://localhost:${server.port}`, ...connection };
  const storage = openStorage(store.place(), { connections: { s3 }, retry: { attempts: 2, baseMs: 1 } });
  return storage.put('k', { bytes: new TextEncoder().encode('x') });
}

test('a certificate that nobody vouches for is refused at once, with what to do', async () => {
  const error = await put({}).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'STG001', hint: expect.stringContaining('ca_file') });
});

test('ca_file says whom to trust, and verify_ssl: false trusts anyone', async () => {
  expect(await put({ caFile: join(folder, 'cert.pem') })).toMatchObject({ sizeBytes: 1 });
  expect(await put({ verifySsl: false })).toMatchObject({ sizeBytes: 1 });
});

test('encryption at rest and the session token go with every upload, whole or in parts', async () => {
  const proxy = await faultProxy(s3TestEndpoint());
  try {
    const through = await s3TestStore(proxy.url);
    const s3: S3Connection = {
      ...through.connections.s3,
      sessionToken: { value: 'session' },
      encryption: 'aws:kms',
      kmsKeyId: 'key-1',
    };
    const storage = openStorage(through.place(), { connections: { s3 } });
    const file = join(folder, 'big');
    await Bun.write(file, new Uint8Array(9 * 1024 * 1024));
    await storage.put('small', { bytes: new Uint8Array(1) });
    await storage.put('big', { file });
    const begun = proxy.requests.filter(
      ({ method, path }) =>
        (method === 'PUT' && path.endsWith('/small?x-id=PutObject')) || path.includes('?uploads'),
    );
    expect(begun).toHaveLength(2);
    for (const { headers } of begun) {
      expect(headers['x-amz-server-side-encryption']).toBe('aws:kms');
      expect(headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe('key-1');
    }
    const uploads = proxy.requests.filter(
      ({ method, path }) => method === 'PUT' && /small|partNumber=/.test(path),
    );
    expect(uploads).toHaveLength(3);
    // The store compares it with what arrives, so that no byte is lost on the way.
    for (const { headers } of uploads) expect(headers['x-amz-content-sha256']).toMatch(/^[0-9a-f]{64}$/);
    expect(proxy.requests.every(({ headers }) => headers['x-amz-security-token'] === 'session')).toBe(true);
  } finally {
    proxy.close();
  }
});

test('a ca_file that is not there is named', async () => {
  const error = await put({ caFile: join(folder, 'none.pem') }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'CFG001', message: expect.stringContaining('none.pem') });
});
