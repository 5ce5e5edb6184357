import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadPattern, SilverSpec } from '../config/spec.ts';
import { systemClock } from '../core/clock.ts';
import { FoundryError } from '../core/errors.ts';
import { noProgress, silentLog } from '../core/log.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { copyToPart, hashFile } from '../engine/parts.ts';
import { literal } from '../engine/sql.ts';
import { openPartition } from '../lake/commit.ts';
import type { Manifest } from '../lake/manifest.ts';
import type { SilverDataset } from '../promotion/promotion.ts';
import { openStorage } from '../storage/open.ts';
import { type Rows, silverDataset, silverSpec, writeParquet } from '../testing/silver-kit.ts';
import type { SilverRunOptions } from './options.ts';
import { planSilver } from './plan.ts';
import { runSilver } from './run.ts';

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-run-silver-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

const TEXT = { id: 'VARCHAR', ts: 'VARCHAR', v: 'VARCHAR' };
const row = (id: string, ts: string, v: string) => ({ id, ts, v });

const options = (over: Partial<SilverRunOptions> = {}): SilverRunOptions => ({
  runDate: { date: '2025-01-05' },
  limits: { memoryBytes: 300e6, threads: 2, spillFolder: root },
  signal: new AbortController().signal,
  clock: systemClock,
  log: silentLog,
  progress: noProgress,
  ...over,
});

function dataset(silver: Partial<SilverSpec> = {}, loadPattern: LoadPattern = 'cdc'): SilverDataset {
  const folder = mkdtempSync(join(root, 'lake-'));
  const spec = silverSpec({ model: 'state_scd1', base: join(folder, 'silver'), ...silver });
  const found = silverDataset(spec, join(folder, 'bronze'));
  return { ...found, bronze: { ...found.bronze, loadPattern } };
}

/** Commits one Bronze partition; `slice` is `/hour=09` or nothing. */
async function landBronze(spec: SilverDataset, slice: string, rows: Rows, withCsv = false): Promise<void> {
  const { loadPattern, base } = spec.bronze;
  const path = `system=shop/table=orders/pattern=${loadPattern}/dt=2025-01-05${slice}`;
  const signal = new AbortController().signal;
  const writer = await openPartition({ storage: openStorage(base) }, path, { signal });
  const file = join(writer.spool, 'a.parquet.tmp');
  await writeParquet(engine, file, TEXT, rows);
  const common = { folder: '', stem: `${loadPattern}-part-0001`, rows: rows.length, role: 'data' } as const;
  const parts = [{ ...common, file, format: 'parquet' as 'parquet' | 'csv', ...(await hashFile(file)) }];
  if (withCsv) {
    const csv = join(writer.spool, 'a.csv.tmp');
    await copyToPart(engine, `FROM read_parquet(${literal(file)})`, csv, {
      format: 'csv',
      compression: 'none',
    });
    parts.push({ ...common, file: csv, format: 'csv', ...(await hashFile(csv)) });
  }
  await writer.commit(rows.length === 0 ? [] : parts, {
    layer: 'bronze',
    status: rows.length === 0 ? 'empty' : 'complete',
    started_at: '2025-01-05T00:00:00Z',
    run_date: '2025-01-05',
    load_pattern: loadPattern,
    schema: Object.keys(TEXT).map((name) => ({ name, type: 'string' })),
  });
}

const partition = (spec: SilverDataset): string =>
  join(spec.silver.base, 'domain=sales/entity=orders/v1/load_date=2025-01-05');

function manifestOf(spec: SilverDataset): Manifest {
  return JSON.parse(readFileSync(join(partition(spec), '_metadata.json'), 'utf8'));
}

async function values(spec: SilverDataset): Promise<unknown[]> {
  const glob = join(partition(spec), '**/*.parquet');
  const rows = await engine.query(`SELECT v FROM read_parquet(${literal(glob)}) ORDER BY v`);
  return rows.map((found) => found.v);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return 'no error';
  } catch (error) {
    return error instanceof FoundryError ? error.code : String(error);
  }
}

