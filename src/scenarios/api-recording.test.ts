import { describe, expect, test } from 'bun:test';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { numberedRows, type SeenRequest, startApiServer } from '../testing/api-server.ts';
import { queryDuckdb } from '../testing/parquet.ts';
import {
  BRONZE,
  classic,
  DATE,
  expectExit,
  type Run,
  runFoundry,
  scenario,
  type Workspace,
} from './support.ts';

const TOKEN = 'tok-en_4711+/=abc';
const CLIENT_SECRET = 'client "secret" 42';
const rows = numberedRows(7).map((row) => ({ ...row, price: 1.5, note: 'é' }));

/** Pages of three, behind OAuth; the API says its caller's secrets back in every way it can. */
function answer(request: SeenRequest): object {
  if (request.path === '/token') return { access_token: TOKEN, token_type: 'Bearer', expires_in: 3600 };
  if (request.headers.authorization !== `Bearer ${TOKEN}`) return new Response('no', { status: 401 });
  const from = Number(request.query.cursor ?? 0);
  const body = {
    items: rows.slice(from, from + 3),
    you: [TOKEN, encodeURIComponent(TOKEN), btoa(`user:${TOKEN}`), btoa(`x${TOKEN}`), CLIENT_SECRET],
    next_cursor: from + 3 < rows.length ? String(from + 3) : null,
  };
  const text = JSON.stringify(body).replaceAll('1.5', '1.50');
  return new Response(text, {
    headers: {
      'content-type': 'application/json',
      'set-cookie': 'session=zzz',
      'x-you': TOKEN,
      'x-limit': '9',
    },
  });
}

function config(url: string, api: object = {}): object {
  return {
    platform: { bronze: { storage_backend: 'local', local_path: './output' } },
    source: {
      type: 'api',
      system: 's',
      table: 't',
      api: {
        base_url: url,
        endpoint: '/rows',
        headers: { 'X-Also': '${ALSO}' },
        auth: {
          type: 'oauth2_client_credentials',
          token_url: `${url}/token`,
          client_id: 'me',
          client_secret_env: 'CLIENT_SECRET',
        },
        pagination: { type: 'cursor' },
        ...api,
      },
      run: {},
    },
  };
}

/** A namespace without network, where this system lets a test make one; the server is gone in any case. */
const ALONE = ['unshare', '--net', '--map-root-user'];
const NO_NETWORK = Bun.spawnSync([...ALONE, 'true'], { stderr: 'ignore' }).exitCode === 0 ? ALONE : [];

const SECRETS = { CLIENT_SECRET, ALSO: 'also-a-secret' };

/** What the config itself quotes has to be set to something. */
const NO_SECRETS = { ALSO: 'anything' };

const bronze = (
  w: Workspace,
  flags: readonly string[],
  env: Record<string, string> = NO_SECRETS,
): Promise<Run> =>
  runFoundry(['bronze', '--config', 'a.yaml', '--date', DATE, ...flags], { cwd: w.folder, env });

/** Lands a recording of the API; the server is gone afterwards. */
async function record(w: Workspace, api: object = {}): Promise<string> {
  const server = startApiServer(answer);
  await w.put('a.yaml', config(server.url, api));
  expectExit(await bronze(w, ['--record', 'tape'], SECRETS), 0);
  await server.stop();
  return server.url;
}

describe('bronze --record keeps what an API says', () => {
  test(
    'one readable file for each answer, in order, and no secret in any form',
    scenario(async (w) => {
      await record(w);
      const names = (await readdir(w.path('tape/s.t'))).sort();
      expect(names).toEqual(['0001-get-rows.json', '0002-get-rows.json', '0003-get-rows.json']);
      const first = await w.read('tape/s.t/0001-get-rows.json');
      expect(first).toMatchObject({
        foundry_exchange: 1,
        request: { method: 'GET', url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/rows$/) },
        response: {
          status: 200,
          headers: { 'content-type': 'application/json', 'x-limit': '9', 'x-you': '***' },
        },
      });
      expect(first.response.body).toContain('"price":1.50');
      expect(first.response.headers).not.toHaveProperty('set-cookie');
      expect(first.response.headers).not.toHaveProperty('date');
      for (const name of names) {
        const text = await readFile(w.path('tape/s.t', name), 'utf8');
        for (const secret of [TOKEN, CLIENT_SECRET, 'also-a-secret']) {
          for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
            expect(text).not.toContain(form);
          }
          for (const piece of text.match(/[A-Za-z0-9+/=_-]{12,}/g) ?? []) {
            expect(Buffer.from(piece, 'base64').toString('latin1')).not.toContain(secret);
          }
        }
      }
    }),
  );

  test(
    'only into an empty folder, only of APIs, and beside no other way of asking',
    scenario(async (w) => {
      await record(w);
      const again = await bronze(w, ['--record', 'tape'], SECRETS);
      expectExit(again, 2);
      expect(again.stderr).toContain('tape/s.t is not empty');
      for (const flags of [
        ['--record', 'a', '--replay', 'b'],
        ['--record', 'a', '--dry-run'],
      ]) {
        expectExit(await bronze(w, flags, SECRETS), 2);
      }
      await w.put('in.csv', 'id\n1\n');
      await w.put('a.yaml', classic());
      const file = await bronze(w, ['--replay', 'tape']);
      expectExit(file, 2);
      expect(file.stderr).toContain('--replay: s.t reads from a file, not from an API');
    }),
  );
});

