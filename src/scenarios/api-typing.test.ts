import { expect, test } from 'bun:test';
import { startApiServer } from '../testing/api-server.ts';
import { pythonWithPyarrow, queryDuckdb, runPyarrow } from '../testing/parquet.ts';
import { BRONZE, classic, DATE, expectExit, scenario, type Workspace } from './support.ts';

/** 25 pages of a thousand: prices are decimals until page 23 says `n/a`, and page 22 brings a column. */
function pageText(page: number): string {
  const records = Array.from({ length: page <= 25 ? 1000 : 0 }, (_, row) => {
    const id = (page - 1) * 1000 + row;
    const price = id === 22_500 ? '"n/a"' : `${id}.50`;
    const big = id === 24_000 ? '18446744073709551616' : String(id);
    const late = id === 21_700 ? ', "late": {"a": [1.10]}' : '';
    return `{"id": ${id}, "price": ${price}, "big": ${big}${late}}`;
  });
  return `{"items": [${records.join(',')}]}`;
}

async function land(w: Workspace, api: object = {}, run: object = {}) {
  const server = startApiServer(
    ({ query }) =>
      new Response(pageText(Number(query.page)), { headers: { 'content-type': 'application/json' } }),
  );
  const pagination = { type: 'page', page_size: 1000 };
  const source = {
    type: 'api',
    file: undefined,
    api: { base_url: server.url, endpoint: '/x', pagination, ...api },
    run,
  };
  await w.put('a.yaml', classic({ source }));
  const done = await w.run('bronze', '--config', 'a.yaml', '--date', DATE);
  await server.stop();
  expectExit(done, 0);
  return w.read(`${BRONZE}/_metadata.json`);
}

test(
  'a late column opens a new part and is recorded; what a later page widens is wide in every part, digit by digit',
  scenario(async (w) => {
    const manifest = await land(w, { keep_raw: true }, { write_csv: true, max_rows_per_file: 10_000 });
    expect(manifest.record_count).toBe(25_000);
    expect(manifest.schema).toEqual([
      { name: 'id', type: 'int64' },
      { name: 'price', type: 'string' },
      { name: 'big', type: 'decimal(20,0)' },
      { name: 'late', type: 'json' },
    ]);
    expect(manifest.late_columns).toEqual([
      { column: 'late', first_part: 'full-part-0004', first_row: 21_701 },
    ]);
    const parts = manifest.files.filter(({ format }: { format: string }) => format === 'parquet');
    expect(parts.map(({ rows }: { rows: number }) => rows)).toEqual([10_000, 10_000, 1_700, 3_300]);
    // What was read twice from the spool was asked for, and kept, once.
    const raw = manifest.files.filter(({ role }: { role: string }) => role === 'raw');
    expect(raw.map(({ rows }: { rows: number }) => rows)).toEqual([25]);
    for (const from of [
      `read_parquet('${w.path(BRONZE)}/*.parquet')`,
      `read_csv('${w.path(BRONZE)}/*.csv', header = true, all_varchar = true, quote = '"', escape = '"')`,
    ]) {
      const [row] = await queryDuckdb(
        `SELECT count(*)::VARCHAR AS n, count(late)::VARCHAR AS late, max(late) AS value, sum(big::DECIMAL(38,0))::VARCHAR AS big,
           min(price) FILTER (id::BIGINT = 7) AS early, min(price) FILTER (id::BIGINT = 22500) AS odd FROM ${from}`,
      );
      expect(row).toEqual({
        n: '25000',
        late: '1',
        value: '{"a":[1.10]}',
        big: String((24_999n * 25_000n) / 2n - 24_000n + 18_446_744_073_709_551_616n),
        early: '7.50',
        odd: 'n/a',
      });
    }
    if (pythonWithPyarrow() !== undefined) {
      const script = `import json, sys, pyarrow.dataset as ds
files = ds.dataset(sys.argv[1], exclude_invalid_files=True, format="parquet")
table = files.to_table()
print(json.dumps([table.num_rows, table.column_names, table.column("late").null_count]))`;
      const parquet = w.path(`${BRONZE}/${parts[0].path}`).replace(/[^/]*$/, '');
      expect(await runPyarrow(script, parquet)).toEqual([25_000, ['id', 'price', 'big', 'late'], 24_999]);
    }
  }),
);

