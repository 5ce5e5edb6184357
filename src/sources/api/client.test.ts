import { afterEach, describe, expect, test } from 'bun:test';
import type { Socket } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { ApiOptions } from '../../config/api/schema.ts';
import { apiSource } from '../../config/api/source.ts';
import { FoundryError } from '../../core/errors.ts';
import { type RawServer, rawAnswer, startRawServer } from '../../testing/raw-server.ts';
import { openClient } from './client.ts';
import type { ApiResponse } from './exchange.ts';
import { isOwn } from './redirects.ts';

const OPEN = new AbortController().signal;
const servers: RawServer[] = [];

type Answer = Parameters<typeof startRawServer>[0];

async function serve(answer: Answer): Promise<RawServer> {
  const server = await startRawServer(answer);
  servers.push(server);
  return server;
}

/** Answers one after the other; the last one for all that follow. */
const inTurn =
  (...answers: readonly (Buffer | ((socket: Socket) => void))[]): Answer =>
  (socket, { number }) => {
    const answer = answers[Math.min(number, answers.length) - 1];
    if (typeof answer === 'function') answer(socket);
    else if (answer !== undefined) socket.write(answer);
  };

const FAST = { max_attempts: 5, base_delay: 0.001, max_delay: 0.001 } as const;

interface Got {
  readonly body: string;
  readonly warnings: string[];
  readonly response: ApiResponse;
}

async function get(
  server: Pick<RawServer, 'url'>,
  options: Partial<ApiOptions> = {},
  signal = OPEN,
  env: Readonly<Record<string, string>> = {},
): Promise<Got> {
  const warnings: string[] = [];
  const spec = apiSource({ base_url: server.url, retry: FAST, ...options }, {});
  const client = openClient(spec, { origin: server.url, env, warn: (message) => warnings.push(message) });
  const response = await client.exchange({ method: 'GET', url: `${server.url}/x`, headers: {} }, signal);
  return { body: Buffer.from(response.body).toString(), warnings, response };
}

async function failure(run: Promise<unknown>): Promise<FoundryError> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FoundryError)) throw new Error(`expected a FoundryError, got ${String(error)}`);
  return error;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

const GOOD = rawAnswer('{"ok":1}');
const busy = (...headers: string[]) => rawAnswer('{}', headers, '503 Service Unavailable');

