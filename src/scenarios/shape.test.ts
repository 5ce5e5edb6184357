import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { foundryBinary } from '../testing/binary.ts';
import { duckdb, parquetRows, quote } from './readers.ts';
import {
  BRONZE,
  classic,
  csv,
  DATE,
  expectExit,
  INTENT_SILVER,
  intent,
  promote,
  SILVER,
  scenario,
  sha256Of,
  sizeOf,
  type Workspace,
} from './support.ts';

setDefaultTimeout(60_000);

const RUN = ['--config', 'a.yaml', '--date', DATE];
const STATE = {
  entity_kind: 'state',
  history_mode: 'scd1',
  natural_keys: ['id'],
  change_ts_column: 'ts',
  attributes: ['status'],
  partition_by: [],
};
const SCD1 = { model: 'scd_type_1', primary_keys: ['id'], order_column: 'ts' };
const DIALECTS = [
  [
    'classic',
    SILVER,
    'current',
    (silver: Readonly<Record<string, unknown>>) => classic({ silver: { ...SCD1, ...silver } }),
  ],
  [
    'intent',
    INTENT_SILVER,
    'state_current',
    (silver: Readonly<Record<string, unknown>>) => intent({ silver: { ...STATE, ...silver } }),
  ],
] as const;

async function rowsOf(w: Workspace, partition: string, artifact: string, orderBy = 'ALL') {
  return parquetRows(w.path(partition, '**', `${artifact}-*.parquet`), orderBy);
}

/** Columns of the files, in their order. */
async function columnsOf(w: Workspace, partition: string, artifact: string): Promise<string[]> {
  const glob = quote(w.path(partition, '**', `${artifact}-*.parquet`));
  const found = await duckdb(`DESCRIBE SELECT * FROM read_parquet(${glob}, hive_partitioning=false)`);
  return found.map((column) => String(column.column_name));
}

