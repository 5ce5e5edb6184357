import { describe, expect, test } from 'bun:test';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ApiServer, numberedRows, type SeenRequest, startApiServer } from '../testing/api-server.ts';
import { quote, readWithDuckdb } from './readers.ts';
import {
  BRONZE,
  classic,
  DATE,
  describeRun,
  expectExit,
  openWorkspace,
  parseDocument,
  runFoundry,
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
});
