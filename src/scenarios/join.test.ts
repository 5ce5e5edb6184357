import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { openEngine } from '../engine/duckdb.ts';
import { putSilver } from '../testing/join-kit.ts';
import { s3TestStore } from '../testing/object-stores.ts';
import { queryDuckdb, readParquet } from '../testing/parquet.ts';
import {
  expectExit,
  jsonl,
  parseDocument,
  runFoundry,
  scenario,
  startFoundry,
  until,
  type Workspace,
} from './support.ts';

setDefaultTimeout(60_000);

const DATE = '2025-01-05';

/** Lands and promotes a CSV as the Silver table `s.<entity>`, its rows as they are. */
async function silverOf(
  w: Workspace,
  entity: string,
  text: string,
  silver: Readonly<Record<string, unknown>> = {},
  types: unknown = 'infer',
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  await w.put(`${entity}.csv`, text);
  await w.put(`${entity}.yaml`, {
    platform: { bronze: { storage_backend: 'local' } },
    source: { type: 'file', system: 's', table: entity, file: { path: `${entity}.csv`, types } },
    silver: { output_dir: './silver', ...silver },
  });
  const args = ['run-intent', '--config', `${entity}.yaml`, '--date', DATE];
  expectExit(
    await runFoundry(args, { cwd: w.folder, env: { ...env, AWS_EC2_METADATA_DISABLED: 'true' } }),
    0,
  );
  return `./silver/domain=s/entity=${entity}/v1/load_date=${DATE}`;
}

interface JoinOptions {
  readonly left: string | object;
  readonly right: string | object;
  readonly [key: string]: unknown;
}

function joinConfig({ left, right, ...output }: JoinOptions): object {
  const side = (given: string | object): object => (typeof given === 'string' ? { path: given } : given);
  return {
    silver_join: { left: side(left), right: side(right), output: { path: './joined/out', ...output } },
  };
}

async function rowsOf(w: Workspace, folder = 'joined/out'): Promise<Record<string, unknown>[]> {
  const rows = await readParquet(w.path(folder, '*.parquet'));
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([key, value]) => [key, typeof value === 'bigint' ? Number(value) : value]),
    ),
  );
}

async function join(w: Workspace, options: JoinOptions, exitCode = 0, ...flags: string[]) {
  await w.put('join.yaml', joinConfig(options));
  return w.json(exitCode, 'join', '--config', 'join.yaml', '--date', DATE, ...flags);
}

const LEFT = 'id,v\n1,a\n2,b\n3,c\n';
const RIGHT = 'rid,v,extra\n1,x,e1\n1,y,e2\n4,z,e3\n';
const PAIR = { join_key_pairs: [{ left: 'id', right: 'rid' }] };

async function bothSides(w: Workspace): Promise<{ readonly left: string; readonly right: string }> {
  return { left: await silverOf(w, 'l', LEFT), right: await silverOf(w, 'r', RIGHT) };
}

test(
  'S72 inner, left, right and outer joins by a pair give 2, 4, 3 and 5 rows; overlaps are suffixed; NULL matches nothing',
  scenario(async (w) => {
    const sides = await bothSides(w);
    for (const [type, rows] of Object.entries({ inner: 2, left: 4, right: 3, outer: 5, semi: 1, anti: 2 })) {
      const { document } = await join(w, { ...sides, ...PAIR, join_type: type });
      expect([type, document.reports[0].rows]).toEqual([type, rows]);
      expect((await rowsOf(w)).length).toBe(rows);
    }
    await join(w, { ...sides, ...PAIR, join_type: 'outer' });
    expect(await rowsOf(w)).toEqual([
      { id: 1, v: 'a', v_right: 'x', extra: 'e1' },
      { id: 1, v: 'a', v_right: 'y', extra: 'e2' },
      { id: 2, v: 'b', v_right: null, extra: null },
      { id: 3, v: 'c', v_right: null, extra: null },
      { id: 4, v: null, v_right: 'z', extra: 'e3' },
    ]);
    const left = await silverOf(w, 'ln', 'id,v\n1,a\n,b\n');
    const right = await silverOf(w, 'rn', 'rid,w\n1,x\n,y\n');
    for (const [type, rows] of Object.entries({ inner: 1, left: 2, right: 2, outer: 3, semi: 1, anti: 1 })) {
      const { document } = await join(w, { left, right, ...PAIR, join_type: type });
      expect([type, document.reports[0].rows]).toEqual([type, rows]);
    }
  }),
);

