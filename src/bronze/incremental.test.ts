import { expect, test } from 'bun:test';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { IncrementalSpec } from '../config/spec.ts';
import { silentLog } from '../core/log.ts';
import type { TableSchema } from '../core/schema.ts';
import {
  type MemoryTable,
  type TableLake,
  type TableLakeOptions,
  tableLake,
} from '../testing/table-source.ts';

const SCHEMA: TableSchema = {
  fields: [
    { name: 'id', type: { kind: 'int64' } },
    { name: 'at', type: { kind: 'int64' } },
  ],
};
const BY_AT: IncrementalSpec = { column: 'at', nullRows: 'include' };

async function withLake(
  rows: readonly (readonly [number, number | null])[],
  use: (lake: TableLake, table: MemoryTable) => Promise<void>,
  options: Partial<TableLakeOptions> = {},
): Promise<void> {
  const table: MemoryTable = { schema: SCHEMA, rows: rows.map(row) };
  const lake = await tableLake(table, { incremental: BY_AT, ...options });
  try {
    await use(lake, table);
  } finally {
    await lake.remove();
  }
}

function row([id, at]: readonly [number, number | null]): readonly unknown[] {
  return [BigInt(id), at === null ? null : BigInt(at)];
}

async function ids(lake: TableLake): Promise<number[]> {
  return (await lake.landed()).map(({ id }) => Number(id)).sort((a, b) => a - b);
}

test('a run begins where the nearest earlier one ended, and 11 comes after 9 (scenario 41)', async () => {
  const eleven = Array.from({ length: 11 }, (_, i) => [i + 1, i + 1] as const);
  await withLake(eleven, async (lake, table) => {
    const first = await lake.run('2025-01-01');
    expect(first.cursor).toMatchObject({ column: 'at', type: 'number', start: null, end: '11' });
    table.rows.push(row([12, 12]));
    const second = await lake.run('2025-01-02');
    expect(second).toMatchObject({ rows: 1, cursor: { start: '11', end: '12', repeated: 1 } });
    expect(await ids(lake)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });
});

test('a row that comes late with the last cursor value lands, and those that landed before do not again', async () => {
  await withLake([[1, 5]], async (lake, table) => {
    await lake.run('2025-01-01');
    table.rows.push(row([2, 5]), row([1, 5]));
    expect(await lake.run('2025-01-02')).toMatchObject({ rows: 2, cursor: { repeated: 1 } });
    expect(await ids(lake)).toEqual([1, 1, 2]);
  });
});

test('an empty slice carries the cursor on', async () => {
  await withLake([[1, 5]], async (lake, table) => {
    await lake.run('2025-01-01');
    expect(await lake.run('2025-01-02')).toMatchObject({ status: 'empty', cursor: { start: '5', end: '5' } });
    table.rows.push(row([2, 6]));
    await lake.run('2025-01-03');
    expect(await ids(lake)).toEqual([1, 2]);
  });
});

test('a backfill between two landed days stops where the later one began', async () => {
  await withLake([[1, 1]], async (lake, table) => {
    await lake.run('2025-01-01');
    table.rows.push(row([2, 2]));
    await lake.run('2025-01-03');
    table.rows.push(row([3, 3]), row([4, 1]));
    const between = await lake.run('2025-01-02');
    expect(between).toMatchObject({ rows: 1, cursor: { start: '1', end: '1', repeated: 1, outside: 2 } });
    await lake.run('2025-01-04');
    expect(await ids(lake)).toEqual([1, 2, 3, 4]);
  });
});

test('an earlier day than all is left nothing by one that read from the beginning', async () => {
  await withLake([[1, 1]], async (lake) => {
    await lake.run('2025-01-02');
    expect(await lake.run('2025-01-01')).toMatchObject({ status: 'empty', rows: 0 });
    await lake.run('2025-01-02');
    expect(await ids(lake)).toEqual([1]);
  });
});

test('a later full refresh does not let a rerun of an earlier day empty it', async () => {
  await withLake([[1, 1]], async (lake) => {
    await lake.run('2025-01-01');
    await lake.run('2025-01-02', { fullRefresh: true });
    await expect(lake.run('2025-01-01')).rejects.toMatchObject({ code: 'QUAL001' });
    expect(await ids(lake)).toEqual([1, 1]);
  });
});

test('a lookback lands rows again and counts them', async () => {
  const incremental = { ...BY_AT, lookback: '2' };
  await withLake(
    [
      [1, 1],
      [2, 9],
      [3, 10],
    ],
    async (lake, table) => {
      await lake.run('2025-01-01');
      table.rows.push(row([4, 8]), row([5, 11]));
      const second = await lake.run('2025-01-02');
      expect(second).toMatchObject({ rows: 3, cursor: { reread: 2, repeated: 1, outside: 1, end: '11' } });
      expect(await ids(lake)).toEqual([1, 2, 2, 3, 4, 5]);
    },
    { incremental },
  );
});

test('another cursor column is an error that names --full-refresh, which begins anew', async () => {
  await withLake([[1, 5]], async (lake, table) => {
    await lake.run('2025-01-01');
    const other = await tableLake(table, { incremental: { ...BY_AT, column: 'id' } });
    await Bun.$`rm -rf ${other.base} && cp -r ${lake.base} ${other.base}`.quiet();
    try {
      await expect(other.run('2025-01-02')).rejects.toMatchObject({
        code: 'CFG001',
        hint: expect.stringContaining('--full-refresh'),
      });
      expect(await other.run('2025-01-02', { fullRefresh: true })).toMatchObject({
        rows: 1,
        cursor: { column: 'id', start: null, end: '1' },
      });
    } finally {
      await other.remove();
    }
  });
});

test('rows without a cursor value land once, with the run that begins the table', async () => {
  await withLake(
    [
      [1, null],
      [2, 5],
    ],
    async (lake) => {
      await lake.run('2025-01-01');
      expect(await lake.run('2025-01-02')).toMatchObject({ rows: 0, cursor: { null_rows: 1 } });
      expect(await ids(lake)).toEqual([1, 2]);
    },
  );
});

test('rows without a cursor value never land with exclude, and refuse the run with fail', async () => {
  const exclude = { incremental: { ...BY_AT, nullRows: 'exclude' } } as const;
  await withLake(
    [[1, null]],
    async (lake) => {
      expect(await lake.run('2025-01-01')).toMatchObject({ rows: 0, cursor: { null_rows: 1, end: null } });
    },
    exclude,
  );
  const fail = { incremental: { ...BY_AT, nullRows: 'fail' } } as const;
  await withLake(
    [[1, null]],
    async (lake) => {
      await expect(lake.run('2025-01-01')).rejects.toMatchObject({ code: 'DATA001' });
      expect(await ids(lake)).toEqual([]);
    },
    fail,
  );
});

test('a state file of the original seeds the first run, and is ignored with a warning later', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'foundry-state-'));
  const stateFile = join(folder, 'cursor.json');
  await writeFile(stateFile, '{"cursor": "100", "last_run": "2024-12-31"}');
  await withLake(
    [
      [1, 99],
      [2, 101],
    ],
    async (lake, table) => {
      expect(await lake.run('2025-01-01')).toMatchObject({ rows: 1, cursor: { start: '100', end: '101' } });
      const warnings: string[] = [];
      table.rows.push(row([3, 102]));
      await lake.run('2025-01-02', { log: { ...silentLog, warn: (message) => void warnings.push(message) } });
      expect(warnings.join()).toContain('--state');
      expect(await ids(lake)).toEqual([2, 3]);
      await lake.run('2025-01-03', { stateFile });
      expect(await ids(lake)).toEqual([2, 2, 3, 3]);
      await writeFile(stateFile, 'nonsense');
      await expect(lake.run('2025-01-04', { stateFile })).rejects.toMatchObject({ code: 'STATE001' });
    },
    { incremental: { ...BY_AT, stateFile } },
  );
});

