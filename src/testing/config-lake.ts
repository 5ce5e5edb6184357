import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type BronzeReport, runBronze } from '../bronze/run.ts';
import { parseConfig } from '../config/load.ts';
import { systemClock } from '../core/clock.ts';
import { type Log, noProgress, silentLog } from '../core/log.ts';
import { engineLimits } from '../engine/limits.ts';
import { readWithDuckdb, type Table } from '../scenarios/readers.ts';

export interface DatabaseLakeOptions {
  /** `source.db` of a classic config. */
  readonly db: Readonly<Record<string, unknown>>;
  /** `source.run`. */
  readonly run?: Readonly<Record<string, unknown>>;
  readonly silver?: Readonly<Record<string, unknown>>;
}

export interface DatabaseRun {
  readonly fullRefresh?: boolean;
  readonly signal?: AbortSignal;
  readonly log?: Log;
  readonly batchId?: string;
}

/** A lake of its own that one database source is landed into, in this process. */
export interface DatabaseLake {
  readonly base: string;
  run(date: string, flags?: DatabaseRun): Promise<BronzeReport>;
  /** Every row of every partition, in their order. */
  landed(): Promise<Table>;
  files(): Promise<string[]>;
  remove(): Promise<void>;
}

export async function databaseLake(options: DatabaseLakeOptions): Promise<DatabaseLake> {
  const folder = await mkdtemp(join(tmpdir(), 'foundry-database-'));
  const base = join(folder, 'lake');
  const config = {
    config_version: 1,
    platform: { bronze: { storage_backend: 'local', local_path: base } },
    source: { type: 'db', system: 's', table: 't', db: options.db, run: options.run ?? {} },
    ...(options.silver !== undefined && { silver: options.silver }),
  };
  const [spec] = parseConfig('database.yaml', stringify(config), {}).datasets;
  if (spec === undefined) throw new Error('no dataset');
  const files = (): Promise<string[]> =>
    Array.fromAsync(new Bun.Glob('**/*.parquet').scan({ cwd: base, absolute: true }))
      .then((found) => found.sort())
      .catch(() => []);
  return {
    base,
    run: (date, { signal, log = silentLog, ...flags } = {}) =>
      runBronze(spec, {
        runDate: { date },
        limits: engineLimits({ memoryBytes: 300e6, threads: 2 }),
        signal: signal ?? new AbortController().signal,
        clock: systemClock,
        log,
        progress: noProgress,
        ...flags,
      }),
    async landed() {
      const found = await files();
      if (found.length === 0) return { types: {}, rows: [] };
      const list = found.map((file) => `'${file}'`).join(', ');
      return readWithDuckdb(`read_parquet([${list}], union_by_name=true, hive_partitioning=false)`);
    },
    files,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
