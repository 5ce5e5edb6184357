import { describe, expect, test } from 'bun:test';
import { parquetRows } from './readers.ts';
import {
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
  type Workspace,
} from './support.ts';

const RUN = ['--config', 'a.yaml', '--date', DATE];

async function lines(w: Workspace, glob: string, ...columns: string[]): Promise<string[]> {
  const rows = await parquetRows(w.path(glob));
  return rows.map((row) => columns.map((column) => row[column] ?? 'NULL').join(' ')).sort();
}

const stems = async (w: Workspace, partition: string): Promise<string[]> => {
  const manifest = await w.read(`${partition}/_metadata.json`);
  const names = manifest.files.map(({ path }: { path: string }) =>
    path.replace(/-[0-9a-f]{8}\.parquet$/, ''),
  );
  return names.sort();
};

const ORDERS = csv(
  ['id', 'status', 'at'],
  ['1', 'new', '2025-01-01T10:00:00'],
  ['1', 'paid', '2025-01-02T10:00:00'],
  ['2', 'new', '2025-01-01T11:00:00'],
);
const MODELS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  periodic_snapshot: { full_snapshot: 3 },
  incremental_merge: { cdc_changes: 3 },
  full_merge_dedupe: { full_snapshot: 2 },
  scd_type_1: { current: 2 },
  scd_type_2: { current: 2, history: 3 },
};
const KEYS = { primary_keys: ['id'], order_column: 'at' };

describe('every model with every load pattern', () => {
  for (const pattern of ['full', 'cdc', 'current_history']) {
    test(
      `scenario 47: ${pattern} gives each of the five models its artifacts`,
      scenario(async (w) => {
        await w.put('in.csv', ORDERS);
        await w.put('a.yaml', classic({ run: { load_pattern: pattern }, silver: KEYS }));
        expectExit(await w.run('bronze', ...RUN), 0);
        for (const [model, artifacts] of Object.entries(MODELS)) {
          const args = ['silver', ...RUN, '--silver-model', model, '--silver-base', model];
          const report = (await w.json(0, ...args)).document.reports[0];
          const rows = report.artifacts.map(({ artifact, rows: n }: { artifact: string; rows: number }) => [
            artifact,
            n,
          ]);
          expect([model, Object.fromEntries(rows)]).toEqual([model, artifacts]);
          expect(await stems(w, `${model}/domain=s/entity=t/v1/load_date=${DATE}`)).toEqual(
            Object.keys(artifacts).sort(),
          );
        }
      }),
      30_000,
    );
  }
});

const DERIVED = {
  entity_kind: 'derived_event',
  natural_keys: ['id'],
  event_ts_column: 'at',
  attributes: ['status', 'note'],
};

