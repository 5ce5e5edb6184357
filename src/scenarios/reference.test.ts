import { describe, expect, test } from 'bun:test';
import { parquetRows } from './readers.ts';
import { classic, csv, DATE, expectExit, scenario, type Workspace } from './support.ts';

/** Lands one date, whose file is `in-<date>.csv`, and gives the rotation block of its manifest. */
async function land(w: Workspace, date: string, config: string, pattern = 'full') {
  const run = await w.run('bronze', '--config', config, '--date', date);
  expectExit(run, 0);
  const manifest = await w.read(`output/system=s/table=t/pattern=${pattern}/dt=${date}/_metadata.json`);
  return { ...manifest.reference_mode, stderr: run.stderr };
}

function rotating(reference: object, run: object = {}) {
  return classic({
    file: { path: 'in-{date}.csv' },
    run: { ...run, reference_mode: reference },
    silver: {
      model: 'scd_type_2',
      primary_keys: ['id'],
      order_column: 'at',
      input_scope: 'history',
    },
  });
}

describe('reference and delta runs', () => {
  test(
    'scenario 28: the manifest says role, cadence, delta patterns, path and type of a reference run',
    scenario(async (w) => {
      const block = { role: 'reference', cadence_days: 7, delta_patterns: ['cdc'] };
      await w.put('a.yaml', classic({ run: { reference_mode: block } }));
      await w.put('in.csv', csv(['id'], [1]));
      expectExit(await w.run('bronze', '--config', 'a.yaml', '--date', DATE), 0);
      const path = `system=s/table=t/pattern=full/dt=${DATE}`;
      const { reference_mode } = await w.read(`output/${path}/_metadata.json`);
      expect(reference_mode).toMatchObject({ ...block, reference_path: path, reference_type: 'reference' });
    }),
  );

  test(
    'scenario 28: role delta, and role auto within the cadence, are of type delta; without the block it is null',
    scenario(async (w) => {
      for (const date of ['2025-01-01', '2025-01-02', '2025-01-03', '2025-01-04']) {
        await w.put(`in-${date}.csv`, csv(['id', 'at'], [1, date]));
      }
      await w.put('reference.yaml', rotating({ role: 'reference' }));
      await w.put('delta.yaml', rotating({ role: 'delta' }));
      await w.put('auto.yaml', rotating({ role: 'auto', cadence_days: 7 }));
      await w.put('plain.yaml', classic({ file: { path: 'in-{date}.csv' } }));
      await land(w, '2025-01-01', 'reference.yaml');
      const belongs = { reference_type: 'delta', reference_run_date: '2025-01-01' };
      expect(await land(w, '2025-01-02', 'delta.yaml')).toMatchObject({ role: 'delta', ...belongs });
      expect(await land(w, '2025-01-03', 'auto.yaml')).toMatchObject({ role: 'auto', ...belongs });
      await land(w, '2025-01-04', 'plain.yaml');
      const plain = await w.read('output/system=s/table=t/pattern=full/dt=2025-01-04/_metadata.json');
      expect(plain.reference_mode).toBeNull();
    }),
  );

  test(
    'auto takes a reference first and then one each cadence, and a rerun decides as before',
    scenario(async (w) => {
      await w.put('a.yaml', rotating({ role: 'auto', cadence_days: 3 }));
      const types: Record<string, string> = {};
      const dates = [1, 2, 3, 4, 5, 6, 7, 8].map((day) => `2025-01-0${day}`);
      for (const date of [...dates, '2025-01-04', '2025-01-02']) {
        await w.put(`in-${date}.csv`, csv(['id', 'at'], [1, date]));
        types[date] = (await land(w, date, 'a.yaml')).reference_type;
      }
      expect(Object.keys(types).filter((date) => types[date] === 'reference')).toEqual([
        '2025-01-01',
        '2025-01-04',
        '2025-01-07',
      ]);
    }),
  );

  test(
    'a delta on the day of a new reference belongs to the one before; the next day’s to the new one',
    scenario(async (w) => {
      await w.put('reference.yaml', rotating({ role: 'reference' }));
      await w.put('delta.yaml', rotating({ role: 'delta' }, { load_pattern: 'cdc' }));
      for (const date of ['2025-01-01', '2025-01-05', '2025-01-06']) {
        await w.put(`in-${date}.csv`, csv(['id', 'at'], [1, date]));
      }
      await land(w, '2025-01-01', 'reference.yaml');
      await land(w, '2025-01-05', 'reference.yaml');
      expect(await land(w, '2025-01-05', 'delta.yaml', 'cdc')).toMatchObject({
        reference_run_date: '2025-01-01',
      });
      expect(await land(w, '2025-01-06', 'delta.yaml', 'cdc')).toMatchObject({
        reference_run_date: '2025-01-05',
      });
    }),
  );

  test(
    'a delta without any reference lands, says null, and warns',
    scenario(async (w) => {
      await w.put('a.yaml', rotating({ role: 'delta' }));
      await w.put(`in-${DATE}.csv`, csv(['id', 'at'], [1, DATE]));
      const block = await land(w, DATE, 'a.yaml');
      expect(block.reference_path).toBeNull();
      expect(block.stderr).toContain('belongs to no reference');
    }),
  );
});