test(
  'S73 chunks of two give the rows of one chunk, and the manifest keeps the progress: 2 chunks processed',
  scenario(async (w) => {
    const sides = await bothSides(w);
    await join(w, { ...sides, ...PAIR, join_type: 'outer', chunk_size: 0 });
    const whole = await rowsOf(w);
    const { document } = await join(w, { ...sides, ...PAIR, join_type: 'outer', chunk_size: 2 });
    expect(await rowsOf(w)).toEqual(whole);
    const { progress, join_metrics, join_stats, chunk_size } = await w.read('joined/out/_metadata.json');
    expect(progress).toMatchObject({ chunks_processed: 2, total_records: 5, last_chunk: 1 });
    expect(progress.recent_chunks.length).toBe(3);
    expect(join_metrics.map((chunk: { record_count: number }) => chunk.record_count)).toEqual([3, 1, 1]);
    expect(join_stats).toMatchObject({
      chunk_count: 2,
      matched_right_keys: 1,
      unmatched_right_keys: 1,
      right_only_rows: 1,
    });
    expect(chunk_size).toBe(2);
    expect(document.reports[0].join_stats.matched_left_rows).toBe(1);
    expect(existsSync(w.path('joined/.foundry/join'))).toBe(false);
  }),
);

test(
  'S75 a projection gives its columns in order under their aliases, and says where each comes from',
  scenario(async (w) => {
    const left = await silverOf(w, 'l', 'id,nm,v\n1,n,a\n');
    const right = await silverOf(w, 'r', 'id,v\n1,x\n');
    await join(w, {
      left,
      right,
      join_keys: 'id',
      projection: ['id', { source: 'right.v', alias: 'rv' }, { nm: 'name' }],
    });
    expect(await rowsOf(w)).toEqual([{ id: 1, rv: 'x', name: 'n' }]);
    const { column_lineage, output_columns, inputs } = await w.read('joined/out/_metadata.json');
    expect(output_columns).toEqual(['id', 'rv', 'name']);
    expect(
      column_lineage.map(({ source, original, alias }: Record<string, unknown>) => [source, original, alias]),
    ).toEqual([
      ['both', 'id', null],
      ['right', 'v_right', 'rv'],
      ['left', 'nm', 'name'],
    ]);
    const bronze = `system=s/table=r/pattern=full/dt=${DATE}`;
    expect(column_lineage[1].from).toMatchObject([
      { side: 'right', column: 'v', artifact: 'full_snapshot', bronze: [bronze] },
    ]);
    const landed = await w.read(`output/${bronze}/_metadata.json`);
    expect(inputs[1].bronze).toMatchObject([
      {
        path: bronze,
        commit_id: landed.commit_id,
        status: 'current',
        files: [{ path: landed.files[0].path, rows: 1 }],
      },
    ]);
  }),
);

test(
  'S76 right.x resolves also where only the right side has x; what neither has is named with what is near',
  scenario(async (w) => {
    const sides = await bothSides(w);
    await join(w, {
      ...sides,
      ...PAIR,
      projection: ['id', 'right.extra', 'left.v', { source: 'target.rid', alias: 'r' }],
    });
    expect((await rowsOf(w))[0]).toEqual({ id: 1, extra: 'e1', v: 'a', r: 1 });
    const { document } = await join(w, { ...sides, ...PAIR, projection: ['id', 'right.extar', 'nope'] }, 3);
    expect(document.errors[0]?.code).toBe('SCHEMA001');
    expect(document.errors[0]?.message).toContain('"right.extar" (did you mean "right.extra"?)');
    expect(document.errors[0]?.message).toContain('"nope"');
  }),
);