describe('derived events', () => {
  test(
    'scenario 59: planned, then active, are an upsert of all attributes and an update of the status',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(
          ['id', 'status', 'note', 'at'],
          ['1', 'planned', '', '2025-01-01T00:00:00'],
          ['1', 'active', '', '2025-01-02T00:00:00'],
        ),
      );
      const silver = { ...DERIVED, delete_mode: 'tombstone_event' };
      const report = await promote(w, intent({ silver }));
      expect(report.artifacts).toEqual([{ artifact: 'derived_events', rows: 2 }]);
      const glob = `${INTENT_SILVER}/at_dt=*/derived_events-*.parquet`;
      expect(await lines(w, glob, 'at', 'status', 'change_type', 'changed_columns')).toEqual([
        '2025-01-01 00:00:00 planned upsert status,note',
        '2025-01-02 00:00:00 active update status',
      ]);
    }),
  );

  test(
    'scenario 60: NULL after NULL is no change; only a true is_deleted deletes, and what follows is new again',
    scenario(async (w) => {
      const at = (day: number) => `2025-01-0${day}T00:00:00`;
      await w.put(
        'in.jsonl',
        jsonl(
          { id: 1, status: null, note: null, is_deleted: null, at: at(1) },
          { id: 1, status: null, note: null, is_deleted: false, at: at(2) },
          { id: 1, status: null, note: 'x', is_deleted: false, at: at(3) },
          { id: 1, status: null, note: 'x', is_deleted: true, at: at(4) },
          { id: 1, status: null, note: 'x', is_deleted: false, at: at(5) },
        ),
      );
      const run = (delete_mode: string) =>
        promote(w, intent({ path: 'in.jsonl', silver: { ...DERIVED, delete_mode, partition_by: [] } }));
      const told = () =>
        lines(w, `${INTENT_SILVER}/derived_events-*.parquet`, 'at', 'change_type', 'changed_columns');
      const day = (n: number) => `2025-01-0${n} 00:00:00`;

      expect((await run('ignore')).rows).toMatchObject({ read: 5, live: 2, unchanged: 3 });
      expect(await told()).toEqual([`${day(1)} upsert status,note`, `${day(3)} update note`]);

      expect((await run('tombstone_event')).rows).toMatchObject({ read: 5, live: 5, unchanged: 0 });
      expect(await told()).toEqual([
        `${day(1)} upsert status,note`,
        `${day(2)} noop `,
        `${day(3)} update note`,
        `${day(4)} delete `,
        `${day(5)} upsert status,note`,
      ]);

      expect((await run('hard_delete')).rows).toMatchObject({ read: 5, live: 1, deleted: 4 });
      expect(await told()).toEqual([`${day(5)} upsert status,note`]);
    }),
  );

  test(
    'integers one day and decimals the next are numbers of one kind: 9 and then 9.0 is no change',
    scenario(async (w) => {
      const silver = {
        ...{ ...DERIVED, attributes: ['qty'], partition_by: [] },
        ...{ input_scope: 'history', schema_mode: 'allow_new_columns' },
      };
      const land = async (date: string, qty: string, ...rows: string[][]) => {
        await w.put(`in-${date}.csv`, csv(['id', 'qty', 'at'], ...rows));
        const options = { load_pattern: 'cdc', file: { types: { qty } } };
        return promote(w, intent({ path: 'in-{date}.csv', options, silver }), date);
      };
      await land('2025-01-04', 'int64', ['1', '9', '2025-01-04'], ['2', '9', '2025-01-04']);
      const report = await land(DATE, 'double', ['1', '9.0', '2025-01-05'], ['2', '9.5', '2025-01-05']);
      expect(report.rows).toMatchObject({ read: 4, live: 3, unchanged: 1 });
      const glob = `${INTENT_SILVER}/derived_events-*.parquet`;
      expect(await lines(w, glob, 'id', 'qty', 'change_type', 'changed_columns')).toEqual([
        '1 9.0 upsert qty',
        '2 9.0 upsert qty',
        '2 9.5 update qty',
      ]);
      const manifest = await w.read(`${INTENT_SILVER}/_metadata.json`);
      expect(manifest.widened_columns).toEqual([{ column: 'qty', from: ['int64', 'double'], to: 'double' }]);
    }),
  );

  test(
    'a column change_type of Bronze gives way to the derived one, and the run says so',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'status', 'change_type', 'at'], ['1', 'a', 'insert', '2025-01-01']));
      const silver = { ...DERIVED, attributes: ['status', 'change_type'], partition_by: [] };
      const { stderr } = await promote(w, intent({ silver }));
      expect(stderr).toContain('the column "change_type" of Bronze is replaced');
      const glob = `${INTENT_SILVER}/derived_events-*.parquet`;
      expect(await lines(w, glob, 'change_type', 'changed_columns')).toEqual(['upsert status']);
    }),
  );
});

const STREAM = csv(
  ['id', 'op', 'v', 'at'],
  ['1', 'I', 'a', '2025-01-01'],
  ['1', ' U ', 'b', '2025-01-02'],
  ['1', 'u', 'wrong', '2025-01-03'],
  ['2', 'U', 'c', '2025-01-01'],
  ['2', 'D', '', '2025-01-02'],
  ['3', 'R', 'd', '2025-01-01'],
  ['3', 'D', '', '2025-01-02'],
  ['3', 'I', 'e', '2025-01-03'],
  ['4', '', 'f', '2025-01-01'],
);
const CDC = { operation_column: 'op' };
const ERRORS = { enabled: true, max_bad_records: 2 };