test(
  'the same pages give the same bytes, whether they come one after the other or five at a time',
  scenario(async (w) => {
    const files = (manifest: { files: { path: string; sha256: string }[] }) =>
      manifest.files.map(({ path, sha256 }) => [path, sha256]);
    const one = files(await land(w));
    const pagination = { type: 'page', page_size: 1000, total_pages_path: undefined };
    const five = files(await land(w, { async: true, pagination }));
    expect(five).toEqual(one);
  }),
);

test(
  'with declared types nothing is inferred: rows that do not fit are named, or kept aside',
  scenario(async (w) => {
    const types = { id: 'int64', price: 'decimal(10,2)', big: 'decimal(20,0)', late: 'json' };
    const server = startApiServer(
      ({ query }) =>
        new Response(pageText(Number(query.page)), { headers: { 'content-type': 'application/json' } }),
    );
    const api = {
      base_url: server.url,
      endpoint: '/x',
      types,
      pagination: { type: 'page', page_size: 1000 },
    };
    const source = { type: 'api', file: undefined, api };
    await w.put('a.yaml', classic({ source }));
    const refused = await w.run('bronze', '--config', 'a.yaml', '--date', DATE);
    expectExit(refused, 3);
    expect(refused.stderr).toContain(
      `page 23 (GET ${server.url}/x?page=23&page_size=1000), record 501: column "price": "n/a"`,
    );
    expect(await w.files('output')).toEqual([]);
    const silver = {
      primary_keys: ['id'],
      order_column: 'id',
      error_handling: { enabled: true, max_bad_records: 1 },
    };
    await w.put('a.yaml', classic({ source, silver }));
    expectExit(await w.run('bronze', '--config', 'a.yaml', '--date', DATE), 0);
    await server.stop();
    const manifest = await w.read(`${BRONZE}/_metadata.json`);
    expect(manifest).toMatchObject({ record_count: 24_999, quarantined_rows: 1 });
    expect(manifest).not.toHaveProperty('late_columns');
  }),
);

test(
  'a row of an earlier run is known again when the columns of the later run have other types',
  scenario(async (w) => {
    let records = [
      '{"id": 1, "at": "2025-01-01", "price": 10}',
      '{"id": 2, "at": "2025-01-02", "price": 20}',
    ];
    const server = startApiServer(
      () => new Response(`[${records.join(',')}]`, { headers: { 'content-type': 'application/json' } }),
    );
    const api = { base_url: server.url, endpoint: '/x', incremental: { cursor_field: 'at' } };
    await w.put(
      'a.yaml',
      classic({ source: { type: 'api', file: undefined, api, run: { load_pattern: 'cdc' } } }),
    );
    const land = async (date: string) =>
      (await w.json(0, 'bronze', '--config', 'a.yaml', '--date', date)).document.reports[0];
    expect(await land('2025-01-05')).toMatchObject({ rows: 2 });
    for (const [date, price] of [
      ['2025-01-06', '0.12345678901234567890'],
      ['2025-01-07', '1.5'],
      ['2025-01-08', '"n/a"'],
    ]) {
      const day = `2025-01-0${records.length + 1}`;
      records = [
        ...records,
        `{"id": ${records.length + 1}, "at": "${day}", "price": ${price}, "c${records.length}": true}`,
      ];
      expect(await land(date ?? '')).toMatchObject({ rows: 1, cursor: { end: day, repeated: 1 } });
    }
    await server.stop();
  }),
);
