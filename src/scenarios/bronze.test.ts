import { describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { duckdb, parquetRows, quote } from './readers.ts';
import {
  BRONZE,
  classic,
  csv,
  DATE,
  expectExit,
  finish,
  jsonl,
  runFoundry,
  scenario,
  sha256Of,
  sizeOf,
  startFoundry,
  type Workspace,
} from './support.ts';

const THREE = csv(['id', 'v'], [1, 'a'], [2, 'b'], [3, 'c']);

/** Lands `a.yaml`, and gives the one report. */
async function land(w: Workspace, config: object, ...flags: string[]) {
  await w.put('a.yaml', config);
  const { document } = await w.json(0, 'bronze', '--config', 'a.yaml', '--date', DATE, ...flags);
  expect(document.reports).toHaveLength(1);
  return document.reports[0];
}

/** The manifest agrees with the folder: every listed file is there with its size and hash, and nothing else is. */
async function expectWhole(w: Workspace, partition: string) {
  const manifest = await w.read(`${partition}/_metadata.json`);
  const checksums = await w.read(`${partition}/_checksums.json`);
  const listed: string[] = manifest.files.map((file: { path: string }) => file.path);
  expect([...listed, '_checksums.json', '_metadata.json'].sort()).toEqual((await w.files(partition)).sort());
  for (const file of manifest.files) {
    expect(file.size_bytes).toBe(await sizeOf(w.path(partition, file.path)));
    expect(file.sha256).toBe(await sha256Of(w.path(partition, file.path)));
  }
  expect(checksums.commit_id).toBe(manifest.commit_id);
  expect(checksums.files.map((file: { path: string }) => file.path).sort()).toEqual(
    [...listed, '_metadata.json'].sort(),
  );
  for (const file of checksums.files) {
    expect(file.sha256).toBe(await sha256Of(w.path(partition, file.path)));
    expect(file.size_bytes).toBe(await sizeOf(w.path(partition, file.path)));
  }
  return manifest;
}

const stems = (manifest: { files: { path: string }[] }): string[] =>
  manifest.files.map((file) => file.path.replace(/-[0-9a-f]{8}(?=\.)/, ''));

describe('Bronze layout and parts', () => {
  test(
    'scenario 18: the path of a partition by strategy: date, hour, batch id, minute, none, and with an environment',
    scenario(async (w) => {
      await w.put('in.csv', THREE);
      const table = 'output/system=s/table=t/pattern=full';
      const by = (partition_strategy: string): object =>
        classic({ bronze: { partitioning: { partition_strategy } } });
      await land(w, by('date'));
      await expectWhole(w, `${table}/dt=2025-01-05`);

      await w.put('hourly.yaml', by('hourly'));
      const hourly = await w.json(0, 'bronze', '--config', 'hourly.yaml', '--date', '2025-01-06T09');
      expect(hourly.document.reports[0].retry_with).toBe('--date 2025-01-06T09');
      await expectWhole(w, `${table}/dt=2025-01-06/hour=09`);
      const clock = await w.json(0, 'bronze', '--config', 'hourly.yaml', '--date', '2025-01-07');
      expect(clock.document.reports[0].partition).toMatch(/dt=2025-01-07\/hour=([01]\d|2[0-3])$/);

      await w.put(
        'batch.yaml',
        classic({
          bronze: { partitioning: { partition_strategy: 'batch_id' } },
          run: { batch_id: 'test_batch_123' },
        }),
      );
      await w.json(0, 'bronze', '--config', 'batch.yaml', '--date', '2025-01-08');
      await expectWhole(w, `${table}/dt=2025-01-08/batch_id=test_batch_123`);

      await w.put('generated.yaml', by('batch_id'));
      const generated = await w.json(0, 'bronze', '--config', 'generated.yaml', '--date', '2025-01-09');
      const { partition, retry_with } = generated.document.reports[0];
      expect(partition).toMatch(/dt=2025-01-09\/batch_id=\d{8}_\d{6}_[0-9a-f]{8}$/);
      const again = await w.json(0, 'bronze', '--config', 'generated.yaml', ...retry_with.split(' '));
      expect(again.document.reports[0]).toMatchObject({ partition, status: 'unchanged' });

      await w.put('minute.yaml', by('timestamp'));
      const minute = await w.json(
        0,
        'bronze',
        '--config',
        'minute.yaml',
        '--date',
        '2025-01-10',
        '--batch-id',
        '20250110_0930',
      );
      expect(minute.document.reports[0].partition).toEndWith('dt=2025-01-10/batch=20250110_0930');

      await w.put(
        'none.yaml',
        classic({ source: { table: 'u' }, bronze: { partitioning: { use_dt_partition: false } } }),
      );
      await w.json(0, 'bronze', '--config', 'none.yaml', '--date', DATE);
      await expectWhole(w, 'output/system=s/table=u/pattern=full');

      await w.put('env.yaml', {
        ...classic({ run: { pattern_folder: 'hot', local_output_dir: 'elsewhere' } }),
        environment: 'dev',
      });
      await w.json(0, 'bronze', '--config', 'env.yaml', '--date', DATE);
      await expectWhole(w, 'elsewhere/env=dev/system=s/table=t/pattern=hot/dt=2025-01-05');

      expectExit(await w.run('bronze', '--config', 'a.yaml', '--date', '2025-01-05T09'), 2);
      expectExit(await w.run('bronze', '--config', 'a.yaml', '--date', DATE, '--batch-id', 'x'), 2);
      expectExit(await w.run('bronze', '--config', 'batch.yaml', '--date', DATE, '--batch-id', '../x'), 2);
    }),
  );

  test(
    'scenario 19: a full load without a pattern folder lies in pattern=full',
    scenario(async (w) => {
      await w.put('in.csv', THREE);
      const report = await land(w, classic());
      expect(report.partition).toBe('system=s/table=t/pattern=full/dt=2025-01-05');
    }),
  );

  test(
    'scenario 20: 105 rows in parts of 25 are 25, 25, 25, 25, 5; without a limit 100 rows are one part; 0 rows none',
    scenario(async (w) => {
      const rows = (n: number) => csv(['id'], ...Array.from({ length: n }, (_, i) => [i]));
      for (const write_csv of [false, true]) {
        await w.put('in.csv', rows(105));
        await land(w, classic({ run: { max_rows_per_file: 25, write_csv } }));
        const parquet = (await w.read(`${BRONZE}/_metadata.json`)).files.filter(
          (file: { format: string }) => file.format === 'parquet',
        );
        expect(parquet.map((file: { rows: number }) => file.rows)).toEqual([25, 25, 25, 25, 5]);
        const ids = await duckdb(
          `SELECT id FROM read_parquet([${parquet.map((file: { path: string }) => quote(w.path(BRONZE, file.path)))}])`,
        );
        expect(ids.map((row) => row.id)).toEqual(Array.from({ length: 105 }, (_, i) => String(i)));

        await w.put('in.csv', rows(100));
        expect((await land(w, classic({ run: { max_rows_per_file: 0, write_csv } }))).files).toHaveLength(
          write_csv ? 2 : 1,
        );
        await w.put('in.csv', rows(0));
        await rm(w.path('output'), { recursive: true });
        expect(await land(w, classic({ run: { write_csv } }))).toMatchObject({ status: 'empty', rows: 0 });
        await rm(w.path('output'), { recursive: true });
      }
    }),
  );

  test(
    'scenario 21: max_file_size_mb bounds the real size of a file, to within one row group of 8 MB, in both lanes',
    scenario(async (w) => {
      // 24 MB that no codec makes smaller.
      const noise = new Uint8Array(24 * 750_000);
      for (let at = 0; at < noise.length; at += 65_536)
        crypto.getRandomValues(noise.subarray(at, at + 65_536));
      const text = Buffer.from(noise).toString('base64');
      const cells = Array.from({ length: 24_000 }, (_, i) => text.slice(i * 1000, (i + 1) * 1000));
      await w.put('in.csv', `id,data\n${cells.map((cell, i) => `${i},${cell}\n`).join('')}`);
      await w.put('in.jsonl', cells.map((data, i) => `{"id":"${i}","data":"${data}"}\n`).join(''));
      for (const path of ['in.csv', 'in.jsonl']) {
        const report = await land(w, classic({ file: { path }, run: { max_file_size_mb: 4 } }));
        expect(report.lane).toBe(path === 'in.csv' ? 'engine' : 'rows');
        expect(report.files.length).toBeGreaterThanOrEqual(2);
        for (const file of report.files) expect(file.size_bytes).toBeLessThanOrEqual((4 + 8) * 1024 * 1024);
        const manifest = await expectWhole(w, BRONZE);
        const files = manifest.files.map((file: { path: string }) => quote(w.path(BRONZE, file.path)));
        const [found] = await duckdb(
          `SELECT count(*)::INT AS n, bool_and(id::INT = place) AS ordered, min(length(data))::INT AS shortest FROM
           (SELECT id, data, row_number() OVER () - 1 AS place FROM read_parquet([${files}]))`,
        );
        expect(found).toEqual({ n: 24_000, ordered: true, shortest: 1000 });
      }
      const both = await land(
        w,
        classic({
          file: { path: 'in.csv', limit_rows: 50 },
          run: { max_file_size_mb: 0.002, max_rows_per_file: 20 },
        }),
      );
      expect(both.files.every((file: { rows: number }) => file.rows <= 20)).toBe(true);
      expect(both.files.reduce((sum: number, file: { rows: number }) => sum + file.rows, 0)).toBe(50);
    }),
  );

  test(
    'scenario 22: three rows with max_rows 1 are three parts, and the manifest lists them with size, rows and SHA-256',
    scenario(async (w) => {
      await w.put('in.csv', THREE);
      await land(w, classic({ run: { max_rows_per_file: 1 } }));
      const manifest = await expectWhole(w, BRONZE);
      expect(manifest).toMatchObject({
        format_version: 1,
        layer: 'bronze',
        status: 'complete',
        record_count: 3,
        chunk_count: 3,
        system: 's',
        table: 't',
        run_date: DATE,
        load_pattern: 'full',
        partition_path: 'system=s/table=t/pattern=full/dt=2025-01-05/',
        file_formats: { csv: false, parquet: true },
        schema: [
          { name: 'id', type: 'string' },
          { name: 'v', type: 'string' },
        ],
        tool: { name: 'foundry' },
      });
      expect(manifest.files.map((file: { path: string }) => file.path)).toEqual([
        expect.stringMatching(/^full-part-0001-[0-9a-f]{8}\.parquet$/),
        expect.stringMatching(/^full-part-0002-[0-9a-f]{8}\.parquet$/),
        expect.stringMatching(/^full-part-0003-[0-9a-f]{8}\.parquet$/),
      ]);
      expect(manifest.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,6}Z$/);
      expect(await parquetRows(w.path(BRONZE, '*.parquet'))).toEqual(
        [
          { id: '1', v: 'a' },
          { id: '2', v: 'b' },
          { id: '3', v: 'c' },
        ].map((row) => ({ ...row, ...HIVE })),
      );
    }),
  );

  test(
    'scenario 23: a rerun with fewer rows leaves only its own part, and the manifest equals the folder',
    scenario(async (w) => {
      await w.put('in.csv', THREE);
      await land(w, classic({ run: { max_rows_per_file: 1 } }));
      await w.put('in.csv', csv(['id', 'v'], [9, 'z']));
      const report = await land(w, classic({ run: { max_rows_per_file: 100 } }));
      expect(report).toMatchObject({ status: 'complete', rows: 1, replaced_rows: 3 });
      expect(stems(await expectWhole(w, BRONZE))).toEqual(['full-part-0001.parquet']);
      expect(await parquetRows(w.path(BRONZE, '*.parquet'))).toEqual([{ id: '9', v: 'z', ...HIVE }]);
    }),
  );

  test(
    'a rerun over the same input changes no name and no byte, and says so',
    scenario(async (w) => {
      await w.put('in.csv', THREE);
      await w.put('in.jsonl', jsonl({ id: 1 }, { id: 2 }));
      for (const config of [
        classic({ run: { max_rows_per_file: 2 } }),
        classic({ run: { write_csv: true }, source: { table: 'both' } }),
        classic({ file: { path: 'in.jsonl' }, source: { table: 'json' } }),
      ]) {
        const first = await land(w, config);
        const folder = `output/${first.partition}`;
        const before = await w.snapshot(folder);
        const second = await land(w, config);
        expect([first.status, second.status]).toEqual(['complete', 'unchanged']);
        const after = await w.snapshot(folder);
        const data = (tree: Record<string, string>) =>
          Object.entries(tree).filter(([name]) => !name.startsWith('_'));
        expect(data(after)).toEqual(data(before));
        await expectWhole(w, folder);
      }
    }),
  );

  test(
    'scenario 24: a full load of zero rows over a landed partition is refused and keeps it; allow_empty replaces it',
    scenario(async (w) => {
      await w.put('in.csv', THREE);
      await land(w, classic());
      const before = await w.snapshot(BRONZE);
      await w.put('in.csv', csv(['id', 'v']));
      const refused = await w.json(3, 'bronze', '--config', 'a.yaml', '--date', DATE);
      expect(refused.document.errors[0]).toMatchObject({ code: 'QUAL001' });
      expect(refused.stderr).toContain('allow_empty');
      expect(await w.snapshot(BRONZE)).toEqual(before);

      const allowed = await land(w, classic({ run: { allow_empty: true } }));
      expect(allowed).toMatchObject({ status: 'empty', rows: 0, replaced_rows: 3 });
      expect(await expectWhole(w, BRONZE)).toMatchObject({
        status: 'empty',
        record_count: 0,
        schema: [{ name: 'id' }, { name: 'v' }],
      });

      const cdc = await land(w, classic({ run: { load_pattern: 'cdc' } }));
      expect(cdc.status).toBe('empty');
      const text = await w.run('bronze', '--config', 'a.yaml', '--date', DATE);
      expectExit(text, 0);
      expect(text.stdout).toContain('empty');
    }),
  );

  test(
    'scenario 25: the name of a part begins with its load pattern, dashes for underscores',
    scenario(async (w) => {
      await w.put('in.csv', THREE);
      await land(w, classic(), '--load-pattern', 'cdc');
      expect(stems(await expectWhole(w, `output/system=s/table=t/pattern=cdc/dt=${DATE}`))).toEqual([
        'cdc-part-0001.parquet',
      ]);
      await land(
        w,
        classic({
          run: { load_pattern: 'current_history' },
          silver: { primary_keys: ['id'], order_column: 'v' },
        }),
      );
      const history = `output/system=s/table=t/pattern=current_history/dt=${DATE}`;
      expect(stems(await expectWhole(w, history))).toEqual(['current-history-part-0001.parquet']);
    }),
  );

  test(
    'scenario 27: records with differing keys land under the union of their keys, as CSV and as Parquet',
    scenario(async (w) => {
      await w.put('in.jsonl', jsonl({ a: 1 }, { b: 'x' }, { a: 2, c: [1, { d: null }] }, {}));
      await land(w, classic({ file: { path: 'in.jsonl' }, run: { write_csv: true } }));
      const manifest = await expectWhole(w, BRONZE);
      expect(stems(manifest)).toEqual(
        expect.arrayContaining(['full-part-0001.csv', 'full-part-0001.parquet']),
      );
      expect(manifest.record_count).toBe(4);
      const path = manifest.files.find((file: { format: string }) => file.format === 'csv').path;
      const text = await Bun.file(w.path(BRONZE, path)).text();
      expect(text).toBe('a,b,c\n1,,\n,x,\n2,,"[1,{""d"":null}]"\n,,\n');
      expect(manifest.schema).toEqual([
        { name: 'a', type: 'int64' },
        { name: 'b', type: 'string' },
        { name: 'c', type: 'json' },
      ]);
    }),
  );
});