describe('operation codes', () => {
  test(
    'decide in both dialects, unknown and NULL ones are set aside, and the column is left out',
    scenario(async (w) => {
      await w.put('in.csv', STREAM);
      const run = { load_pattern: 'cdc' };
      const state = { entity_kind: 'state', natural_keys: ['id'], change_ts_column: 'at', attributes: ['v'] };
      const both = { delete_mode: 'tombstone', cdc: CDC, error_handling: ERRORS };
      const expected = { read: 9, live: 2, superseded: 3, deleted: 2, quarantined: 2 };
      for (const [config, glob] of [
        [classic({ run, silver: { ...KEYS, model: 'scd_type_1', ...both } }), `${SILVER}/current-*.parquet`],
        [
          intent({ options: run, silver: { ...state, history_mode: 'scd1', partition_by: [], ...both } }),
          `${INTENT_SILVER}/state_current-*.parquet`,
        ],
      ] as const) {
        const report = await promote(w, config);
        expect(report.rows).toMatchObject(expected);
        expect(report.quarantine_reasons).toEqual({
          'null operation code in column op': 1,
          'unknown operation code in column op': 1,
        });
        expect(await lines(w, glob, 'id', 'v', 'op', 'is_deleted')).toEqual(['1 b NULL 0', '3 e NULL 0']);
        expect(Object.keys((await parquetRows(w.path(glob)))[0] ?? {})).not.toContain('op');
      }
    }),
  );

  test(
    'work with every delete mode of states and events',
    scenario(async (w) => {
      await w.put('in.csv', STREAM);
      const base = { natural_keys: ['id'], cdc: CDC, error_handling: ERRORS, partition_by: [] };
      const of = async (silver: object, stem: string, ...columns: string[]) => {
        await promote(
          w,
          intent({ options: { load_pattern: 'cdc' }, silver: { ...base, attributes: ['v'], ...silver } }),
        );
        return lines(w, `${INTENT_SILVER}/${stem}-*.parquet`, ...columns);
      };
      const state = { entity_kind: 'state', change_ts_column: 'at' };
      const current = (delete_mode: string, more: object = {}) =>
        of({ ...state, delete_mode, ...more }, 'state_current', 'id', 'v');
      expect(await current('ignore')).toEqual(['1 b', '2 c', '3 e']);
      expect(await current('tombstone_state')).toEqual(['1 b', '3 e']);
      expect(await current('tombstone_state', { keep_tombstones: true })).toEqual(['1 b', '2 NULL', '3 e']);
      expect(await current('hard_delete')).toEqual(['1 b', '3 e']);
      expect(
        await of({ ...state, delete_mode: 'hard_delete' }, 'state_history', 'id', 'v', 'is_current'),
      ).toEqual(['1 a 0', '1 b 1', '3 e 1']);

      const event = { entity_kind: 'event', event_ts_column: 'at' };
      const events = (delete_mode: string) =>
        of({ ...event, delete_mode }, 'events', 'id', 'v', 'change_type');
      expect((await events('ignore')).length).toBe(7);
      expect(await events('tombstone_event')).toEqual([
        '1 a upsert',
        '1 b upsert',
        '2 NULL delete',
        '2 c upsert',
        '3 NULL delete',
        '3 d upsert',
        '3 e upsert',
      ]);
      expect((await events('hard_delete')).map((line) => line.slice(0, 3))).toEqual(['1 a', '1 b', '3 e']);

      const derived = { entity_kind: 'derived_event', event_ts_column: 'at', delete_mode: 'tombstone_event' };
      expect(await of(derived, 'derived_events', 'id', 'v', 'change_type')).toEqual([
        '1 a upsert',
        '1 b update',
        '2 NULL delete',
        '2 c upsert',
        '3 NULL delete',
        '3 d upsert',
        '3 e upsert',
      ]);
    }),
    30_000,
  );

  test(
    'that are unknown are refused with row and value where error handling is off; one that is an attribute stays',
    scenario(async (w) => {
      await w.put('in.csv', STREAM);
      const silver = {
        entity_kind: 'state',
        natural_keys: ['id'],
        change_ts_column: 'at',
        attributes: ['v', 'op'],
      };
      await w.put('a.yaml', intent({ silver: { ...silver, cdc: CDC, partition_by: [] } }));
      const { document } = await w.json(3, 'run-intent', ...RUN);
      expect(document.errors[0]?.message).toContain('2 of 9 rows');
      expect(document.errors[0]?.message).toContain('unknown operation code in column op (op: "u")');
      expect(document.errors[0]?.hint).toContain('"U"');
      expect(document.errors[0]?.hint).toContain('name it in cdc (insert, update, delete or read)');
      await promote(w, intent({ silver: { ...silver, cdc: CDC, partition_by: [], error_handling: ERRORS } }));
      expect(await lines(w, `${INTENT_SILVER}/state_current-*.parquet`, 'id', 'op')).toEqual([
        '1  U ',
        '2 U',
        '3 I',
      ]);
    }),
  );
});

