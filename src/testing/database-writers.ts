import { expect } from 'bun:test';
import { databaseLake } from './database-lake.ts';
import type { DatabaseLab } from './database-words.ts';

const KEYS = 40;
const WRITES_A_ROUND = 25;

/**
 * Incremental runs, and beside each of them a writer that inserts, updates and deletes. Afterwards the newest row that
 * landed of each living key is the row of the database, and no row landed twice in the same state.
 */
export async function conservesRows(lab: DatabaseLab, table: string, rounds: number): Promise<void> {
  await lab.create(table, { id: 'integer', seen: 'integer' });
  const lake = await databaseLake(lab.url, { table, incremental: { cursor_column: 'seen' } });
  const living = new Map<number, number>();
  let clock = 0;
  const write = async (): Promise<void> => {
    for (let n = 0; n < WRITES_A_ROUND; n += 1) {
      clock += 1;
      const id = (n * 7 + clock) % KEYS;
      if (!living.has(id)) {
        await lab.run(`INSERT INTO ${table} VALUES (${id}, ${clock})`);
        living.set(id, clock);
      } else if (clock % 5 === 0) {
        await lab.run(`DELETE FROM ${table} WHERE id = ${id}`);
        living.delete(id);
      } else {
        await lab.run(`UPDATE ${table} SET seen = ${clock} WHERE id = ${id}`);
        living.set(id, clock);
      }
    }
  };
  try {
    for (let round = 0; round < rounds; round += 1) {
      const date = new Date(Date.UTC(2025, 0, 1 + round)).toISOString().slice(0, 10);
      await Promise.all([write(), lake.run(date)]);
    }
    await lake.run('2030-01-01');
    const rows = (await lake.landed()).map((row) => [Number(row.id), Number(row.seen)] as const);
    const newest = new Map<number, number>();
    for (const [id, seen] of rows) newest.set(id, Math.max(newest.get(id) ?? 0, seen));
    for (const [id, seen] of living) expect([id, newest.get(id)]).toEqual([id, seen]);
    expect(new Set(rows.map(String)).size).toBe(rows.length);
  } finally {
    await lake.remove();
  }
}