test(
  'S77 every failed guard is named, nothing is published, and what was there stays',
  scenario(async (w) => {
    const sides = await bothSides(w);
    const options = { ...sides, ...PAIR, join_type: 'left' };
    const failing = {
      row_count: { min: 100 },
      unique_keys: [{ columns: ['id'] }],
      null_ratio: [{ column: 'extra', max_ratio: 0.5 }],
      match_rate: { min: 0.9 },
      fan_out: { max: 1 },
    };
    const { document } = await join(w, { ...options, quality_guards: failing }, 3);
    const [error] = document.errors;
    expect(error?.code).toBe('QUAL001');
    for (const name of ['row_count_range', 'unique_keys:id', 'match_rate', 'fan_out'])
      expect(error?.message).toContain(name);
    expect(error?.details.passed).toBe('null_ratio:extra');
    expect(await w.files('joined')).toEqual([]);

    await join(w, options);
    const before = await w.snapshot('joined/out');
    await join(w, { ...options, quality_guards: failing }, 3);
    expect(await w.snapshot('joined/out')).toEqual(before);
    const passing = { row_count: { min: 1, max: 4 }, match_rate: { min: 0.3 }, fan_out: { max: 2 } };
    const passed = await join(w, { ...options, quality_guards: passing });
    expect(passed.document.reports[0].guards.map(({ status }: { status: string }) => status)).toEqual([
      'passed',
      'passed',
      'passed',
    ]);
  }),
);

test(
  'S78 a model whose keys nobody gives falls back to periodic_snapshot, with a warning; with keys it is built',
  scenario(async (w) => {
    const left = await silverOf(w, 'l', 'id,ts,v\n1,2025-01-01,a\n1,2025-01-02,b\n2,2025-01-01,c\n');
    const right = await silverOf(w, 'r', 'id,w\n1,x\n2,y\n');
    const fallback = await join(w, { left, right, join_keys: ['id'], model: 'scd_type_2' });
    expect(fallback.stderr).toContain('periodic_snapshot is built instead');
    expect(await w.read('joined/out/_metadata.json')).toMatchObject({
      silver_model: 'periodic_snapshot',
      requested_model: 'scd_type_2',
    });
    const keyed = { left, right, join_keys: ['id'], primary_keys: ['id'], order_column: 'ts' };
    const { document } = await join(w, { ...keyed, model: 'scd2' });
    expect(document.reports[0].artifacts).toEqual([
      { artifact: 'history', rows: 3 },
      { artifact: 'current', rows: 2 },
    ]);
    const latest = await join(w, {
      ...keyed,
      model: 'operational',
      partition_columns: ['w'],
      formats: ['parquet', 'csv'],
    });
    expect(latest.document.reports[0].artifacts).toEqual([{ artifact: 'current', rows: 2 }]);
    expect((await w.files('joined/out')).map((name) => name.replace(/-[0-9a-f]{8}/, ''))).toEqual([
      '_checksums.json',
      '_metadata.json',
      'w=x/current.csv',
      'w=x/current.parquet',
      'w=y/current.csv',
      'w=y/current.parquet',
    ]);
    // Both formats hold the same rows: they are read once, with the column that only folders carry.
    const both = {
      left: './joined/out',
      right: './joined/out',
      path: './joined/again',
      join_keys: ['id', 'w'],
    };
    const again = await join(w, { ...both, select_columns: ['id', 'left.w'] });
    expect(again.document.reports[0].inputs[0]).toMatchObject({ artifact: 'current', rows: 2 });
    expect(await rowsOf(w, 'joined/again')).toEqual([
      { id: 1, w: 'x' },
      { id: 2, w: 'y' },
    ]);
  }),
);

