import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SilverSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import {
  type PromotedRows,
  promoteRows,
  type Rows,
  silverSpec,
  writeParquet,
} from '../testing/silver-kit.ts';
import { relationOf } from './relation.ts';

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-silver-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

const TEXT = { id: 'VARCHAR', ts: 'VARCHAR', v: 'VARCHAR' };
const WITH_FLAG = { ...TEXT, is_deleted: 'VARCHAR' };

function run(
  spec: Partial<SilverSpec>,
  columns: Record<string, string>,
  ...batches: Rows[]
): Promise<PromotedRows> {
  return promoteRows(
    engine,
    root,
    silverSpec({ partitioning: { columns: ['id'], keepColumns: true }, ...spec }),
    columns,
    batches,
  );
}

const row = (id: string | null, ts: string | null, v: string | null, is_deleted?: string | null) => ({
  id,
  ts,
  v,
  ...(is_deleted === undefined ? {} : { is_deleted }),
});

async function failure(work: Promise<unknown>): Promise<FoundryError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof FoundryError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function pick(rows: readonly Record<string, string | null>[] | undefined, ...names: string[]) {
  return (rows ?? []).map((found) => names.map((name) => found[name]));
}

describe('event', () => {
  test('scenario 55: append_log keeps one row per event, partitioned by the date of the event', async () => {
    const { artifacts, promoted } = await run(
      {
        model: 'event',
        inputMode: 'append_log',
        partitioning: { columns: ['event_ts_dt'], keepColumns: false },
        metadataColumns: {
          loadBatchIdColumn: 'load_batch_id',
          recordSource: 'shop',
          environment: 'unknown',
          domain: 'sales',
          entity: 'orders',
          bronzeOwner: 'platform-team',
          silverOwner: 'semantic-team',
        },
      },
      TEXT,
      [row('1', '2025-01-02T10:00:00Z', 'a'), row('1', '2025-01-01T10:00:00Z', 'b')],
    );
    expect(promoted.parts.map((part) => part.folder)).toEqual([
      'event_ts_dt=2025-01-01/',
      'event_ts_dt=2025-01-02/',
    ]);
    expect(artifacts.events).toEqual([
      {
        id: '1',
        ts: '2025-01-01 10:00:00+00',
        v: 'b',
        load_batch_id: 'shop.orders-2025-01-05',
        record_source: 'shop',
        pipeline_run_at: '2025-01-05 00:00:00',
        environment: 'unknown',
        domain: 'sales',
        entity: 'orders',
        bronze_owner: 'platform-team',
        silver_owner: 'semantic-team',
        event_ts_dt: '2025-01-01',
      },
      expect.objectContaining({ v: 'a', event_ts_dt: '2025-01-02' }),
    ]);
  });

  test('scenario 56: replace_daily keeps the last row of a key and day', async () => {
    const { artifacts, promoted } = await run({ model: 'event', inputMode: 'replace_daily' }, TEXT, [
      row('1', '2025-01-01 10:00:00', 'a'),
      row('1', '2025-01-01 12:00:00', 'b'),
      row('1', '2025-01-02 09:00:00', 'c'),
    ]);
    expect(pick(artifacts.events, 'v')).toEqual([['b'], ['c']]);
    expect(promoted.counts).toMatchObject({ read: 3, live: 2, superseded: 1 });
  });

  test('delete rows stay events, and tombstone_event names them', async () => {
    const rows = [row('1', '2025-01-01', 'a', null), row('1', '2025-01-02', 'a', 'Y')];
    const ignore = await run({ model: 'event' }, WITH_FLAG, rows);
    expect(ignore.artifacts.events?.length).toBe(2);
    const marked = await run({ model: 'event', deleteMode: 'tombstone_event' }, WITH_FLAG, rows);
    expect(pick(marked.artifacts.events, 'change_type')).toEqual([['upsert'], ['delete']]);
  });
});

