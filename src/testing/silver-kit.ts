import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { SilverSpec } from '../config/spec.ts';
import { type Log, noProgress, silentLog } from '../core/log.ts';
import type { Engine } from '../engine/engine.ts';
import { identifier, literal } from '../engine/sql.ts';
import type { Snapshot } from '../promotion/missing.ts';
import { type Promoted, promote } from '../promotion/promote.ts';
import type { SilverDataset } from '../promotion/promotion.ts';

export function silverSpec(over: Partial<SilverSpec> = {}): SilverSpec {
  return {
    enabled: true,
    base: 'silver',
    domain: 'sales',
    entity: 'orders',
    version: 1,
    loadPartitionName: 'load_date',
    inputScope: 'partition',
    model: 'state_scd2',
    artifactNames: {},
    keys: ['id'],
    orderColumn: 'ts',
    attributes: ['v'],
    deleteMode: 'ignore',
    keepTombstones: false,
    schemaMode: 'strict',
    collapseUnchanged: false,
    partitioning: { columns: [], keepColumns: false },
    formats: { parquet: true, csv: false, compression: 'snappy' },
    requireChecksum: false,
    errorHandling: { enabled: false, maxBadRecords: 0, maxBadPercent: 0 },
    allowEmpty: false,
    ...over,
  };
}

export function silverDataset(silver: SilverSpec, base = 'bronze'): SilverDataset {
  return {
    name: 'shop.orders',
    configPath: 'orders.yaml',
    bronze: {
      enabled: true,
      system: 'shop',
      table: 'orders',
      source: {
        type: 'file',
        path: 'orders.csv',
        configFolder: '.',
        encoding: 'utf-8',
        quote: '"',
        hasHeader: true,
        nullValues: [],
        types: 'text',
      },
      loadPattern: 'cdc',
      base,
      partition: { strategy: 'date', timezone: 'UTC' },
      formats: { parquet: true, csv: false, compression: 'snappy' },
      allowEmpty: false,
    },
    silver,
  };
}

/** A column's SQL type and its values as SQL literals' text; null is NULL. */
export type Rows = readonly Readonly<Record<string, string | null>>[];

export async function writeParquet(
  engine: Engine,
  file: string,
  columns: Readonly<Record<string, string>>,
  rows: Rows,
): Promise<void> {
  const names = Object.keys(columns);
  const cell = (value: string | null | undefined, type: string): string =>
    `${value === null || value === undefined ? 'NULL' : literal(value)}::${type}`;
  const values = rows.map(
    (row) => `(${names.map((name) => cell(row[name], columns[name] ?? 'VARCHAR')).join(', ')})`,
  );
  const none = `(${names.map((name) => cell(null, columns[name] ?? 'VARCHAR')).join(', ')})`;
  const list = `${names.map(identifier).join(', ')}`;
  const body = `(VALUES ${values.length === 0 ? none : values.join(', ')}) t(${list})`;
  await engine.execute(
    `COPY (SELECT * FROM ${body} ${values.length === 0 ? 'WHERE false' : ''}) TO ${literal(file)} (FORMAT parquet)`,
  );
}

export interface PromotedRows {
  readonly promoted: Promoted;
  /** Every value as text, by artifact, in file order; partition columns from the path included. */
  readonly artifacts: Readonly<Record<string, Record<string, string | null>[]>>;
}

/**
 * Promotes batches of rows (one part each) and reads the artifacts' files back.
 * @param own columns of single batches, where they differ.
 */
export async function promoteRows(
  engine: Engine,
  root: string,
  silver: SilverSpec,
  columns: Readonly<Record<string, string>>,
  batches: readonly Rows[],
  snapshots?: readonly Snapshot[],
  own: readonly Readonly<Record<string, string>>[] = [],
  log: Log = silentLog,
): Promise<PromotedRows> {
  const folder = mkdtempSync(join(root, 'promote-'));
  const spool = join(folder, 'spool');
  mkdirSync(spool);
  const parts = [];
  for (const [index, rows] of batches.entries()) {
    const localPath = join(folder, `part-${index}.parquet`);
    await writeParquet(engine, localPath, own[index] ?? columns, rows);
    parts.push({ localPath, name: `dt=2025-01-05/part-${index}.parquet` });
  }
  const promoted = await promote(engine, silverDataset(silver), parts, { fields: [] }, spool, {
    runDate: { date: '2025-01-05' },
    signal: new AbortController().signal,
    log,
    progress: noProgress,
    ...(snapshots !== undefined && { snapshots: { list: snapshots, partCount: parts.length } }),
  });
  const artifacts: Record<string, Record<string, string | null>[]> = {};
  for (const part of promoted.parts) {
    if (part.role !== 'data' || part.format !== 'parquet') continue;
    const rows = await engine.query(
      `SELECT COLUMNS(*)::VARCHAR FROM read_parquet(${literal(part.file)}, hive_partitioning=false)`,
    );
    const list = artifacts[part.artifact ?? ''] ?? [];
    artifacts[part.artifact ?? ''] = list;
    for (const row of rows) list.push({ ...(row as Record<string, string | null>), ...part.partitionValues });
  }
  return { promoted, artifacts };
}
