import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SilverSpec } from '../config/spec.ts';
import { systemClock } from '../core/clock.ts';
import { noProgress } from '../core/log.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { hashFile } from '../engine/parts.ts';
import { literal } from '../engine/sql.ts';
import { openPartition } from '../lake/commit.ts';
import type { SilverDataset } from '../promotion/promotion.ts';
import { openStorage } from '../storage/open.ts';
import { promoteRows, silverDataset, silverSpec, writeParquet } from '../testing/silver-kit.ts';
import { runSilver } from './run.ts';

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-history-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

const COLUMNS = { id: 'VARCHAR', ts: 'VARCHAR', v: 'VARCHAR' };
type Cells = readonly [id: string, ts: string, v: string];

function dataset(silver: Partial<SilverSpec> = {}): SilverDataset {
  const folder = mkdtempSync(join(root, 'lake-'));
  const spec = silverSpec({
    model: 'state_scd1',
    inputScope: 'history',
    base: join(folder, 'silver'),
    partitioning: { columns: [], none: true, keepColumns: false },
    ...silver,
  });
  return silverDataset(spec, join(folder, 'bronze'));
}

/** Commits one Bronze partition: `full/dt=2025-01-01`. */
async function land(spec: SilverDataset, where: string, ...cells: readonly Cells[]): Promise<void> {
  const [pattern = '', date = ''] = where.split('/');
  const path = `system=shop/table=orders/pattern=${pattern}/dt=2025-01-${date}${where.slice(pattern.length + date.length + 1)}`;
  const signal = new AbortController().signal;
  const writer = await openPartition({ storage: openStorage(spec.bronze.base) }, path, { signal });
  const file = join(writer.spool, 'a.parquet.tmp');
  const rows = cells.map(([id, ts, v]) => ({ id, ts: `2025-01-${ts}`, v }));
  await writeParquet(engine, file, COLUMNS, rows);
  const part = {
    folder: '',
    stem: `${pattern}-part-0001`,
    rows: rows.length,
    role: 'data',
    format: 'parquet',
  } as const;
  await writer.commit(rows.length === 0 ? [] : [{ ...part, file, ...(await hashFile(file)) }], {
    layer: 'bronze',
    status: rows.length === 0 ? 'empty' : 'complete',
    started_at: '2025-01-05T00:00:00Z',
    run_date: `2025-01-${date}`,
    load_pattern: pattern === 'full' ? 'full' : 'cdc',
    schema: Object.keys(COLUMNS).map((name) => ({ name, type: 'string' })),
  });
}

async function run(spec: SilverDataset, day: string) {
  const warnings: string[] = [];
  const report = await runSilver(spec, {
    runDate: { date: `2025-01-${day}` },
    limits: { memoryBytes: 300e6, threads: 2, spillFolder: root },
    signal: new AbortController().signal,
    clock: systemClock,
    log: {
      debug: () => {},
      info: () => {},
      warn: (text: string) => void warnings.push(text),
    },
    progress: noProgress,
  });
  return { ...report, warnings };
}

const folderOf = (spec: SilverDataset, day: string): string =>
  join(spec.silver.base, `domain=sales/entity=orders/v1/load_date=2025-01-${day}`);

async function rowsOf(spec: SilverDataset, day: string, artifact = 'state_current'): Promise<unknown[]> {
  const glob = join(folderOf(spec, day), `${artifact}-*.parquet`);
  const rows = await engine.query(
    `SELECT id || '=' || v AS cell FROM read_parquet(${literal(glob)}) ORDER BY 1`,
  );
  return rows.map((row) => row.cell);
}

function bytesOf(spec: SilverDataset, day: string): Record<string, string> {
  const files = readdirSync(folderOf(spec, day))
    .filter((name) => !name.startsWith('_'))
    .sort();
  return Object.fromEntries(
    files.map((name) => [name, readFileSync(join(folderOf(spec, day), name), 'base64')]),
  );
}