describe('state', () => {
  test('scenario 57: scd2 closes the first version where the second begins', async () => {
    const { artifacts } = await run({}, TEXT, [
      row('E1', '2025-02-01T00:00:00', 'inactive'),
      row('E1', '2025-01-01T00:00:00', 'active'),
    ]);
    expect(pick(artifacts.state_history, 'v', 'effective_from', 'effective_to', 'is_current')).toEqual([
      ['active', '2025-01-01 00:00:00', '2025-02-01 00:00:00', '0'],
      ['inactive', '2025-02-01 00:00:00', null, '1'],
    ]);
    expect(pick(artifacts.state_current, 'v', 'is_current')).toEqual([['inactive', '1']]);
  });

  test('scenario 58: latest_only keeps the newest row', async () => {
    const { artifacts } = await run({ model: 'state_scd1', historyMode: 'latest_only' }, TEXT, [
      row('R1', '2025-01-02', '1.3'),
      row('R1', '2025-01-01', '1.2'),
    ]);
    expect(pick(artifacts.state_current, 'v')).toEqual([['1.3']]);
  });

  test('scenario 61: a tombstone closes the version and is recorded, not current', async () => {
    const rows = [row('1', '2025-01-01', 'a', 'false'), row('1', '2025-01-03', 'a', 'TRUE')];
    const { artifacts, promoted } = await run({ deleteMode: 'tombstone_state' }, WITH_FLAG, rows);
    expect(pick(artifacts.state_history, 'effective_to', 'is_current', 'is_deleted')).toEqual([
      ['2025-01-03 00:00:00', '0', '0'],
      [null, '0', '1'],
    ]);
    expect(artifacts.state_current ?? []).toEqual([]);
    expect(promoted.counts).toMatchObject({ live: 0, superseded: 1, deleted: 1 });
    const kept = await run({ deleteMode: 'tombstone_state', keepTombstones: true }, WITH_FLAG, rows);
    expect(pick(kept.artifacts.state_current, 'is_deleted', 'is_current')).toEqual([['1', '0']]);
  });

  test('scenario 62: an unparseable timestamp never wins; it is quarantined with its origin', async () => {
    const { artifacts, promoted } = await run(
      { model: 'state_scd1', errorHandling: { enabled: true, maxBadRecords: 5, maxBadPercent: 10 } },
      TEXT,
      [row('1', 'not a time', 'bad'), row('1', '2025-01-01', 'good')],
    );
    expect(pick(artifacts.state_current, 'v')).toEqual([['good']]);
    expect(promoted.counts).toMatchObject({ live: 1, quarantined: 1 });
    const rejected = promoted.parts.find((part) => part.role === 'quarantine');
    expect(rejected?.folder).toBe('_quarantine/');
    expect(JSON.parse(readFileSync(rejected?.file ?? '', 'utf8'))).toEqual({
      id: '1',
      ts: 'not a time',
      v: 'bad',
      _reason: 'unparseable value in order column ts',
      _source_file: 'dt=2025-01-05/part-0.parquet',
      _source_row: 1,
    });
  });

  test('without error handling the first bad row is named', async () => {
    const error = await failure(
      run(
        { model: 'state_scd1' },
        TEXT,
        [row('1', '2025-01-01', 'a')],
        [row(null, '2025-01-02', 'b'), row('2', 'x', 'c')],
      ),
    );
    expect(error.code).toBe('QUAL001');
    expect(error.message).toBe(
      '2 of 3 rows cannot be promoted; the first is row 1 of dt=2025-01-05/part-1.parquet: null value in key column id (ts: "2025-01-02")',
    );
  });

  test('error handling fails above its count and percentage', async () => {
    const rows = [row(null, '2025-01-01', 'a'), row(null, '2025-01-01', 'a'), row('1', '2025-01-01', 'b')];
    const limits = (maxBadRecords: number, maxBadPercent: number) => ({
      errorHandling: { enabled: true, maxBadRecords, maxBadPercent },
    });
    expect((await run(limits(2, 0), TEXT, rows)).promoted.counts.quarantined).toBe(2);
    expect((await run(limits(1, 70), TEXT, rows)).promoted.counts.quarantined).toBe(2);
    expect((await failure(run(limits(1, 50), TEXT, rows))).code).toBe('QUAL001');
    expect((await failure(run(limits(0, 100), TEXT, rows))).code).toBe('QUAL001');
  });

  test('hard_delete removes a key up to its last delete; a later row makes it live again', async () => {
    const { artifacts, promoted } = await run({ deleteMode: 'hard_delete' }, WITH_FLAG, [
      row('1', '2025-01-01', 'a', '0'),
      row('1', '2025-01-02', 'a', '1'),
      row('1', '2025-01-03', 'b', null),
      row('2', '2025-01-01', 'c', '1'),
    ]);
    expect(pick(artifacts.state_history, 'id', 'v')).toEqual([['1', 'b']]);
    expect(promoted.counts).toMatchObject({ deleted: 3, live: 1 });
  });

  test('the later input row wins a tie of order values, by sequence column first', async () => {
    const tie = await run(
      { model: 'state_scd1' },
      TEXT,
      [row('1', '2025-01-01', 'a')],
      [row('1', '2025-01-01', 'b')],
    );
    expect(pick(tie.artifacts.state_current, 'v')).toEqual([['b']]);
    const columns = { ...TEXT, seq: 'VARCHAR' };
    const sequenced = await run({ model: 'state_scd1', sequenceColumn: 'seq' }, columns, [
      { ...row('1', '2025-01-01', 'a'), seq: '10' },
      { ...row('1', '2025-01-01', 'b'), seq: '9' },
    ]);
    expect(pick(sequenced.artifacts.state_current, 'v')).toEqual([['a']]);
    const ids = [{ ...row('1', '2025-01-01', 'a'), seq: 'a10' }];
    const error = await failure(run({ model: 'state_scd1', sequenceColumn: 'seq' }, columns, ids));
    expect(error.message).toStartWith('the sequence column "seq" holds neither numbers');
  });

  test('collapse_unchanged merges equal neighbours, NULLs included', async () => {
    const { artifacts, promoted } = await run({ collapseUnchanged: true }, TEXT, [
      row('1', '2025-01-01', null),
      row('1', '2025-01-02', null),
      row('1', '2025-01-03', 'b'),
      row('1', '2025-01-04', null),
    ]);
    expect(pick(artifacts.state_history, 'v', 'effective_from', 'effective_to')).toEqual([
      [null, '2025-01-01 00:00:00', '2025-01-03 00:00:00'],
      ['b', '2025-01-03 00:00:00', '2025-01-04 00:00:00'],
      [null, '2025-01-04 00:00:00', null],
    ]);
    expect(promoted.counts.unchanged).toBe(1);
  });
});

