import { expect } from 'bun:test';
import { FoundryError } from '../core/errors.ts';
import { databaseLake } from './database-lake.ts';
import type { DatabaseLab } from './database-words.ts';
import { numbersFrom } from './lehmer.ts';
import { startTcpProxy } from './tcp-proxy.ts';

/**
 * A wire that is cut at a random moment of each of many incremental runs: a run lands exactly what is new, or fails
 * clearly and leaves the cursor where it was. In the end every row is there, once.
 *
 * @param more keys of `source.db`, such as those by which broken chunks are read again
 */
export async function survivesCuts(
  lab: DatabaseLab,
  rounds: number,
  seed: number,
  { table = 'cut', ...more }: Partial<Parameters<typeof databaseLake>[1]> = {},
): Promise<{ failed: number }> {
  const target = new URL(lab.url);
  const proxy = await startTcpProxy(target.hostname, Number(target.port));
  const through = new URL(lab.url);
  through.port = String(proxy.port);
  const random = numbersFrom(seed);
  await lab.create(table, { id: 'integer', seen: 'integer', note: 'text' });
  const lake = await databaseLake(through.href, {
    table,
    incremental: { cursor_column: 'seen' },
    max_attempts: 1,
    connect_timeout_seconds: 5,
    ...more,
  });
  let written = 0;
  let failed = 0;
  let end: string | null = null;
  try {
    for (let round = 0; round < rounds; round += 1) {
      const rows = Array.from({ length: 200 }, () => {
        written += 1;
        return `(${written}, ${written}, '${'x'.repeat(80)}')`;
      });
      await lab.run(`INSERT INTO ${table} VALUES ${rows.join(', ')}`);
      // About half of the runs get through, however much the failed ones before have left to read.
      const waiting = 20_000 + (written - Number(end ?? 0)) * 110;
      proxy.cutAfterBytes = Math.floor(random() * 2 * waiting);
      proxy.delayMs = random() < 0.1 ? 3 : 0;
      const date = new Date(Date.UTC(2025, 0, 1 + round)).toISOString().slice(0, 10);
      try {
        const report = await lake.run(date);
        expect(report.cursor?.start ?? null).toBe(end);
        end = report.cursor?.end ?? null;
        expect(end).toBe(String(written));
      } catch (error) {
        if (!(error instanceof FoundryError)) throw error;
        expect(['RETRY001', 'EXT001']).toContain(error.code);
        failed += 1;
      }
    }
    proxy.cutAfterBytes = undefined;
    proxy.delayMs = 0;
    await lake.run('2030-01-01');
    const ids = await lake.ids();
    expect(ids.length).toBe(written);
    expect(ids).toEqual(Array.from({ length: written }, (_, index) => index + 1));
    return { failed };
  } finally {
    await lake.remove();
    await proxy.stop();
  }
}

/** Chunks that each see their own moment, of which a broken one is read again by itself. */
export const CHUNKS_OF_THEIR_OWN = {
  table: 'cut_in_chunks',
  partition_on: 'id',
  chunk_rows: 60,
  consistency: 'chunk',
  workers: 2,
  max_attempts: 2,
} as const;
