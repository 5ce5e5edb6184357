import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join } from 'node:path';
import jsonServer from 'json-server';
import { duckdb, quote } from './readers.ts';
import { BRONZE, classic, DATE, describeRun, openWorkspace, parseDocument, runFoundry } from './support.ts';

/** A week of earthquakes as the USGS gives them. */
const FILE = join(import.meta.dir, '../../fixtures/data/earthquakes.json');
const quakes: { readonly id: string; readonly properties: { readonly updated: number } }[] = JSON.parse(
  readFileSync(FILE, 'utf8'),
).features;
const router = jsonServer.router({ quakes });

let server: Server;
let url = '';

beforeAll(async () => {
  const app = jsonServer.create();
  app.use(jsonServer.defaults({ logger: false }));
  app.use(router);
  await new Promise<void>((resolve) => {
    server = app.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Lands the quakes of the server, and gives the report. */
async function land(folder: string, api: object, date = DATE, run: object = {}) {
  const file = join(folder, 'a.yaml');
  const source = { type: 'api', file: undefined, api: { base_url: url, endpoint: '/quakes', ...api }, run };
  await Bun.write(file, JSON.stringify(classic({ source })));
  const args = ['bronze', '--config', 'a.yaml', '--date', date, '--output', 'json'];
  const done = await runFoundry(args, { cwd: folder });
  if (done.exitCode !== 0) throw new Error(describeRun(done));
  return parseDocument(done).reports[0];
}

const parquet = (partition: string): string => `read_parquet(${quote(`${partition}/*.parquet`)})`;

const SCHEMES: Readonly<Record<string, object>> = {
  'link header': {
    params: { _page: 1, _limit: 100 },
    pagination: { type: 'link_header', total_header: 'X-Total-Count' },
  },
  page: {
    pagination: {
      type: 'page',
      page_param: '_page',
      page_size_param: '_limit',
      page_size: 100,
      total_header: 'X-Total-Count',
    },
  },
  'offset, ahead of time': {
    async: true,
    pagination: {
      type: 'offset',
      offset_param: '_start',
      limit_param: '_limit',
      page_size: 250,
      total_header: 'X-Total-Count',
    },
  },
  none: {},
};

describe('json-server with a week of earthquakes', () => {
  test('gives the same rows by each way of paging, and they are those of the file', async () => {
    const w = await openWorkspace();
    try {
      // Another reader of the same file, which keeps nested values as their JSON.
      const expected = `SELECT json_extract_string(f, '$.id') AS id, (f->'$.properties.mag')::DOUBLE AS mag,
        json_extract_string(f, '$.properties.place') AS place, (f->'$.properties.updated')::BIGINT AS updated
        FROM (SELECT unnest(json_extract(content, '$.features[*]')) AS f FROM read_text(${quote(FILE)}))`;
      for (const [name, api] of Object.entries(SCHEMES)) {
        const report = await land(w.folder, api);
        expect([name, report.rows]).toEqual([name, quakes.length]);
        const landed = `SELECT id, (properties->'$.mag')::DOUBLE AS mag, json_extract_string(properties, '$.place') AS place,
          (properties->'$.updated')::BIGINT AS updated FROM ${parquet(w.path(BRONZE))}`;
        const [differences] = await duckdb(
          `SELECT (SELECT count(*) FROM (${landed} EXCEPT ALL ${expected})) AS more,
                  (SELECT count(*) FROM (${expected} EXCEPT ALL ${landed})) AS fewer`,
        );
        expect(Object.values(differences ?? {}).map(Number)).toEqual([0, 0]);
      }
    } finally {
      await w.remove();
    }
  }, 30_000);

  test('is read incrementally: each day lands what is new since the day before, and nothing twice', async () => {
    const w = await openWorkspace();
    try {
      const rows = quakes.map(({ id, properties }) => ({ id, ...properties }));
      const times = rows.map(({ updated }) => updated).sort((a, b) => a - b);
      const api = {
        pagination: {
          type: 'page',
          page_param: '_page',
          page_size_param: '_limit',
          total_header: 'X-Total-Count',
        },
        cursor_field: 'updated',
        incremental: { cursor_param: 'updated_gte' },
      };
      const landed: number[] = [];
      const days = ['2025-01-05', '2025-01-06', '2025-01-07', '2025-01-08'];
      for (const [index, day] of days.entries()) {
        const until = times[Math.floor(((index + 1) / days.length) * times.length) - 1] ?? 0;
        router.db.setState({ quakes: rows.filter(({ updated }) => updated <= until) });
        landed.push((await land(w.folder, api, day, { load_pattern: 'cdc' })).rows);
      }
      expect(landed.reduce((sum, count) => sum + count, 0)).toBe(rows.length);
      expect(Math.max(...landed)).toBeLessThan(rows.length / 2);
      const table = `read_parquet(${quote(w.path('output/system=s/table=t/pattern=cdc/*/*.parquet'))})`;
      const [found] = await duckdb(`SELECT count(DISTINCT id) AS ids, count(*) AS n FROM ${table}`);
      expect([Number(found?.ids), Number(found?.n)]).toEqual([rows.length, rows.length]);
      const again = await land(w.folder, api, '2025-01-09', { load_pattern: 'cdc' });
      expect([again.status, again.rows]).toEqual(['empty', 0]);
    } finally {
      router.db.setState({ quakes });
      await w.remove();
    }
  }, 30_000);
});