describe('classic models', () => {
  const classic = { partitioning: { columns: [], keepColumns: false } };
  const plain = (spec: Partial<SilverSpec>, columns: Record<string, string>, ...batches: Rows[]) => {
    const { attributes: _attributes, schemaMode: _schemaMode, ...base } = silverSpec({ ...classic, ...spec });
    return promoteRows(engine, root, base, columns, batches);
  };

  test('collapse_unchanged makes no version of another way to write that a row is not deleted', async () => {
    const says = (date: string, is_deleted: string | null, deleted_flag: string | null) => ({
      ...row('1', date, 'a'),
      is_deleted,
      deleted_flag,
    });
    const rows = [
      says('2025-01-01', null, 'N'),
      says('2025-01-02', 'false', null),
      says('2025-01-03', 'yes', null),
      says('2025-01-04', null, 'Y'),
      says('2025-01-05', 'N', '0'),
    ];
    const columns = { ...TEXT, is_deleted: 'VARCHAR', deleted_flag: 'VARCHAR' };
    const collapse = { model: 'scd_type_2', collapseUnchanged: true } as const;
    const tombstones = await plain({ ...collapse, deleteMode: 'tombstone_state' }, columns, rows);
    expect(pick(tombstones.artifacts.history, 'is_deleted', 'effective_from')).toEqual([
      ['0', '2025-01-01 00:00:00'],
      ['1', '2025-01-03 00:00:00'],
      ['0', '2025-01-05 00:00:00'],
    ]);
    expect(tombstones.promoted.counts.unchanged).toBe(2);
    const hard = await plain({ ...collapse, deleteMode: 'hard_delete' }, columns, rows.toSpliced(2, 2));
    expect(pick(hard.artifacts.history, 'effective_from')).toEqual([['2025-01-01 00:00:00']]);
  });

  test('the flags are columns like any other, until the config names a delete mode', async () => {
    const rows = [
      { ...row('1', '2025-01-01', 'a'), is_deleted: 'N' },
      { ...row('1', '2025-01-02', 'b'), is_deleted: 'Y' },
    ];
    const columns = { ...TEXT, is_deleted: 'VARCHAR' };
    const silent = await plain({ model: 'scd_type_1' }, columns, rows);
    expect(pick(silent.artifacts.current, 'v', 'is_deleted')).toEqual([['b', 'Y']]);
    const ignored = await plain({ model: 'scd_type_1', readsDeleteFlags: true }, columns, rows);
    expect(pick(ignored.artifacts.current, 'v', 'is_deleted')).toEqual([['a', 'N']]);
    expect(ignored.promoted.counts.deleted).toBe(1);
  });

  test('scenario 46: scd_type_2 has every version, each key once current', async () => {
    const { artifacts } = await plain({ model: 'scd_type_2' }, { ...TEXT, extra: 'INTEGER' }, [
      { ...row('ORD-001', '2025-01-01', 'new'), extra: '1' },
      { ...row('ORD-002', '2025-01-01', 'new'), extra: '2' },
      { ...row('ORD-001', '2025-01-02', 'paid'), extra: '3' },
    ]);
    expect(pick(artifacts.history, 'id', 'v', 'is_current', 'extra')).toEqual([
      ['ORD-001', 'new', '0', '1'],
      ['ORD-001', 'paid', '1', '3'],
      ['ORD-002', 'new', '1', '2'],
    ]);
    expect(pick(artifacts.current, 'id', 'v')).toEqual([
      ['ORD-001', 'paid'],
      ['ORD-002', 'new'],
    ]);
  });

  test('periodic_snapshot passes every row through, repeats and NULL keys included', async () => {
    const { artifacts } = await plain(
      { model: 'periodic_snapshot' },
      TEXT,
      [row('2', 'x', 'a'), row(null, null, 'b')],
      [row('2', 'x', 'a')],
    );
    expect(pick(artifacts.full_snapshot, 'id', 'v')).toEqual([
      ['2', 'a'],
      [null, 'b'],
      ['2', 'a'],
    ]);
  });

  test('partition values keep every row: spaces, slashes, quotes, NULL and case', async () => {
    const rows = ['x y', 'x/y', null, 'X', "it's", 'x'].map((id) => row(id, '2025-01-01', 'v'));
    const { promoted, artifacts } = await plain(
      { model: 'periodic_snapshot', partitioning: { columns: ['id'], keepColumns: false } },
      TEXT,
      rows,
    );
    expect(promoted.parts.map((part) => part.folder).sort()).toEqual(
      ['id=X/', 'id=__HIVE_DEFAULT_PARTITION__/', 'id=it%27s/', 'id=x%20y/', 'id=x%2Fy/', 'id=x/'].sort(),
    );
    expect(artifacts.full_snapshot?.length).toBe(6);
    expect(promoted.promotion.artifacts[0]?.fileSchema.fields.map((field) => field.name)).toEqual([
      'ts',
      'v',
    ]);
  });

  test('a key or order column that is absent is refused, with the name that was meant', async () => {
    const error = await failure(
      plain({ model: 'scd_type_1', keys: ['idd'] }, TEXT, [row('1', '2025-01-01', 'a')]),
    );
    expect(error.code).toBe('SCHEMA001');
    expect(error.message).toContain('"idd" (did you mean "id"?)');
  });

  test('both formats hold the same rows, and CSV tells NULL from the empty string', async () => {
    const { promoted } = await plain(
      { model: 'scd_type_1', formats: { parquet: true, csv: true, compression: 'zstd' } },
      { id: 'INTEGER', ts: 'TIMESTAMP', v: 'VARCHAR', w: 'TIMESTAMPTZ', x: 'DOUBLE' },
      [{ id: '1', ts: '2025-01-01 00:00:00.5', v: '', w: '2025-01-01 01:00:00+01', x: null }],
    );
    const csv = promoted.parts.find((part) => part.format === 'csv');
    expect(readFileSync(csv?.file ?? '', 'utf8')).toBe(
      'id,ts,v,w,x\n1,2025-01-01T00:00:00.500000,"",2025-01-01T00:00:00.000000Z,\n',
    );
    expect(promoted.parts.map((part) => part.rows)).toEqual([1, 1]);
  });
});