describe('bronze --replay', () => {
  test(
    'lands the same bytes without server, network or secrets, and the manifest says that it was a replay',
    scenario(async (w) => {
      await record(w);
      const live = await w.snapshot(BRONZE);
      const args = ['bronze', '--config', 'a.yaml', '--date', DATE, '--replay', 'tape'];
      const replayed = await runFoundry(args, { cwd: w.folder, prefix: NO_NETWORK, env: NO_SECRETS });
      expectExit(replayed, 0);
      expect(replayed.stdout).toContain('unchanged');
      const parts = (files: Record<string, string>) =>
        Object.entries(files).filter(([name]) => name.endsWith('.parquet'));
      expect(parts(await w.snapshot(BRONZE))).toEqual(parts(live));
      expect((await w.read(`${BRONZE}/_metadata.json`)).source).toMatchObject({
        type: 'api',
        replayed: true,
      });
    }),
  );

  test(
    'shows a preview of it, and asks for no more of it than that',
    scenario(async (w) => {
      await record(w);
      for (const name of ['0002-get-rows.json', '0003-get-rows.json'])
        await writeFile(w.path('tape/s.t', name), '{}');
      const broken = await bronze(w, ['--replay', 'tape', '--preview', '2']);
      expectExit(broken, 4);
      expect(broken.stderr).toContain('0002-get-rows.json is no exchange that foundry recorded');
      const file = await readFile(w.path('tape/s.t/0001-get-rows.json'), 'utf8');
      for (const name of ['0002-get-rows.json', '0003-get-rows.json'])
        await writeFile(w.path('tape/s.t', name), file);
      const shown = await bronze(w, ['--replay', 'tape', '--preview', '2']);
      expectExit(shown, 0);
      expect(shown.stdout).toContain('\n  1      row 1   1.5     é\n  2      row 2   1.5     é\n');
    }),
  );

  test(
    'tells which request it has no answer to, and what the nearest one is',
    scenario(async (w) => {
      const url = await record(w);
      await w.put('a.yaml', config(url, { params: { color: 'red' } }));
      const refused = await bronze(w, ['--replay', 'tape']);
      expectExit(refused, 4);
      expect(refused.stderr).toContain(`tape/s.t holds no answer to GET ${url}/rows?color=red`);
      expect(refused.stderr).toContain(`The nearest that it holds is GET ${url}/rows.`);
      const missing = await bronze(w, ['--replay', 'nowhere']);
      expectExit(missing, 2);
      expect(missing.stderr).toContain('--replay: nowhere/s.t cannot be read');
    }),
  );
});

test(
  'keep_raw keeps the answers beside the parts: exact, listed, without secrets, and no reader takes them for data',
  scenario(async (w) => {
    await record(w, { keep_raw: true });
    const again = await bronze(w, ['--replay', 'tape']);
    expect(again.stdout).toMatch(/_raw\/pages-0001-[0-9a-f]{8}\.jsonl\.gz {2}3 pages as they came, /);
    const { files, record_count } = await w.read(`${BRONZE}/_metadata.json`);
    expect(record_count).toBe(7);
    expect(files.map(({ role, format, rows }: Record<string, unknown>) => [role, format, rows])).toEqual([
      ['data', 'parquet', 7],
      ['raw', 'jsonl.gz', 3],
    ]);
    const { path } = files[1];
    expect(path).toMatch(/^_raw\/pages-0001-[0-9a-f]{8}\.jsonl\.gz$/);
    const lines = gunzipSync(await readFile(w.path(BRONZE, path)))
      .toString()
      .trimEnd()
      .split('\n');
    const pages = lines.map((line) => JSON.parse(line) as { page: number; origin: string; body: string });
    expect(pages.map(({ page }) => page)).toEqual([1, 2, 3]);
    expect(pages[0]?.body).toContain('"price":1.50');
    expect(pages[0]?.origin).toContain('/rows');
    expect(lines.join()).not.toContain(TOKEN);
    expect(lines.join()).not.toContain(btoa(`user:${TOKEN}`).slice(8, 24));
    const [all] = await queryDuckdb(
      `SELECT count(*) AS n FROM read_parquet('${w.path('output')}/**/*.parquet')`,
    );
    expect(all).toEqual({ n: 7n });
    const silver = [
      'silver',
      '--bronze-path',
      w.path(BRONZE),
      '--primary-key',
      'id',
      '--order-column',
      'id',
      '--silver-base',
      'silver',
    ];
    const promoted = await w.run(...silver, '--date', DATE);
    expectExit(promoted, 0);
    expect(promoted.stdout).toContain('7 rows');
    const before = await w.snapshot(BRONZE);
    expectExit(await bronze(w, ['--replay', 'tape']), 0);
    const names = (snapshot: Record<string, string>) => Object.keys(snapshot).sort();
    expect(names(await w.snapshot(BRONZE))).toEqual(names(before));
  }),
);

test(
  'a preview of an API takes one page, not all of them',
  scenario(async (w) => {
    const server = startApiServer(answer);
    await w.put('a.yaml', config(server.url));
    const shown = await bronze(w, ['--preview', '3', '--output', 'json'], SECRETS);
    expectExit(shown, 0);
    expect(JSON.parse(shown.stdout).reports[0].columns).toEqual([
      { name: 'id', type: 'int64' },
      { name: 'name', type: 'string' },
      { name: 'price', type: 'double' },
      { name: 'note', type: 'string' },
    ]);
    expect(server.requests.filter(({ path }) => path === '/rows')).toHaveLength(1);
    expect(await w.files()).toEqual(['a.yaml']);
    await server.stop();
  }),
);
