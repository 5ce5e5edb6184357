import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEngine } from '../../src/engine/duckdb.ts';
import type { Engine } from '../../src/engine/engine.ts';
import { duckdb } from './duckdb-contestant.ts';
import { type Contestant, printRace, promiseRatio, race, withFolder } from './harness.ts';

/*
 * Silver at 1 and 10 million rows × 10 typed columns, 2.5 rows a key, through the compiled binary, against the SQL that
 * one would write by hand for the same result, and that result is compared. `FOUNDRY_BENCH_ROWS=10000000` measures
 * one size alone.
 */

const SIZES = process.env.FOUNDRY_BENCH_ROWS?.split(',').map(Number) ?? [1_000_000, 10_000_000];
const FOLDERS = 100;
const LIMIT = 1.2;
const BINARY = process.env.FOUNDRY_BENCH_BINARY ?? join(import.meta.dir, '..', '..', 'dist', 'foundry');
const COLUMNS = ['id', 'name', 'email', 'city', 'amount', 'qty', 'ts', 'flag', 'code', 'note'];
const VERSIONS = ['effective_from', 'effective_to', 'is_current'];

interface Model {
  readonly name: 'scd_type_1' | 'scd_type_2';
  readonly partitionBy?: string;
}

const MODELS: readonly Model[] = [
  { name: 'scd_type_1' },
  { name: 'scd_type_2' },
  { name: 'scd_type_1', partitionBy: 'code' },
  { name: 'scd_type_2', partitionBy: 'code' },
];

for (const rows of SIZES) {
  await withFolder(async (folder) => {
    const part = await land(folder, rows);
    for (const [index, model] of MODELS.entries()) {
      const title = `${model.name}${model.partitionBy === undefined ? '' : `, ${FOLDERS} folders`}`;
      if (title !== (process.env.FOUNDRY_BENCH_MODEL ?? title)) continue;
      const ours = join(folder, `foundry-${index}`);
      const theirs = join(folder, `bare-${index}`);
      const results = await race(
        [
          await foundry(folder, index, model, ours),
          await duckdb('DuckDB SQL', folder, `bare-${index}`, handwritten(model, part, theirs), async () => {
            await rm(theirs, { recursive: true, force: true });
            await mkdir(theirs, { recursive: true });
          }),
        ],
        { rounds: rows > 1_000_000 ? 3 : 5 },
      );
      printRace(`Silver ${title}, ${rows.toLocaleString('en')} rows`, results);
      promiseRatio(`silver ${title} against SQL by hand`, results, LIMIT);
      await requireEqual(folder, model, ours, theirs);
      await rm(ours, { recursive: true, force: true });
      await rm(theirs, { recursive: true, force: true });
    }
  });
}

/** Bronze as foundry lands it from typed Parquet. */
async function land(folder: string, rows: number): Promise<string> {
  const source = join(folder, 'orders.parquet');
  await withEngine(folder, (engine) =>
    engine.execute(
      `COPY (SELECT (hash(i) % ${Math.floor(rows / 2.5)})::BIGINT AS id, 'name ' || (i % 99991) AS name, ` +
        `'u' || i || '@example.com' AS email, 'City ' || (i % 313) AS city, (i % 100000) / 100.0 AS amount, ` +
        `(i % 97)::INTEGER AS qty, TIMESTAMP '2025-01-01' + INTERVAL (i % 2000000) SECOND AS ts, i % 3 = 0 AS flag, ` +
        `'c' || (i % ${FOLDERS}) AS code, 'some note text ' || (i % 77777) AS note FROM range(${rows}) t(i)) ` +
        `TO '${source}' (FORMAT parquet)`,
    ),
  );
  const config = join(folder, 'bronze.yaml');
  await writeFile(config, configOf(folder, { name: 'scd_type_1' }, join(folder, 'none')));
  const landing = Bun.spawnSync([BINARY, 'bronze', '--config', config, '--date', '2025-01-05', '--quiet']);
  if (landing.exitCode !== 0) throw new Error(landing.stderr.toString());
  return join(folder, 'lake', 'system=shop', 'table=orders', 'pattern=full', 'dt=2025-01-05', '*.parquet');
}

