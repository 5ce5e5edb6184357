import { describe, expect, test } from 'bun:test';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { duckdb, parquetRows, quote } from './readers.ts';
import {
  BRONZE,
  classic,
  csv,
  DATE,
  expectExit,
  INTENT_SILVER,
  intent,
  jsonl,
  promote,
  SILVER,
  scenario,
  sha256Of,
  sizeOf,
  type Workspace,
} from './support.ts';

const RUN = ['--config', 'a.yaml', '--date', DATE];

/** Rows of one artifact without the columns that stand for the run. */
async function artifact(w: Workspace, partition: string, name: string, orderBy = 'ALL') {
  const rows = await parquetRows(w.path(partition, '**', `${name}-*.parquet`), orderBy);
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([column]) => !RUN_COLUMNS.has(column))),
  );
}

const RUN_COLUMNS = new Set([
  ...['load_batch_id', 'record_source', 'pipeline_run_at', 'environment', 'domain', 'entity', 'bronze_owner'],
  ...['silver_owner', 'load_date'],
]);

/** The manifest agrees with the folder, at every depth. */
async function expectWhole(w: Workspace, partition: string) {
  const manifest = await w.read(`${partition}/_metadata.json`);
  const checksums = await w.read(`${partition}/_checksums.json`);
  const listed: string[] = manifest.files.map((file: { path: string }) => file.path);
  expect([...listed, '_checksums.json', '_metadata.json'].sort()).toEqual((await w.files(partition)).sort());
  for (const file of [...manifest.files, ...checksums.files]) {
    expect(file.path).not.toStartWith('/');
    expect(file.sha256).toBe(await sha256Of(w.path(partition, file.path)));
    expect(file.size_bytes).toBe(await sizeOf(w.path(partition, file.path)));
  }
  return manifest;
}

const SCD2 = { model: 'scd_type_2', primary_keys: ['order_id'], order_column: 'updated_at' };
const ORDERS = csv(
  ['order_id', 'status', 'updated_at'],
  ['ORD-001', 'new', '2025-01-01T10:00:00'],
  ['ORD-002', 'new', '2025-01-02T10:00:00'],
  ['ORD-001', 'shipped', '2025-01-03T10:00:00'],
);

