import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BronzeReport, runBronze } from '../bronze/run.ts';
import { type DatabaseOptions, databaseIncremental, databaseSource } from '../config/database/source.ts';
import type { BronzeSpec, DatasetSpec } from '../config/spec.ts';
import { systemClock } from '../core/clock.ts';
import { type Log, noProgress, silentLog } from '../core/log.ts';
import { engineLimits } from '../engine/limits.ts';
import { queryDuckdb } from './parquet.ts';

/** A lake of its own that one table or query of a database is landed into, by the real Bronze run. */
export interface DatabaseLake {
  readonly base: string;
  run(
    date: string,
    flags?: { readonly signal?: AbortSignal; readonly fullRefresh?: boolean; readonly log?: Log },
  ): Promise<BronzeReport>;
  /** Every row of every partition, or of one date's. */
  landed(date?: string): Promise<Record<string, unknown>[]>;
  /** The numbers in the column `id` of all of these rows, in order. */
  ids(date?: string): Promise<number[]>;
  remove(): Promise<void>;
}

/**
 * @param url the connection string
 * @param options the keys of `source.db`; `csv` also writes CSV, which only the row lane does
 */
export async function databaseLake(
  url: string,
  options: Omit<DatabaseOptions, 'conn_str_env'> & { readonly workers?: number; readonly csv?: boolean },
): Promise<DatabaseLake> {
  const base = await mkdtemp(join(tmpdir(), 'foundry-database-'));
  const variable = `FOUNDRY_DATABASE_${base.slice(-6)}`;
  process.env[variable] = url;
  const { workers, csv, ...db } = options;
  const keys: DatabaseOptions = { ...db, conn_str_env: variable };
  const incremental = databaseIncremental(keys);
  const bronze: BronzeSpec = {
    enabled: true,
    system: 's',
    table: 't',
    source: databaseSource(keys, { workers }),
    loadPattern: incremental === undefined ? 'full' : 'cdc',
    base: join(base, 'lake'),
    partition: { strategy: 'date', timezone: 'UTC' },
    formats: { parquet: true, csv: csv === true, compression: 'snappy' },
    allowEmpty: true,
    ...(incremental !== undefined && { incremental }),
  };
  const spec: DatasetSpec = { name: 's.t', configPath: 'memory.yaml', bronze };
  const query = async (columns: string, date?: string): Promise<Record<string, unknown>[]> => {
    const pattern = date === undefined ? '**/*.parquet' : `**/dt=${date}/*.parquet`;
    const files = await Array.fromAsync(
      new Bun.Glob(pattern).scan({ cwd: bronze.base, absolute: true }),
    ).catch(() => []);
    if (files.length === 0) return [];
    return queryDuckdb(`SELECT ${columns} FROM read_parquet('${bronze.base}/${pattern}')`);
  };
  return {
    base: bronze.base,
    run: (date, { signal = new AbortController().signal, ...flags } = {}) =>
      runBronze(spec, {
        runDate: { date },
        limits: engineLimits({ memoryBytes: 200e6, threads: 2 }),
        signal,
        clock: systemClock,
        log: silentLog,
        progress: noProgress,
        ...flags,
      }),
    landed: (date) => query('*', date),
    async ids(date) {
      return (await query('id', date)).map(({ id }) => Number(id)).sort((a, b) => a - b);
    },
    async remove() {
      delete process.env[variable];
      await rm(base, { recursive: true, force: true });
    },
  };
}
