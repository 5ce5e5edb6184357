import { createWriteStream } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { duckdb } from './duckdb-contestant.ts';
import { type Contestant, printRace, promise, promiseRatio, race, withFolder } from './harness.ts';

/*
 * 1,000,000 rows × 10 columns, through the compiled binary as a user runs it, against bare DuckDB SQL that does the
 * same work in a process of its own, in the same run.
 */

const ROWS = 1_000_000;
const KEYS = 400_000;
const ROOT = join(import.meta.dir, '..', '..');
const BINARY = join(ROOT, 'dist', 'foundry');

await withFolder(async (folder) => {
  const csv = join(folder, 'orders.csv');
  await writeCsv(csv);
  await writeFile(join(folder, 'scd1.yaml'), config(csv, folder, 'scd1'));
  await writeFile(join(folder, 'scd2.yaml'), config(csv, folder, 'scd2'));
  const lake = join(folder, 'lake');
  const landed = `${lake}/**/*.parquet`;

  const bronze = await race([
    foundry('foundry bronze', ['bronze', '--config', join(folder, 'scd1.yaml')], () => remove(lake)),
    await duckdb('DuckDB COPY', folder, 'bronze', [
      `COPY (SELECT * FROM read_csv('${csv}', all_varchar=true)) TO '${join(folder, 'bare.parquet')}' (FORMAT parquet)`,
    ]),
  ]);
  printRace(`CSV → Bronze Parquet, ${ROWS.toLocaleString('en')} rows × 10 columns`, bronze);
  promiseRatio('bronze against DuckDB’s own COPY', bronze, 3);
  promise('peak memory of bronze', bronze[0]?.peakMegabytes ?? Number.NaN, 400, 'MB');

  const keyed = `SELECT *, row_number() OVER (PARTITION BY order_id, updated_at::TIMESTAMP ORDER BY file_row_number DESC) AS again FROM read_parquet('${landed}', file_row_number=true)`;
  const unique = `SELECT * EXCLUDE (again, file_row_number) REPLACE (updated_at::TIMESTAMP AS updated_at) FROM (${keyed}) WHERE again = 1`;
  const models = {
    scd1: [
      copy(
        `SELECT * EXCLUDE (n) FROM (SELECT *, row_number() OVER (PARTITION BY order_id ORDER BY updated_at DESC) AS n FROM (${unique})) WHERE n = 1 ORDER BY order_id`,
        folder,
        'current',
      ),
    ],
    scd2: [
      copy(
        `SELECT *, updated_at AS effective_from, lead(updated_at) OVER w AS effective_to, (lead(updated_at) OVER w IS NULL)::INTEGER AS is_current FROM (${unique}) WINDOW w AS (PARTITION BY order_id ORDER BY updated_at) ORDER BY order_id, updated_at`,
        folder,
        'history',
      ),
      copy(
        `SELECT * FROM read_parquet('${join(folder, 'history.parquet')}') WHERE is_current = 1 ORDER BY order_id`,
        folder,
        'current',
      ),
    ],
  };
  for (const [model, statements] of Object.entries(models)) {
    const silver = await race([
      foundry(`foundry silver, ${model}`, ['silver', '--config', join(folder, `${model}.yaml`)], () =>
        remove(join(folder, model)),
      ),
      await duckdb(`DuckDB SQL, ${model}`, folder, model, statements),
    ]);
    printRace(
      `Bronze → Silver ${model}, ${ROWS.toLocaleString('en')} rows, ${KEYS.toLocaleString('en')} keys`,
      silver,
    );
    promiseRatio(`silver ${model} against bare SQL`, silver, 1.3);
  }
});

function foundry(name: string, args: readonly string[], prepare: () => Promise<void>): Contestant {
  return { name, command: [BINARY, ...args, '--date', '2025-01-05', '--quiet'], prepare };
}

function copy(select: string, folder: string, name: string): string {
  return `COPY (${select}) TO '${join(folder, `${name}.parquet`)}' (FORMAT parquet)`;
}

function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

function config(csv: string, folder: string, model: 'scd1' | 'scd2'): string {
  return `platform:
  bronze: { storage_backend: local, local_path: ${join(folder, 'lake')} }
source:
  type: file
  system: shop
  table: orders
  file: { path: ${csv} }
  run: { load_pattern: full }
silver:
  output_dir: ${join(folder, model)}
  model: ${model === 'scd1' ? 'scd_type_1' : 'scd_type_2'}
  primary_keys: [order_id]
  order_column: updated_at
`;
}

async function writeCsv(path: string): Promise<void> {
  const out = createWriteStream(path);
  out.write('order_id,customer,email,city,amount,quantity,updated_at,paid,code,note\n');
  for (let i = 0; i < ROWS; i += 1) {
    const key = (i * 7919) % KEYS;
    const day = String((i % 28) + 1).padStart(2, '0');
    const clock = new Date(i * 1000).toISOString().slice(11, 19);
    const line =
      `${key},customer ${i % 9999},c${i}@example.com,City ${i % 313},${(i % 100_000) / 100},${i % 97},` +
      `2025-01-${day}T${clock},${i % 3 > 0},${String(i % 100_000).padStart(6, '0')},"note, ${i % 77} and more"\n`;
    if (!out.write(line)) await new Promise<void>((resolve) => out.once('drain', resolve));
  }
  await new Promise<void>((resolve) => out.end(resolve));
}