test(
  'S78 each of the five models is built, its columns in the order asked for, compressed as asked for',
  scenario(async (w) => {
    const left = await silverOf(w, 'l', 'id,ts,v\n1,2025-01-01,a\n1,2025-01-02,b\n2,2025-01-01,c\n');
    const right = await silverOf(w, 'r', 'id,w\n1,x\n2,y\n');
    const keyed = { left, right, join_keys: ['id'], primary_keys: ['id'], order_column: 'ts' };
    const artifacts = {
      periodic_snapshot: { full_snapshot: 3 },
      incremental_merge: { cdc_changes: 3 },
      full_merge_dedupe: { full_snapshot: 2 },
      scd_type_1: { current: 2 },
      scd_type_2: { history: 3, current: 2 },
    };
    for (const [model, expected] of Object.entries(artifacts)) {
      const { document } = await join(w, {
        ...keyed,
        model,
        column_order: ['w', 'v'],
        parquet_compression: 'zstd',
      });
      const [report] = document.reports;
      const built = report.artifacts.map(({ artifact, rows }: Record<string, unknown>) => [artifact, rows]);
      expect([report.model, Object.fromEntries(built)]).toEqual([model, expected]);
      for (const { path } of report.files) {
        const file = w.path('joined/out', path);
        const [row] = await readParquet(file);
        expect(Object.keys(row ?? {}).slice(0, 4)).toEqual(['w', 'v', 'id', 'ts']);
        const codecs = await queryDuckdb(`SELECT DISTINCT compression FROM parquet_metadata('${file}')`);
        expect(codecs).toEqual([{ compression: 'ZSTD' }]);
      }
    }
  }),
);

test(
  'rows that Silver put into quarantine are no rows of the table, with its manifest or without one',
  scenario(async (w) => {
    const left = await silverOf(w, 'l', 'id,v\n1,a\n2,b\n');
    const right = await silverOf(w, 'r', 'id,ts,w\n1,2025-01-01,x\n,2025-01-01,y\n2,2025-01-01,z\n', {
      model: 'scd_type_1',
      primary_keys: ['id'],
      order_column: 'ts',
      error_handling: { enabled: true, max_bad_records: 5 },
    });
    const sides = { left, right, join_keys: ['id'], join_type: 'outer' };
    expect((await w.files(right)).filter((name) => name.includes('_quarantine'))).not.toEqual([]);
    for (const name of ['joined/out/_metadata.json', '_metadata.json', '_checksums.json']) {
      await rm(w.path(right, name), { force: true });
      const { document } = await join(w, sides);
      expect([name, document.reports[0].inputs[1].rows, document.reports[0].rows]).toEqual([name, 2, 2]);
    }
  }),
);

test(
  'a plan shows the sizes, the strategy and why, the columns and where they come from, and SQL that gives the rows',
  scenario(async (w) => {
    const sides = await bothSides(w);
    const { document } = await join(w, { ...sides, ...PAIR, join_type: 'left' }, 0, '--dry-run');
    const [plan] = document.reports;
    expect(plan).toMatchObject({
      left: { rows: 3, artifact: 'full_snapshot', columns: ['id int64', 'v string'] },
      right: { rows: 3 },
      join_type: 'left',
      join_key_pairs: ['left.id = right.rid (int64)'],
      strategy: { requested: 'auto', used: 'broadcast', why: expect.stringContaining('fits in memory') },
      model: { used: 'periodic_snapshot' },
      columns: [
        { column: 'id', source: 'both', from: ['left.id', 'right.rid'] },
        { column: 'v', source: 'left', from: ['left.v'] },
        { column: 'v_right', source: 'right', from: ['right.v'] },
        { column: 'extra', source: 'right', from: ['right.extra'] },
      ],
    });
    expect(plan.left.size_bytes).toBeGreaterThan(0);
    expect(plan.sql).toContain('LEFT JOIN');
    expect(await w.files('joined')).toEqual([]);
  }),
);