async function quarantined(w: Workspace, partition: string): Promise<Record<string, unknown>[]> {
  const [file] = (await w.files(partition)).filter((name) => name.startsWith('_quarantine/'));
  if (file === undefined) return [];
  const text = await readFile(w.path(partition, file), 'utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
}

describe('the shape of Silver', () => {
  test(
    'scenario 54: columns are renamed and put in order, and texts cleaned, in both dialects',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(['stay', 'old', 'ident', 'at'], ['"  "', '" alice "', 1, '2025-01-01T00:00:00']),
      );
      const shape = {
        schema: {
          rename_map: { old: 'new', ident: 'id', at: 'ts', gone: 'never' },
          column_order: ['new', 'stay', 'absent'],
        },
        normalization: { trim_strings: true, empty_strings_as_null: true },
      };
      for (const [dialect, partition, artifact, config] of DIALECTS) {
        const silver = dialect === 'intent' ? { ...shape, attributes: ['old', 'stay'] } : shape;
        const report = await promote(w, config(silver));
        expect((await columnsOf(w, partition, artifact)).slice(0, 4)).toEqual(['new', 'stay', 'id', 'ts']);
        expect(await rowsOf(w, partition, artifact)).toMatchObject([{ new: 'alice', stay: null, id: '1' }]);
        expect(report.stderr).toContain('rename_map: Bronze has no column "gone"');
        expect(report.stderr).toContain('column_order: Bronze has no column "absent"');
      }
    }),
  );

  test(
    'keys, order column and partition columns may be written by their old names, on the command line too',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(
          ['nr', 'region', 'at', 'v'],
          [1, 'e', '2025-01-01', 'a'],
          [1, 'w', '2025-01-02', 'b'],
          [2, 'e', '2025-01-01', 'c'],
        ),
      );
      const schema = { rename_map: { nr: 'id', region: 'area', at: 'ts' } };
      const old = { model: 'scd_type_1', primary_keys: ['nr'], order_column: 'at' };
      const config = classic({ silver: { ...old, schema, partitioning: { columns: ['region'] } } });
      await promote(w, config);
      const expected = [
        { id: '1', area: 'w', v: 'b' },
        { id: '2', area: 'e', v: 'c' },
      ];
      expect(await rowsOf(w, SILVER, 'current', 'id')).toMatchObject(expected);
      const manifest = await w.read(`${SILVER}/_metadata.json`);
      expect(manifest).toMatchObject({ primary_keys: ['id'], order_column: 'ts' });
      expect(manifest.partition_columns).toEqual([{ name: 'area', type: 'string' }]);
      for (const [key, order] of [
        ['nr', 'at'],
        ['id', 'ts'],
      ] as const) {
        const flags = ['--primary-key', key, '--order-column', order, '--silver-base', `by-${key}`];
        expectExit(await w.run('silver', ...RUN, ...flags), 0);
        const there = SILVER.replace('silver_output', `by-${key}`);
        expect(await rowsOf(w, there, 'current', 'id')).toMatchObject(expected);
      }
    }),
  );

  test(
    'types cast exactly, before rows are ordered; a dry run shows the columns that come of it',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(
          ['id', 'ts', 'price', 'status'],
          [1, 9, '1.50', '007'],
          [1, 11, '2.5', '007'],
          [2, 3, '', 'true'],
        ),
      );
      const types = { ts: 'int64', price: 'decimal(10,2)' };
      for (const [dialect, partition, artifact, config] of DIALECTS) {
        const silver = dialect === 'intent' ? { types, attributes: ['price', 'status'] } : { types };
        await promote(w, config(silver));
        expect(await rowsOf(w, partition, artifact, 'id')).toMatchObject([
          { id: '1', ts: '11', price: '2.50', status: '007' },
          { id: '2', ts: '3', price: null, status: 'true' },
        ]);
        const { document } = await w.json(0, 'silver', ...RUN, '--dry-run');
        expect(document.reports[0].steps.columns).toContain('price decimal(10,2)');
      }
    }),
  );

  test(
    'timezone makes instants of local times and the reverse; an hour that clocks show twice is set aside',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(
          ['id', 'ts', 'status'],
          [1, '2025-07-01T12:00:00', '2025-07-01T12:00:00Z'],
          [2, '2025-10-26T02:30:00', '2025-07-01T12:00:00Z'],
        ),
      );
      const types = { ts: 'timestamptz', status: 'timestamp' };
      const zoned = {
        types,
        timezone: 'Europe/Berlin',
        error_handling: { enabled: true, max_bad_records: 1 },
      };
      for (const [, partition, artifact, config] of DIALECTS) {
        const report = await promote(w, config(zoned));
        expect(report.quarantine_reasons).toEqual({
          'value does not fit type timestamptz in column ts': 1,
        });
        expect(await rowsOf(w, partition, artifact)).toMatchObject([
          { id: '1', ts: '2025-07-01 10:00:00+00', status: '2025-07-01 14:00:00' },
        ]);
        expect(await quarantined(w, partition)).toMatchObject([{ id: '2', ts: '2025-10-26T02:30:00' }]);
      }
      await w.put(
        'b.yaml',
        classic({ file: { types: { ts: 'timestamp' } }, silver: { ...SCD1, types: { ts: 'timestamptz' } } }),
      );
      const refused = await w.run('run-intent', '--config', 'b.yaml', '--date', DATE);
      expectExit(refused, 3);
      expect(refused.stderr).toContain('Set silver.timezone to the zone');
      await w.put('c.yaml', classic({ silver: { ...SCD1, types: { ts: 'timestamptz' } } }));
      const unknown = await w.run('run-intent', '--config', 'c.yaml', '--date', DATE);
      expectExit(unknown, 3);
      expect(unknown.stderr).toContain('only where silver.timezone says which zone');
      await w.put(
        'd.yaml',
        classic({ silver: { ...SCD1, types: { ts: 'timestamptz' }, timezone: 'europe/berlin' } }),
      );
      const misspelt = await w.run('run-intent', '--config', 'd.yaml', '--date', DATE);
      expectExit(misspelt, 2);
      expect(misspelt.stderr).toContain('did you mean "Europe/Berlin"?');
    }),
  );

  test(
    'a rename onto a column that is there, and a type without a way, are refused by name',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'ts', 'a'], [1, '2025-01-01', 'x']));
      const refused = async (silver: object, file: Record<string, unknown> = {}) => {
        await w.put('a.yaml', classic({ silver: { ...SCD1, ...silver }, file }));
        const run = await w.run('run-intent', ...RUN);
        expectExit(run, 3);
        return run.stderr;
      };
      const taken = await refused({ schema: { rename_map: { a: 'id' } } });
      expect(taken).toContain('rename_map makes "a" "id", but Bronze has a column of that name already');
      const noWay = await refused({ types: { id: 'timestamp' } }, { types: { id: 'int64' } });
      expect(noWay).toContain('the column "id" holds int64, which does not become timestamp');
    }),
  );

  test(
    'both dialects write where, how and under which names they are told',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'ts', 'status'], [1, '2025-01-01', 'on'], [2, '2025-01-02', '']));
      const settings = {
        output_dir: './elsewhere',
        version: 3,
        load_partition_name: 'loaded',
        include_pattern_folder: true,
        write_csv: true,
        parquet_compression: 'zstd',
        partitioning: { columns: ['status'] },
      };
      const partition = `elsewhere/domain=s/entity=t/v3/pattern=full/loaded=${DATE}`;
      const { partition_by: _none, ...state } = STATE;
      for (const [artifact, config] of [
        ['current', classic({ silver: { ...SCD1, ...settings } })],
        ['state_current', intent({ silver: { ...state, ...settings, load_batch_id_column: 'batch' } })],
      ] as const) {
        await promote(w, config);
        const files = (await w.files(partition)).map((name) => name.replace(/-[0-9a-f]{8}\./, '.'));
        const folders = ['status=__HIVE_DEFAULT_PARTITION__', 'status=on'];
        expect(files.filter((name) => !name.startsWith('_')).sort()).toEqual(
          folders.flatMap((folder) => [`${folder}/${artifact}.csv`, `${folder}/${artifact}.parquet`]),
        );
        const glob = quote(w.path(partition, '**', '*.parquet'));
        const codecs = await duckdb(`SELECT DISTINCT compression FROM parquet_metadata(${glob})`);
        expect(codecs).toEqual([{ compression: 'ZSTD' }]);
        const columns = await columnsOf(w, partition, artifact);
        expect(columns.includes('batch')).toBe(artifact === 'state_current');
      }
    }),
  );

  test(
    'on a terminal a run tells its steps and how many files are done; elsewhere nothing but the log',
    scenario(async (w) => {
      const rows = Array.from({ length: 300 }, (_, i) => [i, '2025-01-01', `v${i}`]);
      await w.put('in.csv', csv(['id', 'ts', 'status'], ...rows));
      await w.put('a.yaml', classic({ silver: { ...SCD1, partitioning: { columns: ['status'] } } }));
      expectExit(await w.run('bronze', ...RUN), 0);
      const command = [foundryBinary(), 'silver', ...RUN].join(' ');
      const shown = Bun.spawnSync(['script', '-qec', command, '/dev/null'], { cwd: w.folder });
      const screen = shown.stdout.toString();
      for (const step of [
        'deciding',
        'sorting current',
        'writing current',
        'hashing current',
        'committing',
      ]) {
        expect(screen).toContain(`t · ${step}`);
      }
      expect(screen).toMatch(/% · file \d+ of 300/);
      const piped = await w.run('silver', ...RUN);
      expectExit(piped, 0);
      expect(piped.stderr).not.toMatch(/deciding|writing|%/);
    }),
    30_000,
  );

  test(
    'scenario 52: the partition values "x y", "x_y" and NULL are three folders with all rows',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(
          ['id', 'ts', 'status'],
          [1, '2025-01-01', 'x y'],
          [2, '2025-01-01', 'x_y'],
          [3, '2025-01-01', ''],
        ),
      );
      for (const [dialect, partition, artifact, config] of DIALECTS) {
        const columns = { partitioning: { columns: ['status'] } };
        await promote(w, config(dialect === 'intent' ? { partition_by: 'status' } : columns));
        expect(await rowsOf(w, partition, artifact, 'id')).toMatchObject([
          { id: '1', status: 'x y' },
          { id: '2', status: 'x_y' },
          { id: '3', status: null },
        ]);
      }
    }),
  );

  test(
    'scenario 53: with the older artifact_writer setting, the files of every partition value are there',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'ts', 'region'], [1, '2025-01-01', 'e'], [2, '2025-01-01', 'w']));
      await w.put('a.yaml', classic({ silver: { ...SCD1, partitioning: { columns: ['region'] } } }));
      expectExit(await w.run('bronze', ...RUN), 0);
      const run = await w.run('silver', ...RUN, '--artifact-writer', 'transactional');
      expectExit(run, 0);
      expect(run.stderr).toContain('artifact-writer');
      expect(await rowsOf(w, SILVER, 'current', 'id')).toMatchObject([
        { id: '1', region: 'e' },
        { id: '2', region: 'w' },
      ]);
    }),
  );
});

