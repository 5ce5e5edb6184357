/**
 * `--memory-limit 1GB` holds for 100,000,000 rows joined with 10,000,000, by spilling: at most 200 MB more for the
 * whole process, also where a fifth of the rows have one key. `FOUNDRY_SOAK_ROWS=50000000,10000000` measures others,
 * `FOUNDRY_SOAK_KEYS=skewed` one of the two.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../engine/duckdb.ts';
import { literal } from '../engine/sql.ts';
import { foundryBinary } from '../testing/binary.ts';
import { putSilver } from '../testing/join-kit.ts';
import { peakBytesOf } from '../testing/peak-memory.ts';
import type { JoinReport } from './report.ts';

const [LEFT = 0, RIGHT = 0] = (process.env.FOUNDRY_SOAK_ROWS ?? '100000000,10000000').split(',').map(Number);
const ALLOWED = 1e9 + 200e6;

const KEYS = {
  even: { key: `(hash(i) % ${RIGHT})::BIGINT`, isDeclared: true },
  skewed: { key: `CASE WHEN i % 5 = 0 THEN 7 ELSE hash(i) % ${RIGHT} END::BIGINT`, isDeclared: false },
} as const;

async function withEngine<T>(
  folder: string,
  work: (engine: Awaited<ReturnType<typeof openEngine>>) => Promise<T>,
) {
  const engine = await openEngine({ memoryBytes: 2e9, threads: 2, spillFolder: folder });
  try {
    return await work(engine);
  } finally {
    await engine.close();
  }
}

async function makeInputs(
  folder: string,
  { isDeclared, key }: (typeof KEYS)[keyof typeof KEYS],
): Promise<void> {
  await withEngine(folder, async (engine) => {
    await putSilver(engine, folder, 'orders', {
      artifacts: {
        events: `SELECT i AS order_id, ${key} AS customer, (i % 97)::INTEGER AS qty FROM range(${LEFT}) t(i)`,
      },
    });
    await putSilver(engine, folder, 'customers', {
      artifacts: {
        current: `SELECT i AS customer_id, 'city ' || i AS city, i % 7 AS tier FROM range(${RIGHT}) t(i) ORDER BY hash(i)`,
      },
      ...(isDeclared && { primaryKeys: ['customer_id'], extra: { silver_model: 'scd_type_1' } }),
    });
  });
  const section = {
    left: { path: join(folder, 'orders') },
    right: { path: join(folder, 'customers') },
    output: {
      path: join(folder, 'joined', 'out'),
      join_key_pairs: [{ left: 'customer', right: 'customer_id' }],
      spill_dir: folder,
    },
  };
  await writeFile(join(folder, 'join.yaml'), JSON.stringify({ silver_join: section }));
}

async function runMeasured(folder: string) {
  const started = performance.now();
  const args = [
    'join',
    '--config',
    join(folder, 'join.yaml'),
    '--date',
    '2025-01-05',
    '--memory-limit',
    '1GB',
  ];
  const child = Bun.spawn([foundryBinary(), ...args, '--output', 'json'], {
    stderr: 'inherit',
    stdout: 'pipe',
  });
  let peakBytes = 0;
  const watch = setInterval(() => {
    peakBytes = peakBytesOf(child.pid) ?? peakBytes;
  }, 50);
  const text = await new Response(child.stdout).text();
  clearInterval(watch);
  if ((await child.exited) !== 0) throw new Error(`the join failed: ${text}`);
  const { reports } = JSON.parse(text) as { reports: readonly [JoinReport] };
  return { report: reports[0], peakBytes, seconds: (performance.now() - started) / 1000 };
}

/** Rows that lack their customer, or have another's; and whether each order is there once. */
async function wrongRows(folder: string): Promise<number> {
  return withEngine(folder, async (engine) => {
    const files = literal(join(folder, 'joined', 'out', '*.parquet'));
    const [found] = await engine.query(
      `SELECT count(*) FILTER (city IS DISTINCT FROM 'city ' || customer OR tier <> customer % 7) AS wrong, ` +
        `count(*) AS n, sum(order_id::HUGEINT)::VARCHAR AS ids FROM read_parquet(${files})`,
    );
    const isWhole =
      Number(found?.n) === LEFT && found?.ids === String((BigInt(LEFT) * BigInt(LEFT - 1)) / 2n);
    return isWhole ? Number(found?.wrong) : Number.NaN;
  });
}

for (const [name, keys] of Object.entries(KEYS)) {
  if ((process.env.FOUNDRY_SOAK_KEYS ?? name) !== name) continue;
  const folder = await mkdtemp(join(tmpdir(), 'foundry-join-memory-'));
  try {
    await makeInputs(folder, keys);
    const { peakBytes, report, seconds } = await runMeasured(folder);
    const { partition_bytes, engine_spilled_bytes, partitions } = report.join_stats;
    const wrong = await wrongRows(folder);
    const isWithin = peakBytes <= ALLOWED && wrong === 0;
    process.stdout.write(
      `${isWithin ? 'kept  ' : 'BROKEN'} ${LEFT} × ${RIGHT}, ${name} keys, ${report.strategy}: ` +
        `${(peakBytes / 1e6).toFixed(0)} MB (limit ${ALLOWED / 1e6}) in ${seconds.toFixed(0)} s; ` +
        `${partitions} partitions of ${(partition_bytes / 1e6).toFixed(0)} MB, ${(engine_spilled_bytes / 1e6).toFixed(0)} MB spilled besides; ${wrong} wrong rows\n`,
    );
    if (!isWithin) process.exitCode = 1;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