test('a retried batch keeps its place among the batches of its day', async () => {
  await withLake(
    [[1, 1]],
    async (lake, table) => {
      await lake.run('2025-01-01', { batchId: 'zulu' });
      table.rows.push(row([2, 2]));
      await lake.run('2025-01-01', { batchId: 'alpha' });
      table.rows.push(row([3, 3]));
      await lake.run('2025-01-01', { batchId: 'zulu' });
      await lake.run('2025-01-01', { batchId: 'mike' });
      expect(await ids(lake)).toEqual([1, 2, 3]);
    },
    { strategy: 'batch_id' },
  );
});

test('too many rows at the last value are an error that names it', async () => {
  const same = Array.from({ length: 10_001 }, (_, i) => [i, 7] as const);
  await withLake(same, async (lake) => {
    await expect(lake.run('2025-01-01')).rejects.toMatchObject({
      code: 'DATA001',
      message: expect.stringContaining('at = 7'),
    });
  });
});

/**
 * Rows are only ever added, never before the largest value that a run has seen. Then whatever runs come in whatever
 * order, with reruns and backfills between landed days, the lake holds each row of the source exactly as often as it is
 * there, once the last day has been run.
 */
test('no row is lost or doubled by any order of runs, reruns and backfills', async () => {
  const step = fc.oneof(
    fc.record({
      add: fc.array(fc.record({ id: fc.nat(3), ahead: fc.constantFrom(0, 0, 1) }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
    fc.record({ run: fc.integer({ min: 1, max: 4 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 14 }), async (steps) => {
      await withLake([], async (lake, table) => {
        let newest = 0;
        for (const one of steps) {
          if ('run' in one) {
            await lake.run(`2025-01-0${one.run}`);
            newest = table.rows.reduce((max, [, at]) => Math.max(max, Number(at)), newest);
            continue;
          }
          for (const { id, ahead } of one.add) table.rows.push(row([id, newest + ahead]));
        }
        await lake.run('2025-01-05');
        const seen = (await lake.landed()).map(({ id, at }) => `${id}@${at}`).sort();
        expect(seen).toEqual(table.rows.map(([id, at]) => `${id}@${at}`).sort());
      });
    }),
    { numRuns: 40 },
  );
}, 60_000);