describe('S79 the size of chunks', () => {
  test(
    'is the original’s where chunks are asked for, as the plan shows',
    scenario(async (w) => {
      const many = `id\n${Array.from({ length: 60_000 }, (_, i) => i).join('\n')}\n`;
      const left = await silverOf(w, 'l', many);
      const right = await silverOf(w, 'r', 'id,w\n1,x\n');
      const sizes: unknown[] = [];
      for (const output of [
        { performance_profile: 'chunked' },
        { performance_profile: 'single' },
        { join_strategy: 'broadcast' },
        { join_strategy: 'hash' },
        { join_strategy: 'partitioned' },
        { chunk_size: 7000 },
        { chunk_size: -1 },
        {},
      ]) {
        const { document } = await join(w, { left, right, join_keys: ['id'], ...output }, 0, '--dry-run');
        sizes.push(document.reports[0].strategy.chunk_size);
      }
      expect(sizes).toEqual([15_000, 0, 0, 5000, 10_000, 7000, 0, 0]);
      expect(await w.files('joined')).toEqual([]);
    }),
  );
});

test(
  'S76 the report shows what a strategy did, by the engine’s own profile: broadcast holds the right side and spills nothing; hash splits both sides, and spills besides what a tight limit cannot hold',
  scenario(async (w) => {
    const engine = await openEngine({ memoryBytes: 600e6, threads: 2, spillFolder: w.folder });
    const wide = "repeat('x' || i, 30)";
    await putSilver(engine, w.path('wide'), 'left', {
      artifacts: { events: `SELECT i AS id, i % 5000 AS k, ${wide} AS v FROM range(400000) t(i)` },
    });
    await putSilver(engine, w.path('wide'), 'right', {
      artifacts: { current: `SELECT i AS k, ${wide} AS w FROM range(5000) t(i)` },
    });
    await engine.close();
    const sides = { left: './wide/left', right: './wide/right', join_keys: ['k'] };
    const run = async (strategy: string, limit: string, options: object = {}) => {
      const flags = ['--memory-limit', limit, '--threads', '1'];
      const given = { ...sides, ...options, join_strategy: strategy };
      const [report] = (await join(w, given, 0, ...flags)).document.reports;
      expect([report.strategy, report.rows]).toEqual([strategy, 400_000]);
      const { join_metrics } = await w.read('joined/out/_metadata.json');
      const chunks = join_metrics.map(({ build_side }: { build_side: string }) => build_side);
      return { stats: report.join_stats, chunks };
    };
    const broadcast = await run('broadcast', '2GB');
    expect(broadcast.stats).toMatchObject({
      build_sides: ['right'],
      partitions: 1,
      partition_bytes: 0,
      engine_spilled_bytes: 0,
      spilled_bytes: 0,
    });
    expect(broadcast.chunks).toEqual(['right']);
    const hash = await run('hash', '150MB', { chunk_size: 200_000 });
    expect(hash.stats).toMatchObject({ build_sides: ['right'], partitions: 2 });
    expect(hash.chunks).toEqual(['right', 'right']);
    expect(hash.stats.partition_bytes).toBeGreaterThan(0);
    expect(hash.stats.engine_spilled_bytes).toBeGreaterThan(0);
    expect(hash.stats.spilled_bytes).toBe(hash.stats.partition_bytes + hash.stats.engine_spilled_bytes);
    const partitioned = await run('partitioned', '2GB', { chunk_size: 200_000 });
    expect(partitioned.stats).toMatchObject({ build_sides: ['left'], spilled_bytes: 0 });
  }),
);

