import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import type { ApiOptions } from '../../config/api/schema.ts';
import { apiSource } from '../../config/api/source.ts';
import { type ApiServer, startApiServer } from '../../testing/api-server.ts';
import { type Certificates, makeCertificates } from '../../testing/certificates.ts';
import { openClient } from './client.ts';

let files: Certificates;
let server: ApiServer;
let wary: ApiServer;

beforeAll(() => {
  files = makeCertificates();
  const own = { cert: readFileSync(files.server.cert, 'utf8'), key: readFileSync(files.server.key, 'utf8') };
  server = startApiServer(() => ({}), { tls: own });
  const ca = readFileSync(files.ca, 'utf8');
  wary = startApiServer(() => ({}), { tls: { ...own, ca, requestCert: true, rejectUnauthorized: true } });
});

afterAll(async () => {
  await server.stop();
  await wary.stop();
  files.remove();
});

/** The status of an answer, or the code and message of the failure. */
async function ask({ url }: ApiServer, tls: ApiOptions['tls'], host = '127.0.0.1'): Promise<string> {
  const origin = url.replace('127.0.0.1', host);
  const spec = apiSource(
    { base_url: origin, retry: { max_attempts: 1 }, ...(tls !== undefined && { tls }) },
    {},
  );
  try {
    const { exchange } = openClient(spec, { origin, env: {}, warn: () => {} });
    const request = { method: 'GET', url: `${origin}/x`, headers: {} } as const;
    return String((await exchange(request, new AbortController().signal)).status);
  } catch (error) {
    const { code, message } = error as { readonly code: string; readonly message: string };
    return `${code} ${message}`;
  }
}

describe('TLS', () => {
  test('a certificate of an unknown authority is refused at once, accepted with ca_file, and by verify: false', async () => {
    expect(await ask(server, undefined)).toMatch(/^EXT001 .*: its certificate is not accepted \(\w+\)$/);
    expect(await ask(server, { ca_file: files.ca })).toBe('200');
    expect(await ask(server, { verify: false })).toBe('200');
    expect(await ask(server, { ca_file: files.ca }, 'localhost')).toBe('200');
  });

  test('a connection that was not checked is not used where checking is on', async () => {
    expect(await ask(server, { verify: false })).toBe('200');
    expect(await ask(server, undefined)).toStartWith('EXT001');
    expect(await ask(server, { ca_file: files.client.cert })).toStartWith('EXT001');
  });

  test('a client certificate is shown where the server wants one', async () => {
    expect(await ask(wary, { ca_file: files.ca })).not.toBe('200');
    const { cert, key } = files.client;
    expect(await ask(wary, { ca_file: files.ca, cert_file: cert, key_file: key })).toBe('200');
    expect(await ask(wary, { ca_file: files.ca })).not.toBe('200');
  });

  test('a host that does not speak TLS is named as such, after one attempt', async () => {
    const plain = startApiServer(() => ({}));
    try {
      const url = plain.url.replace('http:', 'https:');
      expect(await ask({ ...plain, url }, undefined)).toBe(
        `EXT001 ${new URL(url).host} does not speak TLS at this port`,
      );
    } finally {
      await plain.stop();
    }
  });

  test('a file that cannot be read is an error of the config', async () => {
    expect(await ask(server, { ca_file: '/nowhere/ca.pem' })).toStartWith(
      'CFG001 tls.ca_file: /nowhere/ca.pem cannot be read',
    );
  });
});
