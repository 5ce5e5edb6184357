import { describe, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { type ApiServer, numberedRows, type SeenRequest, startApiServer } from '../testing/api-server.ts';
import { quote, readWithDuckdb } from './readers.ts';
import {
  BRONZE,
  classic,
  DATE,
  describeRun,
  expectExit,
  finish,
  openWorkspace,
  parseDocument,
  runFoundry,
  startFoundry,
  until,
  type Workspace,
} from './support.ts';

type Answer = Parameters<typeof startApiServer>[0];

interface Landing {
  readonly w: Workspace;
  readonly server: ApiServer;
  /** Lands the API of a config; gives the document of `--output json`. */
  land(exitCode: number, options?: LandOptions): Promise<Landed>;
}

interface LandOptions {
  readonly api?: Readonly<Record<string, unknown>>;
  readonly run?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

type Landed = ReturnType<typeof parseDocument> & { readonly stderr: string };

/** Runs a claim with a server that answers like this. */
function api(answer: Answer, claim: (landing: Landing) => Promise<void>): () => Promise<void> {
  return async () => {
    const w = await openWorkspace();
    const server = startApiServer(answer);
    try {
      await claim({ w, server, land: (exitCode, options) => land(w, server, exitCode, options) });
    } finally {
      await server.stop();
      await w.remove();
    }
  };
}

async function land(
  w: Workspace,
  server: ApiServer,
  exitCode: number,
  { api: settings, run, env, flags = [] }: LandOptions = {},
): Promise<Landed> {
  const source = {
    type: 'api',
    file: undefined,
    api: { base_url: server.url, endpoint: '/rows', ...settings },
    run: { retry_base_delay: 0.01, ...run },
  };
  await w.put('a.yaml', classic({ source }));
  const args = ['bronze', '--config', 'a.yaml', '--date', DATE, '--output', 'json', ...flags];
  const done = await runFoundry(args, { cwd: w.folder, ...(env !== undefined && { env }) });
  if (done.exitCode !== exitCode) throw new Error(`expected exit code ${exitCode}, got ${describeRun(done)}`);
  return { ...parseDocument(done), stderr: done.stderr };
}

/** A number parameter of a request. */
const num = (request: SeenRequest, name: string, fallback = 0): number =>
  Number(request.query[name] ?? fallback);

/** The rows of a page by number. */
const paged =
  (rows: readonly object[]): Answer =>
  (request) => {
    const size = num(request, 'page_size', 100);
    const from = (num(request, 'page', 1) - 1) * size;
    return { items: rows.slice(from, from + size) };
  };

/** A column of what landed, in the order in which it landed. */
async function landed(w: Workspace, column = 'id'): Promise<(string | null)[]> {
  const { rows } = await readWithDuckdb(`read_parquet(${quote(w.path(BRONZE, '*.parquet'))})`);
  return rows.map((row) => row[column] ?? null);
}
const queries = (server: ApiServer): unknown[] => server.requests.map(({ query }) => query);

test(
  'the example of an API runs: a first run lands everything, the next one only what is new',
  api(
    (request) => {
      const since = request.query.updated_since ?? '';
      const tickets = [1, 2, 3].map((id) => ({
        id,
        subject: `s${id}`,
        priority: 'high',
        status: 'open',
        updated_at: `2025-01-0${id}T10:00:00Z`,
      }));
      const found = tickets.filter(({ updated_at }) => updated_at >= since);
      return { tickets: request.query.page === '1' ? found : [] };
    },
    async ({ w, server }) => {
      const text = await readFile(join(import.meta.dir, '../../fixtures/examples/api_example.yaml'), 'utf8');
      await w.put('a.yaml', text.replace('https://api.example.com', server.url));
      const run = async (date: string) => {
        const args = ['run-intent', '--config', 'a.yaml', '--date', date, '--output', 'json'];
        const done = await runFoundry(args, { cwd: w.folder, env: { HELPDESK_TOKEN: 'secret-token' } });
        expectExit(done, 0);
        return parseDocument(done).reports[0];
      };
      expect(await run('2025-01-05')).toMatchObject({ rows: 3, cursor: { start: null } });
      expect(server.requests[0]).toMatchObject({
        path: '/v1/tickets',
        query: { status: 'all', page: '1', page_size: '100' },
        headers: { authorization: 'Bearer secret-token' },
      });
      const before = server.requests.length;
      expect(await run('2025-01-06')).toMatchObject({ rows: 0, cursor: { repeated: 1 } });
      expect(server.requests[before]?.query.updated_since).toBe('2025-01-03T09:00:00Z');
    },
  ),
);

describe('scenarios of APIs', () => {
  test(
    '30: bearer token, pages of 3 over 7 rows: three requests with the token, 7 rows, cursor 7 in the metadata',
    api(paged(numberedRows(7)), async ({ w, server, land }) => {
      const { reports } = await land(0, {
        api: {
          auth_type: 'bearer',
          auth_token_env: 'TOKEN',
          pagination: { type: 'page', page_size: 3 },
          cursor_field: 'id',
        },
        env: { TOKEN: 'secret-token' },
      });
      expect(reports[0]).toMatchObject({ status: 'complete', rows: 7 });
      expect(queries(server)).toEqual([
        { page: '1', page_size: '3' },
        { page: '2', page_size: '3' },
        { page: '3', page_size: '3' },
      ]);
      for (const { headers } of server.requests) expect(headers.authorization).toBe('Bearer secret-token');
      expect(await landed(w)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
      const manifest = await w.read(`${BRONZE}/_metadata.json`);
      expect(manifest.cursor).toMatchObject({ column: 'id', start: null, end: '7' });
      expect(JSON.stringify(manifest)).not.toContain('secret-token');
    }),
  );

  test(
    '31: offset, pages of 2: the second request begins at 2, three records',
    api(
      ({ query }) => ({ items: numberedRows(3).slice(Number(query.offset), Number(query.offset) + 2) }),
      async ({ w, server, land }) => {
        await land(0, { api: { pagination: { type: 'offset', page_size: 2 } } });
        expect(queries(server)).toEqual([
          { offset: '0', limit: '2' },
          { offset: '2', limit: '2' },
        ]);
        expect(await landed(w)).toEqual(['1', '2', '3']);
      },
    ),
  );

  test(
    '32: offset, pages of 4 over 7 rows, max_records 5: exactly five',
    api(
      ({ query }) => numberedRows(7).slice(Number(query.offset), Number(query.offset) + 4),
      async ({ w, land }) => {
        const pagination = { type: 'offset', page_size: 4, max_records: 5 };
        const { reports } = await land(0, { api: { pagination } });
        expect(reports[0].rows).toBe(5);
        expect(await landed(w)).toEqual(['1', '2', '3', '4', '5']);
      },
    ),
  );

  test(
    '33: a cursor and an API key: two records, the second request with the cursor, both with the key',
    api(
      ({ query }) =>
        query.cursor === undefined
          ? { results: [{ id: 10 }], next_cursor: 'abc' }
          : { results: [{ id: 20 }], next_cursor: null },
      async ({ w, server, land }) => {
        await land(0, {
          api: { auth_type: 'api_key', auth_key_env: 'KEY', pagination: { type: 'cursor' } },
          env: { KEY: 'secret-key' },
        });
        expect(queries(server)).toEqual([{}, { cursor: 'abc' }]);
        expect(server.requests.map(({ headers }) => headers['x-api-key'])).toEqual([
          'secret-key',
          'secret-key',
        ]);
        expect(await landed(w)).toEqual(['10', '20']);
      },
    ),
  );

  test(
    '34: a data_path that is absent, or leads to no list or object, is an error; an empty list is empty',
    api(
      ({ query }) => JSON.parse(query.answer ?? '{}'),
      async ({ w, land }) => {
        const of = (answer: object) => ({ params: { answer: JSON.stringify(answer) } });
        const found = of({ response: { items: [{ id: 1 }, { id: 2 }] } });
        await land(0, { api: { ...found, data_path: 'response.items' } });
        expect(await landed(w)).toEqual(['1', '2']);
        await land(0, { api: { ...of({ response: { id: 5 } }), data_path: 'response' } });
        expect(await landed(w)).toEqual(['5']);
        for (const answer of [{ response: { item: [] } }, { response: { items: 7 } }]) {
          const { errors } = await land(3, { api: { ...of(answer), data_path: 'response.items' } });
          expect(errors[0]).toMatchObject({
            code: 'DATA001',
            message: expect.stringContaining('response.items'),
          });
        }
        expect(await landed(w)).toEqual(['5']);
        const empty = { ...of({ response: { items: [] } }), data_path: 'response.items' };
        await land(3, { api: empty });
        const { reports } = await land(0, { api: empty, run: { allow_empty: true } });
        expect(reports[0].status).toBe('empty');
      },
    ),
  );

  test(
    '35: 404 is EXT001 after one request; 503 five times is RETRY001; 503 or silence and then an answer is well',
    api(
      async ({ path, number }) => {
        if (path === '/404') return new Response('{"message":"no such table"}', { status: 404 });
        if (path === '/503') return new Response('', { status: 503, headers: { 'retry-after': '0' } });
        if (path === '/once' && number === 1) return new Response('', { status: 503 });
        if (path === '/slow' && number === 1) await Bun.sleep(2000);
        return [{ id: 1 }];
      },
      async ({ w, server, land }) => {
        const requests = server.requests as unknown[];
        const missing = await land(4, { api: { endpoint: '/404' } });
        expect([missing.errors[0]?.code, requests.length]).toEqual(['EXT001', 1]);
        expect(missing.errors[0]?.message).toContain(
          `${server.url}/404): the API answered 404: {"message":"no such table"}`,
        );
        requests.length = 0;
        const down = await land(75, { api: { endpoint: '/503' } });
        expect([down.errors[0]?.code, requests.length]).toEqual(['RETRY001', 5]);
        expect(down.errors[0]?.message).toContain('answered 503; gave up after 5 attempts');
        expect(await w.files('output')).toEqual([]);
        for (const endpoint of ['/once', '/slow']) {
          requests.length = 0;
          await land(0, { api: { endpoint }, run: { timeout_seconds: 0.3 } });
          expect([await landed(w), requests.length]).toEqual([['1'], 2]);
        }
      },
    ),
  );

  test(
    '36, 37: an unset token or password, an unknown authentication or pagination are errors before any request',
    api(
      () => [],
      async ({ server, land }) => {
        const unset = await land(4, { api: { auth_type: 'bearer', auth_token_env: 'TOKEN' } });
        expect(unset.errors[0]).toMatchObject({
          code: 'AUTH001',
          message: 'the bearer token is missing: the environment variable TOKEN is not set',
        });
        const basic = { auth_type: 'basic', auth_username_env: 'USER', auth_password_env: 'PASS' };
        const half = await land(4, { api: basic, env: { USER: 'u' } });
        expect(half.errors[0]).toMatchObject({ code: 'AUTH001', details: { env_var: 'PASS' } });
        for (const wrong of [
          { auth_type: 'zzz' },
          { pagination: { type: 'pages' } },
          { auth_type: 'basic' },
        ]) {
          expect((await land(2, { api: wrong })).errors[0]?.code).toBe('CFG001');
        }
        expect(server.requests).toHaveLength(0);
      },
    ),
  );

  test(
    '38: async reads the same rows in the same order with at most one request more, by key and by variable',
    api(paged(numberedRows(7)), async ({ w, server, land }) => {
      const requests = server.requests as unknown[];
      for (const [size, fewest] of [
        [3, 3],
        [7, 2],
      ] as const) {
        const pagination = { type: 'page', page_size: size };
        for (const options of [
          { api: { pagination, async: true } },
          { api: { pagination }, env: { BRONZE_ASYNC_HTTP: 'yes' } },
        ]) {
          requests.length = 0;
          await land(0, options);
          expect(await landed(w)).toEqual(['1', '2', '3', '4', '5', '6', '7']);
          expect(requests.length - fewest).toBeLessThanOrEqual(1);
        }
      }
    }),
  );

  test(
    '39: the rate of the API goes before that of the run, and that before BRONZE_API_RPS; no rate of a config is 0',
    api(paged(numberedRows(4)), async ({ land }) => {
      const pagination = { type: 'page', page_size: 1 };
      const seconds = async (options: LandOptions): Promise<number> => {
        const { reports } = await land(0, options);
        return reports[0].seconds;
      };
      // Five requests, the first of which go out at once.
      const slow = { rps: 2, burst: 4 };
      expect(await seconds({ api: { pagination, rate_limit: slow } })).toBeGreaterThan(0.4);
      const env = { BRONZE_API_RPS: '0.2' };
      expect(await seconds({ api: { pagination }, run: { rate_limit_rps: 1000 }, env })).toBeLessThan(3);
      const api = { pagination, rate_limit: { rps: 1000 } };
      expect(await seconds({ api, run: { rate_limit_rps: 0.2 }, env })).toBeLessThan(3);
      const odd = await land(0, { api: { pagination }, env: { BRONZE_API_RPS: 'many' } });
      expect(odd.stderr).toContain('BRONZE_API_RPS is "many"');
      for (const run of [{ rate_limit_rps: 0 }, { rate_limit_rps: 'x' }]) await land(2, { run });
    }),
  );
});

describe('a run over an API', () => {
  test(
    '83: a host that five datasets of a run could not reach is not asked for the sixth; another host is',
    api(
      ({ path }) => (path === '/well' ? [{ id: 1 }] : new Response('', { status: 500 })),
      async ({ w, server }) => {
        const entry = (name: string, base_url: string, endpoint: string) => ({
          name,
          source: {
            type: 'api',
            system: 's',
            table: name,
            api: { base_url, endpoint, retry: { max_attempts: 1 } },
            run: {},
          },
        });
        const other = startApiServer(() => [{ id: 1 }]);
        try {
          const sick = [1, 2, 3, 4, 5].map((n) => entry(`sick${n}`, server.url, '/sick'));
          const sources = [...sick, entry('sixth', server.url, '/well'), entry('other', other.url, '/')];
          await w.put('a.yaml', { platform: { bronze: { storage_backend: 'local' } }, sources });
          const { document } = await w.json(75, 'bronze', '--config', 'a.yaml', '--date', DATE);
          expect(document.reports.map(({ dataset }) => dataset)).toEqual(['other']);
          expect(document.errors.map(({ code }) => code)).toEqual(
            Array.from({ length: 6 }, () => 'RETRY001'),
          );
          expect(document.errors[5]?.message).toContain('failed 5 times in a row and is left alone for 30 s');
          expect([server.requests.length, other.requests.length]).toEqual([5, 1]);
        } finally {
          await other.stop();
        }
      },
    ),
  );

  test(
    'plans without a request, and tells what would keep it from running',
    api(
      () => [],
      async ({ w, server, land }) => {
        const settings = { auth_type: 'bearer', auth_token_env: 'TOKEN', pagination: { type: 'page' } };
        const unset = await land(0, { api: settings, flags: ['--dry-run'] });
        expect(unset.reports[0].source).toMatchObject({
          description: `GET ${server.url}/rows, pages by page`,
          problem: expect.stringContaining('TOKEN is not set'),
        });
        const ready = await land(0, { api: settings, env: { TOKEN: 't' }, flags: ['--dry-run'] });
        expect(ready.reports[0].source).not.toHaveProperty('problem');
        expect([server.requests.length, await w.files('output')]).toEqual([0, []]);
      },
    ),
  );

  test(
    'asks the API in a plan only with --check-connections, and says what came or what keeps it from being read',
    api(
      ({ query, headers }) =>
        headers.authorization === 'Bearer good-token'
          ? { items: numberedRows(7).slice(0, num({ query } as SeenRequest, 'page_size')), total: 7 }
          : new Response('{"error":"who are you"}', { status: 401 }),
      async ({ w, server, land }) => {
        const flags = ['--dry-run', '--check-connections'];
        const settings = {
          auth_type: 'bearer',
          auth_token_env: 'TOKEN',
          pagination: { type: 'page', page_size: 3, total_path: 'total' },
        };
        const good = await land(0, { api: settings, env: { TOKEN: 'good-token' }, flags });
        const host = new URL(server.url).host;
        expect(good.reports[0].source.connection).toBe(`${host} answered 200 with 3 records of 7`);
        expect([server.requests.length, await w.files('output')]).toEqual([1, []]);
        const bad = await land(4, { api: settings, env: { TOKEN: 'bad-token' }, flags });
        expect(bad.errors[0]?.message).toContain('the API answered 401: {"error":"who are you"}');
        const odd = { ...settings, pagination: { type: 'page', total_path: 'totals' } };
        expect((await land(4, { api: odd, env: { TOKEN: 'good-token' }, flags })).errors[0]?.code).toBe(
          'PAGE001',
        );
        const alone = await land(0, {
          api: settings,
          env: { TOKEN: 'good-token' },
          flags: ['--check-connections'],
        });
        expect(alone.reports[0].source.connection).toContain('answered 200');
        expect(await w.files('output')).toEqual([]);
      },
    ),
  );

  test(
    'never prints a secret, wherever the API repeats it',
    api(
      ({ query, headers }) =>
        new Response(`no ${query.key} ${headers.authorization} ${headers['x-token']}`, {
          status: query.busy === undefined ? 403 : 503,
        }),
      async ({ w, land }) => {
        const secret = 'hush+hush/42';
        const schemes = [
          { auth: { type: 'api_key', key_env: 'S', key_param: 'key' } },
          { auth: { type: 'bearer', token_env: 'S' } },
          { auth: { type: 'aws_sigv4', region: 'r', access_key_id_env: 'K', secret_access_key_env: 'S' } },
          { headers: { 'X-Token': '${S}' } },
          { params: { api_key: '${S}' } },
        ];
        for (const scheme of schemes) {
          for (const [code, params] of [
            [4, {}],
            [75, { busy: '1' }],
          ] as const) {
            const settings = {
              ...scheme,
              params: { ...('params' in scheme ? scheme.params : {}), ...params },
            };
            const done = await land(code, {
              api: settings,
              env: { S: secret, K: 'AKID' },
              flags: ['--verbose'],
            });
            const shown = `${JSON.stringify(done)}${JSON.stringify(await w.snapshot('output'))}`;
            expect(shown).not.toContain(secret);
            expect(shown).not.toContain(encodeURIComponent(secret));
          }
        }
      },
    ),
  );

  test(
    'lands nothing of an API that fails midway, keeps what was there, and a rerun completes it',
    api(
      ({ query, number }) => {
        const page = Number(query.page);
        if (number > 3 && number < 11 && page === 3) return new Response('', { status: 500 });
        return numberedRows(7).slice((page - 1) * 3, page * 3);
      },
      async ({ w, land }) => {
        const pagination = { type: 'page', page_size: 3 };
        await land(0, { api: { pagination } });
        const before = await w.snapshot('output');
        const failed = await land(75, { api: { pagination } });
        expect(failed.errors[0]?.message).toContain('page=3');
        expect(await w.snapshot('output')).toEqual(before);
        const { reports } = await land(0, { api: { pagination } });
        expect(reports[0].status).toBe('unchanged');
        expect(await landed(w)).toHaveLength(7);
      },
    ),
  );

  test(
    'ends at once when it is interrupted while the API is silent, and leaves nothing',
    api(
      () => new Promise(() => {}),
      async ({ w, server }) => {
        const source = { type: 'api', file: undefined, api: { base_url: server.url, endpoint: '/' } };
        await w.put('a.yaml', classic({ source }));
        const running = startFoundry(['bronze', '--config', 'a.yaml', '--date', DATE], { cwd: w.folder });
        await until('a request', () => server.requests.length > 0);
        const stopped = performance.now();
        running.kill('SIGINT');
        const done = await finish(running);
        expectExit(done, 130);
        expect(performance.now() - stopped).toBeLessThan(5000);
        expect(await w.files('output')).toEqual([]);
      },
    ),
  );

  test(
    'asks for the run date where the config says so, in endpoint, parameters and body',
    api(
      () => [{ id: 1 }],
      async ({ server, land }) => {
        await land(0, {
          api: {
            endpoint: '/{yyyy}/{mm}/rows',
            method: 'post',
            params: { day: '{date}' },
            body: { filter: [{ on: '{dd}.{mm}.' }, 5] },
          },
        });
        expect(server.requests[0]).toMatchObject({
          path: '/2025/01/rows',
          query: { day: DATE },
          body: '{"filter":[{"on":"05.01."},5]}',
        });
      },
    ),
  );

  test(
    'takes its address from a variable, and its endpoint from source_query, in an intent',
    api(
      () => [{ id: 1, ts: '2025-01-01' }],
      async ({ w, server }) => {
        await w.put('i.yaml', {
          system: 's',
          entity: 't',
          bronze: { source_type: 'api', connection_name: 'SHOP_URL', source_query: 'v1/orders?state=all' },
          silver: { entity_kind: 'state', natural_keys: ['id'], change_ts_column: 'ts' },
        });
        const args = ['bronze', '--config', 'i.yaml', '--date', DATE];
        const unset = await runFoundry(args, { cwd: w.folder });
        expectExit(unset, 2);
        expect(unset.stderr).toContain('the environment variable SHOP_URL is not set');
        expectExit(await runFoundry(args, { cwd: w.folder, env: { SHOP_URL: `${server.url}/api/` } }), 0);
        expect(server.requests.map(({ path, query }) => [path, query])).toEqual([
          ['/api/v1/orders', { state: 'all' }],
        ]);
      },
    ),
  );

  test(
    'goes through the proxy of the environment, but not for hosts of NO_PROXY',
    api(
      () => [{ id: 1 }],
      async ({ w, server, land }) => {
        const seen: string[] = [];
        const proxy = createServer((request, response) => {
          seen.push(`${request.method} ${request.url}`);
          response.setHeader('content-type', 'application/json').end('[{"id": 2}]');
        });
        await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
        try {
          const address = proxy.address();
          const port = typeof address === 'object' && address !== null ? address.port : 0;
          const env = { HTTP_PROXY: `http://127.0.0.1:${port}` };
          const far = { base_url: 'http://api.invalid', timeouts: { connect_seconds: 1 } };
          await land(0, { api: far, env });
          expect([seen, await landed(w)]).toEqual([['GET http://api.invalid/rows'], ['2']]);
          await land(0, { env: { ...env, NO_PROXY: '127.0.0.1' } });
          expect([seen.length, server.requests.length, await landed(w)]).toEqual([1, 1, ['1']]);
        } finally {
          proxy.closeAllConnections();
          proxy.close();
        }
      },
    ),
  );
});
