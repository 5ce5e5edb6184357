import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { duckdb } from './duckdb-contestant.ts';
import { type Contestant, printRace, promise, promiseRatio, race, withFolder } from './harness.ts';

const BINARY = join(import.meta.dir, '..', '..', 'dist', 'foundry');
const WORKERS = 4;

/** A database whose tables `narrow` and `wide` are landed, and what is the least that their rows cost. */
export interface RacedDatabase {
  readonly name: string;
  readonly url: string;
  /** Makes a table and fills it. */
  fill(table: 'narrow' | 'wide'): Promise<void>;
  /** A shell command: the database's own client, which throws the rows of a table away. */
  clientCommand(table: string): string;
  readonly clientName: string;
  /** Keys of `source.db` with which a table is read by several workers. */
  readonly parallelKeys: readonly string[];
}

/**
 * Tables → Bronze, through the compiled binary, against what cannot be avoided: the database's own client, and then
 * DuckDB's Parquet writing of the same rows, each in a process of its own in the same run.
 */
export async function raceDatabase(database: RacedDatabase, rounds: number): Promise<void> {
  await withFolder(async (folder) => {
    for (const [table, title] of [
      ['narrow', '1,000,000 rows × 10 narrow columns'],
      ['wide', '200,000 rows × 20 wide text columns'],
    ] as const) {
      await database.fill(table);
      const foundry = await contestant(database, table, folder, 1);
      // Lands the rows that the yardstick then writes.
      await race([foundry], { rounds: 1, warmUps: 0 });
      const kept = join(folder, `${table}-rows.parquet`);
      await Bun.write(kept, Bun.file(await partOf(lakeOf(folder, table, 1))));
      const results = await race([foundry, await yardstick(database, table, folder, kept)], { rounds });
      printRace(`${database.name} → Bronze, ${title}`, results);
      promiseRatio('bronze against the client and DuckDB’s writing', results, 1.5);
      promise('peak memory of bronze', results[0]?.peakMegabytes ?? Number.NaN, 300, 'MB');
      const parallel = await race([await contestant(database, table, folder, WORKERS)], { rounds });
      printRace(`The same by ${WORKERS} workers`, parallel);
      promise('peak memory of bronze', parallel[0]?.peakMegabytes ?? Number.NaN, 300, 'MB');
    }
  });
}

function lakeOf(folder: string, table: string, workers: number): string {
  return join(folder, `${table}-${workers}`);
}

async function contestant(
  database: RacedDatabase,
  table: string,
  folder: string,
  workers: number,
): Promise<Contestant> {
  const lake = lakeOf(folder, table, workers);
  const config = `${lake}.yaml`;
  await writeFile(config, yaml(table, lake, workers, workers === 1 ? [] : database.parallelKeys));
  return {
    name: 'foundry bronze',
    command: [BINARY, 'bronze', '--config', config, '--date', '2025-01-05', '--quiet'],
    env: { BENCH_URL: database.url },
    prepare: () => rm(lake, { recursive: true, force: true }),
  };
}

async function yardstick(
  database: RacedDatabase,
  table: string,
  folder: string,
  kept: string,
): Promise<Contestant> {
  const write = await duckdb('', folder, `write-${table}`, [
    `COPY (FROM read_parquet('${kept}')) TO '${join(folder, 'bare.parquet')}' (FORMAT parquet)`,
  ]);
  return {
    name: `${database.clientName}, DuckDB’s writing`,
    command: ['sh', '-c', `${database.clientCommand(table)} && ${shellCommand(write.command)}`],
  };
}

/** Words, each quoted for a shell. */
export function shellCommand(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ');
}

async function partOf(lake: string): Promise<string> {
  const files = await Array.fromAsync(new Bun.Glob('**/*.parquet').scan({ cwd: lake, absolute: true }));
  if (files[0] === undefined || files.length > 1) throw new Error(`${lake} holds ${files.length} parts`);
  return files[0];
}

function yaml(table: string, lake: string, workers: number, keys: readonly string[]): string {
  return `config_version: 1
platform:
  bronze:
    storage_backend: local
source:
  type: db
  system: erp
  table: ${table}
  db:
    conn_str_env: BENCH_URL
    table: ${table}
${keys.map((key) => `    ${key}\n`).join('')}  run:
    load_pattern: full
    parallel_workers: ${workers}
    local_output_dir: ${lake}
`;
}
