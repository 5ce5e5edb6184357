import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openEngine } from '../engine/duckdb.ts';
import { foundryBinary } from './binary.ts';
import { peakBytesOf } from './peak-memory.ts';

const PARTITION = 'system=shop/table=orders/pattern=full/dt=2025-01-05';

/** A Bronze partition of 10 columns: 2.5 rows a key, 1,000 values of `code`. */
export async function landOrders(folder: string, rows: number): Promise<void> {
  const partition = join(folder, 'bronze', PARTITION);
  await mkdir(partition, { recursive: true });
  const engine = await openEngine({ memoryBytes: 1e9, threads: 2, spillFolder: folder });
  const keys = Math.floor(rows / 2.5);
  await engine.execute(
    `COPY (SELECT (hash(i) % ${keys})::BIGINT AS id, 'name ' || (i % 99991) AS name, 'u' || i || '@example.com' AS email, ` +
      `'City ' || (i % 313) AS city, (i % 100000) / 100.0 AS amount, (i % 97)::INTEGER AS qty, ` +
      `TIMESTAMP '2025-01-01' + INTERVAL (i % 2000000) SECOND AS ts, i % 3 = 0 AS flag, 'c' || (i % 1000) AS code, ` +
      `'some note text ' || (i % 77777) AS note FROM range(${rows}) t(i)) ` +
      `TO '${join(partition, 'part-0001.parquet')}' (FORMAT parquet)`,
  );
  await engine.close();
}

export interface PromotionMemory {
  /** Largest resident size of the whole process. */
  readonly peakBytes: number;
  readonly seconds: number;
  readonly files: number;
}

/** Promotes what `landOrders` made, by the compiled program. @throws when it fails. */
export async function promoteOrders(
  folder: string,
  model: 'scd_type_1' | 'scd_type_2',
  memoryLimit: string,
  partitionBy: readonly string[] = [],
): Promise<PromotionMemory> {
  const config = join(folder, 'orders.yaml');
  await Bun.write(
    config,
    `platform: { bronze: { storage_backend: local, local_path: ${join(folder, 'bronze')} } }
source: { type: file, system: shop, table: orders, file: { path: none.csv }, run: { load_pattern: full } }
silver:
  output_dir: ${join(folder, 'silver', `${model}-${partitionBy.join('-')}`)}
  model: ${model}
  primary_keys: [id]
  order_column: ts
  partitioning: { columns: [${partitionBy.join(', ')}] }
`,
  );
  const bronze = ['--bronze-path', join(folder, 'bronze', PARTITION)];
  const started = performance.now();
  const child = Bun.spawn(
    [
      foundryBinary(),
      ...['silver', '--config', config, '--date', '2025-01-05', ...bronze],
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