describe('runSilver', () => {
  test('scenario 49: a partition with CSV and Parquet of the same rows is read once', async () => {
    const spec = dataset();
    await landBronze(spec, '', [row('1', '2025-01-01', 'a'), row('2', '2025-01-01', 'b')], true);
    const report = await runSilver(spec, options());
    expect([report.status, report.rows.read]).toEqual(['complete', 2]);
  });

  test('scenario 50: a rerun reflects the new Bronze, and an equal rerun changes no file', async () => {
    const spec = dataset();
    await landBronze(spec, '', [row('1', '2025-01-01', 'old')]);
    await runSilver(spec, options());
    const files = readdirSync(partition(spec), { recursive: true }).sort();
    expect((await runSilver(spec, options())).status).toBe('unchanged');
    expect(readdirSync(partition(spec), { recursive: true }).sort()).toEqual(files);
    await landBronze(spec, '', [row('1', '2025-01-01', 'new'), row('2', '2025-01-01', 'more')]);
    const report = await runSilver(spec, options());
    expect(await values(spec)).toEqual(['more', 'new']);
    expect([report.replaced_rows, manifestOf(spec).record_count]).toEqual([1, 2]);
  });

  test('scenario 65: require_checksum refuses tampered and missing manifests and another pattern', async () => {
    const intact = dataset({ requireChecksum: true });
    await landBronze(intact, '', [row('1', '2025-01-01', 'a')]);
    expect((await runSilver(intact, options())).status).toBe('complete');
    expect(await codeOf(runSilver(intact, options({ pattern: 'full' })))).toBe('SUM001');

    const tampered = dataset({ requireChecksum: true });
    await landBronze(tampered, '', [row('1', '2025-01-01', 'a')]);
    const folder = join(tampered.bronze.base, 'system=shop/table=orders/pattern=cdc/dt=2025-01-05');
    const part = readdirSync(folder).find((name) => name.endsWith('.parquet')) ?? '';
    const bytes = readFileSync(join(folder, part));
    bytes[10] = (bytes[10] ?? 0) ^ 1;
    writeFileSync(join(folder, part), bytes);
    expect(await codeOf(runSilver(tampered, options()))).toBe('SUM001');
    rmSync(join(folder, '_checksums.json'));
    rmSync(join(folder, '_metadata.json'));
    expect(await codeOf(runSilver(tampered, options()))).toBe('SUM001');
    expect(existsSync(partition(tampered))).toBe(false);
  });

  test('scenario 66: the manifest lists partitioned files by paths that exist', async () => {
    const spec = dataset({ partitioning: { columns: ['id'], keepColumns: false } });
    await landBronze(spec, '', [row('x/y', '2025-01-01', 'a'), row('z', '2025-01-01', 'b')]);
    await runSilver(spec, options());
    const { files, inputs, ...manifest } = manifestOf(spec);
    expect(files.map((file) => file.partition_values)).toEqual([{ id: 'x/y' }, { id: 'z' }]);
    for (const file of files) expect(existsSync(join(partition(spec), file.path))).toBe(true);
    expect(inputs?.[0]?.commit_id).toBeString();
    expect(manifest).toMatchObject({ rows_read: 2, rows_written: 2, live_rows: 2, primary_keys: ['id'] });
  });

  test('scenario 67: all hours of the date are promoted; of full loads only the newest', async () => {
    const cdc = dataset();
    await landBronze(cdc, '/hour=10', [row('1', '2025-01-01', 'later')]);
    await landBronze(cdc, '/hour=09', [row('1', '2025-01-01', 'earlier'), row('2', '2025-01-01', 'only')]);
    const report = await runSilver(cdc, options());
    expect(await values(cdc)).toEqual(['later', 'only']);
    expect(report.inputs.map((path) => path.slice(-7))).toEqual(['hour=09', 'hour=10']);

    const full = dataset({}, 'full');
    await landBronze(full, '/hour=10', [row('1', '2025-01-01', 'newest')]);
    await landBronze(full, '/hour=09', [row('2', '2025-01-01', 'gone')]);
    const newest = await runSilver(full, options());
    expect(await values(full)).toEqual(['newest']);
    expect(newest.not_read.map((path) => path.slice(-7))).toEqual(['hour=09']);
  });

  test('scenario 64: promoting the same partition into fresh folders gives the same bytes', async () => {
    const rows = [row('1', '2025-01-01', 'a'), row('1', '2025-01-02', 'b')];
    const hashes = [];
    for (const threads of [1, 2]) {
      const spec = dataset({ model: 'state_scd2' });
      await landBronze(spec, '', rows);
      await runSilver(spec, options({ limits: { memoryBytes: 300e6, threads, spillFolder: root } }));
      hashes.push(manifestOf(spec).files.map((file) => [file.path, file.sha256]));
    }
    expect(hashes[0]).toEqual(hashes[1] ?? []);
  });

  test('a bronze path is read wherever it lies', async () => {
    const spec = dataset();
    await landBronze(spec, '/hour=09', [row('1', '2025-01-01', 'a')]);
    const bronzePath = join(spec.bronze.base, 'system=shop/table=orders/pattern=cdc/dt=2025-01-05/hour=09');
    const elsewhere = { ...spec, bronze: { ...spec.bronze, base: join(root, 'nowhere') } };
    expect((await runSilver(elsewhere, options({ bronzePath }))).rows.read).toBe(1);
  });

  test('nothing landed is EXT001, and nothing is written', async () => {
    const spec = dataset();
    expect(await codeOf(runSilver(spec, options()))).toBe('EXT001');
    expect(existsSync(spec.silver.base)).toBe(false);
  });

  test('an empty slice gives an empty table; an empty full load does not replace rows', async () => {
    const spec = dataset({}, 'full');
    await landBronze(spec, '', [row('1', '2025-01-01', 'a')]);
    await runSilver(spec, options());
    await landBronze(spec, '', []);
    expect(await codeOf(runSilver(spec, options()))).toBe('QUAL001');
    expect(await values(spec)).toEqual(['a']);
    const allowed = { ...spec, silver: { ...spec.silver, allowEmpty: true } };
    expect((await runSilver(allowed, options())).status).toBe('empty');
    expect(manifestOf(spec).files.map((file) => file.rows)).toEqual([0]);
  });

  test('quarantined rows are kept aside and counted, where no data glob reaches them', async () => {
    const spec = dataset({ errorHandling: { enabled: true, maxBadRecords: 1, maxBadPercent: 0 } });
    await landBronze(spec, '', [row('1', 'x', 'bad'), row('1', '2025-01-01', 'good')]);
    const report = await runSilver(spec, options());
    expect(report.rows).toMatchObject({ read: 2, live: 1, quarantined: 1 });
    expect(await values(spec)).toEqual(['good']);
    const quarantine = manifestOf(spec).files.find((file) => file.role === 'quarantine');
    expect(quarantine?.path).toMatch(/^_quarantine\/rejected-[0-9a-f]{8}\.jsonl$/);
  });

  test('a disabled layer is skipped', async () => {
    expect((await runSilver(dataset({ enabled: false }), options())).status).toBe('skipped');
  });

  test('an abort leaves the old partition and exits as interrupted', async () => {
    const spec = dataset();
    await landBronze(spec, '', [row('1', '2025-01-01', 'a')]);
    const stop = new AbortController();
    stop.abort();
    expect(await codeOf(runSilver(spec, options({ signal: stop.signal })))).toBe('INT001');
    expect(existsSync(partition(spec))).toBe(false);
  });
});

describe('planSilver', () => {
  test('shows what a run would do, and writes nothing', async () => {
    const spec = dataset({ model: 'state_scd2' });
    expect((await planSilver(spec, options())).problem).toContain('no Bronze partition has landed');
    await landBronze(spec, '', [row('1', '2025-01-01', 'a')]);
    const plan = await planSilver(spec, options());
    expect(plan.bronze.read.map((input) => input.rows)).toEqual([1]);
    expect(plan.steps?.partition_columns).toEqual(['effective_from_dt date']);
    expect(plan.steps?.artifacts.map((artifact) => artifact.files)).toEqual([
      'domain=sales/entity=orders/v1/load_date=2025-01-05/effective_from_dt=<value>/state_history-<hash8>.parquet',
      'domain=sales/entity=orders/v1/load_date=2025-01-05/effective_from_dt=<value>/state_current-<hash8>.parquet',
    ]);
    expect(existsSync(spec.silver.base)).toBe(false);
  });
});