describe('what breaks on its way is asked for again', () => {
  test.each<[string, (socket: Socket) => void]>([
    ['a connection that is closed at once', (socket) => socket.end()],
    ['a connection that is reset', (socket) => socket.resetAndDestroy()],
    [
      'a body that ends before its stated length',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok":'),
    ],
    [
      'a chunked body without its end',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n{"ok":\r\n'),
    ],
    ['what is no HTTP', (socket) => socket.end('hello\r\n\r\n')],
    [
      'a body that is not packed as it says',
      (socket) => socket.write(rawAnswer('{"ok":1}', ['Content-Encoding: gzip'])),
    ],
    [
      'a packed body that is cut short',
      (socket) => socket.write(rawAnswer(gzipSync('{"ok":1}').subarray(0, 20), ['Content-Encoding: gzip'])),
    ],
    ['an answer that never comes', () => {}],
    [
      'a body that stops coming',
      (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok":'),
    ],
  ])('%s', async (_what, breakIt) => {
    const server = await serve(inTurn(breakIt, GOOD));
    const { body, warnings } = await get(server, { timeouts: { idle_seconds: 0.1 } });
    expect(body).toBe('{"ok":1}');
    expect(warnings).toEqual([expect.stringContaining('attempt 1 of 5, next in ')]);
  });

  test('scenario 35: 503 and then well is well; 503 five times is RETRY001; 404 is an answer after one request', async () => {
    const twice = await serve(inTurn(busy(), GOOD));
    expect((await get(twice)).body).toBe('{"ok":1}');
    const down = await serve(inTurn(busy('Retry-After: 0')));
    const error = await failure(get(down));
    expect([error.code, error.exitCode, down.heads.length]).toEqual(['RETRY001', 75, 5]);
    expect(error.message).toBe(`GET ${down.url}/x answered 503; gave up after 5 attempts`);
    const missing = await serve(inTurn(rawAnswer('{}', [], '404 Not Found')));
    expect((await get(missing)).response.status).toBe(404);
    expect(missing.heads).toHaveLength(1);
  });

  test('a host that refuses connections is temporary, and named', async () => {
    const server = await serve(() => {});
    await server.stop();
    const error = await failure(get(server, { retry: { ...FAST, max_attempts: 2 } }));
    expect(error.message).toBe(
      `GET ${server.url}/x: 127.0.0.1:${server.port} refuses connections; gave up after 2 attempts`,
    );
  });

  test('only the statuses of the config, where it names some', async () => {
    const server = await serve(inTurn(rawAnswer('{}', [], '418 Teapot'), busy()));
    const { response } = await get(server, { retry: { ...FAST, statuses: [418] } });
    expect([response.status, server.heads.length]).toEqual([503, 2]);
  });

  test('a slow drip ends with the total time of an attempt', async () => {
    const server = await serve((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
      const drip = setInterval(() => socket.write(' '), 20);
      socket.on('close', () => clearInterval(drip));
    });
    const options = { timeouts: { total_seconds: 0.2 }, retry: { ...FAST, max_attempts: 1 } };
    expect((await failure(get(server, options))).message).toContain('did not answer within 0.2 s in all');
  });

  test('a connection is waited for no longer than connect_seconds', async () => {
    // Nothing answers in the block that RFC 5737 keeps for documentation.
    const nowhere = { url: 'http://192.0.2.1:9' };
    const options = { timeouts: { connect_seconds: 0.1 }, retry: { ...FAST, max_attempts: 1 } };
    const error = await failure(get(nowhere, options));
    expect([error.code, error.message]).toEqual(['RETRY001', expect.stringContaining('192.0.2.1:9')]);
    const server = await serve(inTurn(GOOD));
    expect((await get(server, options)).body).toBe('{"ok":1}');
  });

  test('all attempts together end with the deadline', async () => {
    const server = await serve(() => {});
    const options = {
      timeouts: { idle_seconds: 0.05 },
      retry: { ...FAST, max_attempts: 1000, deadline_seconds: 0.3 },
    };
    expect((await failure(get(server, options))).message).toContain('no time is left after');
  });
});

describe('a run that is stopped', () => {
  test.each<[string, Answer]>([
    ['no answer comes', () => {}],
    ['a body is under way', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok":')],
    ['the host asked to wait', (socket) => socket.write(busy('Retry-After: 60'))],
  ])('ends at once while %s', async (_when, answer) => {
    const server = await serve(answer);
    const stop = new AbortController();
    const run = failure(get(server, {}, stop.signal));
    setTimeout(() => stop.abort(), 50);
    expect((await run).code).toBe('INT001');
  });
});

describe('bodies', () => {
  test.each<[string, (bytes: Buffer) => Uint8Array]>([
    ['gzip', (bytes) => gzipSync(bytes)],
    ['x-gzip', (bytes) => gzipSync(bytes)],
    ['deflate', (bytes) => deflateSync(bytes)],
    ['deflate', (bytes) => deflateRawSync(bytes)],
    ['br', (bytes) => brotliCompressSync(bytes)],
    ['zstd', (bytes) => zstdCompressSync(bytes)],
    ['identity', (bytes) => bytes],
  ])('packed as %s are unpacked', async (coding, pack) => {
    const server = await serve(
      inTurn(rawAnswer(pack(Buffer.from('{"ö":1}')), [`Content-Encoding: ${coding}`])),
    );
    expect((await get(server)).body).toBe('{"ö":1}');
  });

  test('packed twice are unpacked twice, and as something unknown are refused', async () => {
    const twice = rawAnswer(brotliCompressSync(gzipSync('{}')), ['Content-Encoding: gzip, br']);
    expect((await get(await serve(inTurn(twice)))).body).toBe('{}');
    const odd = await failure(get(await serve(inTurn(rawAnswer('{}', ['Content-Encoding: lzma'])))));
    expect([odd.code, odd.message]).toEqual([
      'EXT001',
      'the body is packed as lzma, which foundry cannot unpack',
    ]);
  });

  test('in another charset come out as UTF-8; what is not in its charset is refused', async () => {
    const latin = rawAnswer(Buffer.from('{"ö":1}', 'latin1'), [
      'Content-Type: application/json; charset=ISO-8859-1',
    ]);
    expect((await get(await serve(inTurn(latin)))).body).toBe('{"ö":1}');
    const wrong = rawAnswer(Buffer.from([0xd8, 0x00, 0x00, 0x00]), [
      'Content-Type: text/json; charset=utf-16be',
    ]);
    expect((await failure(get(await serve(inTurn(wrong))))).code).toBe('DATA001');
  });
});

describe('redirects', () => {
  const to = (location: string, status = '302 Found') => rawAnswer('', [`Location: ${location}`], status);
  const TOKEN = { auth_type: 'bearer', auth_token_env: 'T', headers: { 'X-Extra': 'e' } } as const;

  test('are followed on the same host with the credentials', async () => {
    const server = await serve(inTurn(to('/y?z=1'), GOOD));
    expect((await get(server, TOKEN, OPEN, { T: 'secret-1' })).body).toBe('{"ok":1}');
    expect(server.heads[1]).toStartWith('GET /y?z=1 HTTP/1.1');
    expect(server.heads[1]).toContain('Bearer secret-1');
  });

  test('never carry credentials or headers of the config to another host', async () => {
    const other = await serve(inTurn(GOOD));
    const server = await serve(inTurn(to(`${other.url}/y`)));
    for (const options of [
      TOKEN,
      { auth: { type: 'api_key', key_env: 'T', key_param: 'key' } },
      { auth: { type: 'basic', username_env: 'T', password_env: 'T' } },
      { headers: { Authorization: 'secret-1', 'X-Api-Key': 'secret-1' }, params: { token: 'secret-1' } },
    ] as const) {
      expect((await get(server, options, OPEN, { T: 'secret-1' })).body).toBe('{"ok":1}');
    }
    for (const head of other.heads) {
      expect(head).toStartWith('GET /y HTTP/1.1');
      expect(head).not.toContain('secret-1');
      expect(head).not.toMatch(/x-extra|authorization|c2Vjcm/i);
    }
    expect(server.heads.filter((head) => /secret-1|c2Vjcm/.test(head))).toHaveLength(4);
  });

  test.each([
    ['https://a.example', 'https://a.example/x', true],
    ['http://a.example', 'https://a.example/x', true],
    ['https://a.example', 'http://a.example/x', false],
    ['http://a.example:8080', 'https://a.example/x', false],
    ['http://a.example', 'https://a.example:8443/x', false],
    ['https://a.example', 'https://a.example.evil.example/x', false],
    ['https://a.example', 'https://b.example/x', false],
  ])('from an API at %s, %s is its own: %p', (origin, url, own) => {
    expect(isOwn(new URL(url), origin)).toBe(own);
  });

  test.each([
    ['in a circle', '/x', 'redirects in a circle, back to'],
    [
      'to something that is no web address',
      'file:///etc/passwd',
      'redirects to something that is no web address',
    ],
  ])('%s are refused', async (_what, location, message) => {
    const error = await failure(get(await serve(inTurn(to(location)))));
    expect([error.code, error.message]).toEqual(['EXT001', expect.stringContaining(message)]);
  });

  test('on and on are refused after ten', async () => {
    const server = await serve((socket, { number }) => socket.write(to(`/y${number}`)));
    expect((await failure(get(server))).message).toContain('redirects more than 10 times');
    expect(server.heads).toHaveLength(11);
  });
});

describe('rates', () => {
  test('429 slows down, with the wait that the API asks for', async () => {
    const tooMany = rawAnswer('{}', ['Retry-After: 0.2'], '429 Too Many Requests');
    const server = await serve(inTurn(tooMany, GOOD));
    const started = performance.now();
    const { warnings } = await get(server);
    expect(performance.now() - started).toBeGreaterThanOrEqual(195);
    expect(warnings[0]).toContain('answered 429; attempt 1 of 5, next in 0.2 s');
  });

  test('scenario 39: BRONZE_API_RPS is the last to be asked, and a wrong one is told and limits nothing', async () => {
    const server = await serve(inTurn(GOOD));
    for (const [text, warned] of [
      ['', 0],
      ['100', 0],
      ['0', 1],
      ['fast', 1],
    ] as const) {
      expect((await get(server, {}, OPEN, { BRONZE_API_RPS: text })).warnings).toHaveLength(warned);
    }
    const limited = { rate_limit: { rps: 5 } };
    expect((await get(server, limited, OPEN, { BRONZE_API_RPS: 'fast' })).warnings).toEqual([]);
  });
});

test('connections are kept open between requests', async () => {
  const server = await serve(inTurn(GOOD));
  const spec = apiSource({ base_url: server.url }, {});
  const { exchange } = openClient(spec, { origin: server.url, env: {}, warn: () => {} });
  for (let i = 0; i < 20; i += 1)
    await exchange({ method: 'GET', url: `${server.url}/x`, headers: {} }, OPEN);
  expect([server.heads.length, server.connections]).toEqual([20, 1]);
});