describe('Bronze failures', () => {
  test(
    'scenario 29: an error in the third part leaves no partition, or the one that was there, and names the line',
    scenario(async (w) => {
      const good = jsonl({ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 });
      const config = classic({ file: { path: 'in.jsonl' }, run: { max_rows_per_file: 2 } });
      await w.put('in.jsonl', `${good}{"id": 5\n`);
      await w.put('a.yaml', config);
      const first = await w.json(3, 'bronze', '--config', 'a.yaml', '--date', DATE);
      expect(first.stderr).toContain('in.jsonl:5');
      expect(await w.files('output/system=s')).toEqual([]);

      await w.put('in.jsonl', good);
      await land(w, config);
      const before = await w.snapshot(BRONZE);
      await w.put('in.jsonl', `${good}${good}nonsense\n`);
      await w.json(3, 'bronze', '--config', 'a.yaml', '--date', DATE);
      expect(await w.snapshot(BRONZE)).toEqual(before);
      expect(await w.spooled('output')).toBe(0);
    }),
  );

  test(
    'scenario 29: a disk that refuses the second part leaves the partition as it was; the rerun succeeds',
    scenario(async (w) => {
      const lines = (n: number): string =>
        Array.from(
          { length: n },
          (_, i) => `{"id":${i},"v":"${Bun.hash(String(i)).toString(36).repeat(20)}"}\n`,
        ).join('');
      await w.put('in.jsonl', lines(10));
      const config = classic({ file: { path: 'in.jsonl' }, run: { max_rows_per_file: 5 } });
      await land(w, config);
      const before = await w.snapshot(BRONZE);
      // One part larger than the limit on file sizes that the shell sets; the signal of the limit is ignored.
      await w.put('in.jsonl', `${lines(10)}${lines(20_000)}`);
      await w.put('a.yaml', classic({ file: { path: 'in.jsonl' }, run: { max_rows_per_file: 15_000 } }));
      const limited = ['bash', '-c', `trap '' XFSZ; ulimit -f 400; exec "$@"`, 'limited'];
      const failed = await runFoundry(['bronze', '--config', 'a.yaml', '--date', DATE, '--output', 'json'], {
        cwd: w.folder,
        prefix: limited,
      });
      expectExit(failed, 5);
      expect(JSON.parse(failed.stdout).errors[0].code).toBe('STG001');
      expect(await w.snapshot(BRONZE)).toEqual(before);
      expect(await w.spooled('output')).toBe(0);
      const again = await w.json(0, 'bronze', '--config', 'a.yaml', '--date', DATE);
      expect(again.document.reports[0].rows).toBe(20_010);
    }),
  );
});

