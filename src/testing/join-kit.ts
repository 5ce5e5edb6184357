import { join } from 'node:path';
import type { JoinSpec } from '../config/join/spec.ts';
import { parseConfig } from '../config/load.ts';
import { systemClock } from '../core/clock.ts';
import { type Log, noProgress, silentLog } from '../core/log.ts';
import { formatType } from '../core/schema.ts';
import type { Engine } from '../engine/engine.ts';
import { copyToPart, hashFile } from '../engine/parts.ts';
import { dataTypeOf, describe, identifier, literal, literalList } from '../engine/sql.ts';
import type { JoinRunOptions } from '../join/options.ts';
import type { JoinReport } from '../join/report.ts';
import { runJoin } from '../join/run.ts';
import { openPartition } from '../lake/commit.ts';
import type { SpooledPart } from '../lake/lake.ts';
import type { Manifest } from '../lake/manifest.ts';
import { localStorage } from '../storage/local.ts';
import { NEVER_STOPPED } from './lake-fixtures.ts';

export type Cell = string | number | null;

/** A query for rows that a test spells out. */
export function rowsSql(
  columns: Readonly<Record<string, string>>,
  rows: readonly (readonly Cell[])[],
): string {
  const names = Object.keys(columns);
  const typed = names.map((name, index) => `c${index}::${columns[name]} AS ${identifier(name)}`).join(', ');
  const aliases = names.map((_, index) => `c${index}`).join(', ');
  const cell = (value: Cell): string =>
    value === null ? 'NULL' : typeof value === 'number' ? String(value) : literal(value);
  if (rows.length === 0) {
    const nulls = names.map((_, index) => `NULL AS c${index}`).join(', ');
    return `SELECT ${typed} FROM (SELECT ${nulls}) WHERE false`;
  }
  const values = rows.map((row) => `(${row.map(cell).join(', ')})`).join(', ');
  return `SELECT ${typed} FROM (VALUES ${values}) t(${aliases})`;
}

export interface PutOptions {
  /** Queries of the artifacts, each one or several files. */
  readonly artifacts: Readonly<Record<string, string | readonly string[]>>;
  readonly primaryKeys?: readonly string[];
  readonly orderColumn?: string;
  readonly format?: 'parquet' | 'csv';
  readonly extra?: Readonly<Record<string, unknown>>;
}

/** Commits a Silver load partition of tables that queries give. */
export async function putSilver(
  engine: Engine,
  base: string,
  path: string,
  options: PutOptions,
): Promise<Manifest> {
  const writer = await openPartition({ storage: localStorage(base) }, path, { signal: NEVER_STOPPED });
  const parts: SpooledPart[] = [];
  const artifacts: Record<string, unknown> = {};
  const { format = 'parquet' } = options;
  for (const [artifact, queries] of Object.entries(options.artifacts)) {
    for (const [index, sql] of [queries].flat().entries()) {
      const file = join(writer.spool, `${artifact}-${index}.${format}.tmp`);
      const { rows } = await copyToPart(engine, sql, file, { format, compression: 'snappy' });
      const stem = index === 0 ? artifact : `${artifact}-${index}`;
      parts.push({ file, folder: '', stem, format, rows, role: 'data', artifact, ...(await hashFile(file)) });
      artifacts[artifact] = { name: artifact, schema: await schemaOf(engine, sql) };
    }
  }
  const first = Object.values(artifacts)[0] as { schema: Manifest['schema'] };
  const { manifest } = await writer.commit(parts, {
    layer: 'silver',
    status: 'complete',
    started_at: '2025-01-05T09:00:00.000Z',
    run_date: '2025-01-05',
    load_pattern: 'full',
    schema: first.schema,
    artifacts,
    primary_keys: options.primaryKeys ?? [],
    order_column: options.orderColumn ?? null,
    partition_columns: [],
    keep_partition_columns: false,
    ...options.extra,
  });
  return manifest;
}

async function schemaOf(engine: Engine, sql: string): Promise<Manifest['schema']> {
  const columns = await describe(engine, sql);
  return columns.map(({ engineType, name }) => ({
    name,
    type: formatType(dataTypeOf(engineType) ?? { kind: 'string' }),
  }));
}

/** The join of a config's `silver_join` section. */
export function joinSpecOf(section: object): JoinSpec {
  const { join: spec } = parseConfig('join.yaml', JSON.stringify({ silver_join: section }), {});
  if (spec === undefined) throw new Error('the config has no join');
  return spec;
}

export function joinOptions(spill: string, over: Partial<JoinRunOptions> = {}): JoinRunOptions {
  return {
    runDate: { date: '2025-01-05' },
    limits: { memoryBytes: 400e6, threads: 2, spillFolder: spill },
    signal: NEVER_STOPPED,
    clock: systemClock,
    log: silentLog,
    progress: noProgress,
    ...over,
  };
}

/** Collects what a run says. */
export function recordingLog(): Log & { readonly lines: string[] } {
  const lines: string[] = [];
  const add = (message: string): void => void lines.push(message);
  return { lines, debug: add, info: add, warn: add };
}

/** Runs a join and reads what it wrote, in order, as text. */
export async function joined(
  engine: Engine,
  section: object,
  options: JoinRunOptions,
): Promise<{ readonly report: JoinReport; readonly rows: Record<string, string | null>[] }> {
  const report = await runJoin(joinSpecOf(section), options);
  return { report, rows: await rowsOf(engine, report) };
}

export async function rowsOf(
  engine: Engine,
  { files, location }: JoinReport,
): Promise<Record<string, string | null>[]> {
  const paths = files.filter(({ path }) => path.endsWith('.parquet')).map(({ path }) => join(location, path));
  const found = await engine.query(
    `SELECT COLUMNS(*)::VARCHAR FROM read_parquet(${literalList(paths)}, hive_partitioning=false)`,
  );
  return found as Record<string, string | null>[];
}
