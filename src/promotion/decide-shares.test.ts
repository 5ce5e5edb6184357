import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noProgress, type Progress } from '../core/log.ts';
import type { DataType } from '../core/schema.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import type { Decision } from './decide.ts';
import { fillDecided, sharesOf } from './decide-shares.ts';
import { changedNames } from './decide-sql.ts';

const INT64: DataType = { kind: 'int64' };

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-shares-'));
  engine = await openEngine({ memoryBytes: 500e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

function changesOf(keys: readonly string[], compared: readonly string[], deleted?: string): Decision {
  return {
    keys,
    order: { type: INT64, sql: 'seen' },
    ...(deleted !== undefined && { deleted }),
    compared: compared.map((name) => ({ name, type: INT64 })),
    daily: false,
    kind: 'changes',
    latestOnly: false,
    deleteMode: deleted === undefined ? 'ignore' : 'tombstone_event',
  };
}

function recorded(): { readonly steps: string[]; readonly progress: Progress } {
  const steps: string[] = [];
  return { steps, progress: { ...noProgress, step: (name) => void steps.push(name) } };
}

test('what is compared is decided in as many shares as fit in memory, other models at once', () => {
  const decision = changesOf(['id'], ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
  expect(sharesOf(decision, 1_000_000, 12e9)).toBe(1);
  expect(sharesOf(decision, 20_000_000, 400e6)).toBe(21);
  expect(sharesOf(decision, 10 ** 12, 400e6)).toBe(64);
  expect(sharesOf(decision, 0, 400e6)).toBe(1);
  expect(sharesOf({ ...decision, kind: 'versions' }, 20_000_000, 400e6)).toBe(1);
  expect(
    sharesOf({ ...decision, missing: { rows: '', dates: [], list: [], partCount: 1 } }, 20_000_000, 400e6),
  ).toBe(1);
});

test('shares decide what all rows at once do, by several keys, with deletes, ties and values that are NULL', async () => {
  await engine.execute(
    `CREATE OR REPLACE TEMP TABLE bronze_rows AS SELECT (hash(i) % 900)::BIGINT AS id,
       CASE WHEN i % 3 = 0 THEN 'x' ELSE 'y' END AS kind, (hash(i + 7) % 50)::BIGINT AS seen,
       nullif(hash(i + 1) % 3, 0)::BIGINT AS a, (hash(i + 2) % 2)::BIGINT AS b, hash(i) % 11 = 0 AS gone,
       (i // 1000)::BIGINT AS "__file", (i % 1000)::BIGINT AS "__row" FROM range(30000) t(i)`,
  );
  const decision = changesOf(['id', 'kind'], ['a', 'b'], 'gone');
  await fillDecided(engine, decision, 30_000, noProgress);
  await engine.execute('CREATE OR REPLACE TEMP TABLE at_once AS FROM decided');
  const { steps, progress } = recorded();
  await fillDecided({ ...engine, memoryBytes: 1e6 }, decision, 30_000, progress);
  expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((share) => `deciding, share ${share} of 8`));
  // Of a duplicate nothing more is told.
  const told = (table: string): string =>
    `SELECT * FROM ${table} WHERE "__status" <> 'duplicate' UNION ALL
     SELECT "__file", "__row", "__order", NULL, "__deleted", "__rows", "__status", NULL, NULL FROM ${table} WHERE "__status" = 'duplicate'`;
  const [counts] = await engine.query(
    `SELECT count(*)::INT AS n, count(DISTINCT "__change")::INT AS kinds,
       (SELECT count(*)::INT FROM ((${told('decided')}) EXCEPT ALL (${told('at_once')}))) AS other FROM decided`,
  );
  expect(counts).toEqual({ n: 30_000, kinds: 4, other: 0 });
});

test('of more columns than a number has bits, those that changed are told by name and in order', async () => {
  const names = Array.from({ length: 130 }, (_, index) => `c${index}`);
  const changes = [[], [0, 62, 63, 64, 125, 126, 129], [], [128]];
  const rows = changes.map((_, row) => {
    const values = names.map(
      (_name, column) => changes.slice(0, row + 1).filter((set) => set.includes(column)).length,
    );
    return `(1::BIGINT, ${row}::BIGINT, 0::BIGINT, ${row}::BIGINT, ${values.join(', ')})`;
  });
  await engine.execute(
    `CREATE OR REPLACE TEMP TABLE bronze_rows AS SELECT * FROM (VALUES ${rows.join(', ')}) t(id, seen, "__file", "__row", ${names.join(', ')})`,
  );
  const decision = changesOf(['id'], names);
  await fillDecided(engine, decision, 4, noProgress);
  const told = await engine.query(
    `SELECT "__change" AS change, ${changedNames(decision).sql} AS changed FROM decided ORDER BY "__row"`,
  );
  expect(told).toEqual([
    { change: 'upsert', changed: names.join(',') },
    { change: 'update', changed: 'c0,c62,c63,c64,c125,c126,c129' },
    { change: 'noop', changed: '' },
    { change: 'update', changed: 'c128' },
  ]);
});