describe('input_scope: history', () => {
  test('begins at the newest snapshot up to the run date, takes late rows where they belong, and reads nothing later', async () => {
    const spec = dataset({ model: 'state_scd2' });
    await land(spec, 'full/01', ['gone', '01', 'old'], ['a', '01', 'a1']);
    await land(spec, 'full/03', ['a', '02', 'a2'], ['b', '03', 'b1']);
    await land(spec, 'cdc/04', ['a', '04', 'a3']);
    await land(spec, 'cdc/05', ['b', '02', 'late'], ['a', '03', 'between']);
    await land(spec, 'cdc/06', ['a', '06', 'later']);
    const report = await run(spec, '05');
    expect(report.inputs.map((path) => path.slice(-16))).toEqual(
      ['full/dt=2025-01-03', '=cdc/dt=2025-01-04', '=cdc/dt=2025-01-05'].map((path) => path.slice(-16)),
    );
    expect(report.not_read.length).toBe(1);
    expect(await rowsOf(spec, '05')).toEqual(['a=a3', 'b=b1']);
    expect(await rowsOf(spec, '05', 'state_history')).toEqual([
      'a=a2',
      'a=a3',
      'a=between',
      'b=b1',
      'b=late',
    ]);
  });

  test('gives the same bytes for a date, whatever was added after it', async () => {
    for (const over of [{}, { detectMissing: true, deleteMode: 'tombstone_state' }] as const) {
      const spec = dataset({ model: 'state_scd2', ...over });
      await land(spec, 'full/01', ['a', '01', 'a1'], ['b', '01', 'b1']);
      await land(spec, 'cdc/02', ['a', '02', 'a2']);
      await land(spec, 'full/03', ['a', '02', 'a2']);
      await run(spec, '03');
      const before = bytesOf(spec, '03');
      await land(spec, 'cdc/04', ['a', '01', 'late'], ['b', '04', 'again']);
      await land(spec, 'full/05');
      expect((await run(spec, '03')).status).toBe('unchanged');
      expect(bytesOf(spec, '03')).toEqual(before);
    }
  });
});