describe('scenario 63: the columns', () => {
  const columns = { ...TEXT, extra: 'VARCHAR', _load: 'VARCHAR', run_date: 'VARCHAR' };
  const rows = [{ ...row('1', '2025-01-01', 'a'), extra: 'x', _load: 'y', run_date: 'z' }];

  test('strict refuses what is not declared, and names it', async () => {
    const error = await failure(run({}, columns, rows));
    expect(error.code).toBe('SCHEMA001');
    expect(error.message).toContain('"extra"');
    expect(error.message).not.toContain('_load');
  });

  test('allow_new_columns leaves it out and records it', async () => {
    const { promoted, artifacts } = await run(
      { schemaMode: 'allow_new_columns', model: 'state_scd1' },
      columns,
      rows,
    );
    expect(promoted.promotion.dropped).toEqual(['extra']);
    expect(Object.keys(artifacts.state_current?.[0] ?? {})).toEqual(['id', 'ts', 'v', '_load', 'run_date']);
  });

  test('a missing attribute is refused, and named', async () => {
    const error = await failure(
      run({ attributes: ['v', 'price', 'size'] }, TEXT, [row('1', '2025-01-01', 'a')]),
    );
    expect(error.message).toContain('"price"');
    expect(error.message).toContain('"size"');
  });

  test('columns that differ by case only are refused, since SQL folds them', async () => {
    const file = join(root, 'case.parquet');
    await writeParquet(engine, file, { id: 'VARCHAR', ts: 'VARCHAR', v: 'VARCHAR', w: 'VARCHAR' }, []);
    const bytes = readFileSync(file, 'latin1').replaceAll('w\x15', 'V\x15').replaceAll('\x01w', '\x01V');
    writeFileSync(file, bytes, 'latin1');
    const error = await failure(
      relationOf(engine, [{ localPath: file, name: 'case.parquet' }], { fields: [] }),
    );
    expect(error.message).toContain('"V" differs from another by case only');
  });
});

