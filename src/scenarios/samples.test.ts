import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { queryDuckdb, readParquet } from '../testing/parquet.ts';
import { expectExit, scenario, startFoundry, type Workspace } from './support.ts';

setDefaultTimeout(60_000);

const SMALL = [
  '--days',
  '2',
  '--full-row-count',
  '50',
  '--cdc-row-count',
  '20',
  '--current-rows',
  '30',
  '--history-rows',
  '20',
  '--linear-growth',
  '5',
];
const BASE = 'sampledata/source_samples';

function folder(pattern: string, date: string): string {
  return `${BASE}/sample=${pattern}/system=retail_demo/table=orders/dt=${date}`;
}

async function samples(w: Workspace, ...args: string[]): Promise<void> {
  expectExit(await w.run('samples', ...args), 0);
}

async function rows(w: Workspace, glob: string, columns = '*'): Promise<Record<string, unknown>[]> {
  return queryDuckdb(
    `SELECT ${columns} FROM read_parquet('${w.path(glob)}', union_by_name = true, hive_partitioning = false)`,
  );
}

/** Everything but the locks. */
async function bytesOf(w: Workspace, below: string): Promise<Record<string, string>> {
  const files = Object.entries(await w.snapshot(below));
  return Object.fromEntries(files.filter(([name, hash]) => hash !== '' && !name.includes('.foundry')));
}

