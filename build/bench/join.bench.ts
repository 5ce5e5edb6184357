import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEngine } from '../../src/engine/duckdb.ts';
import { putSilver } from '../../src/testing/join-kit.ts';
import { duckdb } from './duckdb-contestant.ts';
import { type Contestant, printRace, promise, promiseRatio, race, withFolder } from './harness.ts';

/*
 * Orders with their customers, through the compiled binary as a user runs it, against bare DuckDB SQL that writes the
 * same rows in a process of its own, in the same run: in the order of the orders, as foundry writes them, and in
 * whatever order they come; then both within the same memory limit. foundry also hashes what it reads and writes, and
 * counts keys.
 */

const ROOT = join(import.meta.dir, '..', '..');
const BINARY = join(ROOT, 'dist', 'foundry');
const LIMIT_MB = 1000;
const CUSTOMERS = 1_000_000;
const SIZES = (process.env.FOUNDRY_BENCH_ROWS ?? '1000000,10000000').split(',').map(Number);

for (const orders of SIZES) {
  await withFolder(async (folder) => {
    const silver = join(folder, 'silver');
    const engine = await openEngine({ memoryBytes: 2e9, threads: 2, spillFolder: folder });
    const left = await putSilver(engine, silver, 'orders', {
      artifacts: {
        full_snapshot:
          `SELECT i AS order_id, (hash(i) % ${CUSTOMERS})::BIGINT AS customer, 'name ' || (i % 99991) AS name, ` +
          `((i % 100000) / 100.0)::DECIMAL(18,2) AS amount, TIMESTAMP '2025-01-01' + INTERVAL (i % 2000000) SECOND AS ts, ` +
          `'note ' || (i % 77777) AS note, (i % 97)::INTEGER AS qty FROM range(${orders}) t(i)`,
      },
    });
    const right = await putSilver(engine, silver, 'customers', {
      primaryKeys: ['customer_id'],
      extra: { silver_model: 'scd_type_1' },
      artifacts: {
        current: `SELECT i::BIGINT AS customer_id, 'City ' || (i % 313) AS city, 'c' || i || '@example.com' AS email, i % 7 AS tier FROM range(${CUSTOMERS}) t(i) ORDER BY hash(i)`,
      },
    });
    await engine.close();
    const config = join(folder, 'join.yaml');
    await writeFile(
      config,
      JSON.stringify({
        silver_join: {
          left: { path: join(silver, 'orders') },
          right: { path: join(silver, 'customers') },
          output: {
            path: join(folder, 'joined', 'out'),
            join_key_pairs: [{ left: 'customer', right: 'customer_id' }],
          },
        },
      }),
    );
    const file = (name: string, manifest: typeof left): string =>
      join(silver, name, manifest.files[0]?.path ?? '');
    const from = `'${file('orders', left)}' l JOIN '${file('customers', right)}' r ON l.customer = r.customer_id`;
    const columns = 'l.*, r.city, r.email, r.tier';
    const bare = (order: string): string =>
      `COPY (SELECT ${columns} FROM ${from}${order}) TO '${join(folder, 'bare.parquet')}' (FORMAT parquet)`;
    const foundry = (limit: readonly string[]): Contestant => ({
      name: 'foundry join',
      command: [BINARY, 'join', '--config', config, '--date', '2025-01-05', '--quiet', ...limit],
      prepare: () => rm(join(folder, 'joined'), { recursive: true, force: true }),
    });
    const inOrder = bare(' ORDER BY l.order_id');
    const rounds = { rounds: orders > 5_000_000 ? 3 : 9 };
    const rows = `${orders.toLocaleString('en')} × ${CUSTOMERS.toLocaleString('en')} rows`;

    const free = await race(
      [
        foundry([]),
        await duckdb('DuckDB SQL, any order', folder, 'any', [bare('')]),
        await duckdb('DuckDB SQL, same order', folder, 'ordered', [inOrder]),
      ],
      rounds,
    );
    printRace(rows, free);
    promiseRatio('join against SQL that gives the same order', free, 1.2);

    const limited = await race(
      [
        foundry(['--memory-limit', `${LIMIT_MB}MB`]),
        // As foundry, it spills what it cannot hold.
        await duckdb('DuckDB SQL, same order', folder, 'limited', [
          `SET memory_limit = '${LIMIT_MB}MB'`,
          `SET temp_directory = '${join(folder, 'spilled')}'`,
          inOrder,
        ]),
      ],
      rounds,
    );
    printRace(`${rows}, within ${LIMIT_MB} MB`, limited);
    promiseRatio('join against SQL that gives the same order within the same limit', limited, 1.2);
    promise('peak memory of join', limited[0]?.peakMegabytes ?? Number.NaN, LIMIT_MB + 200, 'MB');
  });
}
