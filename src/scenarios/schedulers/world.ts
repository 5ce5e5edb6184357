import type { Workspace } from '../support.ts';

export const DATES = ['2025-01-01', '2025-01-02', '2025-01-03'] as const;
export const TABLES = ['csv', 'jsonl', 'api', 'growing'] as const;
export type Table = (typeof TABLES)[number];

const ROWS = 3000;

/** A random number generator that a seed makes repeatable (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface World {
  /** What the API does with the next requests: `well`, or one of its bad moods. */
  mood: 'well' | 'busy' | 'cut' | 'slow';
  /** Rows that the growing table has; only ever more. */
  grow(rows: number): void;
  readonly grown: number;
  config(table: Table): string;
  /** The same dataset, with a source that cannot be read to its end. */
  broken(table: Table): string | undefined;
  close(): void;
}

/** Four datasets of different kinds, and the API that two of them read. */
export async function openWorld(w: Workspace): Promise<World> {
  let grown = 40;
  let mood: World['mood'] = 'well';
  const server = Bun.serve({ port: 0, idleTimeout: 30, fetch: (request) => answer(request, mood, grown) });
  for (const date of DATES) {
    await w.put(`in/csv-${date}.csv`, `id,at,v\n${lines((n) => `${n},${date},${'x'.repeat(n % 40)}`)}`);
    await w.put(
      `in/jsonl-${date}.jsonl`,
      lines((n) => JSON.stringify({ id: n, at: date, nested: { n } })),
    );
  }
  await w.put('in/broken.csv', `id,at,v\n${lines((n) => `${n},2025-01-01,x`)}1,2\n`);
  await w.put('in/broken.jsonl', `${lines((n) => JSON.stringify({ id: n, at: 'x' }))}{"id": `);
  const api = (endpoint: string, more: object) => ({
    type: 'api',
    api: {
      base_url: `http://localhost:${server.port}`,
      endpoint,
      retry: { max_attempts: 2, base_delay: 0.02, deadline_seconds: 5 },
      pagination: { type: 'page', page_size: 10 },
      ...more,
    },
  });
  const file = (path: string) => ({ type: 'file', file: { path } });
  const sources: Readonly<Record<Table, object>> = {
    csv: file('in/csv-{date}.csv'),
    jsonl: file('in/jsonl-{date}.jsonl'),
    api: api('/items', {}),
    growing: api('/growing', { incremental: { cursor_field: 'id', cursor_param: 'since' } }),
  };
  for (const table of TABLES) await w.put(`${table}.yaml`, configOf(table, sources[table]));
  await w.put('broken-csv.yaml', configOf('csv', file('in/broken.csv')));
  await w.put('broken-jsonl.yaml', configOf('jsonl', file('in/broken.jsonl')));
  return {
    get mood() {
      return mood;
    },
    set mood(next) {
      mood = next;
    },
    grow(rows) {
      grown += rows;
    },
    get grown() {
      return grown;
    },
    config: (table) => `${table}.yaml`,
    broken: (table) => (table === 'csv' || table === 'jsonl' ? `broken-${table}.yaml` : undefined),
    close: () => void server.stop(true),
  };
}

function configOf(table: Table, source: object): object {
  return {
    config_version: 1,
    platform: { bronze: { storage_backend: 'local', local_path: './bronze' } },
    source: {
      system: 's',
      table,
      ...source,
      run: { load_pattern: table === 'growing' ? 'cdc' : 'full', max_rows_per_file: 1000 },
    },
    silver: { output_dir: './silver', model: 'scd_type_2', primary_keys: ['id'], order_column: 'at' },
  };
}

function lines(line: (n: number) => string): string {
  return Array.from({ length: ROWS }, (_, n) => `${line(n + 1)}\n`).join('');
}

/** How many rows a table has on each date, once all of it has landed. */
export const ROWS_OF: Readonly<Record<Exclude<Table, 'growing'>, number>> = {
  csv: ROWS,
  jsonl: ROWS,
  api: 35,
};

async function answer(request: Request, mood: World['mood'], grown: number): Promise<Response> {
  const url = new URL(request.url);
  if (mood === 'busy') return new Response('busy', { status: 503 });
  if (mood === 'slow') await Bun.sleep(300);
  const since = Number(url.searchParams.get('since') ?? 1);
  const page = Number(url.searchParams.get('page') ?? 1);
  const total = url.pathname === '/growing' ? grown : ROWS_OF.api;
  const all = Array.from({ length: total }, (_, n) => ({ id: n + 1, at: '2025-01-01' })).filter(
    ({ id }) => id >= since,
  );
  const text = JSON.stringify(all.slice((page - 1) * 10, page * 10));
  return new Response(mood === 'cut' ? text.slice(0, -5) : text, {
    headers: { 'content-type': 'application/json' },
  });
}