describe('the example of fixtures/intents', () => {
  const example = join(import.meta.dir, '../../fixtures/intents/intent-shape.yaml');

  test(
    'shapes real data as hand-written SQL over the source does',
    scenario(async (w) => {
      const run = ['run-intent', '--config', example, '--date', DATE];
      const { document } = await w.json(0, ...run);
      expect(document.reports[1]).toMatchObject({
        rows: { read: 1461, live: 1461, quarantined: 0 },
        new_columns: ['temp_max', 'temp_min'],
        dropped_columns: [],
      });
      const partition = `silver/domain=noaa/entity=days/v1/load_date=${DATE}`;
      const columns = 'day, sky, precipitation, temp_max, temp_min, wind';
      const actual = await duckdb(
        `SELECT ${columns} FROM read_parquet(${quote(w.path(partition, '*.parquet'))}) ORDER BY day`,
      );
      const csvFile = quote(join(dirname(example), '../data/seattle-weather.csv'));
      const expected = await duckdb(
        `SELECT date::DATE AS day, weather AS sky, precipitation::DECIMAL(5,1) AS precipitation,
           temp_max::DOUBLE AS temp_max, temp_min, wind::DECIMAL(3,1) AS wind
         FROM read_csv(${csvFile}, all_varchar=true) ORDER BY 1`,
      );
      expect(actual).toEqual(expected);
    }),
  );
});

