import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openEngine } from '../engine/duckdb.ts';
import { foundryBinary } from './binary.ts';
import { peakBytesOf } from './peak-memory.ts';

const TABLE = 'system=shop/table=orders/pattern=full';
const PARTITION = `${TABLE}/dt=2025-01-05`;

/** A Bronze partition of 10 columns: 2.5 rows a key, 1,000 values of `code`. */
export async function landOrders(folder: string, rows: number): Promise<void> {
  await land(folder, [[PARTITION, `(hash(i) % ${Math.floor(rows / 2.5)})::BIGINT`, `range(${rows}) t(i)`]]);
}

/** Full loads of the same keys, one a day up to 2025-01-20; each lacks some keys, and a fiftieth of its rows is new. */
export async function landSnapshots(folder: string, rows: number, days: number): Promise<void> {
  const partitions = Array.from({ length: days }, (_, index) => {
    const day = 21 - days + index;
    const from = `range(${rows}) t(k), LATERAL (SELECT k + (CASE WHEN k % 50 = ${day} THEN ${day} * 100000 ELSE 0 END) AS i) WHERE k % 997 <> ${day}`;
    return [`${TABLE}/dt=2025-01-${String(day).padStart(2, '0')}`, 'k', from] as const;
  });
  await land(folder, partitions);
}

async function land(
  folder: string,
  partitions: readonly (readonly [path: string, id: string, from: string])[],
): Promise<void> {
  const engine = await openEngine({ memoryBytes: 1e9, threads: 2, spillFolder: folder });
  for (const [path, id, from] of partitions) {
    const partition = join(folder, 'bronze', path);
    await mkdir(partition, { recursive: true });
    await engine.execute(
      `COPY (SELECT ${id} AS id, 'name ' || (i % 99991) AS name, 'u' || i || '@example.com' AS email, ` +
        `'City ' || (i % 313) AS city, (i % 100000) / 100.0 AS amount, (i % 97)::INTEGER AS qty, ` +
        `TIMESTAMP '2025-01-01' + INTERVAL (i % 2000000) SECOND AS ts, i % 3 = 0 AS flag, 'c' || (i % 1000) AS code, ` +
        `'some note text ' || (i % 77777) AS note FROM ${from}) ` +
        `TO '${join(partition, 'part-0001.parquet')}' (FORMAT parquet)`,
    );
  }
  await engine.close();
}

export interface PromotionMemory {
  /** Largest resident size of the whole process. */
  readonly peakBytes: number;
  readonly seconds: number;
  readonly files: number;
}

export interface OrdersModel {
  /** `missing`: a history of full loads whose gaps are deletes. */
  readonly model: 'scd_type_1' | 'scd_type_2' | 'derived_event' | 'missing';
  readonly partitionBy?: readonly string[];
}

function configOf(folder: string, { model, partitionBy = [] }: OrdersModel): string {
  const silver = `output_dir: ${join(folder, 'silver', `${model}-${partitionBy.join('-')}`)}`;
  const columns = `partitioning: { columns: [${partitionBy.join(', ')}] }`;
  if (model === 'derived_event') {
    return `system: shop
entity: orders
bronze: { path_pattern: none.csv, options: { local_output_dir: ${join(folder, 'bronze')} } }
silver: { ${silver}, entity_kind: derived_event, natural_keys: [id], event_ts_column: ts, partition_by: [],
  attributes: [name, email, city, amount, qty, flag, code, note] }
`;
  }
  const history =
    model === 'missing' ? 'input_scope: history, detect_missing: true, delete_mode: tombstone,' : '';
  return `platform: { bronze: { storage_backend: local, local_path: ${join(folder, 'bronze')} } }
source: { type: file, system: shop, table: orders, file: { path: none.csv }, run: { load_pattern: full } }
silver: { ${silver}, model: ${model === 'missing' ? 'scd_type_2' : model}, primary_keys: [id], order_column: ts, ${history} ${columns} }
`;
}

/** Promotes what `landOrders` or `landSnapshots` made, by the compiled program. @throws when it fails. */
export async function promoteOrders(
  folder: string,
  orders: OrdersModel,
  memoryLimit: string,
): Promise<PromotionMemory> {
  const config = join(folder, 'orders.yaml');
  await Bun.write(config, configOf(folder, orders));
  const isHistory = orders.model === 'missing';
  const bronze = isHistory ? [] : ['--bronze-path', join(folder, 'bronze', PARTITION)];
  const started = performance.now();
  const child = Bun.spawn(
    [
      foundryBinary(),
      ...['silver', '--config', config, '--date', isHistory ? '2025-01-20' : '2025-01-05', ...bronze],
      ...['--memory-limit', memoryLimit, '--threads', '2', '--output', 'json'],
    ],
    { env: { ...process.env, FOUNDRY_SPILL_DIR: folder }, stdout: 'pipe', stderr: 'pipe' },
  );
  let peakBytes = Number.NaN;
  const watch = setInterval(() => {
    peakBytes = peakBytesOf(child.pid) ?? peakBytes;
  }, 10);
  const [out, log] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  clearInterval(watch);
  if (child.exitCode !== 0) throw new Error(`foundry silver ended with ${child.exitCode}: ${log}${out}`);
  return {
    peakBytes,
    seconds: (performance.now() - started) / 1000,
    files: out.split('.parquet"').length - 1,
  };
}
