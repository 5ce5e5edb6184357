import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openTestPostgres } from '../../src/testing/postgres-database.ts';
import { postgres } from '../services/postgres.ts';
import { startServices } from '../services/start.ts';
import { duckdb } from './duckdb-contestant.ts';
import { type Contestant, printRace, promise, promiseRatio, race, withFolder } from './harness.ts';

/*
 * Tables of PostgreSQL → Bronze, through the compiled binary, against what cannot be avoided: psql's \copy, which throws
 * the rows away, and then DuckDB's Parquet writing of the same rows, each in a process of its own in the same run.
 */

const BINARY = join(import.meta.dir, '..', '..', 'dist', 'foundry');

const TABLES = {
  narrow: {
    title: '1,000,000 rows × 10 narrow columns',
    fill: `CREATE TABLE narrow AS SELECT g::int AS id, g::bigint * 7919 AS big, g % 1000 AS grp, (g * 0.01)::numeric(12,2) AS amount,
      g / 3.0::float8 AS ratio, g % 2 = 0 AS flag, date '2020-01-01' + g % 1500 AS day, timestamp '2020-01-01' + g * interval '1.234567 s' AS at,
      timestamptz '2020-01-01+00' + g * interval '7.7 s' AS seen, CASE WHEN g % 10 > 0 THEN 'name ' || g % 5000 END AS name FROM generate_series(1, 1000000) g`,
  },
  wide: {
    title: '200,000 rows × 20 wide text columns',
    fill: `CREATE TABLE wide AS SELECT g AS id, ${Array.from({ length: 19 }, (_, i) => `md5((g * ${i + 1})::text) || ' ' || md5((g + ${i})::text) AS t${i}`).join(', ')} FROM generate_series(1, 200000) g`,
  },
} as const;

const services = await startServices([postgres]);
Object.assign(process.env, services.env);
const database = await openTestPostgres();
try {
  await withFolder(async (folder) => {
    for (const [table, { title, fill }] of Object.entries(TABLES)) {
      await database.run(fill);
      await database.run(`ANALYZE ${table}`);
      const lake = join(folder, table);
      const config = join(folder, `${table}.yaml`);
      await writeFile(config, yaml(table, lake));
      const foundry: Contestant = {
        name: 'foundry bronze',
        command: [BINARY, 'bronze', '--config', config, '--date', '2025-01-05', '--quiet'],
        env: { BENCH_URL: database.url },
        prepare: () => rm(lake, { recursive: true, force: true }),
      };
      // Lands the rows that the yardstick then writes.
      await race([foundry], { rounds: 1, warmUps: 0 });
      const kept = join(folder, `${table}-rows.parquet`);
      await Bun.write(kept, Bun.file(await partOf(lake)));
      const results = await race([foundry, await yardstick(table, folder, kept)], { rounds: 5 });
      printRace(`PostgreSQL → Bronze, ${title}`, results);
      promiseRatio('bronze against \\copy and DuckDB’s writing', results, 1.5);
      promise('peak memory of bronze', results[0]?.peakMegabytes ?? Number.NaN, 300, 'MB');
    }
  });
} finally {
  await database.drop();
  await services.stop();
}

async function yardstick(table: string, folder: string, kept: string): Promise<Contestant> {
  const write = await duckdb('', folder, `write-${table}`, [
    `COPY (FROM read_parquet('${kept}')) TO '${join(folder, 'bare.parquet')}' (FORMAT parquet)`,
  ]);
  const copy = ['psql', '-q', database.url, '-c', `\\copy ${table} to /dev/null`];
  const quoted = (command: readonly string[]) => command.map((word) => `'${word}'`).join(' ');
  return {
    name: 'psql \\copy to /dev/null, DuckDB’s writing',
    command: ['sh', '-c', `${quoted(copy)} && ${quoted(write.command)}`],
  };
}

async function partOf(lake: string): Promise<string> {
  const files = await Array.fromAsync(new Bun.Glob('**/*.parquet').scan({ cwd: lake, absolute: true }));
  if (files[0] === undefined || files.length > 1) throw new Error(`${lake} holds ${files.length} parts`);
  return files[0];
}

function yaml(table: string, lake: string): string {
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
  run:
    load_pattern: full
    local_output_dir: ${lake}
`;
}
