import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noProgress } from '../core/log.ts';
import { openEngine } from '../engine/duckdb.ts';
import { executeEach } from '../engine/each.ts';
import type { Engine } from '../engine/engine.ts';
import { literal } from '../engine/sql.ts';
import { writeFolders } from './folders.ts';

let root: string;
let two: Engine;
let one: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-folders-'));
  two = await openEngine({ memoryBytes: 500e6, threads: 2, spillFolder: root });
  one = await openEngine({ memoryBytes: 500e6, threads: 1, spillFolder: root });
});
afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  rmSync(root, { recursive: true });
});

test('every row, or every chosen one, is in the file of its values, in order, whatever their number: the same bytes by any threads', async () => {
  const staged = join(root, 'staged.parquet');
  // One value of many rows among ten of few, NULL, both zeros, a name that folders cannot have.
  const value = `CASE WHEN i % 2 = 0 THEN 'many' WHEN i % 7 = 0 THEN NULL WHEN i % 11 = 0 THEN 'a/b' ELSE 'v' || (i % 20) END`;
  const zero = `CASE WHEN i % 3 = 0 THEN '-0.0' WHEN i % 3 = 1 THEN '0.0' ELSE '1.5' END::DOUBLE`;
  await two.execute(
    `COPY (SELECT i, ${value} AS p, ${zero} AS d FROM range(400000) t(i) ORDER BY p NULLS LAST, d NULLS LAST, i) TO ${literal(staged)} (FORMAT parquet)`,
  );
  const write = (engine: Engine, name: string, where?: string) =>
    writeFolders(engine, {
      staged,
      ...(where !== undefined && { where }),
      partitions: [
        { name: 'p', type: { kind: 'string' }, sql: 'p', isColumn: true },
        { name: 'd', type: { kind: 'double' }, sql: 'd', isColumn: true },
      ],
      columns: () => 'i',
      formats: ['parquet', 'csv'],
      compression: 'snappy',
      target: join(root, name),
      stem: 'rows',
      progress: noProgress,
    });
  const parts = await write(two, 'two');
  const again = await write(one, 'one');
  const facts = (of: typeof parts) => of.map(({ file: _file, ...part }) => part);
  expect(facts(again)).toEqual(facts(parts));
  const chosen = 'i % 3 = 1 AND i % 7 > 0';
  const some = await write(two, 'some', chosen);
  expect(facts(await write(one, 'some-one', chosen))).toEqual(facts(some));
  const files = some.flatMap(({ file, format }) => (format === 'parquet' ? [file] : []));
  expect(
    await one.query(
      `SELECT count(*) AS n, count(DISTINCT i) AS d, count(*) FILTER (WHERE NOT (${chosen})) AS others FROM read_parquet([${files.map(literal).join(', ')}])`,
    ),
  ).toEqual([{ n: 114_285n, d: 114_285n, others: 0n }]);

  expect(new Set(parts.map(({ folder, format }) => `${folder} ${format}`)).size).toBe(parts.length);
  let rows = 0;
  for (const [n, { file, format, partitionValues, rows: count }] of parts.entries()) {
    // The values of few rows are many alike; some of them, and all others, are looked into.
    if (n % 17 !== 0 && count < 1000) continue;
    rows += 1;
    const scan =
      format === 'csv' ? `read_csv(${literal(file)}, header = true)` : `read_parquet(${literal(file)})`;
    const text = (found: string | null | undefined): string => (found == null ? 'NULL' : literal(found));
    const [found] = await one.query(
      `SELECT list(i) = (SELECT list(i ORDER BY d, i) FROM read_parquet(${literal(staged)}) WHERE p IS NOT DISTINCT FROM ` +
        `${text(partitionValues?.p)} AND d = ${text(partitionValues?.d)}::DOUBLE) AS same, count(*) AS n FROM ${scan}`,
    );
    expect([partitionValues, found?.same, Number(found?.n)]).toEqual([partitionValues, true, count]);
  }
  expect(rows).toBeGreaterThan(5);
  const total = parts.reduce((sum, part) => sum + (part.format === 'csv' ? part.rows : 0), 0);
  expect(total).toBe(400_000);
}, 60_000);

test('a failing statement ends the others, and names itself', async () => {
  const statements = [`COPY (SELECT 1) TO ${literal(join(root, 'x', 'no', 'folder'))}`, 'SELECT 1'];
  await expect(executeEach(two, statements, () => undefined)).rejects.toThrow('no');
  expect(await two.query('SELECT 7 AS n')).toEqual([{ n: 7 }]);
});