describe('Silver of classic configs', () => {
  test(
    'scenario 46: scd_type_2 of three versions: history has all, current the newest of each key',
    scenario(async (w) => {
      await w.put('in.csv', ORDERS);
      await promote(w, classic({ silver: SCD2 }));
      const history = await artifact(w, SILVER, 'history', 'order_id, updated_at');
      expect(history).toMatchObject([
        { order_id: 'ORD-001', status: 'new', is_current: '0' },
        { order_id: 'ORD-001', status: 'shipped', is_current: '1', effective_to: null },
        { order_id: 'ORD-002', status: 'new', is_current: '1', effective_to: null },
      ]);
      expect(history[0]?.effective_to).toBe(history[1]?.effective_from ?? 'absent');
      const current = await artifact(w, SILVER, 'current', 'order_id');
      expect(current).toMatchObject([
        { order_id: 'ORD-001', status: 'shipped', is_current: '1' },
        { order_id: 'ORD-002', status: 'new', is_current: '1' },
      ]);
      await expectWhole(w, SILVER);
    }),
  );

  test(
    'scenario 49: where Bronze holds Parquet and CSV of the same rows, Silver reads each row once',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'v'], [1, 'a'], [2, ''], [3, 'c']));
      const both = classic({ run: { write_csv: true }, silver: { model: 'periodic_snapshot' } });
      await promote(w, both);
      expect(await artifact(w, SILVER, 'full_snapshot')).toEqual([
        { id: '1', v: 'a' },
        { id: '2', v: null },
        { id: '3', v: 'c' },
      ]);
      expect((await w.read(`${SILVER}/_metadata.json`)).record_count).toBe(3);
      const csvOnly = classic({
        run: { write_parquet: false, write_csv: true },
        silver: { model: 'periodic_snapshot' },
      });
      await promote(w, csvOnly);
      expect(await artifact(w, SILVER, 'full_snapshot')).toHaveLength(3);
    }),
  );

  test(
    'scenario 50: promoting again after Bronze changed replaces artifacts, metadata and checksums as one',
    scenario(async (w) => {
      await w.put('in.csv', ORDERS);
      await promote(w, classic({ silver: { ...SCD2, partitioning: { columns: ['status'] } } }));
      const before = await expectWhole(w, SILVER);
      await w.put(
        'in.csv',
        csv(['order_id', 'status', 'updated_at'], ['ORD-003', 'paid', '2025-01-04T10:00:00']),
      );
      await promote(w, classic({ silver: { ...SCD2, partitioning: { columns: ['status'] } } }));
      const after = await expectWhole(w, SILVER);
      expect(after.commit_id).not.toBe(before.commit_id);
      expect(await artifact(w, SILVER, 'history')).toMatchObject([{ order_id: 'ORD-003', status: 'paid' }]);
      expect(await artifact(w, SILVER, 'current')).toMatchObject([{ order_id: 'ORD-003', status: 'paid' }]);
      const bronze = await w.read(`${BRONZE}/_metadata.json`);
      expect(after.inputs).toEqual([expect.objectContaining({ commit_id: bronze.commit_id })]);
    }),
  );

  test(
    'scenario 62: an unparseable timestamp never wins: refused with its value, or set aside and counted',
    scenario(async (w) => {
      const rows = csv(
        ['id', 'at', 'v'],
        [1, '2025-01-01T00:00:00', 'old'],
        [1, '2025-01-02T00:00:00', 'good'],
        [1, 'soon', 'bad'],
        [2, '2025-01-01T00:00:00', 'x'],
      );
      await w.put('in.csv', rows);
      const model = { model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' };
      await w.put('a.yaml', classic({ silver: model }));
      const refused = await w.run('run-intent', ...RUN);
      expectExit(refused, 3);
      for (const word of ['column at', '"soon"', 'row 3']) expect(refused.stderr).toContain(word);
      expect(await w.files('silver_output')).toEqual([]);

      await w.put(
        'in.jsonl',
        jsonl(
          { id: 1, at: '2025-01-01T00:00:00', v: 'old' },
          { id: 1, at: '2025-01-02T00:00:00', v: 'good' },
          { id: 1, at: null, v: 'bad' },
          { id: null, at: '2025-01-03T00:00:00', v: 'no key' },
          { id: 2, at: '2025-01-01T00:00:00', v: 'x' },
        ),
      );
      const aside = { enabled: true, max_bad_records: 2, max_bad_percent: 0 };
      const report = await promote(
        w,
        classic({ file: { path: 'in.jsonl' }, silver: { ...model, error_handling: aside } }),
      );
      expect(await artifact(w, SILVER, 'current', 'id')).toMatchObject([
        { id: '1', v: 'good' },
        { id: '2', v: 'x' },
      ]);
      expect(JSON.stringify(report)).toContain('2');
      const manifest = await expectWhole(w, SILVER);
      const quarantine = manifest.files.filter((file: { role: string }) => file.role === 'quarantine');
      expect(quarantine).toMatchObject([{ rows: 2 }]);
      const strict = classic({
        file: { path: 'in.jsonl' },
        silver: { ...model, error_handling: { ...aside, max_bad_records: 1 } },
      });
      await w.put('a.yaml', strict);
      const before = await w.snapshot(SILVER);
      expectExit(await w.run('silver', ...RUN), 3);
      expect(await w.snapshot(SILVER)).toEqual(before);
    }),
  );

  test(
    'scenario 65: require_checksum accepts what was landed, and refuses data or a manifest that was tampered with',
    scenario(async (w) => {
      await w.put('in.csv', ORDERS);
      const config = classic({ silver: { ...SCD2, require_checksum: true } });
      await promote(w, config);
      await rm(w.path('silver_output'), { recursive: true });

      const manifest = await w.read(`${BRONZE}/_metadata.json`);
      const part = w.path(BRONZE, manifest.files[0].path);
      const checksums = w.path(BRONZE, '_checksums.json');
      const intact = { part: await readFile(part), checksums: await readFile(checksums) };

      const refused = async (word: string, ...flags: string[]): Promise<void> => {
        const run = await w.run('silver', ...RUN, ...flags);
        expectExit(run, 3);
        expect(run.stderr).toContain(word);
        expect(await w.files('silver_output')).toEqual([]);
      };
      const flipped = Buffer.from(intact.part);
      flipped[100] = (flipped[100] ?? 0) ^ 1;
      await writeFile(part, flipped);
      await refused(manifest.files[0].path);
      await writeFile(part, intact.part.subarray(0, 200));
      await refused(manifest.files[0].path);
      await writeFile(part, intact.part);

      const forged = JSON.parse(intact.checksums.toString());
      forged.files[0].sha256 = '0'.repeat(64);
      await writeFile(checksums, JSON.stringify(forged));
      await refused('_checksums.json');
      await writeFile(checksums, intact.checksums);
      await refused('cdc', '--pattern', 'cdc', '--bronze-path', BRONZE);

      await rm(checksums);
      await refused('_checksums.json');
      const notRequired = await w.run('silver', ...RUN, '--no-require-checksum');
      expectExit(notRequired, 0);
      await rm(w.path('silver_output'), { recursive: true });
      await rm(w.path(BRONZE, '_metadata.json'));
      await rm(checksums, { force: true });
      await refused('_checksums.json');
    }),
  );

  test(
    'scenario 65: a data file that is gone fails with or without require_checksum, and lands nothing',
    scenario(async (w) => {
      await w.put('in.csv', ORDERS);
      await promote(w, classic({ silver: SCD2 }));
      await rm(w.path('silver_output'), { recursive: true });
      const manifest = await w.read(`${BRONZE}/_metadata.json`);
      await rm(w.path(BRONZE, manifest.files[0].path));
      for (const flags of [[], ['--require-checksum']]) {
        const run = await w.run('silver', ...RUN, ...flags);
        expect([3, 75]).toContain(run.exitCode);
        expect(run.stderr).toContain(manifest.files[0].path);
        expect(await w.files('silver_output')).toEqual([]);
      }
    }),
  );

  test(
    'scenario 66: partitioned Silver files are listed by their relative paths, with their values',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(
          ['order_id', 'region', 'updated_at'],
          [1, 'e', 1],
          [2, 'w', 2],
          [3, '', 3],
          [4, 'x y', 4],
          [5, 'x_y', 5],
          [6, 'a/b', 6],
        ),
      );
      await promote(w, classic({ silver: { ...SCD2, partitioning: { columns: ['region'] } } }));
      const manifest = await expectWhole(w, SILVER);
      const folders = manifest.files
        .filter((file: { artifact: string }) => file.artifact === 'current')
        .map((file: { path: string; partition_values: object }) => [
          file.path.split('/')[0],
          file.partition_values,
        ]);
      expect(new Set(folders)).toEqual(
        new Set([
          ['region=e', { region: 'e' }],
          ['region=w', { region: 'w' }],
          ['region=__HIVE_DEFAULT_PARTITION__', { region: null }],
          ['region=x%20y', { region: 'x y' }],
          ['region=x_y', { region: 'x_y' }],
          ['region=a%2Fb', { region: 'a/b' }],
        ]),
      );
      expect(await artifact(w, SILVER, 'current', 'order_id')).toMatchObject([
        { order_id: '1', region: 'e' },
        { order_id: '2', region: 'w' },
        { order_id: '3', region: null },
        { order_id: '4', region: 'x y' },
        { order_id: '5', region: 'x_y' },
        { order_id: '6', region: 'a/b' },
      ]);
    }),
  );

  test(
    'scenario 67: Silver promotes all hours of a cdc date, but only the newest hour of a full one, and says what it left',
    scenario(async (w) => {
      const hourly = { partitioning: { partition_strategy: 'hourly' } };
      for (const [hour, id] of [
        ['08', 1],
        ['09', 2],
        ['10', 3],
      ] as const) {
        await w.put('in.csv', csv(['id', 'at'], [id, id]));
        await w.put(
          'cdc.yaml',
          classic({ bronze: hourly, run: { load_pattern: 'cdc' }, silver: {}, source: { table: 'c' } }),
        );
        await w.put('full.yaml', classic({ bronze: hourly, silver: {}, source: { table: 'f' } }));
        expectExit(await w.run('bronze', '--config', 'cdc.yaml,full.yaml', '--date', `${DATE}T${hour}`), 0);
      }
      expectExit(await w.run('silver', '--config', 'cdc.yaml', '--date', DATE), 0);
      const cdc = SILVER.replace('entity=t', 'entity=c');
      expect(await artifact(w, cdc, 'cdc_changes', 'id')).toMatchObject([
        { id: '1' },
        { id: '2' },
        { id: '3' },
      ]);
      expect((await w.read(`${cdc}/_metadata.json`)).inputs).toHaveLength(3);
      const full = await w.run('silver', '--config', 'full.yaml', '--date', DATE);
      expectExit(full, 0);
      expect(await artifact(w, SILVER.replace('entity=t', 'entity=f'), 'full_snapshot')).toMatchObject([
        { id: '3' },
      ]);
      for (const hour of ['hour=08', 'hour=09']) expect(full.stdout + full.stderr).toContain(hour);
    }),
  );

  test(
    'a source without a record and without a header is an empty table whose columns nobody knows: no file, status empty',
    scenario(async (w) => {
      await w.put('in.jsonl', '');
      const config = classic({ file: { path: 'in.jsonl' }, run: { load_pattern: 'cdc' }, silver: {} });
      const report = await promote(w, config);
      expect(report).toMatchObject({ status: 'empty', files: [] });
      expect(await expectWhole(w, SILVER)).toMatchObject({ status: 'empty', record_count: 0, files: [] });
      await promote(w, classic({ file: { path: 'in.jsonl' }, run: { load_pattern: 'cdc' }, silver: SCD2 }));
      expect(await expectWhole(w, SILVER)).toMatchObject({ status: 'empty', files: [] });
    }),
  );

  test(
    'partition columns that leave no column for the files are refused, unless they are kept in them',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'at'], [1, 1]));
      const silver = { model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' };
      const columns = ['id', 'at'];
      await w.put('a.yaml', classic({ silver: { ...silver, partitioning: { columns } } }));
      const run = await w.run('run-intent', ...RUN);
      expect([2, 3]).toContain(run.exitCode);
      expect(run.stderr).toContain('keep_columns');
      expect(await w.files('silver_output')).toEqual([]);
      await promote(w, classic({ silver: { ...silver, partitioning: { columns, keep_columns: true } } }));
      expect(await artifact(w, SILVER, 'current')).toMatchObject([{ id: '1', at: '1' }]);
    }),
  );

  test(
    'a table without dates is promoted from where it lies, not from dated partitions of an earlier config below it',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'v'], [1, 'dated']));
      await promote(w, classic({ silver: {} }));
      await w.put('in.csv', csv(['id', 'v'], [1, 'undated']));
      await promote(w, classic({ bronze: { partitioning: { use_dt_partition: false } }, silver: {} }));
      expect(await artifact(w, SILVER, 'full_snapshot')).toMatchObject([{ id: '1', v: 'undated' }]);
    }),
  );

  test(
    'keys that are NULL are refused with their count, and ties go to the last input row',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'at', 'v'], ['', 1, 'x'], ['', 2, 'y'], [1, 3, 'z']));
      await w.put(
        'a.yaml',
        classic({ silver: { model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' } }),
      );
      const run = await w.run('run-intent', ...RUN);
      expectExit(run, 3);
      for (const word of ['2 of 3 rows', 'key column id']) expect(run.stderr).toContain(word);
      await w.put(
        'in.csv',
        csv(['id', 'at', 'v'], [1, 9, 'nine'], [1, 10, 'first ten'], [1, 10, 'last ten']),
      );
      await promote(
        w,
        classic({ silver: { model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' } }),
      );
      expect(await artifact(w, SILVER, 'current')).toMatchObject([{ id: '1', v: 'last ten' }]);
    }),
  );

  test(
    'flags win over the config: model, keys, order, base, formats and compression',
    scenario(async (w) => {
      await w.put('in.csv', ORDERS);
      await w.put('a.yaml', classic({ silver: {} }));
      expectExit(await w.run('bronze', ...RUN), 0);
      const flags = [
        '--silver-model',
        'scd_type_1',
        '--primary-key',
        'order_id',
        '--order-column',
        'updated_at',
      ];
      const run = await w.run(
        'silver',
        ...RUN,
        ...flags,
        '--silver-base',
        'base',
        '--write-csv',
        '--parquet-compression',
        'zstd',
      );
      expectExit(run, 0);
      const partition = SILVER.replace('silver_output', 'base');
      const manifest = await expectWhole(w, partition);
      expect(manifest.files.map((file: { format: string }) => file.format).sort()).toEqual([
        'csv',
        'parquet',
      ]);
      const parquet = manifest.files.find((file: { format: string }) => file.format === 'parquet').path;
      const codecs = await duckdb(
        `SELECT DISTINCT compression FROM parquet_metadata(${quote(w.path(partition, parquet))})`,
      );
      expect(codecs).toEqual([{ compression: 'ZSTD' }]);
      expect(await artifact(w, partition, 'current')).toHaveLength(2);
    }),
  );

  test(
    'Silver without its Bronze fails naming the partition, and lands nothing',
    scenario(async (w) => {
      await w.put('a.yaml', classic({ silver: {} }));
      const run = await w.run('silver', ...RUN);
      expect([4, 5]).toContain(run.exitCode);
      expect(run.stderr).toContain(`dt=${DATE}`);
      expect(await w.files('silver_output')).toEqual([]);
      const path = await w.run('silver', ...RUN, '--bronze-path', 'nowhere');
      expect([2, 4, 5]).toContain(path.exitCode);
      expect(path.stderr).toContain('nowhere');
    }),
  );
});

const EVENT = { entity_kind: 'event', natural_keys: ['id'], event_ts_column: 'event_ts', attributes: ['v'] };
const STATE = {
  entity_kind: 'state',
  natural_keys: ['id'],
  change_ts_column: 'ts',
  attributes: ['status'],
  partition_by: [],
};

describe('Silver of intents', () => {
  test(
    'scenario 55: an event log of two days lies in two event_ts_dt folders, with the metadata columns',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(['id', 'event_ts', 'v'], [1, '2025-01-04T10:00:00', 'a'], [2, '2025-01-05T11:00:00', 'b']),
      );
      await promote(
        w,
        intent({
          top: { domain: 'shop', environment: 'dev' },
          silver: { ...EVENT, input_mode: 'append_log', partition_by: ['event_ts_dt'] },
        }),
      );
      const partition = `silver/env=dev/domain=shop/entity=t/v1/load_date=${DATE}`;
      const manifest = await expectWhole(w, partition);
      expect(manifest.files.map((file: { path: string }) => file.path.split('/')[0])).toEqual([
        'event_ts_dt=2025-01-04',
        'event_ts_dt=2025-01-05',
      ]);
      const rows = await parquetRows(w.path(partition, '**', 'events-*.parquet'), 'id');
      expect(rows).toMatchObject([
        { id: '1', event_ts_dt: '2025-01-04' },
        { id: '2', event_ts_dt: '2025-01-05' },
      ]);
      for (const row of rows) {
        expect(row).toMatchObject({
          load_batch_id: `s.t-${DATE}`,
          record_source: 's',
          environment: 'dev',
          domain: 'shop',
          entity: 't',
          bronze_owner: 'platform-team',
          silver_owner: 'semantic-team',
        });
        expect(row.pipeline_run_at).toStartWith(`${DATE} 00:00:00`);
      }
    }),
  );

  test(
    'scenario 56: replace_daily keeps the last row of each key and day',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(
          ['id', 'event_ts', 'v'],
          [1, '2025-01-04T10:00:00', 'ten'],
          [1, '2025-01-04T12:00:00', 'noon'],
          [1, '2025-01-05T09:00:00', 'next'],
        ),
      );
      await promote(w, intent({ silver: { ...EVENT, input_mode: 'replace_daily' } }));
      expect((await artifact(w, INTENT_SILVER, 'events', 'v')).map((row) => row.v)).toEqual(['next', 'noon']);
    }),
  );

  test(
    'scenario 57: scd2 of a state closes the first version where the second begins; current is the second',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(
          ['id', 'status', 'ts'],
          ['E1', 'active', '2025-01-01T00:00:00'],
          ['E1', 'inactive', '2025-01-02T00:00:00'],
        ),
      );
      await promote(w, intent({ silver: { ...STATE, history_mode: 'scd2' } }));
      const history = await artifact(w, INTENT_SILVER, 'state_history', 'ts');
      expect(history).toMatchObject([
        { status: 'active', is_current: '0' },
        { status: 'inactive', is_current: '1', effective_to: null },
      ]);
      expect(history[0]?.effective_to).toBe(history[1]?.effective_from ?? 'absent');
      expect(history[1]?.effective_from).toStartWith('2025-01-02');
      expect(await artifact(w, INTENT_SILVER, 'state_current')).toMatchObject([
        { id: 'E1', status: 'inactive' },
      ]);
    }),
  );

  test(
    'scenario 58: latest_only keeps the newest value',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(
          ['id', 'status', 'ts'],
          ['R1', '1.2', '2025-01-01T00:00:00'],
          ['R1', '1.3', '2025-01-02T00:00:00'],
        ),
      );
      await promote(w, intent({ silver: { ...STATE, history_mode: 'latest_only' } }));
      expect(await artifact(w, INTENT_SILVER, 'state_current')).toMatchObject([{ id: 'R1', status: '1.3' }]);
      expect((await w.files(INTENT_SILVER)).filter((file) => file.includes('history'))).toEqual([]);
    }),
  );

  test(
    'scenario 61: tombstone_state closes the open version at the delete, records it, and takes the key out of current',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(
          ['id', 'status', 'ts', 'is_deleted'],
          ['A', 'on', '2025-01-01T00:00:00', 'false'],
          ['A', 'on', '2025-01-02T00:00:00', 'true'],
          ['B', 'on', '2025-01-01T00:00:00', ''],
          ['C', 'on', '2025-01-01T00:00:00', 'Y'],
          ['C', 'back', '2025-01-03T00:00:00', 'N'],
        ),
      );
      await promote(w, intent({ silver: { ...STATE, delete_mode: 'tombstone_state' } }));
      const current = await artifact(w, INTENT_SILVER, 'state_current', 'id');
      expect(current.map((row) => [row.id, row.status])).toEqual([
        ['B', 'on'],
        ['C', 'back'],
      ]);
      const history = await artifact(w, INTENT_SILVER, 'state_history', 'id, ts');
      expect(
        history.map((row) => [
          row.id,
          row.ts?.slice(0, 10),
          row.effective_to?.slice(0, 10) ?? null,
          row.is_current,
          row.is_deleted,
        ]),
      ).toEqual([
        ['A', '2025-01-01', '2025-01-02', '0', '0'],
        ['A', '2025-01-02', null, '0', '1'],
        ['B', '2025-01-01', null, '1', '0'],
        ['C', '2025-01-01', '2025-01-03', '0', '1'],
        ['C', '2025-01-03', null, '1', '0'],
      ]);

      await promote(w, intent({ silver: { ...STATE, delete_mode: 'hard_delete' } }));
      expect(
        (await artifact(w, INTENT_SILVER, 'state_history', 'id, ts')).map((row) => [row.id, row.status]),
      ).toEqual([
        ['B', 'on'],
        ['C', 'back'],
      ]);
      await promote(w, intent({ silver: { ...STATE, delete_mode: 'ignore' } }));
      expect((await artifact(w, INTENT_SILVER, 'state_current', 'id')).map((row) => row.id)).toEqual([
        'A',
        'B',
        'C',
      ]);
    }),
  );

  test(
    'scenario 63: strict refuses an unexpected column, allow_new_columns leaves it out, a missing attribute is refused',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'status', 'ts', 'surprise'], [1, 'on', '2025-01-01T00:00:00', 'x']));
      await w.put('a.yaml', intent({ silver: STATE }));
      const strict = await w.run('run-intent', ...RUN);
      expectExit(strict, 3);
      expect(strict.stderr).toContain('surprise');
      expect(await w.files('silver')).toEqual([]);
      await promote(w, intent({ silver: { ...STATE, schema_mode: 'allow_new_columns' } }));
      const [row] = await artifact(w, INTENT_SILVER, 'state_current');
      expect(row).toMatchObject({ id: '1', status: 'on' });
      expect(row).not.toHaveProperty('surprise');
      await w.put(
        'a.yaml',
        intent({
          silver: { ...STATE, attributes: ['status', 'stats', 'gone'], schema_mode: 'allow_new_columns' },
        }),
      );
      const missing = await w.run('silver', ...RUN);
      expectExit(missing, 3);
      for (const word of ['stats', 'gone', 'did you mean "status"']) expect(missing.stderr).toContain(word);
    }),
  );

  test(
    'scenario 64: one partition promoted into two fresh folders gives the same bytes, stamped with the run date',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(
          ['id', 'status', 'ts'],
          ...Array.from({ length: 500 }, (_, i) => [
            i % 50,
            `s${i % 7}`,
            `2025-01-0${(i % 9) + 1}T00:00:${String(i % 60).padStart(2, '0')}`,
          ]),
        ),
      );
      await w.put('a.yaml', intent({ silver: { ...STATE, partition_by: ['status'] } }));
      expectExit(await w.run('bronze', ...RUN), 0);
      expectExit(await w.run('silver', ...RUN, '--silver-base', 'one', '--threads', '1'), 0);
      expectExit(await w.run('silver', ...RUN, '--silver-base', 'two', '--threads', '4'), 0);
      const data = async (base: string) =>
        Object.entries(await w.snapshot(INTENT_SILVER.replace('silver/', `${base}/`))).filter(([name]) =>
          name.endsWith('.parquet'),
        );
      const one = await data('one');
      expect(one.length).toBeGreaterThanOrEqual(14);
      expect(await data('two')).toEqual(one);
      const stamps = await duckdb(
        `SELECT DISTINCT pipeline_run_at::VARCHAR AS at FROM read_parquet(${quote(w.path('one/**/*.parquet'))})`,
      );
      expect(stamps).toHaveLength(1);
      expect(String(stamps[0]?.at)).toStartWith(`${DATE} 00:00:00`);
    }),
  );

  test(
    'zero rows replace an older table by an empty one that keeps its columns',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'status', 'ts'], [1, 'on', '2025-01-01T00:00:00']));
      const config = intent({
        options: { load_pattern: 'cdc' },
        silver: { ...STATE, history_mode: 'scd1', allow_empty: true },
      });
      await promote(w, config);
      await w.put('in.csv', csv(['id', 'status', 'ts']));
      await promote(w, config);
      const manifest = await expectWhole(w, INTENT_SILVER);
      expect(manifest).toMatchObject({ status: 'empty', record_count: 0 });
      const columns = await duckdb(
        `DESCRIBE SELECT * FROM read_parquet(${quote(w.path(INTENT_SILVER, '*.parquet'))})`,
      );
      expect(columns.map((column) => column.column_name)).toEqual(
        expect.arrayContaining(['id', 'status', 'ts', 'load_batch_id']),
      );
    }),
  );
});