describe('quarantine', () => {
  const CLEAN = { normalization: { trim_strings: true, empty_strings_as_null: true } };

  test(
    'scenario 51: one NULL key of two rows is set aside with its original values, or refused where none may be',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(['id', 'ts', 'status'], ['" "', '2025-01-01', '" off "'], [2, '2025-01-02', 'on']),
      );
      for (const [, partition, artifact, config] of DIALECTS) {
        const allowed = { enabled: true, max_bad_records: 1, max_bad_percent: 50 };
        const report = await promote(w, config({ ...CLEAN, error_handling: allowed }));
        expect(await rowsOf(w, partition, artifact)).toMatchObject([{ id: '2', status: 'on' }]);
        const [landed] = (await w.files(BRONZE)).filter((name) => name.endsWith('.parquet'));
        expect(await quarantined(w, partition)).toEqual([
          {
            id: ' ',
            ts: '2025-01-01',
            status: ' off ',
            _reason: 'null value in key column id',
            _source_file: expect.stringContaining(`dt=${DATE}/${landed}`),
            _source_row: 1,
          },
        ]);
        const reasons = { 'null value in key column id': 1 };
        expect(report).toMatchObject({ quarantine_reasons: reasons, rows: { read: 2, quarantined: 1 } });
        const manifest = await w.read(`${partition}/_metadata.json`);
        expect(manifest).toMatchObject({ quarantine_reasons: reasons, quarantined_rows: 1 });

        const before = await w.snapshot(partition);
        const none = { enabled: true, max_bad_records: 0, max_bad_percent: 100 };
        await w.put('a.yaml', config({ ...CLEAN, error_handling: none }));
        const refused = await w.json(3, 'silver', ...RUN);
        expect(refused.document.errors[0]).toMatchObject({
          code: 'QUAL001',
          details: { bad_rows: 1, row: 1 },
        });
        expect(await w.snapshot(partition)).toEqual(before);
      }
    }),
  );

  test(
    'a value that does not fit its type is refused by row, column and value, or set aside, in every model',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(
          ['id', 'ts', 'price'],
          [1, '2025-01-01', ' 1.50'],
          [2, '2025-01-02', '"12,5"'],
          [3, 'soon', '1'],
          [4, '2025-01-04', ''],
        ),
      );
      const settings = (silver: object, handling?: object) => ({
        ...silver,
        types: { price: 'decimal(10,2)' },
        normalization: { trim_strings: true },
        ...(handling === undefined ? {} : { error_handling: handling }),
      });
      const models = [
        [SILVER, 'full_snapshot', (over?: object) => classic({ silver: settings({}, over) }), ['2']],
        [SILVER, 'current', (over?: object) => classic({ silver: settings(SCD1, over) }), ['2', '3']],
        [
          INTENT_SILVER,
          'state_current',
          (over?: object) => intent({ silver: settings({ ...STATE, attributes: ['price'] }, over) }),
          ['2', '3'],
        ],
      ] as const;
      for (const [partition, artifact, config, bad] of models) {
        await w.put('a.yaml', config());
        const { document } = await w.json(3, 'run-intent', ...RUN);
        const [error] = document.errors;
        expect(error?.message).toContain(
          'value does not fit type decimal(10,2) in column price (price: "12,5")',
        );
        expect(error?.details).toMatchObject({ row: 2, column: 'price', value: '12,5' });
        const report = await promote(w, config({ enabled: true, max_bad_records: 9 }));
        expect(report.rows).toMatchObject({ read: 4, quarantined: bad.length });
        const aside = await quarantined(w, partition);
        expect(aside.map((row) => row.id)).toEqual([...bad]);
        expect(aside[0]).toMatchObject({ price: '12,5', _source_row: 2 });
        const rows = await rowsOf(w, partition, artifact, 'id');
        const good = [
          ['1', '1.50'],
          ['3', '1.00'],
          ['4', null],
        ].filter(([id]) => !bad.some((other) => other === id));
        expect(rows.map((row) => [row.id, row.price])).toEqual(good);
      }
    }),
  );

  test(
    'models that take rows as they are set rows without keys aside only where error handling is on',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'v'], ['', 'a'], [2, 'b']));
      const keys = { model: 'periodic_snapshot', primary_keys: ['id'] };
      await promote(w, classic({ silver: keys }));
      expect(await rowsOf(w, SILVER, 'full_snapshot')).toHaveLength(2);
      const handling = { error_handling: { enabled: true, max_bad_records: 1 } };
      await promote(w, classic({ silver: { ...keys, ...handling } }));
      expect(await rowsOf(w, SILVER, 'full_snapshot')).toMatchObject([{ id: '2', v: 'b' }]);
      expect(await quarantined(w, SILVER)).toMatchObject([{ id: null, v: 'a', _source_row: 1 }]);
    }),
  );

  test(
    'bad rows fail a run only where they are more than max_bad_records and more than max_bad_percent',
    scenario(async (w) => {
      const rows = Array.from({ length: 20 }, (_, i) => [i < 3 ? '' : i, '2025-01-01', 'on']);
      await w.put('in.csv', csv(['id', 'ts', 'status'], ...rows));
      for (const [records, percent, code] of [
        [2, 10, 3],
        [2, 15, 0],
        [3, 0, 0],
        [2, 14.9, 3],
        [0, 100, 3],
      ] as const) {
        const handling = { enabled: true, max_bad_records: records, max_bad_percent: percent };
        for (const [, , , config] of DIALECTS) {
          await w.put('a.yaml', config({ error_handling: handling }));
          expectExit(await w.run('run-intent', ...RUN), code);
        }
      }
    }),
  );
});