describe('run-intent with a join', () => {
  const dataset = (entity: string, attributes: readonly string[]) => ({
    system: 'shop',
    entity,
    bronze: { path_pattern: `${entity}.csv` },
    silver: {
      entity_kind: 'state',
      history_mode: 'scd1',
      natural_keys: ['id'],
      change_ts_column: 'at',
      attributes,
      partition_by: entity === 'orders' ? ['day'] : [],
    },
  });
  const config = {
    datasets: [dataset('orders', ['customer', 'day']), dataset('customers', ['city'])],
    silver_join: {
      left: { domain: 'shop', entity: 'orders' },
      right: { domain: 'shop', entity: 'customers' },
      output: { domain: 'shop', entity: 'both', join_key_pairs: [{ left: 'customer', right: 'id' }] },
    },
  };

  test(
    'joins what it has built, in one go; a column that only folders carry is put back; the result joins on',
    scenario(async (w) => {
      await w.put('shop.yaml', config);
      await w.put(
        'orders.csv',
        'id,customer,day,at\n1,a,mon,2025-01-01\n2,b,tue,2025-01-01\n3,a,tue,2025-01-02\n',
      );
      await w.put('customers.csv', 'id,city,at\na,Kiel,2025-01-01\nb,Ulm,2025-01-01\n');
      const planned = await w.json(0, 'run-intent', '--config', 'shop.yaml', '--date', DATE, '--dry-run');
      expect(planned.document.reports.at(-1)).toMatchObject({
        layer: 'join',
        problem: expect.stringContaining('holds no table'),
      });
      const { document } = await w.json(0, 'run-intent', '--config', 'shop.yaml', '--date', DATE);
      expect(document.reports.map(({ layer }) => layer)).toEqual([
        'bronze',
        'silver',
        'bronze',
        'silver',
        'join',
      ]);
      const rows = await rowsOf(w, `silver/domain=shop/entity=both/v1/load_date=${DATE}`);
      expect(rows.map(({ city, day, id }) => [id, day, city])).toEqual([
        ['1', 'mon', 'Kiel'],
        ['2', 'tue', 'Ulm'],
        ['3', 'tue', 'Kiel'],
      ]);
      await w.put('next.yaml', {
        silver_join: {
          left: { domain: 'shop', entity: 'both' },
          right: { domain: 'shop', entity: 'orders' },
          output: { path: 'joined/out', select_columns: ['id', 'left.city', { 'right.day': 'again' }] },
        },
      });
      expectExit(await w.run('join', '--config', 'next.yaml', '--date', DATE), 0);
      expect((await rowsOf(w)).length).toBe(3);
      const { column_lineage, join_key_pairs } = await w.read('joined/out/_metadata.json');
      expect(join_key_pairs).toEqual([{ left: 'id', right: 'id' }]);
      const bronze = (entity: string) => `system=shop/table=${entity}/pattern=full/dt=${DATE}`;
      expect(column_lineage[1].from).toMatchObject([
        {
          side: 'left',
          column: 'city',
          bronze: [bronze('customers')],
          through: [{ side: 'right', column: 'city' }],
        },
      ]);
    }),
  );

  test(
    'values that only folders carry are put back as they were, whatever is in them',
    scenario(async (w) => {
      const values = [
        "it's",
        '%41',
        'a/b',
        ' a',
        'a ',
        'x\0y',
        '\0',
        '',
        'NULL',
        '__HIVE_DEFAULT_PARTITION__',
        'é',
        'e\u0301',
      ];
      const records = values.map((v, id) => ({ id, v, at: 1 }));
      for (const name of ['l', 'r'])
        await w.put(`${name}.jsonl`, jsonl(...records, { id: 99, v: null, at: 1 }));
      const datasets = ['l', 'r'].map((entity) => ({
        system: 'shop',
        entity,
        bronze: { path_pattern: `${entity}.jsonl` },
        silver: { ...config.datasets[0]?.silver, attributes: ['v'], partition_by: ['v'] },
      }));
      await w.put('v.yaml', {
        datasets,
        silver_join: {
          left: { domain: 'shop', entity: 'l' },
          right: { domain: 'shop', entity: 'r' },
          output: {
            path: 'joined/out',
            join_key_pairs: [{ left: 'v', right: 'v' }],
            select_columns: ['id', 'v', { 'right.id': 'other' }],
          },
        },
      });
      await w.json(0, 'run-intent', '--config', 'v.yaml', '--date', DATE);
      const rows = (await rowsOf(w)).map(({ id, v, other }) => ({ id, v, other }));
      expect(rows.toSorted((one, two) => Number(one.id) - Number(two.id))).toEqual(
        values.map((v, id) => ({ id, v, other: id })),
      );
    }),
  );

  test(
    'begins no join after a dataset failed, or where only some ran; --skip-join and a file with a join alone are told',
    scenario(async (w) => {
      await w.put('shop.yaml', config);
      await w.put('orders.csv', 'id,customer,day,at\n1,a,mon,2025-01-01\n');
      const failed = await w.json(4, 'run-intent', '--config', 'shop.yaml', '--date', DATE);
      expect(failed.stderr).toContain('not joined, since a dataset failed: shop.both');
      await w.put('customers.csv', 'id,city,at\na,Kiel,2025-01-01\n');
      const some = ['run-intent', '--config', 'shop.yaml', '--date', DATE];
      const part = await w.json(0, ...some, '--source-name', 'shop.customers');
      expect(part.stderr).toContain('not joined, since --source-name chose some datasets only');
      const skipped = await w.json(0, ...some, '--skip-join');
      expect(skipped.document.reports.map(({ layer }) => layer)).not.toContain('join');
      await w.put('alone.yaml', {
        silver_join: { left: { path: 'a' }, right: { path: 'b' }, output: { path: 'c' } },
      });
      const wrong = await w.json(2, 'silver', '--config', 'alone.yaml', '--date', DATE);
      expect(wrong.document.errors[0]?.hint).toContain('foundry join --config alone.yaml');
      const none = await w.json(2, 'join', '--config', 'shop.yaml', '--date', '2025-01-05T09');
      expect(none.document.errors[0]?.code).toBe('USE001');
      const valid = await w.json(0, 'join', '--config', 'shop.yaml', '--validate-only');
      expect(valid.document.reports[0]).toMatchObject({ dataset: 'shop.both', status: 'valid' });
    }),
  );
});