describe('detect_missing', () => {
  const spec = () =>
    dataset({
      model: 'state_scd2',
      detectMissing: true,
      deleteMode: 'tombstone_state',
      keepTombstones: true,
    });

  test('deletes a key at the date of the snapshot that no longer holds it, once, until it is back', async () => {
    const shop = spec();
    await land(shop, 'full/01', ['a', '01', 'a1'], ['b', '01', 'b1'], ['c', '01', 'c1']);
    await land(shop, 'full/03', ['a', '01', 'a1'], ['c', '01', 'c1']);
    await land(shop, 'full/05', ['a', '01', 'a1'], ['c', '04', 'c2']);
    await land(shop, 'full/07', ['a', '01', 'a1'], ['b', '06', 'b2']);
    const report = await run(shop, '08');
    expect([report.missing_keys, report.rows]).toEqual([
      2,
      { read: 9, live: 2, superseded: 3, deleted: 0, duplicate: 4, unchanged: 0, quarantined: 0 },
    ]);
    const file = literal(join(folderOf(shop, '08'), 'state_history-*.parquet'));
    const rows = await engine.query(
      `SELECT concat_ws(' ', id, v, effective_from::DATE, effective_to::DATE, is_current, is_deleted) AS line ` +
        `FROM read_parquet(${file}) ORDER BY id, effective_from`,
    );
    expect(rows.map((row) => row.line)).toEqual([
      'a a1 2025-01-01 1 0',
      'b b1 2025-01-01 2025-01-03 0 0',
      'b b1 2025-01-03 2025-01-06 0 1',
      'b b2 2025-01-06 1 0',
      'c c1 2025-01-01 2025-01-04 0 0',
      'c c2 2025-01-04 2025-01-07 0 0',
      'c c2 2025-01-07 0 1',
    ]);
    expect(await rowsOf(shop, '08')).toEqual(['a=a1', 'b=b2', 'c=c2']);
  });

  test('knows more snapshots than one number has bits: each turn of each key, in any of them', async () => {
    const days = 130;
    const snapshots = Array.from({ length: days }, (_, firstPart) => ({
      date: new Date(Date.UTC(2025, 0, 1 + firstPart)).toISOString().slice(0, 10),
      firstPart,
      parts: 1,
    }));
    const isHeld = (key: string, day: number): boolean =>
      key === 'always' || (key === 'once' ? day === 59 : (day * 7919 + key.length * 13) % 11 > 4);
    const keys = ['always', 'once', 'often', 'seldom'];
    const batches = snapshots.map((_, day) =>
      keys.filter((key) => isHeld(key, day)).map((id) => ({ id, ts: '2024-12-31 00:00:00', v: 'x' })),
    );
    const spec = silverSpec({
      detectMissing: true,
      deleteMode: 'tombstone_state',
      partitioning: { columns: [], none: true, keepColumns: false },
    });
    const { promoted, artifacts } = await promoteRows(
      engine,
      root,
      spec,
      { id: 'VARCHAR', ts: 'TIMESTAMP', v: 'VARCHAR' },
      batches,
      snapshots,
    );
    const turns = keys.flatMap((key) => {
      let held = true;
      return snapshots.flatMap(({ date }, day) => {
        if (isHeld(key, day) === held) return [];
        held = !held;
        return [`${key} ${date} ${held ? 0 : 1}`];
      });
    });
    const versions = (artifacts.state_history ?? [])
      .filter((row) => row.effective_from !== '2024-12-31 00:00:00')
      .map((row) => `${row.id} ${row.effective_from?.slice(0, 10)} ${row.is_deleted}`);
    expect(versions.sort()).toEqual(turns.sort());
    expect(promoted.missing).toBe(turns.filter((turn) => turn.endsWith('1')).length);
  });

  test('takes an empty snapshot for what it is, and of one date the newest', async () => {
    const shop = dataset({ detectMissing: true, deleteMode: 'hard_delete', allowEmpty: true });
    await land(shop, 'full/01', ['a', '01', 'a1'], ['b', '01', 'b1']);
    await land(shop, 'full/02/hour=08', ['a', '01', 'a1']);
    await land(shop, 'full/02/hour=09', ['b', '01', 'b1']);
    expect((await run(shop, '02')).not_read.length).toBe(1);
    expect(await rowsOf(shop, '02')).toEqual(['b=b1']);
    await land(shop, 'full/03');
    expect([(await run(shop, '03')).status, await rowsOf(shop, '03')]).toEqual(['empty', []]);
    await land(shop, 'full/04', ['b', '01', 'b1']);
    await run(shop, '04');
    expect(await rowsOf(shop, '04')).toEqual(['b=b1']);
  });

  test('counts a row that is set aside as held: a value that does not fit deletes nothing', async () => {
    const shop = dataset({
      detectMissing: true,
      deleteMode: 'tombstone_state',
      errorHandling: { enabled: true, maxBadRecords: 2, maxBadPercent: 0 },
      shaping: {
        renames: {},
        order: [],
        types: { v: { kind: 'int64' } },
        trimStrings: false,
        emptyStringsAsNull: false,
      },
    });
    await land(shop, 'full/01', ['a', '01', '1'], ['b', '01', '2'], ['c', '01', '3']);
    await land(shop, 'full/02', ['a', '02', 'one'], ['b', '99', '3']);
    const report = await run(shop, '02');
    expect([report.rows.quarantined, report.missing_keys]).toEqual([2, 1]);
    expect(await rowsOf(shop, '02')).toEqual(['a=1', 'b=2']);
  });

  test('needs an order column in which a date has a place', async () => {
    const shop = spec();
    await land(shop, 'full/01', ['a', '01', 'a1']);
    const numbered = { ...shop, silver: { ...shop.silver, orderColumn: 'v', attributes: ['ts'] } };
    await land(shop, 'full/02', ['a', '01', '7']);
    await land(shop, 'full/01', ['a', '01', '6']);
    expect(await run(numbered, '02').catch((error: Error) => error.message)).toContain('"v" holds int64');
  });
});