describe('the contract of columns', () => {
  const NEXT = '2025-01-06';
  const at = (partition: string, date: string) => partition.replace(DATE, date);

  test(
    'a new column is refused, recorded or kept, and told against the load before',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'ts', 'status'], [1, '2025-01-01', 'on']));
      const first = await promote(w, intent({ silver: STATE }));
      expect(first).not.toHaveProperty('schema_changes');
      await w.put('in.csv', csv(['id', 'ts', 'status', 'extra'], [1, '2025-01-01T00:00:00Z', 'on', 'x']));
      await w.put('a.yaml', intent({ silver: STATE }));
      const strict = await w.run('run-intent', '--config', 'a.yaml', '--date', NEXT);
      expectExit(strict, 3);
      expect(strict.stderr).toContain('"extra"');

      const changes = {
        against: INTENT_SILVER.replace('silver/', ''),
        added: ['extra'],
        missing: [],
        type_changed: [{ column: 'ts', from: 'timestamp', to: 'timestamptz' }],
      };
      const open = { ...STATE, schema_mode: 'allow_new_columns' };
      const dropped = await promote(w, intent({ silver: open }), NEXT);
      const facts = { schema_changes: changes, new_columns: ['extra'], dropped_columns: ['extra'] };
      expect(dropped).toMatchObject(facts);
      const partition = at(INTENT_SILVER, NEXT);
      expect(await w.read(`${partition}/_metadata.json`)).toMatchObject(facts);
      expect(await columnsOf(w, partition, 'state_current')).not.toContain('extra');
      const text = await w.run('silver', '--config', 'a.yaml', '--date', NEXT);
      expect(text.stdout).toContain('added extra; ts timestamp → timestamptz; since load_date=2025-01-05');

      const kept = await promote(w, intent({ silver: { ...open, new_columns: 'keep' } }), NEXT);
      expect(kept).toMatchObject({ schema_changes: changes, new_columns: ['extra'], dropped_columns: [] });
      expect(await rowsOf(w, partition, 'state_current')).toMatchObject([{ id: '1', extra: 'x' }]);
    }),
  );

  test(
    'a classic config keeps every column and tells what changed since the last load, however long ago',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'ts', 'a'], [1, '2025-01-01', '5']));
      await promote(w, classic({ silver: SCD1 }));
      await w.put('in.csv', csv(['id', 'ts', 'b'], [1, '2025-01-01', '5']));
      const later = await promote(w, classic({ silver: { ...SCD1, types: { id: 'int64' } } }), '2025-03-01');
      expect(later.schema_changes).toEqual({
        against: SILVER.replace('silver_output/', ''),
        added: ['b'],
        missing: ['a'],
        type_changed: [{ column: 'id', from: 'string', to: 'int64' }],
      });
      expect(await columnsOf(w, at(SILVER, '2025-03-01'), 'current')).toEqual(['id', 'ts', 'b']);
      const again = await promote(w, classic({ silver: SCD1 }));
      expect(again).not.toHaveProperty('schema_changes');
    }),
  );
});

