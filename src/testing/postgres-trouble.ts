import { expect } from 'bun:test';
import { FoundryError } from '../core/errors.ts';
import { databaseLake } from './database-lake.ts';
import type { postgresLab } from './postgres-database.ts';

type Lab = Awaited<ReturnType<typeof postgresLab>>;

const dayOf = (round: number): string => new Date(Date.UTC(2025, 0, 1 + round)).toISOString().slice(0, 10);

/**
 * A server whose sessions are killed, or whose statements run out of time, at a random moment of each incremental run: a
 * run lands exactly what is new, or fails clearly and leaves the cursor where it was. In the end all rows are there, once.
 */
export async function survivesKills(
  lab: Lab,
  rounds: number,
  random: () => number,
): Promise<{ failed: number }> {
  const name = `kill-${lab.name}`;
  await lab.create('killed', { id: 'integer', seen: 'integer', note: 'text' });
  const lake = await databaseLake(lab.url, {
    table: 'killed',
    incremental: { cursor_column: 'seen' },
    max_attempts: 1,
    application_name: name,
  });
  let written = 0;
  let failed = 0;
  let end: string | null = null;
  try {
    for (let round = 0; round < rounds; round += 1) {
      await lab.run(
        `INSERT INTO killed SELECT g, g, repeat('x', 200) FROM generate_series(${written + 1}, ${written + 500}) g`,
      );
      written += 500;
      const isSlow = random() < 0.4;
      const timeout = isSlow ? 1 + Math.floor(random() * 8) : 0;
      await lab.run(`ALTER DATABASE ${lab.name} SET statement_timeout = ${timeout}`);
      const moment = random() * 60;
      const killing = isSlow
        ? undefined
        : Bun.sleep(moment).then(() =>
            lab.query(
              `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${name}'`,
            ),
          );
      try {
        const report = await lake.run(dayOf(round));
        expect(report.cursor?.start ?? null).toBe(end);
        end = report.cursor?.end ?? null;
        expect(end).toBe(String(written));
      } catch (error) {
        if (!(error instanceof FoundryError)) throw error;
        expect(['RETRY001', 'EXT001']).toContain(error.code);
        failed += 1;
      }
      await killing;
    }
    await lab.run(`ALTER DATABASE ${lab.name} RESET statement_timeout`);
    await lake.run('2035-01-01');
    const ids = await lake.ids();
    expect(ids).toEqual(Array.from({ length: written }, (_, index) => index + 1));
    return { failed };
  } finally {
    await lake.remove();
  }
}

/**
 * A server that crashes and comes back while runs go on: each run lands exactly what is new, also by trying again, or
 * fails clearly. In the end all rows are there, once.
 *
 * @param crash stops the server at once, without a word to its clients, and starts it again
 */
export async function survivesCrashes(
  lab: Lab,
  crash: () => Promise<void>,
  rounds: number,
  random: () => number,
): Promise<{ failed: number }> {
  await lab.create('crashed', { id: 'integer', seen: 'integer', note: 'text' });
  const lake = await databaseLake(lab.url, {
    table: 'crashed',
    incremental: { cursor_column: 'seen' },
    max_attempts: 4,
    connect_timeout_seconds: 5,
  });
  let written = 0;
  let failed = 0;
  let end: string | null = null;
  try {
    for (let round = 0; round < rounds; round += 1) {
      // What the crash must not take back itself.
      await lab.alone(
        `BEGIN; SET LOCAL synchronous_commit = on; INSERT INTO crashed SELECT g, g, repeat('x', 1000) FROM generate_series(${written + 1}, ${written + 4000}) g; COMMIT`,
      );
      written += 4000;
      const crashing = Bun.sleep(random() * 250).then(crash);
      try {
        const report = await lake.run(dayOf(round));
        expect(report.cursor?.start ?? null).toBe(end);
        end = report.cursor?.end ?? null;
        expect(end).toBe(String(written));
      } catch (error) {
        if (!(error instanceof FoundryError)) throw error;
        expect(['RETRY001', 'EXT001']).toContain(error.code);
        failed += 1;
      }
      await crashing;
    }
    await lake.run('2035-01-01');
    const ids = await lake.ids();
    expect(ids.length).toBe(written);
    expect(ids.every((id, index) => id === index + 1)).toBeTrue();
    return { failed };
  } finally {
    await lake.remove();
  }
}

/**
 * Writers whose transactions overlap, insert, update and delete, and commit in another order than they took their cursor
 * values; a lookback that is longer than any of them. In the end the newest version of each row that is left has landed,
 * and no version twice but by the lookback.
 */
export async function conservesRows(
  lab: Lab,
  rounds: number,
  random: () => number,
): Promise<{ versions: number }> {
  await lab.run(
    'CREATE TABLE busy (id int PRIMARY KEY, seen bigint NOT NULL, note text); CREATE INDEX ON busy (seen); CREATE SEQUENCE clock',
  );
  const lake = await databaseLake(lab.url, {
    table: 'busy',
    incremental: { cursor_column: 'seen', lookback: 400 },
    max_attempts: 1,
  });
  let isOver = false;
  const write = async (): Promise<void> => {
    while (!isOver) {
      const id = Math.floor(random() * 300);
      const value = `nextval('clock')`;
      const upsert = `INSERT INTO busy VALUES (${id}, ${value}, 'n') ON CONFLICT (id) DO UPDATE SET seen = EXCLUDED.seen`;
      const pause = `SELECT pg_sleep(${(random() * 0.004).toFixed(4)})`;
      const statements = random() < 0.1 ? [`DELETE FROM busy WHERE id = ${id}`] : [upsert, pause];
      await lab.run(statements.join('; '));
    }
  };
  try {
    const writers = [write(), write(), write()];
    for (let round = 0; round < rounds; round += 1) await lake.run(dayOf(round));
    isOver = true;
    await Promise.all(writers);
    await lake.run('2035-01-01');
    const versions = new Set((await lake.landed()).map(({ id, seen }) => `${id}:${seen}`));
    const left = await lab.query('SELECT id, seen FROM busy');
    expect(left.filter(({ id, seen }) => !versions.has(`${id}:${seen}`))).toEqual([]);
    return { versions: versions.size };
  } finally {
    isOver = true;
    await lake.remove();
  }
}