describe('Silver over reference and deltas', () => {
  async function silver(w: Workspace, date: string) {
    const { document } = await w.json(0, 'silver', '--config', 'reference.yaml', '--date', date);
    const folder = `silver_output/domain=s/entity=t/v1/load_date=${date}`;
    const rows = await parquetRows(w.path(folder, 'history-*.parquet'), 'id, effective_from');
    return {
      report: document.reports[0],
      rows: rows.map(({ id, v, is_current }) => [id, v, Number(is_current)]),
    };
  }

  async function landAll(w: Workspace, deltaMode: string) {
    await w.put('reference.yaml', rotating({ role: 'reference' }));
    await w.put('delta.yaml', rotating({ role: 'delta', delta_mode: deltaMode }, { load_pattern: 'cdc' }));
    const at = (day: number) => `2025-01-0${day}T00:00:00`;
    const files: Record<string, (string | number)[][]> = {
      '2025-01-01': [[1, 'old', at(1)]],
      '2025-01-02': [
        [1, 'a', at(2)],
        [2, 'b', at(2)],
      ],
      '2025-01-03': [
        [1, 'a', at(2)],
        [2, 'b', at(2)],
        ...(deltaMode === 'cumulative' ? [[1, 'c', at(3)]] : []),
      ],
      '2025-01-04': [[2, 'd', at(4)], ...(deltaMode === 'cumulative' ? [[1, 'c', at(3)]] : [])],
    };
    for (const [date, rows] of Object.entries(files)) {
      await w.put(`in-${date}.csv`, csv(['id', 'v', 'at'], ...rows));
    }
    await land(w, '2025-01-01', 'reference.yaml');
    await land(w, '2025-01-02', 'reference.yaml');
    await land(w, '2025-01-03', 'delta.yaml', 'cdc');
    await land(w, '2025-01-04', 'delta.yaml', 'cdc');
  }

  test(
    'history starts at the newest reference and reads each point-in-time delta up to the run date, never later',
    scenario(async (w) => {
      await landAll(w, 'point_in_time');
      const third = await silver(w, '2025-01-03');
      expect(third.rows).toEqual([
        ['1', 'a', 1],
        ['2', 'b', 1],
      ]);
      const fourth = await silver(w, '2025-01-04');
      expect(fourth.rows).toEqual([
        ['1', 'a', 1],
        ['2', 'b', 0],
        ['2', 'd', 1],
      ]);
      expect(fourth.report.inputs).toHaveLength(3);
      expect(fourth.report.not_read).toEqual(['system=s/table=t/pattern=full/dt=2025-01-01']);
    }),
  );

  test(
    'of cumulative deltas only the newest is read beside its reference',
    scenario(async (w) => {
      await landAll(w, 'cumulative');
      const { report, rows } = await silver(w, '2025-01-04');
      expect(report.inputs).toEqual([
        'system=s/table=t/pattern=full/dt=2025-01-02',
        'system=s/table=t/pattern=cdc/dt=2025-01-04',
      ]);
      expect(rows).toEqual([
        ['1', 'a', 0],
        ['1', 'c', 1],
        ['2', 'b', 0],
        ['2', 'd', 1],
      ]);
    }),
  );
});
