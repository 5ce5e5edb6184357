import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { JOIN_TYPES, type JoinType } from '../config/join/spec.ts';
import { openEngine } from '../engine/duckdb.ts';
import type { Engine } from '../engine/engine.ts';
import { type Cell, joined, joinOptions, putSilver, rowsSql } from '../testing/join-kit.ts';

const RUNS = process.env.FOUNDRY_SOAK === '1' ? 500 : 20;

let root: string;
let engine: Engine;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-join-oracle-'));
  engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
});
afterAll(async () => {
  await engine.close();
  rmSync(root, { recursive: true });
});

const LEFT = { id: 'BIGINT', k: 'VARCHAR', n: 'INTEGER', v: 'VARCHAR' };
const RIGHT = { rid: 'BIGINT', k2: 'VARCHAR', n: 'BIGINT', v: 'VARCHAR' };

type Row = readonly [id: number, k: string | null, n: number | null, v: string | null];

const side = (count: number): fc.Arbitrary<Row[]> =>
  fc
    .array(
      fc.tuple(
        fc.constantFrom('a', 'b', 'c', 'NULL', '', null),
        fc.constantFrom(1, 2, null),
        fc.constantFrom('x', 'y', null),
      ),
      { maxLength: count },
    )
    .map((rows) => rows.map(([k, n, v], index): Row => [index, k, n, v]));

/** Every pair of rows is looked at, by the rules and nothing else. */
function nestedLoop(left: readonly Row[], right: readonly Row[], type: JoinType): string[] {
  const matches = (l: Row, r: Row): boolean =>
    l[1] !== null && l[1] === r[1] && l[2] !== null && l[2] === r[2];
  const row = (l: Row | undefined, r: Row | undefined): Cell[] => [
    l?.[0] ?? null,
    l === undefined ? (r?.[1] ?? null) : l[1],
    l === undefined ? (r?.[2] ?? null) : l[2],
    l?.[3] ?? null,
    r?.[0] ?? null,
    r?.[3] ?? null,
  ];
  const out: Cell[][] = [];
  for (const l of left) {
    const found = right.filter((r) => matches(l, r));
    if (type === 'semi' && found.length > 0) out.push(row(l, undefined).slice(0, 4));
    if (type === 'anti' && found.length === 0) out.push(row(l, undefined).slice(0, 4));
    if (type === 'semi' || type === 'anti') continue;
    for (const r of found) out.push(row(l, r));
    if (found.length === 0 && (type === 'left' || type === 'outer')) out.push(row(l, undefined));
  }
  if (type === 'right' || type === 'outer') {
    for (const r of right) if (!left.some((l) => matches(l, r))) out.push(row(undefined, r));
  }
  return out.map((cells) => JSON.stringify(cells.map((cell) => (cell === null ? null : String(cell)))));
}

/** As a model with one row a key leaves them: no key twice, and none NULL. */
function onePerKey(rows: readonly Row[]): Row[] {
  const keys = rows.map(([, k, n]) => JSON.stringify([k, n]));
  return rows.filter(([, k, n], at) => k !== null && n !== null && keys.indexOf(keys[at] ?? '') === at);
}

const how = fc.constantFrom(
  { join_strategy: 'auto' },
  { join_strategy: 'broadcast', chunk_size: 2 },
  { join_strategy: 'partitioned', chunk_size: 3 },
  { join_strategy: 'partitioned' },
  { join_strategy: 'hash', chunk_size: 2 },
  { join_strategy: 'hash' },
  { join_strategy: 'auto', chunk_size: 1 },
);

test(
  'every join type, strategy and chunk size gives the rows of a nested loop, in the order of the left rows',
  async () => {
    let n = 0;
    await fc.assert(
      fc.asyncProperty(
        side(9),
        side(9),
        fc.constantFrom(...JOIN_TYPES),
        how,
        fc.boolean(),
        async (left, anyRight, type, strategy, isDeclared) => {
          n += 1;
          const right = isDeclared ? onePerKey(anyRight) : anyRight;
          const base = join(root, `run-${n}`);
          const cut = Math.ceil(left.length / 2);
          const parts = [left.slice(0, cut), left.slice(cut)].map((rows) => rowsSql(LEFT, rows));
          await putSilver(engine, base, 'left', { artifacts: { current: parts } });
          await putSilver(engine, base, 'right', {
            artifacts: { current: rowsSql(RIGHT, right) },
            ...(isDeclared && { primaryKeys: ['k2', 'n'], extra: { silver_model: 'scd_type_1' } }),
          });
          const { report, rows } = await joined(
            engine,
            {
              left: { path: join(base, 'left') },
              right: { path: join(base, 'right') },
              output: {
                path: join(base, 'out'),
                join_type: type,
                join_key_pairs: [{ left: 'k', right: 'k2' }, 'n'],
                ...strategy,
              },
            },
            joinOptions(root),
          );
          const expected = nestedLoop(left, right, type);
          const actual = rows.map((row) => JSON.stringify(Object.values(row)));
          if (report.strategy === 'hash') expect(actual.sort()).toEqual(expected.sort());
          else expect(actual).toEqual(expected);
          const matched = left.filter((l) => nestedLoop([l], right, 'semi').length > 0).length;
          expect(report.join_stats.matched_left_rows).toBe(matched);
          const keys = new Set(right.flatMap(([, k, n]) => (k === null || n === null ? [] : [`${k} ${n}`])));
          const hit = new Set(
            right.flatMap((r) => (nestedLoop(left, [r], 'inner').length > 0 ? [`${r[1]} ${r[2]}`] : [])),
          );
          expect(report.join_stats).toMatchObject({
            matched_right_keys: hit.size,
            unmatched_right_keys: keys.size - hit.size,
          });
          const alone = right.filter((r) => nestedLoop(left, [r], 'inner').length === 0).length;
          expect(report.join_stats.right_only_rows).toBe(type === 'right' || type === 'outer' ? alone : 0);
          rmSync(base, { recursive: true });
        },
      ),
      { numRuns: RUNS },
    );
  },
  RUNS === 20 ? 60_000 : 1_800_000,
);
