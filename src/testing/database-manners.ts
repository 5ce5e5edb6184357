import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import type { FoundryError } from '../core/errors.ts';
import { type Log, silentLog } from '../core/log.ts';
import { until } from '../scenarios/support.ts';
import { type DatabaseLake, databaseLake } from './database-lake.ts';
import type { DatabaseLab } from './database-words.ts';

/** What the server says of a session of foundry's. */
export interface ObservedSession {
  /** When its transaction began, in the server's words; absent: it is in none. */
  readonly transaction?: string;
}

export interface WatchedLab extends DatabaseLab {
  /** Keeps a table from readers until what it gives is called. */
  holdTable(table: string): Promise<() => Promise<void>>;
  /** Foundry's sessions in the lab's database now. */
  sessions(): Promise<readonly ObservedSession[]>;
}

export interface DatabaseManners {
  readonly name: string;
  readonly open: () => Promise<WatchedLab>;
  readonly skip: boolean;
  /** Of a lock that is waited for too long. */
  readonly lockTimeout: { readonly message: string; readonly details: object };
  /** The shortest that it can be told to wait for one. */
  readonly lockSeconds: number;
}

/** How foundry behaves towards a server that others use too. */
export function databaseManners({ name, open, skip, lockTimeout, lockSeconds }: DatabaseManners): void {
  describe.skipIf(skip)(`manners towards ${name}`, () => {
    let lab: WatchedLab;
    const lakes: DatabaseLake[] = [];

    beforeAll(async () => {
      lab = await open();
      await lab.create('kept', { id: 'integer', note: 'text' });
      const rows = Array.from({ length: 400 }, (_, id) => `(${id}, 'n')`);
      await lab.run(`INSERT INTO kept VALUES ${rows.join(', ')}`);
    });

    afterAll(async () => {
      for (const lake of lakes) await lake.remove();
      await lab.drop();
    });

    const lakeOf = async (options: Parameters<typeof databaseLake>[1]): Promise<DatabaseLake> => {
      const lake = await databaseLake(lab.url, { connect_timeout_seconds: 5, ...options });
      lakes.push(lake);
      return lake;
    };

    const warned = (): Log & { readonly warnings: string[] } => {
      const warnings: string[] = [];
      return { ...silentLog, warnings, warn: (message) => void warnings.push(message) };
    };

    /** Neither waiting, nor reading, nor idle in a transaction. */
    const nobodyLeft = () =>
      until('the end of all sessions', async () => (await lab.sessions()).length === 0);

    test('a lock that others hold: the server’s words, the query, what to do, and nobody left waiting', async () => {
      const release = await lab.holdTable('kept');
      try {
        const lake = await lakeOf({ table: 'kept', lock_timeout_seconds: lockSeconds, max_attempts: 1 });
        const error: FoundryError = await lake.run('2025-01-01').then(
          () => expect.unreachable(),
          (thrown) => thrown,
        );
        expect([error.code, error.message]).toEqual([
          'RETRY001',
          expect.stringContaining(lockTimeout.message),
        ]);
        expect(error.details).toMatchObject(lockTimeout.details);
        expect(`${error.message} ${error.details.query ?? ''}`).toMatch(/SELECT.*kept/);
        expect(error.hint).toMatch(/Another transaction holds/);
        expect(await lake.landed()).toEqual([]);
        await nobodyLeft();
      } finally {
        await release();
      }
    });

    test('a lock that is let go is waited for: the read is tried again, and lands', async () => {
      const release = await lab.holdTable('kept');
      const log = warned();
      const lake = await lakeOf({ table: 'kept', lock_timeout_seconds: lockSeconds, max_attempts: 3 });
      const running = lake.run('2025-01-01', { log });
      await until('the first try', async () => log.warnings.length > 0);
      await release();
      expect((await running).rows).toBe(400);
      expect(log.warnings[0]).toContain(lockTimeout.message);
      await nobodyLeft();
    });

    test('what would fail each time is tried once', async () => {
      for (const options of [{ table: 'not_there' }, { base_query: 'SELECT nothing FROM kept' }]) {
        const log = warned();
        const lake = await lakeOf({ ...options, max_attempts: 3 });
        await expect(lake.run('2025-01-01', { log })).rejects.toMatchObject({ code: 'EXT001' });
        expect(log.warnings).toEqual([]);
      }
      await nobodyLeft();
    });

    test('chunks of their own are short transactions: none is open between them', async () => {
      const lake = await lakeOf({
        table: 'kept',
        partition_on: 'id',
        chunk_rows: 100,
        chunk_delay_seconds: 0.4,
        consistency: 'chunk',
      });
      const seen: (string | undefined)[] = [];
      let isOver = false;
      const running = lake.run('2025-01-01').finally(() => {
        isOver = true;
      });
      while (!isOver) {
        seen.push(...(await lab.sessions()).map(({ transaction }) => transaction));
        await Bun.sleep(10);
      }
      expect((await running).files).toHaveLength(4);
      const idle = seen.filter((transaction) => transaction === undefined).length;
      expect(idle).toBeGreaterThan(seen.length / 2);
      await nobodyLeft();
    });

    test('a run that is stopped leaves no session, in whatever state it was', async () => {
      const stopped = new AbortController();
      const lake = await lakeOf({
        table: 'kept',
        partition_on: 'id',
        chunk_rows: 100,
        chunk_delay_seconds: 60,
      });
      const running = lake.run('2025-01-01', { signal: stopped.signal });
      await until('the open transaction', async () =>
        (await lab.sessions()).some(({ transaction }) => transaction !== undefined),
      );
      stopped.abort();
      await expect(running).rejects.toMatchObject({ code: 'INT001' });
      await nobodyLeft();
    });
  });
}
