import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MysqlLab, mysqlLab } from '../../src/testing/mysql-kit.ts';
import { mariadb } from '../services/mariadb.ts';
import { startServices } from '../services/start.ts';
import { duckdb } from './duckdb-contestant.ts';
import { type Contestant, printRace, promise, promiseRatio, race, withFolder } from './harness.ts';

/*
 * Tables of MariaDB → Bronze, through the compiled binary, against what cannot be avoided: the server's own client that
 * throws the rows away, and then DuckDB's Parquet writing of the same rows, both in processes of their own in the same
 * run.
 */

const BINARY = join(import.meta.dir, '..', '..', 'dist', 'foundry');

const TABLES = {
  narrow: {
    title: '1,000,000 rows × 10 narrow columns',
    create:
      'CREATE TABLE narrow (id bigint PRIMARY KEY, a int, b int, c double, d decimal(12,2), e varchar(20), f varchar(12), g datetime(6), h date, i bigint unsigned)',
    fill: "INSERT INTO narrow SELECT seq, seq % 1000, seq * 7 % 100003, seq / 7.0, seq % 100000 / 100, concat('name ', seq), if(seq % 10 = 0, NULL, concat('x', seq % 50)), timestampadd(microsecond, seq * 1000003, '2020-01-01'), date_add('2020-01-01', INTERVAL seq % 1000 DAY), seq * 1000000007 FROM seq_1_to_1000000",
  },
  wide: {
    title: '200,000 rows × 20 wide text columns',
    create: `CREATE TABLE wide (id int PRIMARY KEY, ${Array.from({ length: 19 }, (_, i) => `t${i} varchar(100)`).join(', ')})`,
    fill: `INSERT INTO wide SELECT seq, ${Array.from({ length: 19 }, (_, i) => `concat(md5(seq * ${i + 1}), ' ', md5(seq + ${i}))`).join(', ')} FROM seq_1_to_200000`,
  },
} as const;

const services = await startServices([mariadb]);
Object.assign(process.env, services.env);
const lab = await mysqlLab();
try {
  await withFolder(async (folder) => {
    for (const [table, { title, create, fill }] of Object.entries(TABLES)) {
      await lab.run(create, fill);
      const lake = join(folder, table);
      const remove = () => rm(lake, { recursive: true, force: true });
      const config = join(folder, `${table}.yaml`);
      await writeFile(config, yaml(table, lake));
      const foundry: Contestant = {
        name: 'foundry bronze',
        command: [BINARY, 'bronze', '--config', config, '--date', '2025-01-05', '--quiet'],
        env: { BENCH_URL: lab.url },
        prepare: remove,
      };
      // Lands the rows that the yardstick then writes.
      await race([foundry], { rounds: 1, warmUps: 0 });
      const kept = join(folder, `${table}-rows.parquet`);
      await Bun.write(kept, Bun.file(await partOf(lake)));
      const results = await race([foundry, await yardstick(table, folder, kept)], { rounds: 3 });
      printRace(`MariaDB → Bronze, ${title}`, results);
      promiseRatio('bronze against the client and DuckDB’s writing', results, 1.5);
      promise('peak memory of bronze', results[0]?.peakMegabytes ?? Number.NaN, 300, 'MB');
    }
  });
} finally {
  await lab.drop();
  await services.stop();
}

async function yardstick(table: string, folder: string, kept: string): Promise<Contestant> {
  const write = await duckdb('', folder, `write-${table}`, [
    `COPY (FROM read_parquet('${kept}')) TO '${join(folder, 'bare.parquet')}' (FORMAT parquet)`,
  ]);
  const client = [...clientOf(lab), '--quick', '-e', `SELECT * FROM ${table}`];
  const quoted = (command: readonly string[]) => command.map((word) => `'${word}'`).join(' ');
  return {
    name: 'mariadb > /dev/null, DuckDB’s writing',
    command: ['sh', '-c', `${quoted(client)} > /dev/null && ${quoted(write.command)}`],
  };
}

function clientOf({ url }: MysqlLab): readonly string[] {
  const { hostname, port, username, password, pathname } = new URL(url);
  const place = ['--no-defaults', `-h${hostname}`, `-P${port}`];
  return ['mariadb', ...place, `-u${username}`, `-p${decodeURIComponent(password)}`, pathname.slice(1)];
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
