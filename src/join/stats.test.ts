import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../engine/duckdb.ts';
import { joinOptions, joinSpecOf, putSilver, rowsSql } from '../testing/join-kit.ts';
import { runJoin } from './run.ts';

let root: string;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'foundry-join-stats-'));
  const engine = await openEngine({ memoryBytes: 300e6, threads: 2, spillFolder: root });
  // As wide integers on one side and decimals on the other; one key twice, one of no right row, and one NULL.
  const left = rowsSql({ id: 'BIGINT', k: 'BIGINT' }, [
    [1, 10],
    [2, 10],
    [3, 99],
    [4, null],
    [5, 20],
  ]);
  const right = rowsSql({ k: 'DECIMAL(18,1)', city: 'VARCHAR' }, [
    [10, 'Oslo'],
    [20, 'Bern'],
    [30, 'Rome'],
    [40, 'Bonn'],
  ]);
  await putSilver(engine, join(root, 'silver'), 'left', { artifacts: { current: left } });
  await putSilver(engine, join(root, 'silver'), 'right', {
    artifacts: { current: right },
    primaryKeys: ['k'],
    extra: { silver_model: 'scd_type_1' },
  });
  await engine.close();
});
afterAll(() => rmSync(root, { recursive: true }));

test.each([
  ['inner', ['id', 'city']],
  ['inner', ['id', 'right.k']],
  ['inner', ['id', { source: 'k', alias: 'customer' }]],
  ['inner', undefined],
  ['semi', ['id']],
  ['semi', undefined],
] as const)(
  'what is counted of a %s join does not depend on the columns that come out: %j',
  async (type, select_columns) => {
    const spec = joinSpecOf({
      left: { path: join(root, 'silver', 'left') },
      right: { path: join(root, 'silver', 'right') },
      output: { path: join(root, 'joined', 'out'), join_keys: ['k'], join_type: type, select_columns },
    });
    const { join_stats, rows } = await runJoin(spec, joinOptions(root));
    expect([rows, join_stats]).toEqual([
      3,
      expect.objectContaining({
        left_rows: 5,
        right_rows: 4,
        matched_left_rows: 3,
        matched_right_keys: 2,
        unmatched_right_keys: 2,
        fan_out: 1,
      }),
    ]);
  },
);