describe('the Bronze that is read', () => {
  test(
    'a part whose bytes were damaged is named, in a lake of foundry and in another; Silver stays as it was',
    scenario(async (w) => {
      const rows = Array.from({ length: 50 }, (_, i) => [i, '2025-01-01', `v${i}`]);
      await w.put('in.csv', csv(['id', 'ts', 'status'], ...rows));
      await promote(w, classic({ silver: SCD1 }));
      const before = await w.snapshot(SILVER);
      const [part] = (await w.files(BRONZE)).filter((name) => name.endsWith('.parquet'));
      const bytes = await readFile(w.path(BRONZE, part ?? ''));
      // The header of the first page: the file keeps its size, and its footer.
      await w.put(join(BRONZE, part ?? ''), Buffer.from(bytes).fill(0xff, 4, 24));
      for (const [exitCode, code] of [
        [3, 'SUM001'],
        [3, 'DATA001'],
      ] as const) {
        const run = await w.run('silver', ...RUN);
        expectExit(run, exitCode);
        expect(run.stderr).toContain(`[${code}]`);
        expect(run.stderr).toContain(`${part} cannot be read: it is damaged`);
        expect(await w.snapshot(SILVER)).toEqual(before);
        await rm(w.path(BRONZE, '_metadata.json'), { force: true });
        await rm(w.path(BRONZE, '_checksums.json'), { force: true });
      }
    }),
    30_000,
  );

  test(
    'batches of different columns are united by name, widened and recorded; strict names the columns',
    scenario(async (w) => {
      const hour = async (name: string, types: object, rows: string) => {
        await w.put('in.csv', rows);
        const options = { load_pattern: 'cdc', partitioning_strategy: 'hourly', file: { types } };
        const silver = { ...STATE, attributes: ['qty', 'note', 'was'], schema_mode: 'allow_new_columns' };
        await w.put('a.yaml', intent({ options, silver }));
        expectExit(await w.run('bronze', '--config', 'a.yaml', '--date', `${DATE}T${name}`), 0);
        return { options, silver };
      };
      await hour(
        '08',
        { qty: 'int64', note: 'int64' },
        csv(['id', 'ts', 'qty', 'note', 'was'], [1, '2025-01-01', 5, 7, 'x']),
      );
      const { options, silver } = await hour(
        '09',
        { qty: 'decimal(10,2)' },
        csv(['id', 'ts', 'qty', 'note', 'new'], [2, '2025-01-01', '2.50', 'n', 'y']),
      );
      const { document } = await w.json(0, 'silver', ...RUN);
      expect(document.reports[0].inputs).toHaveLength(2);
      expect(await rowsOf(w, INTENT_SILVER, 'state_current', 'id')).toMatchObject([
        { id: '1', qty: '5.00', note: '7', was: 'x' },
        { id: '2', qty: '2.50', note: 'n', was: null },
      ]);
      const manifest = await w.read(`${INTENT_SILVER}/_metadata.json`);
      expect(manifest.widened_columns).toEqual([
        { column: 'qty', from: ['int64', 'decimal(10,2)'], to: 'decimal(21,2)' },
        { column: 'note', from: ['int64', 'string'], to: 'string' },
      ]);
      await w.put('a.yaml', intent({ options, silver: { ...silver, schema_mode: 'strict' } }));
      const strict = await w.run('silver', ...RUN);
      expectExit(strict, 3);
      for (const word of [
        '"was" is missing in',
        '"new" is missing in',
        '"qty" is int64 here, decimal(10,2) there',
      ]) {
        expect(strict.stderr).toContain(word);
      }
    }),
  );

  test(
    'Bronze of CSV only is read with its types, empty texts and line breaks',
    scenario(async (w) => {
      await w.put('in.csv', 'id,ts,status,n\n1,2025-01-01,"two\nlines, ""q""",5\n2,2025-01-02,"",\n');
      await promote(
        w,
        classic({
          file: { types: { n: 'int64' } },
          run: { write_parquet: false, write_csv: true },
          silver: SCD1,
        }),
      );
      expect((await w.files(BRONZE)).some((name) => name.endsWith('.parquet'))).toBe(false);
      const landed = await rowsOf(w, SILVER, 'current', 'id');
      expect(landed).toMatchObject([
        { status: 'two\nlines, "q"', n: '5' },
        { id: '2', n: null },
      ]);
      const manifest = await w.read(`${SILVER}/_metadata.json`);
      expect(manifest.schema).toContainEqual({ name: 'n', type: 'int64' });
    }),
  );

  test(
    'a Bronze partition is promoted by --bronze-path alone, without any config',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(['order_id', 'updated_at', 'v'], [1, '2025-01-02', 'new'], [1, '2025-01-01', 'old']),
      );
      await w.put('a.yaml', classic({ run: { load_pattern: 'current_history' } }));
      await w.put(
        'a.yaml',
        classic({
          run: { load_pattern: 'current_history' },
          silver: { primary_keys: ['order_id'], order_column: 'updated_at' },
        }),
      );
      expectExit(await w.run('bronze', ...RUN), 0);
      const bronze = BRONZE.replace('pattern=full', 'pattern=current_history');
      const flags = ['--silver-base', 'lake', '--primary-key', 'order_id', '--order-column', 'updated_at'];
      expectExit(await w.run('silver', '--bronze-path', bronze, '--date', DATE, ...flags), 0);
      const partition = SILVER.replace('silver_output', 'lake');
      expect(await rowsOf(w, partition, 'history', 'updated_at')).toMatchObject([
        { v: 'old', is_current: '0' },
        { v: 'new', is_current: '1' },
      ]);
      expect(await rowsOf(w, partition, 'current')).toMatchObject([{ v: 'new' }]);
    }),
  );

  /** A partition as the original wrote it: CRLF, sorted columns, base names, dataframe types. */
  async function originals(w: Workspace, folder: string, parts: readonly string[], parquet = false) {
    const files: object[] = [];
    for (const [index, content] of parts.entries()) {
      const name = `full-part-${String(index + 1).padStart(4, '0')}`;
      const file = await w.put(`${folder}/${name}.csv`, content);
      const both = [`${name}.csv`];
      if (parquet) {
        await duckdb(
          `COPY (SELECT * FROM read_csv(${quote(file)}, all_varchar=true)) TO ${quote(w.path(folder, `${name}.parquet`))} (FORMAT parquet)`,
        );
        both.push(`${name}.parquet`);
      }
      for (const path of both) {
        const at = w.path(folder, path);
        files.push({ path, size_bytes: await sizeOf(at), sha256: await sha256Of(at) });
      }
    }
    const stamp = '2025-01-05T03:00:00.000000Z';
    const metadata = {
      timestamp: stamp,
      record_count: 3,
      chunk_count: parts.length,
      batch_timestamp: stamp,
      run_date: DATE,
      system: 's',
      table: 't',
      partition_path: folder,
      file_formats: { csv: true, parquet },
      load_pattern: 'full',
      reference_mode: null,
    };
    const own = await w.put(`${folder}/_metadata.json`, metadata);
    files.push({ path: '_metadata.json', size_bytes: await sizeOf(own), sha256: await sha256Of(own) });
    await w.put(`${folder}/_checksums.json`, {
      timestamp: stamp,
      load_pattern: 'full',
      files,
      system: 's',
      table: 't',
      run_date: DATE,
      config_name: null,
      schema: [{ name: 'id', dtype: 'int' }],
      stats: { record_count: 3, chunk_count: parts.length, artifact_count: files.length },
    });
  }

  const PARTS = [
    'id,status,ts\r\n1,off,2025-01-01T00:00:00\r\n2,"a, #b",2025-01-01T00:00:00\r\n',
    'id,status,ts\r\n1,on,2025-01-02T00:00:00\r\n',
  ];

  test(
    'a lake that the original wrote is found in its own layout, and its checksums are held to',
    scenario(async (w) => {
      await w.put('a.yaml', classic({ silver: { ...SCD1, require_checksum: true } }));
      for (const [folder, parquet] of [
        [BRONZE.replace('pattern=full', 'pattern=LoadPattern.FULL'), true],
        [BRONZE.replace('pattern=full/', ''), false],
        [BRONZE, false],
      ] as const) {
        await originals(w, folder, PARTS, parquet);
        const { document, stderr } = await w.json(0, 'silver', ...RUN);
        expect(document.reports[0].inputs).toEqual([folder.replace('output/', '')]);
        expect(stderr).toContain('_checksums.json gives the files');
        expect(await rowsOf(w, SILVER, 'current', 'id')).toMatchObject([
          { id: '1', status: 'on' },
          { id: '2', status: 'a, #b' },
        ]);
        await w.put(`${folder}/full-part-0002.csv`, PARTS[0] ?? '');
        const tampered = await w.run('silver', ...RUN);
        expectExit(tampered, parquet ? 0 : 3);
        await rm(w.path('output'), { recursive: true });
      }
    }),
  );

  test(
    'a folder without any manifest holds all its Parquet, and its path alone tells the model',
    scenario(async (w) => {
      const folder = BRONZE.replace('pattern=full', 'pattern=LoadPattern.CURRENT_HISTORY');
      await w.put(`${folder}/.keep`, '');
      const rows = (id: number) => `(SELECT ${id} AS id, TIMESTAMP '2025-01-01 10:00:00' AS ts)`;
      for (const [name, id] of [
        ['b', 1],
        ['a', 2],
      ] as const) {
        await duckdb(`COPY ${rows(id)} TO ${quote(w.path(folder, `${name}.parquet`))} (FORMAT parquet)`);
      }
      const flags = ['--silver-base', 'lake', '--primary-key', 'id', '--order-column', 'ts'];
      const path = ['--bronze-path', folder, '--date', DATE];
      const { document, stderr } = await w.json(0, 'silver', ...path, ...flags);
      expect(document.reports[0]).toMatchObject({ model: 'scd_type_2', rows: { read: 2, live: 2 } });
      expect(stderr).toContain('every data file in it is taken');
    }),
  );

  test(
    'an hour without rows, or of NULLs only, makes no text of the numbers of other hours, nor fails strict',
    scenario(async (w) => {
      const options = { load_pattern: 'cdc', partitioning_strategy: 'hourly', file: { types: 'infer' } };
      await w.put('a.yaml', intent({ options, silver: { ...STATE, attributes: ['qty'] } }));
      for (const [hour, ...rows] of [
        ['07'],
        ['08', [1, '2025-01-01T08:00:00', 5]],
        ['09', [2, '2025-01-01T09:00:00', '']],
      ] as const) {
        await w.put('in.csv', csv(['id', 'ts', 'qty'], ...rows));
        expectExit(await w.run('bronze', '--config', 'a.yaml', '--date', `${DATE}T${hour}`), 0);
      }
      const { document } = await w.json(0, 'silver', ...RUN);
      expect(document.reports[0].inputs).toHaveLength(3);
      const manifest = await w.read(`${INTENT_SILVER}/_metadata.json`);
      expect(manifest.widened_columns).toEqual([]);
      expect(manifest.input_schema.slice(0, 3)).toEqual([
        { name: 'id', type: 'int64' },
        { name: 'ts', type: 'timestamp' },
        { name: 'qty', type: 'int64' },
      ]);
    }),
  );

  test(
    "history spans the original's partitions and foundry's own",
    scenario(async (w) => {
      await originals(
        w,
        BRONZE.replace('pattern=full', 'pattern=LoadPattern.FULL').replace(DATE, '2025-01-04'),
        PARTS,
      );
      await w.put('in.csv', csv(['id', 'status', 'ts'], [3, 'new', '2025-01-05']));
      const silver = { ...SCD1, input_scope: 'history' };
      const report = await promote(w, classic({ run: { load_pattern: 'cdc' }, silver }));
      expect(report.inputs).toHaveLength(2);
      expect((await rowsOf(w, SILVER, 'current', 'id')).map((row) => [row.id, row.status])).toEqual([
        ['1', 'on'],
        ['2', 'a, #b'],
        ['3', 'new'],
      ]);
    }),
  );
});
