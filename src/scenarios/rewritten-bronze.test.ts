import { expect, test } from 'bun:test';
import { parquetRows } from './readers.ts';
import { BRONZE, classic, csv, DATE, expectExit, SILVER, scenario } from './support.ts';

const ROUNDS = 12;
const ROWS = 40;

const generation = (name: string): string =>
  csv(['id', 'at', 'of'], ...Array.from({ length: ROWS }, (_, id) => [id, '2025-01-01', name]));

const config = (path: string): object =>
  classic({
    file: { path },
    run: { max_rows_per_file: 4 },
    silver: { model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' },
  });

test(
  'a promotion while its Bronze partition is landed again and again gives one generation whole, and names it',
  scenario(async (w) => {
    const names = ['old', 'new'];
    for (const name of names) {
      await w.put(`${name}.csv`, generation(name));
      await w.put(`${name}.yaml`, config(`${name}.csv`));
    }
    const land = (name: string) => w.run('bronze', '--config', `${name}.yaml`, '--date', DATE);
    expectExit(await land('old'), 0);

    let isOver = false;
    let landings = 0;
    const landing = (async () => {
      while (!isOver) {
        landings += 1;
        expectExit(await land(names[landings % 2] ?? ''), 0);
      }
    })();
    const outcomes: number[] = [];
    try {
      for (let round = 0; round < ROUNDS; round += 1) {
        const run = await w.run('silver', '--config', 'old.yaml', '--date', DATE);
        outcomes.push(run.exitCode);
        // It may lose to landings that never pause, and says so; what was there stays.
        if (run.exitCode !== 0) {
          expectExit(run, 75);
          expect(run.stderr).toContain('LOCK001');
        }
        if (!outcomes.includes(0)) continue;
        const rows = await parquetRows(w.path(SILVER, '*.parquet'));
        expect(rows).toHaveLength(ROWS);
        expect(new Set(rows.map(({ of }) => of)).size).toBe(1);
      }
    } finally {
      isOver = true;
      await landing;
    }
    expect(landings).toBeGreaterThan(2);
    expectExit(await w.run('silver', '--config', 'old.yaml', '--date', DATE), 0);
    const bronze = await w.read(`${BRONZE}/_metadata.json`);
    const [row] = await parquetRows(w.path(SILVER, '*.parquet'));
    expect(row?.of).toBe(names[landings % 2] ?? '');
    expect(JSON.stringify(await w.read(`${SILVER}/_metadata.json`))).toContain(bronze.commit_id);
  }),
);
