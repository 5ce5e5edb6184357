import { afterEach, describe, expect, test } from 'bun:test';
import { createHash, createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiOptions } from '../../config/api/schema.ts';
import { apiSource } from '../../config/api/source.ts';
import { FoundryError } from '../../core/errors.ts';
import { type ApiServer, type SeenRequest, startApiServer } from '../../testing/api-server.ts';
import { type ApiClient, openClient } from './client.ts';
import { checkSecrets } from './secrets.ts';

const OPEN = new AbortController().signal;
const servers: ApiServer[] = [];

function serve(answer: Parameters<typeof startApiServer>[0]): ApiServer {
  const server = startApiServer(answer);
  servers.push(server);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

interface Opened extends ApiClient {
  readonly warnings: string[];
  get(path?: string): Promise<number>;
}

function open(
  server: ApiServer,
  options: Partial<ApiOptions>,
  env: Readonly<Record<string, string>> = {},
): Opened {
  const warnings: string[] = [];
  const retry = { max_attempts: 3, base_delay: 0.001 };
  const spec = apiSource({ base_url: server.url, retry, ...options }, {});
  const client = openClient(spec, { origin: server.url, env, warn: (message) => warnings.push(message) });
  return {
    ...client,
    warnings,
    async get(path = '/x') {
      const request = { method: 'GET', url: `${server.url}${path}`, headers: { accept: 'a/b' } } as const;
      return (await client.exchange(request, OPEN)).status;
    },
  };
}

const seen = (request: SeenRequest | undefined, header: string): string | undefined =>
  request?.headers[header];

describe('credentials of the config', () => {
  const ENV = { TOKEN: ' secret-token\n', KEY: 'secret key+/', USER: 'ü', PASS: 'p:w' };

  test.each<[string, Partial<ApiOptions>, string, string | undefined]>([
    ['bearer', { auth_type: 'bearer', auth_token_env: 'TOKEN' }, 'authorization', 'Bearer secret-token'],
    ['api_key', { auth_type: 'api_key', auth_key_env: 'KEY' }, 'x-api-key', 'secret key+/'],
    ['api_key', { auth_type: 'api_key', auth_key_env: 'KEY', auth_key_name: 'X-K' }, 'x-k', 'secret key+/'],
    [
      'basic',
      { auth: { type: 'basic', username_env: 'USER', password_env: 'PASS' } },
      'authorization',
      `Basic ${Buffer.from('ü:p:w').toString('base64')}`,
    ],
    ['none', { auth_type: 'none' }, 'authorization', undefined],
    ['headers', { headers: { 'X-Token': 'abc' } }, 'x-token', 'abc'],
    [
      'headers above the authentication',
      { auth_type: 'bearer', auth_token_env: 'TOKEN', headers: { Authorization: 'Custom 1' } },
      'authorization',
      'Custom 1',
    ],
  ])('%s %j', async (_type, options, header, value) => {
    const server = serve(() => ({}));
    await open(server, options, ENV).get();
    expect(seen(server.requests[0], header)).toBe(value);
    expect(seen(server.requests[0], 'accept')).toBe('a/b');
  });

  test('a key may be a parameter', async () => {
    const server = serve(() => ({}));
    await open(server, { auth: { type: 'api_key', key_env: 'KEY', key_param: 'k' } }, ENV).get('/x?a=1');
    expect(server.requests[0]?.query).toEqual({ a: '1', k: 'secret key+/' });
  });

  test('that no header can carry are AUTH001 without the value', async () => {
    const server = serve(() => ({}));
    const api = open(server, { auth_type: 'bearer', auth_token_env: 'TOKEN' }, { TOKEN: 'se“cret”' });
    const error = await api.get().catch((thrown: unknown) => thrown);
    expect((error as FoundryError).toString()).toBe(
      '[AUTH001] the value for the header authorization holds characters that no header can',
    );
    expect(server.requests).toHaveLength(0);
  });

  test('may come from files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'foundry-auth-'));
    try {
      const file = join(folder, 'token');
      await writeFile(file, 'secret-token\n');
      const server = serve(() => ({}));
      await open(server, { auth: { type: 'bearer', token_file: file } }).get();
      expect(seen(server.requests[0], 'authorization')).toBe('Bearer secret-token');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test.each<[string, Partial<ApiOptions>, string]>([
    ['TOKEN', { auth_type: 'bearer', auth_token_env: 'TOKEN' }, 'the bearer token'],
    ['KEY', { auth_type: 'api_key', auth_key_env: 'KEY' }, 'the API key'],
    ['USER', { auth: { type: 'basic', username_env: 'USER', password_env: 'PASS' } }, 'the user name'],
    [
      'CS',
      {
        auth: {
          type: 'oauth2_client_credentials',
          token_url: 'https://x.example',
          client_id: 'c',
          client_secret_env: 'CS',
        },
      },
      'the client secret',
    ],
  ])('%s missing or empty is AUTH001 before anything is requested', (name, options, what) => {
    const server = serve(() => ({}));
    for (const [env, state] of [
      [{}, 'is not set'],
      [{ [name]: '  ' }, 'is empty'],
    ] as const) {
      let error: unknown;
      try {
        open(server, options, env);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(FoundryError);
      expect((error as FoundryError).toString()).toContain(
        `[AUTH001] ${what} is missing: the environment variable ${name} ${state}`,
      );
      expect(checkSecrets(apiSource({ base_url: server.url, ...options }, {}), env)).toContain(name);
    }
    expect(server.requests).toHaveLength(0);
  });

  test('are hidden in texts, plain and as they stand in addresses', () => {
    const client = open(
      serve(() => ({})),
      { auth_type: 'api_key', auth_key_env: 'KEY' },
      ENV,
    );
    expect(client.redact('a secret key+/ b secret%20key%2B%2F c')).toBe('a *** b *** c');
  });
});

/** The signature of a request as AWS would reckon it (SigV4, steps 1 to 4), from what arrived. */
function expectedSignature(request: SeenRequest, secret: string, rawQuery: string): string {
  const [, scope = '', names = ''] =
    /Credential=[^/]+\/(\S+), SignedHeaders=(\S+), /.exec(request.headers.authorization ?? '') ?? [];
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string): Buffer =>
    createHmac('sha256', key).update(text).digest();
  const canonical = [
    request.method,
    request.path,
    rawQuery.split('&').sort().join('&'),
    ...names.split(';').map((name) => `${name}:${request.headers[name]?.trim()}`),
    '',
    names,
    hash(request.body),
  ].join('\n');
  const time = request.headers['x-amz-date'] ?? '';
  const toSign = ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n');
  const key = scope.split('/').reduce<string | Buffer>((before, part) => hmac(before, part), `AWS4${secret}`);
  return hmac(key, toSign).toString('hex');
}

describe('AWS Signature Version 4', () => {
  test('signs what arrives: query, headers and body', async () => {
    const server = serve(() => ({}));
    const auth = { type: 'aws_sigv4', region: 'eu-west-1' } as const;
    const env = {
      AWS_ACCESS_KEY_ID: 'AKID',
      AWS_SECRET_ACCESS_KEY: 'secret/1',
      AWS_SESSION_TOKEN: 'session-1',
    };
    const api = open(server, { auth }, env);
    await api.get('/a/b?z=1&b=x%20y&a=%2F');
    const body = {
      method: 'POST',
      url: `${server.url}/p?q=a+b`,
      headers: { 'content-type': 'a/b' },
      body: '{"ü":1}',
    } as const;
    await api.exchange(body, OPEN);
    const queries = ['z=1&b=x%20y&a=%2F', 'q=a%20b'];
    expect(server.requests).toHaveLength(2);
    for (const [index, request] of server.requests.entries()) {
      const { authorization = '' } = request.headers;
      expect(authorization).toStartWith('AWS4-HMAC-SHA256 Credential=AKID/');
      expect(authorization).toContain('/eu-west-1/execute-api/aws4_request');
      expect(authorization).toEndWith(
        `Signature=${expectedSignature(request, 'secret/1', queries[index] ?? '')}`,
      );
      expect(request.headers['x-amz-security-token']).toBe('session-1');
    }
    expect(server.requests[1]?.query).toEqual({ q: 'a b' });
    expect(() => open(server, { auth }, {})).toThrow('AWS_ACCESS_KEY_ID is not set');
  });
});

interface TokenServer {
  readonly server: ApiServer;
  readonly granted: Readonly<Record<string, string>>[];
}

/** An API whose tokens are `t1`, `t2` …; `isGood` says which of them it takes. */
function tokenApi(
  isGood: (token: string, request: SeenRequest) => boolean,
  answer: (count: number) => Response | object = () => ({ token_type: 'Bearer', expires_in: 3600 }),
): TokenServer {
  const granted: Readonly<Record<string, string>>[] = [];
  const server = serve((request) => {
    if (request.path === '/token') {
      granted.push({
        ...Object.fromEntries(new URLSearchParams(request.body)),
        basic: Buffer.from(request.headers.authorization?.replace('Basic ', '') ?? '', 'base64').toString(),
      });
      const given = answer(granted.length);
      return given instanceof Response ? given : { access_token: `t${granted.length}-secret`, ...given };
    }
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    return isGood(token.replace('-secret', ''), request) ? {} : new Response('{}', { status: 401 });
  });
  return { server, granted };
}

const client = (server: ApiServer, more: Partial<NonNullable<ApiOptions['auth']>> = {}) =>
  open(
    server,
    {
      auth: {
        type: 'oauth2_client_credentials',
        token_url: `${server.url}/token`,
        client_id: 'id:1',
        client_secret_env: 'CS',
        ...more,
      },
    },
    { CS: 'secret &1', RT: 'refresh-1' },
  );

describe('OAuth 2.0', () => {
  test('client credentials give one token for all requests, with scopes and audience', async () => {
    const { server, granted } = tokenApi((token) => token === 't1');
    const api = client(server, { scopes: ['a', 'b'], audience: 'https://aud' });
    expect(await Promise.all([api.get(), api.get(), api.get()])).toEqual([200, 200, 200]);
    expect(granted).toEqual([
      {
        grant_type: 'client_credentials',
        scope: 'a b',
        audience: 'https://aud',
        basic: 'id%3A1:secret+%261',
      },
    ]);
    expect(api.redact('t1-secret secret &1')).toBe('*** ***');
  });

  test('client id and secret may go in the body', async () => {
    const { server, granted } = tokenApi(() => true);
    await client(server, { client_auth: 'body' }).get();
    expect(granted[0]).toEqual({
      grant_type: 'client_credentials',
      client_id: 'id:1',
      client_secret: 'secret &1',
      basic: '',
    });
  });

  test('a token that ends during the run is had anew before it ends', async () => {
    const { server, granted } = tokenApi(
      () => true,
      () => ({ expires_in: 0.05 }),
    );
    const api = client(server);
    await api.get();
    await api.get();
    await Bun.sleep(60);
    await api.get();
    expect(granted.length).toBeGreaterThanOrEqual(2);
    expect(server.requests.at(-1)?.headers.authorization).toBe(`Bearer t${granted.length}-secret`);
  });

  test('a token that is refused is had anew once, and twice refused is an answer', async () => {
    const once = tokenApi((token) => token === 't2');
    expect(await client(once.server).get()).toBe(200);
    expect(once.granted).toHaveLength(2);
    const never = tokenApi(() => false);
    expect(await client(never.server).get()).toBe(401);
    expect(never.granted).toHaveLength(2);
  });

  test('requests that are refused together get one new token', async () => {
    let revoked = false;
    const { server, granted } = tokenApi((token) => !revoked || token !== 't1');
    const api = client(server);
    await api.get();
    revoked = true;
    expect(await Promise.all(Array.from({ length: 8 }, () => api.get()))).toEqual(Array(8).fill(200));
    expect(granted).toHaveLength(2);
  });

  test('a refresh token gives tokens, and one that replaces it is used from then on and told', async () => {
    const { server, granted } = tokenApi(
      (token) => token === 't2',
      (count) => ({ refresh_token: `refresh-${count + 1}` }),
    );
    const api = client(server, {
      type: 'oauth2_refresh_token',
      client_secret_env: undefined,
      refresh_token_env: 'RT',
    } as never);
    expect(await api.get()).toBe(200);
    expect(granted.map(({ refresh_token, client_id }) => [refresh_token, client_id])).toEqual([
      ['refresh-1', 'id:1'],
      ['refresh-2', 'id:1'],
    ]);
    expect(api.warnings[0]).toContain('replaced the refresh token');
    expect(api.warnings.join()).not.toContain('refresh-2');
  });

  test('a token server that refuses is AUTH001 with its reason; a busy one is asked again', async () => {
    const refusing = tokenApi(
      () => true,
      () =>
        Response.json(
          { error: 'invalid_client', error_description: 'who?', access_token: 'x' },
          { status: 401 },
        ),
    );
    await expect(client(refusing.server).get()).rejects.toMatchObject({
      code: 'AUTH001',
      message: `the token server ${refusing.server.url}/token gave no token: status 401, invalid_client: who?`,
    });
    const busy = tokenApi(
      () => true,
      (count) => (count === 1 ? new Response('', { status: 503 }) : {}),
    );
    expect(await client(busy.server).get()).toBe(200);
    expect(busy.granted).toHaveLength(2);
  });

  test.each<[string, object]>([
    ['no token', { access_token: undefined }],
    ['a token of another type', { token_type: 'mac' }],
  ])('%s is refused', async (_what, answer) => {
    const { server } = tokenApi(
      () => true,
      () => answer,
    );
    await expect(client(server).get()).rejects.toMatchObject({ code: 'AUTH001' });
  });
});