describe('the flags of the command line', () => {
  test(
    'name the files, keys, order and model of an intent, or say what they cannot',
    scenario(async (w) => {
      await w.put('in.csv', ORDERS);
      const silver = {
        entity_kind: 'state',
        natural_keys: ['status'],
        change_ts_column: 'id',
        partition_by: [],
      };
      await w.put('a.yaml', intent({ silver: { ...silver, attributes: ['at'] } }));
      expectExit(await w.run('bronze', ...RUN), 0);
      const keys = ['--primary-key', 'id', '--order-column', 'at'];
      const names = ['--current-output-name', 'now', '--history-output-name', 'past'];
      expectExit(await w.run('silver', ...RUN, ...keys, ...names), 0);
      expect(await stems(w, INTENT_SILVER)).toEqual(['now', 'past']);
      expect(await lines(w, `${INTENT_SILVER}/now-*.parquet`, 'id', 'status')).toEqual(['1 paid', '2 new']);
      expectExit(await w.run('silver', ...RUN, ...keys, '--silver-model', 'scd_type_1'), 0);
      expect(await stems(w, INTENT_SILVER)).toEqual(['state_current']);
      for (const [flag, value, problem] of [
        ['--cdc-output-name', 'x', 'no such artifact'],
        ['--silver-model', 'periodic_snapshot', 'use scd_type_1, scd_type_2, latest_only'],
      ] as const) {
        const { document } = await w.json(2, 'silver', ...RUN, flag, value);
        expect(document.errors[0]?.message).toContain(problem);
      }
    }),
  );
});

describe('a history of partitions', () => {
  const config = (pattern: string, silver: object) =>
    classic({
      file: { path: `${pattern}-{date}.csv` },
      run: { load_pattern: pattern },
      silver: { ...KEYS, model: 'scd_type_1', input_scope: 'history', ...silver },
    });
  const land = async (w: Workspace, pattern: string, date: string, ...rows: string[][]) => {
    await w.put(`${pattern}-${date}.csv`, csv(['id', 'status', 'at'], ...rows));
    return w.json(0, 'run-intent', '--config', `${pattern}.yaml`, '--date', date);
  };
  const current = (w: Workspace, date: string) =>
    lines(w, `silver_output/domain=s/entity=t/v1/load_date=${date}/current-*.parquet`, 'id', 'status');

  test(
    'deletes what a newer snapshot lacks, and names the later loads that a backfill made stale',
    scenario(async (w) => {
      const silver = { detect_missing: true, delete_mode: 'tombstone' };
      await w.put('full.yaml', config('full', silver));
      await w.put('cdc.yaml', config('cdc', silver));
      await land(w, 'full', '2025-01-01', ['1', 'new', '2025-01-01'], ['2', 'new', '2025-01-01']);
      await land(w, 'cdc', '2025-01-02', ['3', 'new', '2025-01-02']);
      const third = await land(
        w,
        'full',
        '2025-01-03',
        ['1', 'new', '2025-01-01'],
        ['3', 'new', '2025-01-02'],
      );
      expect(third.document.reports[1].missing_keys).toBe(1);
      expect(await current(w, '2025-01-02')).toEqual(['1 new', '2 new', '3 new']);
      expect(await current(w, '2025-01-03')).toEqual(['1 new', '3 new']);

      const late = await land(w, 'cdc', '2025-01-02', ['3', 'paid', '2025-01-02']);
      expect(late.document.reports[1].stale.map(({ run_date }: { run_date: string }) => run_date)).toEqual([
        '2025-01-03',
      ]);
      expect(late.stderr).toContain('load_date=2025-01-03');
      const again = await w.json(0, 'silver', '--config', 'cdc.yaml', '--date', '2025-01-03');
      expect([again.document.reports[0].stale, await current(w, '2025-01-03')]).toEqual([
        [],
        ['1 new', '3 new'],
      ]);
    }),
    30_000,
  );
});