describe('source samples', () => {
  test(
    'scenario 87: --days 1 --full-row-count 50 --cdc-row-count 20 gives pattern 1 a record_count of 51',
    scenario(async (w) => {
      await samples(
        w,
        '--days',
        '1',
        '--full-row-count',
        '50',
        '--cdc-row-count',
        '20',
        '--current-rows',
        '30',
      );
      const day = folder('pattern1_full_events', '2025-11-13');
      expect(await w.read(`${day}/_metadata.json`)).toEqual({
        timestamp: '2025-11-13T00:00:00Z',
        record_count: 51,
        chunk_count: 1,
      });
      const orders = await readParquet(w.path(day, 'full-part-0001.parquet'));
      expect(orders.length).toBe(51);
      expect(orders.filter(({ order_id }) => order_id === null).length).toBe(1);
      expect(orders[0]).toMatchObject({ order_id: 'ORD-00001', run_date: '2025-11-13' });
      const cdc = folder('pattern2_cdc_events', '2025-11-13');
      expect((await w.read(`${cdc}/_metadata.json`)).record_count).toBe(21);
      expect((await w.files(cdc)).sort()).toEqual([
        '_checksums.json',
        '_metadata.json',
        'cdc-part-0001.parquet',
      ]);
    }),
  );

  test(
    "scenario 88: a delta of the second reference's day belongs to the first reference, one of the day after to the second",
    scenario(async (w) => {
      await samples(w, ...SMALL, '--patterns', '4,7', '--hybrid-days', '11');
      for (const [pattern, mode] of [
        ['pattern4_hybrid_cdc_point', 'point_in_time'],
        ['pattern7_hybrid_incremental_cumulative', 'cumulative'],
      ] as const) {
        const of = async (date: string, role: string) =>
          w.read(`${folder(pattern, date)}/${role}/_metadata.json`);
        const delta = { role: 'delta', delta_mode: mode };
        expect(await of('2025-11-22', 'delta')).toMatchObject({
          run_date: '2025-11-22',
          reference_mode: { ...delta, reference_run_date: '2025-11-13' },
        });
        expect((await of('2025-11-23', 'delta')).reference_mode).toMatchObject({
          ...delta,
          reference_run_date: '2025-11-22',
        });
        expect((await of('2025-11-22', 'reference')).reference_mode).toMatchObject({
          role: 'reference',
          reference_run_date: '2025-11-22',
        });
        const count = (await of('2025-11-23', 'delta')).record_count;
        expect(count).toBe(mode === 'cumulative' ? 200 : 20);
      }
    }),
  );

  test(
    'grow by day; day 1 has a second part with more columns, and counts it',
    scenario(async (w) => {
      await samples(w, ...SMALL, '--patterns', '1,2,3');
      const counts = async (pattern: string, date: string) => {
        const { record_count, chunk_count } = await w.read(`${folder(pattern, date)}/_metadata.json`);
        return [record_count, chunk_count];
      };
      expect(await counts('pattern1_full_events', '2025-11-14')).toEqual([50 + 5 + 1 + 30, 2]);
      expect(await counts('pattern2_cdc_events', '2025-11-14')).toEqual([20 + 60 + 1 + 20, 2]);
      expect(await counts('pattern3_scd_state', '2025-11-13')).toEqual([20 + 30 + 1, 1]);
      expect(await counts('pattern3_scd_state', '2025-11-14')).toEqual([100 + 70 + 1 + 150, 2]);
      for (const [pattern, part, more] of [
        ['pattern1_full_events', 'full', ['campaign_id', 'priority']],
        ['pattern2_cdc_events', 'cdc', ['note']],
        ['pattern3_scd_state', 'current-history', ['revision_notes']],
      ] as const) {
        const columns = async (n: number) =>
          Object.keys(
            (await rows(w, `${folder(pattern, '2025-11-14')}/${part}-part-000${n}.parquet`))[0] ?? {},
          );
        expect(await columns(2)).toEqual([...(await columns(1)), ...more]);
      }
      const sums = await w.read(`${folder('pattern1_full_events', '2025-11-14')}/_checksums.json`);
      const named = Object.entries(await bytesOf(w, folder('pattern1_full_events', '2025-11-14')));
      expect(
        sums.files.map((file: { path: string; sha256: string }) => [file.path, file.sha256]).sort(),
      ).toEqual(named.filter(([name]) => name !== '_checksums.json').sort());
    }),
  );

  test(
    'are the same bytes for the same seed, and others for another one',
    scenario(async (w) => {
      for (const base of ['a', 'b'])
        await samples(w, ...SMALL, '--formats', 'both', '--output-base-dir', base);
      await samples(w, ...SMALL, '--formats', 'both', '--output-base-dir', 'c', '--seed', '5');
      const [a, b, c] = [await bytesOf(w, 'a'), await bytesOf(w, 'b'), await bytesOf(w, 'c')];
      expect(Object.keys(a).length).toBeGreaterThan(50);
      expect(b).toEqual(a);
      expect(Object.keys(c)).toEqual(Object.keys(a));
      const parts = Object.keys(a).filter((name) => /part-\d+\./.test(name));
      expect(parts.filter((name) => a[name] === c[name])).toEqual([]);
      await samples(w, ...SMALL, '--formats', 'both', '--output-base-dir', 'a');
      expect(await bytesOf(w, 'a')).toEqual(b);
    }),
  );

  test(
    'update what is there: changes hit ids that exist, and only --disable-updates gives every row an id of its own',
    scenario(async (w) => {
      await samples(w, ...SMALL, '--patterns', '1,2,3,4', '--hybrid-days', '11');
      const table = (pattern: string, rest: string) =>
        `read_parquet('${w.path(BASE)}/sample=${pattern}/*/*/${rest}', union_by_name = true, hive_partitioning = false)`;
      const [full] = await queryDuckdb(`
        SELECT count(*) AS both, count(*) FILTER (a.updated_at <> b.updated_at) AS changed,
          count(*) FILTER (a.customer_id <> b.customer_id) AS strangers
        FROM ${table('pattern1_full_events', 'dt=2025-11-13/*.parquet')} a
        JOIN ${table('pattern1_full_events', 'dt=2025-11-14/*.parquet')} b USING (order_id)`);
      expect(full).toEqual({ both: 50n, changed: 5n, strangers: 0n });
      const orphans = await queryDuckdb(`
        WITH cdc AS (SELECT * FROM ${table('pattern2_cdc_events', 'dt=*/*.parquet')} WHERE order_id IS NOT NULL)
        SELECT * FROM cdc c WHERE change_type <> 'insert' AND NOT EXISTS (
          FROM cdc i WHERE i.order_id = c.order_id AND i.change_type = 'insert' AND i.changed_at < c.changed_at)`);
      expect(orphans).toEqual([]);
      const [state] = await queryDuckdb(`
        SELECT count(*) AS older, count(*) FILTER (h.effective_end = c.effective_start) AS meet
        FROM ${table('pattern3_scd_state', 'dt=2025-11-13/*.parquet')} h
        JOIN ${table('pattern3_scd_state', 'dt=2025-11-13/*.parquet')} c USING (order_id)
        WHERE h.current_flag = 0 AND c.current_flag = 1`);
      expect(state).toEqual({ older: 20n, meet: 20n });
      const overlap = () =>
        queryDuckdb(`
          SELECT change_type, count(*) > 0 AS hits
          FROM ${table('pattern4_hybrid_cdc_point', 'dt=*/delta/*.parquet')} d
          JOIN ${table('pattern4_hybrid_cdc_point', 'dt=2025-11-13/reference/*.parquet')} r USING (order_id) GROUP BY ALL`);
      expect(await overlap()).toEqual([{ change_type: 'update', hits: true }]);

      await samples(w, ...SMALL, '--patterns', '2,4', '--hybrid-days', '11', '--disable-updates');
      expect(await overlap()).toEqual([]);
      const [cdc] = await queryDuckdb(`
        SELECT count(order_id) = count(DISTINCT order_id) AS own FROM ${table('pattern2_cdc_events', 'dt=*/*.parquet')}`);
      expect(cdc).toEqual({ own: true });
    }),
  );

  test(
    'begin with --start-date, and the second reference follows nine days later',
    scenario(async (w) => {
      await samples(w, ...SMALL, '--patterns', '1,hybrid_cdc_point', '--start-date', '2024-02-27');
      const dates = (await w.files(BASE)).flatMap(
        (name) => /dt=([^/]+\/(?:reference|delta|full))/.exec(name)?.[1] ?? [],
      );
      expect([...new Set(dates)]).toEqual([
        '2024-02-27/full',
        '2024-02-28/full',
        '2024-02-27/reference',
        '2024-02-28/delta',
        '2024-02-29/delta',
        '2024-03-07/reference',
      ]);
    }),
  );

  test(
    'hold the same rows in CSV and in Parquet',
    scenario(async (w) => {
      await samples(w, ...SMALL, '--formats', 'both', '--patterns', '1,3,5');
      const parts = (await w.files(BASE)).filter((name) => name.endsWith('.csv'));
      expect(parts.length).toBeGreaterThan(8);
      for (const part of parts) {
        const csv = w.path(BASE, part);
        const text = `SELECT COLUMNS(*)::VARCHAR FROM read_parquet('${csv.replace(/csv$/, 'parquet')}')`;
        const other = `SELECT COLUMNS(*)::VARCHAR FROM read_csv('${csv}', header = true)`;
        const numbers = (sql: string) => sql.replace('COLUMNS(*)::VARCHAR', 'count(*) AS n');
        expect(await queryDuckdb(numbers(text))).toEqual(await queryDuckdb(numbers(other)));
        const differing = `SELECT order_id, run_date::VARCHAR, status FROM read_parquet('${csv.replace(/csv$/, 'parquet')}')
          EXCEPT ALL SELECT order_id, run_date::VARCHAR, status FROM read_csv('${csv}', header = true)`;
        expect(await queryDuckdb(differing)).toEqual([]);
      }
      await samples(w, ...SMALL, '--formats', 'csv', '--patterns', '1,3,5');
      expect((await w.files(BASE)).filter((name) => name.endsWith('.parquet'))).toEqual([]);
    }),
  );
});