async function foundry(folder: string, index: number, model: Model, base: string): Promise<Contestant> {
  const config = join(folder, `silver-${index}.yaml`);
  await writeFile(config, configOf(folder, model, base));
  return {
    name: 'foundry silver',
    command: [BINARY, 'silver', '--config', config, '--date', '2025-01-05', '--quiet'],
    prepare: () => rm(base, { recursive: true, force: true }),
  };
}

function configOf(folder: string, { name, partitionBy = '' }: Model, base: string): string {
  return `platform: { bronze: { storage_backend: local, local_path: ${join(folder, 'lake')} } }
source: { type: file, system: shop, table: orders, file: { path: ${join(folder, 'orders.parquet')} }, run: { load_pattern: full } }
silver:
  output_dir: ${base}
  model: ${name}
  primary_keys: [id]
  order_column: ts
  partitioning: { columns: [${partitionBy}] }
`;
}

/** Of two rows of one key and time the later one counts, as in foundry. */
function handwritten({ name, partitionBy }: Model, part: string, target: string): string[] {
  const bronze = `read_parquet('${part}', file_row_number=true)`;
  const versions = 'WINDOW w AS (PARTITION BY id ORDER BY ts, file_row_number)';
  const order = [partitionBy, 'id', 'ts'].filter((column) => column !== undefined).join(', ');
  const copy = (select: string, artifact: string): string =>
    partitionBy === undefined
      ? `COPY (${select}) TO '${join(target, `${artifact}.parquet`)}' (FORMAT parquet)`
      : `COPY (${select}) TO '${join(target, artifact)}' (FORMAT parquet, PARTITION_BY (${partitionBy}))`;
  if (name === 'scd_type_1') {
    return [
      copy(
        `SELECT * EXCLUDE (file_row_number) FROM ${bronze} ${versions} QUALIFY lead(file_row_number) OVER w IS NULL ORDER BY ${order}`,
        'current',
      ),
    ];
  }
  const history = join(target, partitionBy === undefined ? 'history.parquet' : 'history/**/*.parquet');
  return [
    copy(
      `SELECT * EXCLUDE (file_row_number), ts AS effective_from, lead(ts) OVER w AS effective_to, ` +
        `(lead(ts) OVER w IS NULL)::INTEGER AS is_current FROM ${bronze} ${versions} ` +
        `QUALIFY lead(ts) OVER w IS DISTINCT FROM ts ORDER BY ${order}`,
      'history',
    ),
    copy(
      `SELECT * FROM read_parquet('${history}', hive_partitioning=${partitionBy !== undefined}) WHERE is_current = 1 ORDER BY ${order}`,
      'current',
    ),
  ];
}

/** A fast answer that is another one has no speed. */
async function requireEqual(folder: string, model: Model, ours: string, theirs: string): Promise<void> {
  const artifacts = model.name === 'scd_type_1' ? ['current'] : ['history', 'current'];
  await withEngine(folder, async (engine) => {
    for (const artifact of artifacts) {
      const columns = [...COLUMNS, ...(model.name === 'scd_type_2' ? VERSIONS : [])].join(', ');
      const sum = async (glob: string): Promise<string> => {
        const found = await engine.query(
          `SELECT count(*) AS n, sum(hash(${columns})) AS h FROM read_parquet('${glob}', hive_partitioning=${model.partitionBy !== undefined})`,
        );
        return `${found[0]?.n} rows, hash ${found[0]?.h}`;
      };
      const folders = model.partitionBy === undefined ? '' : '*/';
      const foundryRows = await sum(`${ours}/**/load_date=2025-01-05/${folders}${artifact}-*.parquet`);
      const bareRows = await sum(
        model.partitionBy === undefined
          ? `${theirs}/${artifact}.parquet`
          : `${theirs}/${artifact}/*/*.parquet`,
      );
      if (foundryRows !== bareRows) throw new Error(`${artifact}: ${foundryRows} against ${bareRows}`);
    }
  });
}

async function withEngine(folder: string, work: (engine: Engine) => Promise<void>): Promise<void> {
  const engine = await openEngine({ memoryBytes: 4e9, threads: 2, spillFolder: folder });
  try {
    await work(engine);
  } finally {
    await engine.close();
  }
}