describe('file sources', () => {
  test(
    'scenario 43: limit_rows 1 and columns [id, name] land one record of texts, and no cursor',
    scenario(async (w) => {
      await w.put('in.csv', csv(['name', 'other', 'id'], ['ann', 'x', 1], ['bob', 'y', 2]));
      for (const write_csv of [false, true]) {
        await land(w, classic({ file: { limit_rows: 1, columns: ['id', 'name'] }, run: { write_csv } }));
        const manifest = await expectWhole(w, BRONZE);
        expect(manifest.schema).toEqual([
          { name: 'id', type: 'string' },
          { name: 'name', type: 'string' },
        ]);
        expect(manifest.record_count).toBe(1);
        expect(manifest).not.toHaveProperty('cursor');
        expect(await parquetRows(w.path(BRONZE, '*.parquet'))).toMatchObject([{ id: '1', name: 'ann' }]);
      }
    }),
  );

  test(
    'scenario 45: json_path envelope.items lands its members, and blank lines of JSON Lines are skipped',
    scenario(async (w) => {
      await w.put('in.json', JSON.stringify({ envelope: { items: [10, 20] } }));
      await land(w, classic({ file: { path: 'in.json', json_path: 'envelope.items' } }));
      expect(await parquetRows(w.path(BRONZE, '*.parquet'))).toMatchObject([
        { value: '10' },
        { value: '20' },
      ]);
      await w.put('in.jsonl', '\n{"id":1}\n\n   \n{"id":2}\n\n');
      await land(w, classic({ file: { path: 'in.jsonl' } }));
      expect(await parquetRows(w.path(BRONZE, '*.parquet'))).toMatchObject([{ id: '1' }, { id: '2' }]);
    }),
  );

  test(
    'numbers of JSON keep their digits, CSV cells stay as the file says',
    scenario(async (w) => {
      await w.put(
        'in.jsonl',
        '{"big":9007199254740993,"dec":0.1000,"huge":123456789012345678901234567890}\n',
      );
      await land(w, classic({ file: { path: 'in.jsonl' } }));
      expect(await parquetRows(w.path(BRONZE, '*.parquet'))).toMatchObject([
        { big: '9007199254740993', dec: '0.1', huge: '123456789012345678901234567890' },
      ]);
      await w.put('in.csv', 'a,b,c,d\n007,1.50,"",NA\n');
      await land(w, classic());
      expect(await parquetRows(w.path(BRONZE, '*.parquet'))).toMatchObject([
        { a: '007', b: '1.50', c: null, d: 'NA' },
      ]);
      await land(w, classic({ file: { null_values: ['NA'], types: 'infer' } }));
      expect(await parquetRows(w.path(BRONZE, '*.parquet'))).toMatchObject([
        { a: '007', b: '1.50', c: null, d: null },
      ]);
    }),
  );

  test(
    'a glob, a folder, gzip, TSV, a BOM and {date} in the path all name the same rows',
    scenario(async (w) => {
      await w.put(`drop/${DATE}/a.csv`, '\uFEFFid,v\n1,a\n');
      await w.put(`drop/${DATE}/b.csv`, 'id,v\r\n2,b\r\n');
      await w.put('zip/2025/01/05/x.csv.gz', gzipSync('id,v\n1,a\n2,b\n'));
      await w.put('in.tsv', 'id\tv\n1\ta\n2\tb\n');
      await w.put('bare.txt', "1;'a'\n2;b\n");
      const files: object[] = [
        { path: 'drop/{date}/*.csv' },
        { path: 'drop/{date}' },
        { path: 'drop/{date}/' },
        { path: 'zip/{yyyy}/{mm}/{dd}/x.csv.gz' },
        { path: 'in.tsv' },
        {
          path: 'bare.txt',
          format: 'csv',
          delimiter: ';',
          quote: "'",
          has_header: false,
          fieldnames: ['id', 'v'],
        },
      ];
      for (const file of files) {
        await land(w, classic({ file: { ...file } }));
        expect(await parquetRows(w.path(BRONZE, '*.parquet'))).toMatchObject([
          { id: '1', v: 'a' },
          { id: '2', v: 'b' },
        ]);
      }
    }),
  );

  test(
    'files of one glob with other columns are refused by name, never mixed up',
    scenario(async (w) => {
      await w.put('d/a.csv', 'id,v\n1,a\n');
      await w.put('d/b.csv', 'v,id\nb,2\n');
      await w.put('d/c.csv', 'id,v,extra\n3,c,x\n');
      await w.put('a.yaml', classic({ file: { path: 'd/*.csv' } }));
      const run = await w.run('bronze', '--config', 'a.yaml', '--date', DATE);
      if (run.exitCode === 0) {
        // Where columns are united by name, every value is under its own name.
        expect(await parquetRows(w.path(BRONZE, '*.parquet'))).toMatchObject([
          { id: '1', v: 'a' },
          { id: '2', v: 'b' },
          { id: '3', v: 'c', extra: 'x' },
        ]);
      } else {
        expectExit(run, 3);
        expect(run.stderr).toMatch(/[bc]\.csv/);
        expect(existsSync(w.path('output/system=s'))).toBe(false);
      }
    }),
  );

  test(
    'two processes land two tables of one lake at the same time',
    scenario(async (w) => {
      await w.put('in.csv', THREE);
      const tables = ['a', 'b', 'c'];
      for (const table of tables) await w.put(`${table}.yaml`, classic({ source: { table } }));
      const runs = await Promise.all(
        tables.map((table) =>
          finish(startFoundry(['bronze', '--config', `${table}.yaml`, '--date', DATE], { cwd: w.folder })),
        ),
      );
      for (const run of runs) expectExit(run, 0);
      for (const table of tables)
        await expectWhole(w, `output/system=s/table=${table}/pattern=full/dt=${DATE}`);
    }),
  );
});

/** What DuckDB reads from the folders above a partition. */
const HIVE = { system: 's', table: 't', pattern: 'full', dt: DATE };