test(
  'S74 a join that was stopped goes on at its next chunk; another config or another input starts over and says why',
  scenario(async (w) => {
    const sides = await bothSides(w);
    const options = {
      ...sides,
      ...PAIR,
      join_type: 'outer',
      chunk_size: 1,
      checkpoint_dir: 'work',
      spill_dir: 'spill',
    };
    await w.put('join.yaml', joinConfig(options));
    const args = ['join', '--config', 'join.yaml', '--date', DATE, '--output', 'json'];
    /** Kills a run once it has written down its first chunk. */
    const kill = async (): Promise<void> => {
      for (let tries = 0; tries < 20; tries += 1) {
        const running = startFoundry(args, { cwd: w.folder });
        const seen = until('a chunk', async () => {
          const progress = await w.read('work/progress.json').catch(() => undefined);
          return (progress?.chunks.length ?? 0) > 0 || running.exitCode !== null;
        });
        await seen;
        running.kill('SIGKILL');
        await running.exited;
        if (existsSync(w.path('work/progress.json'))) return;
        await rm(w.path('joined'), { recursive: true, force: true });
      }
      throw new Error('every run ended before it could be killed');
    };
    await kill();
    const { chunks } = await w.read('work/progress.json');
    const resumed = await w.json(0, ...args.slice(0, -2));
    expect(resumed.document.reports[0]).toMatchObject({ resumed_at_chunk: chunks.length, rows: 5 });
    expect(existsSync(w.path('work/progress.json'))).toBe(false);
    expect(await w.files('spill')).toEqual([]);

    await rm(w.path('joined'), { recursive: true });
    await kill();
    await w.put('join.yaml', joinConfig({ ...options, join_type: 'left' }));
    const other = await w.json(0, ...args.slice(0, -2));
    expect(other.stderr).toContain(
      'an earlier run cannot be gone on with: the config is not the same any more; starting over',
    );
    expect(other.document.reports[0]).toMatchObject({ resumed_at_chunk: null, rows: 4 });

    await rm(w.path('joined'), { recursive: true });
    await kill();
    await silverOf(w, 'r', `${RIGHT}2,q,e9\n`);
    const again = await w.json(0, ...args.slice(0, -2));
    expect(again.stderr).toContain('the inputs are not the same any more');
    expect(again.document.reports[0]).toMatchObject({ resumed_at_chunk: null, rows: 4 });
  }),
);