describe('samples never take what they did not make', () => {
  test(
    'a folder that holds anything else is refused, and nothing in it changes',
    scenario(async (w) => {
      await w.put(`${BASE}/system=s/table=t/dt=2025-11-13/real.parquet`, 'real');
      const before = await w.snapshot();
      for (const mode of [[], ['--dry-run']]) {
        const { document } = await w.json(2, 'samples', ...SMALL, ...mode);
        expect(document.errors[0]).toMatchObject({ code: 'USE001' });
        expect(document.errors[0]?.message).toContain('system=s/table=t/dt=2025-11-13/real.parquet');
      }
      expect(await w.snapshot()).toEqual(before);
    }),
  );

  test(
    'a run with fewer days removes the files of the run before, and leaves those of others',
    scenario(async (w) => {
      await samples(w, ...SMALL, '--patterns', '1,2');
      const second = folder('pattern1_full_events', '2025-11-14');
      await w.put(`${second}/mine.txt`, 'mine');
      await w.put(`${BASE}/notes.txt`, 'mine');
      const cdc = await bytesOf(w, `${BASE}/sample=pattern2_cdc_events`);
      await samples(w, ...SMALL.slice(2), '--days', '1', '--patterns', '1');
      expect(await w.files(second)).toEqual(['mine.txt']);
      expect(await w.files(BASE)).toContain('notes.txt');
      expect(await bytesOf(w, `${BASE}/sample=pattern2_cdc_events`)).toEqual(cdc);
    }),
  );

  test(
    'a file of others where a sample would go is refused before anything is made',
    scenario(async (w) => {
      await samples(w, ...SMALL, '--patterns', '1');
      const there = `${folder('pattern1_full_events', '2025-11-15')}/full-part-0001.parquet`;
      await w.put(there, 'mine');
      const before = await bytesOf(w, BASE);
      const { document } = await w.json(2, 'samples', ...SMALL.slice(2), '--days', '3', '--patterns', '1');
      expect(document.errors[0]?.message).toContain('is in the way');
      expect(await bytesOf(w, BASE)).toEqual(before);
    }),
  );

  test(
    'a run that is stopped can be run again',
    scenario(async (w) => {
      const running = startFoundry(['samples', '--patterns', '5', '--hybrid-days', '3'], { cwd: w.folder });
      while ((await w.files(BASE)).length < 2) await Bun.sleep(20);
      running.kill('SIGKILL');
      await running.exited;
      await samples(w, ...SMALL, '--patterns', '5', '--output-base-dir', 'fresh');
      await samples(w, ...SMALL, '--patterns', '5');
      const names = Object.entries(await bytesOf(w, BASE));
      expect(names).toEqual(Object.entries(await bytesOf(w, 'fresh')));
    }),
  );

  test(
    '--dry-run lists what would be made, and writes nothing',
    scenario(async (w) => {
      const planned = (await w.json(0, 'samples', ...SMALL, '--dry-run')).document;
      expect(await w.snapshot()).toEqual({});
      const made = (await w.json(0, 'samples', ...SMALL)).document;
      expect(planned.reports.map(({ status }) => status)).toEqual(new Array(7).fill('planned'));
      const files = (reports: { files: { path: string; rows: number }[] }[]) =>
        reports.flatMap((report) => report.files.map(({ path, rows }) => [path, rows]));
      expect(files(planned.reports)).toEqual(files(made.reports));
      const text = await w.run('samples', ...SMALL, '--dry-run');
      expect(text.stdout).toContain('pattern1_full_events: would make 137 rows');
    }),
  );

  test(
    'wrong flags are refused by name',
    scenario(async (w) => {
      for (const [args, message] of [
        [['--days', '0'], '--days: "0"'],
        [['--seed', 'x'], '--seed: "x"'],
        [['--start-date', '2025-02-30'], '--start-date'],
        [['--patterns', 'pattern1'], 'there is no pattern "pattern1"'],
        [['--enable-updates', '--disable-updates'], 'contradict'],
        [['--large', '--days', '1'], 'contradict'],
        [['--models', 'scd_type_1'], '--models is for `foundry samples silver`'],
        [['silver', '--seed', '1'], '--seed is for the source samples'],
        [['silver', '--models', 'scd1'], 'there is no model "scd1"'],
        [['silver', '--silver-base-dir', 'x'], '--silver-base-dir is for `foundry samples join`'],
        [['join', '--days', '1'], '--days'],
        [['gold'], 'not "gold"'],
        [['--output-base-dir', 'gs://bucket/samples'], 'gs://'],
        [['silver', '--output-base-dir', 'gs://bucket/samples'], 'gs://'],
      ] as const) {
        const { document } = await w.json(2, 'samples', ...args);
        expect(document.errors[0]?.message).toContain(message);
      }
      expect(await w.snapshot()).toEqual({});
    }),
  );
});

