import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BronzeReport, runBronze } from '../bronze/run.ts';
import type { BronzeSpec, DatasetSpec, IncrementalSpec, LoadPattern } from '../config/spec.ts';
import type { Batches } from '../core/batch.ts';
import { systemClock } from '../core/clock.ts';
import { type Log, noProgress, silentLog } from '../core/log.ts';
import type { TableSchema } from '../core/schema.ts';
import { engineLimits } from '../engine/limits.ts';
import { trackCursor } from '../sources/cursor-filter.ts';
import type { ReadRequest, Source } from '../sources/source.ts';
import { readParquet } from './parquet.ts';

/** A table in memory, read as a source that ignores what it is asked for: `trackCursor` has to make it right. */
export interface MemoryTable {
  readonly schema: TableSchema;
  /** Values as `DataType` holds them. */
  readonly rows: (readonly unknown[])[];
}

function tableSource({ schema, rows }: MemoryTable, onRead?: (request: ReadRequest) => void): Source {
  return {
    async plan() {
      return { description: 'a table in memory', inputs: [] };
    },
    read(request: ReadRequest): Batches {
      onRead?.(request);
      const batches = batchesOf(schema, rows);
      const { cursor, onCursor } = request;
      return cursor === undefined || onCursor === undefined
        ? batches
        : trackCursor(batches, cursor, onCursor);
    },
  };
}

const BATCH_ROWS = 3;

async function* batchesOf(schema: TableSchema, rows: readonly (readonly unknown[])[]): Batches {
  for (let from = 0; from === 0 || from < rows.length; from += BATCH_ROWS) {
    const slice = rows.slice(from, from + BATCH_ROWS);
    const columns = schema.fields.map((_, index) => slice.map((row) => row[index]));
    yield { schema, columns, length: slice.length };
  }
}

export interface RunFlags {
  readonly fullRefresh?: boolean;
  readonly stateFile?: string;
  readonly batchId?: string;
  readonly log?: Log;
}

/** A lake of its own that one table in memory is landed into. */
export interface TableLake {
  readonly base: string;
  run(date: string, flags?: RunFlags): Promise<BronzeReport>;
  /** Every row of every partition. */
  landed(): Promise<Record<string, unknown>[]>;
  remove(): Promise<void>;
}

export interface TableLakeOptions {
  /** Absent: the source keeps a state of its own. */
  readonly incremental?: IncrementalSpec;
  /** Sees each request before the rows are read. */
  readonly onRead?: (request: ReadRequest) => void;
  readonly strategy?: BronzeSpec['partition']['strategy'];
  readonly loadPattern?: LoadPattern;
}

export async function tableLake(table: MemoryTable, options: TableLakeOptions): Promise<TableLake> {
  const base = await mkdtemp(join(tmpdir(), 'foundry-table-'));
  const bronze: BronzeSpec = {
    enabled: true,
    system: 's',
    table: 't',
    source: {
      type: 'file',
      path: 'unused',
      configFolder: base,
      encoding: 'utf-8',
      quote: '"',
      hasHeader: true,
      nullValues: [],
      types: 'text',
    },
    loadPattern: options.loadPattern ?? 'cdc',
    base: join(base, 'lake'),
    partition: { strategy: options.strategy ?? 'date', timezone: 'UTC' },
    formats: { parquet: true, csv: false, compression: 'none' },
    allowEmpty: false,
    ...(options.incremental === undefined ? { keepsState: true } : { incremental: options.incremental }),
  };
  const spec: DatasetSpec = { name: 's.t', configPath: 'memory.yaml', bronze };
  return {
    base: bronze.base,
    run: (date, { log = silentLog, ...flags } = {}) =>
      runBronze(
        spec,
        {
          runDate: { date },
          limits: engineLimits({ memoryBytes: 200e6, threads: 1 }),
          signal: new AbortController().signal,
          clock: systemClock,
          log,
          progress: noProgress,
          ...flags,
        },
        async () => tableSource(table, options.onRead),
      ),
    async landed() {
      const glob = new Bun.Glob('**/*.parquet');
      const files = await Array.fromAsync(glob.scan({ cwd: bronze.base, absolute: true })).catch(() => []);
      return files.length === 0 ? [] : readParquet(`${bronze.base}/**/*.parquet`);
    },
    remove: () => rm(base, { recursive: true, force: true }),
  };
}
