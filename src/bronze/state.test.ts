import { expect, test } from 'bun:test';
import { tableLake } from '../testing/table-source.ts';

/** A source that counts its runs, and lands the count. */
async function countingLake() {
  const table = {
    schema: { fields: [{ name: 'n', type: { kind: 'int64' } as const }] },
    rows: [] as bigint[][],
  };
  const seen: unknown[] = [];
  const lake = await tableLake(table, {
    onRead(request) {
      const last = request.state?.value;
      seen.push(last);
      const n = typeof last === 'number' ? last + 1 : 1;
      table.rows.splice(0, table.rows.length, [BigInt(n)]);
      request.onState?.({ value: n });
    },
  });
  return { lake, seen };
}

test('a source is told the state of the nearest earlier commit, also by a rerun', async () => {
  const { lake, seen } = await countingLake();
  try {
    await lake.run('2025-01-01');
    await lake.run('2025-01-02');
    await lake.run('2025-01-02');
    await lake.run('2025-01-03', { fullRefresh: true });
    await lake.run('2025-01-04');
    expect(seen).toEqual([undefined, 1, 1, undefined, 1]);
    expect((await lake.landed()).map(({ n }) => Number(n)).sort()).toEqual([1, 1, 2, 2]);
  } finally {
    await lake.remove();
  }
});

test('an earlier date is refused once a later one went on from its state', async () => {
  const { lake } = await countingLake();
  try {
    await lake.run('2025-01-02');
    await expect(lake.run('2025-01-01')).rejects.toMatchObject({
      code: 'STATE001',
      message: expect.stringContaining('dt=2025-01-02'),
    });
  } finally {
    await lake.remove();
  }
});