describe('Silver samples', () => {
  test(
    'hold every model of every load pattern, in both formats, with metadata',
    scenario(async (w) => {
      await samples(w, ...SMALL);
      const { document } = await w.json(0, 'samples', 'silver');
      expect(document.reports.length).toBe(27);
      for (const { dataset, model, load_pattern, partitions } of document.reports) {
        expect(dataset).toBe(`${load_pattern}/${model}`);
        expect(partitions.map(({ load_date }: { load_date: string }) => load_date)).toEqual([
          '2025-11-13',
          '2025-11-14',
        ]);
        for (const { path, artifacts, rows_read } of partitions) {
          const at = `sampledata/silver_samples/${path}`;
          expect(path).toMatch(/^\w+\/\w+\/domain=retail_demo\/entity=orders\/v1\/load_date=2025-11-1[34]$/);
          const manifest = await w.read(`${at}/_metadata.json`);
          expect(manifest).toMatchObject({ layer: 'silver', status: 'complete', load_pattern });
          expect(rows_read).toBeGreaterThan(20);
          for (const [artifact, count] of Object.entries(artifacts)) {
            const listed = manifest.files.filter(
              (file: { artifact?: string; role: string }) =>
                file.artifact === artifact && file.role === 'data',
            );
            expect(
              listed.map((file: { format: string; rows: number }) => [file.format, file.rows]).sort(),
            ).toEqual([
              ['csv', count],
              ['parquet', count],
            ]);
          }
        }
      }
      const scd2 = document.reports.find(({ dataset }) => dataset === 'current_history/scd_type_2');
      expect(scd2.partitions[0].artifacts).toEqual({ history: 50, current: 30 });
      const [keys] = await queryDuckdb(`
        SELECT count(DISTINCT order_id) - count(DISTINCT order_id) FILTER (change_type = 'delete') AS there
        FROM read_parquet('${w.path(folder('pattern2_cdc_events', '2025-11-14'))}/*.parquet', union_by_name = true)`);
      const there = document.reports.find(({ dataset }) => dataset === 'cdc/scd_type_1').partitions[1]
        .artifacts;
      expect(there).toEqual({ current: Number(keys?.there) });
      const before = await bytesOf(w, 'sampledata/source_samples');
      const again = await w.json(
        0,
        'samples',
        'silver',
        '--models',
        'scd_type_1',
        '--patterns',
        'full',
        '--days',
        '1',
      );
      expect(again.document.reports.length).toBe(1);
      expect(await bytesOf(w, 'sampledata/source_samples')).toEqual(before);
    }),
  );

  test(
    'are made of CSV samples and of deltas too, and of the same rows',
    scenario(async (w) => {
      await samples(w, ...SMALL, '--patterns', '1,4', '--formats', 'csv');
      const { document } = await w.json(
        0,
        'samples',
        'silver',
        '--patterns',
        '1,4',
        '--models',
        'scd_type_1',
        '--formats',
        'parquet',
      );
      expect(document.reports.map(({ dataset }) => dataset)).toEqual([
        'full/scd_type_1',
        'hybrid_cdc_point/scd_type_1',
      ]);
      const files = await w.files('sampledata/silver_samples');
      expect(files.filter((name) => name.endsWith('.csv'))).toEqual([]);
      const orders = await rows(
        w,
        'sampledata/silver_samples/full/scd_type_1/*/*/v1/load_date=2025-11-13/current-*.parquet',
      );
      expect(orders.length).toBe(50);
    }),
  );

  test(
    'say what is missing without source samples, and refuse a lake that is not theirs',
    scenario(async (w) => {
      const absent = (await w.json(4, 'samples', 'silver')).document;
      expect(absent.errors[0]).toMatchObject({ code: 'EXT001' });
      expect(absent.errors[0]?.hint).toContain('foundry samples');
      expect(await w.snapshot()).toEqual({});
      await samples(w, ...SMALL, '--patterns', '1,2,3');
      await w.put('lake/system=s/table=t/pattern=full/dt=2025-11-13/a.parquet', 'real');
      const before = await w.snapshot();
      for (const flag of ['--bronze-base-dir', '--output-base-dir']) {
        const { document } = await w.json(2, 'samples', 'silver', flag, 'lake');
        expect(document.errors[0]?.hint).toContain(flag);
      }
      expect(await w.snapshot()).toEqual(before);
      const planned = (await w.json(0, 'samples', 'silver', '--dry-run')).document;
      expect(planned.reports.length).toBe(27);
      expect(await w.snapshot()).toEqual(before);
    }),
  );
});