describe('loads whose Bronze was committed since', () => {
  const staleOf = ({ stale }: Awaited<ReturnType<typeof run>>) =>
    stale.map(({ run_date, inputs }) => [run_date.slice(-2), inputs.map((path) => path.slice(-2))]);

  test('are named by the next run of the table, until they are built again', async () => {
    const spec = dataset();
    await land(spec, 'full/01', ['a', '01', 'a1']);
    await land(spec, 'cdc/02', ['a', '02', 'a2']);
    for (const day of ['01', '02', '03']) expect((await run(spec, day)).stale).toEqual([]);
    await land(spec, 'cdc/02', ['a', '02', 'mended']);
    const told = await run(spec, '01');
    expect(staleOf(told)).toEqual([
      ['02', ['02']],
      ['03', ['02']],
    ]);
    expect(told.warnings.join()).toContain(
      'load_date=2025-01-02 (system=shop/table=orders/pattern=cdc/dt=2025-01-02)',
    );
    await run(spec, '02');
    expect((await run(spec, '03')).stale).toEqual([]);
  });

  test('are also those of a later date that do not know of a backfilled partition, but not those before it', async () => {
    const spec = dataset();
    await land(spec, 'full/01', ['a', '01', 'a1']);
    await land(spec, 'cdc/04', ['a', '04', 'a2']);
    for (const day of ['01', '04']) await run(spec, day);
    await land(spec, 'cdc/02', ['b', '02', 'b1']);
    expect(staleOf(await run(spec, '02'))).toEqual([['04', ['02']]]);
    // A load that begins at a newer snapshot would not read what was landed for before it.
    await land(spec, 'full/06', ['a', '06', 'a3']);
    await run(spec, '06');
    await land(spec, 'cdc/05', ['b', '05', 'b2']);
    expect(staleOf(await run(spec, '05'))).toEqual([['04', ['02']]]);
  });

  test('are also those of a date that got an hour after they were built, but of full loads only a newer one', async () => {
    const spec = dataset({ inputScope: 'partition' });
    await land(spec, 'cdc/01/hour=05', ['a', '01', 'a1']);
    await land(spec, 'full/02/hour=05', ['a', '02', 'a2']);
    await land(spec, 'cdc/03', ['a', '03', 'a3']);
    const full = { ...spec, bronze: { ...spec.bronze, loadPattern: 'full' as const } };
    await run(spec, '01');
    await run(full, '02');
    expect((await run(spec, '03')).stale).toEqual([]);
    await land(spec, 'cdc/01/hour=04', ['b', '01', 'late']);
    await land(spec, 'full/02/hour=04', ['b', '02', 'older']);
    const hour = 'pattern=cdc/dt=2025-01-01/hour=04';
    const told = (await run(spec, '03')).stale;
    expect(told.map(({ inputs }) => inputs)).toEqual([[`system=shop/table=orders/${hour}`]]);
    await land(spec, 'full/02/hour=06', ['b', '02', 'newer']);
    expect(staleOf(await run(spec, '03'))).toEqual([
      ['01', ['04']],
      ['02', ['06']],
    ]);
    await run(spec, '01');
    await run(full, '02');
    expect((await run(spec, '03')).stale).toEqual([]);
  });

  test('are not those of another version, and a run without its Bronze says nothing of it', async () => {
    const spec = dataset({ inputScope: 'partition' });
    await land(spec, 'cdc/01', ['a', '01', 'a1']);
    await land(spec, 'cdc/02', ['a', '02', 'a2']);
    for (const day of ['01', '02']) await run(spec, day);
    await land(spec, 'cdc/01', ['a', '01', 'mended']);
    const other = { ...spec, silver: { ...spec.silver, version: 2 } };
    expect((await run(other, '02')).stale).toEqual([]);
    expect(staleOf(await run(spec, '02'))).toEqual([['01', ['01']]]);
    rmSync(join(spec.bronze.base, 'system=shop/table=orders/pattern=cdc/dt=2025-01-01'), { recursive: true });
    expect((await run(spec, '02')).stale).toEqual([]);
  });
});