describe('the order of a text column', () => {
  const newest = async (values: readonly string[], spec: Partial<SilverSpec> = {}) => {
    const rows = values.map((ts) => row('1', ts, ts));
    const { artifacts, promoted } = await run({ model: 'state_scd1', ...spec }, TEXT, rows);
    return [artifacts.state_current?.[0]?.v, promoted.promotion.order?.type.kind];
  };

  test('numbers compare as numbers', async () => {
    expect(await newest(['9', '10', '2'])).toEqual(['10', 'int64']);
    expect(await newest(['9.5', '10.25'])).toEqual(['10.25', 'decimal']);
    expect(await newest(['123456789012345678901', '99'])).toEqual(['123456789012345678901', 'decimal']);
  });

  test('timestamps compare as instants', async () => {
    expect(await newest(['2025-01-01T10:00:00+02:00', '2025-01-01T09:00Z'])).toEqual([
      '2025-01-01T09:00Z',
      'timestamp',
    ]);
    expect(await newest(['2025-01-01T10:00', '2025-01-01 09:59:59.999999'])).toEqual([
      '2025-01-01T10:00',
      'timestamp',
    ]);
  });

  test('zoned and naive values together need a timezone', async () => {
    const values = ['2025-07-01T10:00:00Z', '2025-07-01 11:00:00'];
    const error = await failure(newest(values));
    expect([error.code, error.details.column]).toEqual(['DATA001', 'ts']);
    expect(await newest(values, { timezone: 'Europe/Berlin' })).toEqual([
      '2025-07-01T10:00:00Z',
      'timestamp',
    ]);
    expect((await failure(newest(values, { timezone: 'Mars/Base' }))).code).toBe('CFG001');
  });

  test('numbers among timestamps, and neither, are refused by name', async () => {
    expect((await failure(newest(['1', '2025-01-01']))).message).toContain('"ts"');
    expect((await failure(newest(['a', 'b']))).code).toBe('DATA001');
  });

  test('calendar dates that do not exist, and digits below a microsecond, have no place', async () => {
    expect((await failure(newest(['2025-02-30', '2025-01-01']))).code).toBe('QUAL001');
    expect((await failure(newest(['2025-01-01T00:00:00.1234567', '2025-01-01']))).code).toBe('QUAL001');
    expect((await newest(['2025-01-01T00:00:00.1234560', '2025-01-01']))[0]).toBe(
      '2025-01-01T00:00:00.1234560',
    );
  });

  test('offsets that no clock has make no instant, and so never decide which row is the newest', async () => {
    for (const offset of ['+99:00', '-24:00', '+01:60', '+0199']) {
      const values = [`2025-01-01T00:00:00${offset}`, '2025-01-01T00:00:00Z'];
      const error = await failure(newest(values));
      expect(error.message).toContain(`unparseable value in order column ts (ts: "${values[0]}")`);
    }
    const utmost = ['2025-01-01T23:59:00+23:59', '2025-01-01T00:00:01Z', '2025-01-01T00:00:00+00'];
    expect(await newest(utmost)).toEqual(['2025-01-01T00:00:01Z', 'timestamp']);
  });

  test('a zone may stand behind a space, and Z may be small, with seconds and without', async () => {
    for (const latest of [
      '2025-01-01T12:00:00 +01:00',
      '2025-01-01T11:00 Z',
      '2025-01-01 11:00:00.5z',
      '2025-01-01T11:00z',
    ]) {
      expect((await newest(['2025-01-01T10:59:59Z', latest, '2025-01-01 11:30 +01']))[0]).toBe(latest);
    }
  });
});