describe('Join samples', () => {
  test(
    'hold each sensible combination of two patterns in each format, say where they come from, and are made again',
    scenario(async (w) => {
      const sizes = ['--days', '1', '--full-row-count', '40', '--cdc-row-count', '40'];
      expectExit(await w.run('samples', '--patterns', '1,2', ...sizes), 0);
      const models = ['--models', 'event,scd_type_1,scd_type_2'];
      expectExit(await w.run('samples', 'silver', '--patterns', '1,2', ...models), 0);
      const planned = (await w.json(0, 'samples', 'join', '--patterns', '1,2', '--dry-run')).document.reports;
      expect(await w.files('sampledata/join_samples')).toEqual([]);
      const made = (await w.json(0, 'samples', 'join', '--patterns', '1,2')).document.reports;
      const names = ({ dataset }: { dataset: string }): string => dataset;
      expect(made.map(names)).toEqual(planned.map(names));
      // Three combinations of these models, in both directions, in three forms.
      expect(made.length).toBe(18);
      const asOf = 'sampledata/join_samples/full.event__cdc.scd_type_2/left_as_of/formats-both';
      const { column_lineage, inputs, join_type } = await w.read(`${asOf}/_metadata.json`);
      expect(join_type).toBe('left');
      expect(inputs.map(({ artifact }: { artifact: string }) => artifact)).toEqual(['events', 'history']);
      expect(column_lineage[0]).toMatchObject({ column: 'order_id', source: 'both' });
      const before = await w.files('sampledata/join_samples');
      expectExit(await w.run('samples', 'join', '--patterns', '1,2'), 0);
      expect(await w.files('sampledata/join_samples')).toEqual(before);
    }),
    60_000,
  );
});