describe('a join over an object store', () => {
  test(
    'takes each side from its own platform: S3 by prefix, the local disk where the path is there, a URI for the output',
    scenario(async (w) => {
      const store = await s3TestStore();
      const place = store.place();
      const [, bucket = '', prefix = ''] = /^s3:\/\/([^/]+)\/?(.*)$/.exec(place) ?? [];
      const left = await silverOf(w, 'l', LEFT);
      await silverOf(w, 'r', RIGHT, { output_dir: `${place}/silver` }, 'infer', store.env);
      const run = async (config: object, ...flags: string[]) => {
        await w.put('join.yaml', config);
        const args = ['join', '--config', 'join.yaml', '--date', DATE, '--output', 'json', ...flags];
        const done = await runFoundry(args, {
          cwd: w.folder,
          env: { ...store.env, AWS_EC2_METADATA_DISABLED: 'true' },
        });
        return { ...done, document: parseDocument(done) };
      };
      const config = (output: object) => ({
        platform: { bronze: { storage_backend: 's3', s3_bucket: bucket, s3_prefix: prefix } },
        silver_join: {
          left: { path: left, platform: { storage_backend: 'local' } },
          right: { path: `silver/domain=s/entity=r/v1/load_date=${DATE}` },
          output: { ...PAIR, join_type: 'outer', chunk_size: 2, ...output },
        },
      });
      const local = await run(config({ path: './joined/out' }));
      expectExit(local, 0);
      expect(local.document.reports[0].inputs[1].location).toBe(
        `${place}/silver/domain=s/entity=r/v1/load_date=${DATE}`,
      );
      expect((await rowsOf(w)).length).toBe(5);
      const remote = await run(config({ domain: 's', entity: 'both' }));
      expectExit(remote, 0);
      const target = `${place}/domain=s/entity=both/v1/load_date=${DATE}`;
      expect(remote.document.reports[0]).toMatchObject({ location: target, rows: 5 });
      const found = await store.open(target).readBytes('_metadata.json');
      const manifest = JSON.parse(new TextDecoder().decode(found?.bytes));
      expect(manifest.files.map(({ sha256 }: { sha256: string }) => sha256)).toEqual(
        (await w.read('joined/out/_metadata.json')).files.map(({ sha256 }: { sha256: string }) => sha256),
      );
      expect(manifest.inputs[1].bronze[0].status).toBe('current');
      expect((await run(config({ domain: 's', entity: 'both' }))).document.reports[0].status).toBe(
        'unchanged',
      );
      const spool = await run(config({ path: './joined/out' }), '--spool-limit', '10B');
      expect([spool.exitCode, spool.document.errors[0]?.message]).toEqual([
        5,
        expect.stringContaining('--spool-limit is 10 B'),
      ]);
      const refused = await run(config({ path: './joined/out' }), '--storage-scope', 'onprem');
      expect([refused.exitCode, refused.document.errors[0]?.code]).toEqual([2, 'POL001']);
    }),
  );
});