describe('batches of different columns', () => {
  test('are united by name, numbers without loss', async () => {
    const a = join(root, 'a.parquet');
    const b = join(root, 'b.parquet');
    await writeParquet(engine, a, { n: 'BIGINT', d: 'DECIMAL(10,2)', x: 'DOUBLE' }, [
      { n: '9007199254740993', d: '1.5', x: '0.1' },
    ]);
    await writeParquet(engine, b, { d: 'INTEGER', y: 'VARCHAR', x: 'INTEGER' }, [{ d: '7', y: 'z', x: '3' }]);
    const parts = [a, b].map((localPath) => ({ localPath, name: localPath }));
    const relation = await relationOf(engine, parts, { fields: [] });
    expect(relation.widened.map(({ column, to }) => [column, to])).toEqual([
      ['d', 'decimal(12,2)'],
      ['x', 'double'],
    ]);
    const rows = await engine.query(`SELECT COLUMNS(*)::VARCHAR FROM (${relation.sql}) ORDER BY "__file"`);
    expect(rows).toEqual([
      { n: '9007199254740993', d: '1.50', x: '0.1', y: null, __file: '0', __row: '0' },
      { n: null, d: '7.00', x: '3.0', y: 'z', __file: '1', __row: '0' },
    ]);
  });
});

describe('nothing comes out', () => {
  test('as an empty file that has every column', async () => {
    const { promoted } = await run({}, TEXT, []);
    expect(promoted.parts.map((part) => [part.artifact, part.folder, part.rows])).toEqual([
      ['state_history', '', 0],
      ['state_current', '', 0],
    ]);
    const columns = await engine.query(`DESCRIBE SELECT * FROM read_parquet('${promoted.parts[0]?.file}')`);
    expect(columns.map((column) => column.column_name)).toEqual([
      'id',
      'ts',
      'v',
      'effective_from',
      'effective_to',
      'is_current',
    ]);
  });
});
