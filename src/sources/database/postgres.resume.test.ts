import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { databaseLake } from '../../testing/database-lake.ts';
import { openTestPostgres, type TestPostgres } from '../../testing/postgres-database.ts';
import { markedRow, type RowWire, startRowWire } from '../../testing/row-wire.ts';
import { mayRun } from '../../testing/services.ts';

const ROWS = 8000;
const CHUNK = 1000;

describe.skipIf(!mayRun('FOUNDRY_TEST_POSTGRES_URL'))(
  'a read of PostgreSQL in chunks over a wire that breaks',
  () => {
    let db: TestPostgres;

    beforeAll(async () => {
      db = await openTestPostgres();
      const note = markedRow(0).split('0', 2);
      await db.run(
        `CREATE TABLE t (id int PRIMARY KEY, version int, note text);
       INSERT INTO t SELECT g, 0, '${note[0]}' || g || '${note[1]}' FROM generate_series(0, ${ROWS - 1}) g`,
      );
    });

    afterAll(() => db.drop());

    /** All rows change at once when the wire is cut, so that two moments in one read would show. */
    async function landedOver(
      cutWhen: RowWire['cutWhen'],
      more: Partial<Parameters<typeof databaseLake>[1]> = {},
    ) {
      await db.run('UPDATE t SET version = 1');
      const wire = await startRowWire(db.url);
      const changed = Promise.withResolvers<void>();
      wire.cutWhen = cutWhen;
      wire.onCut = () => void db.run('UPDATE t SET version = 2').then(changed.resolve, changed.reject);
      const lake = await databaseLake(wire.url, {
        table: 't',
        partition_on: 'id',
        chunk_rows: CHUNK,
        workers: 2,
        max_attempts: 2,
        ...more,
      });
      try {
        await lake.run('2025-01-01');
        expect(wire.cutWhen).toBeUndefined();
        await changed.promise;
        const rows = await lake.landed();
        expect(rows.map(({ id }) => Number(id)).sort((a, b) => a - b)).toEqual(
          Array.from({ length: ROWS }, (_, id) => id),
        );
        return {
          versions: [...new Set(rows.map(({ version }) => Number(version)))],
          chunksSentTwice: [...new Set(wire.sentTwice().map((id) => Math.floor(id / CHUNK)))],
        };
      } finally {
        await lake.remove();
        await wire.stop();
      }
    }

    test.each([
      ['began it', 0, 1],
      ['joined it', 1, 0],
    ])(
      'goes on in its snapshot when the connection that %s is lost: only the broken chunk is read again',
      async (_, lost, other) => {
        const { versions, chunksSentTwice } = await landedOver((sent, connection) => {
          if (connection !== lost) return undefined;
          return (sent[other] ?? []).length > 0 ? 'this' : 'wait';
        });
        expect(versions).toEqual([1]);
        expect(chunksSentTwice).toHaveLength(1);
      },
    );

    test('begins again as a whole where rows are written one by one, since half a chunk is written already', async () => {
      const { versions, chunksSentTwice } = await landedOver(
        (sent) => (sent.flat().length > 2 * CHUNK ? 'this' : undefined),
        { consistency: 'chunk', csv: true },
      );
      expect(versions).toEqual([2]);
      expect(chunksSentTwice.length).toBeGreaterThan(1);
    });

    test('gives up on a chunk that breaks each time after as many tries as are allowed, and lands nothing', async () => {
      const wire = await startRowWire(db.url);
      let cuts = 0;
      const breaks: RowWire['cutWhen'] = (sent, connection) =>
        sent[connection]?.includes(1500) === true ? 'this' : undefined;
      wire.cutWhen = breaks;
      wire.onCut = () => {
        cuts += 1;
        wire.cutWhen = breaks;
      };
      const lake = await databaseLake(wire.url, {
        table: 't',
        partition_on: 'id',
        chunk_rows: CHUNK,
        consistency: 'chunk',
        max_attempts: 2,
      });
      try {
        await expect(lake.run('2025-01-01')).rejects.toMatchObject({
          code: 'RETRY001',
          details: { attempts: 2 },
        });
        expect(cuts).toBe(2);
        expect(await lake.landed()).toEqual([]);
      } finally {
        await lake.remove();
        await wire.stop();
      }
    });

    test('begins again as a whole, in a new snapshot, when all connections that saw the first are lost', async () => {
      const { versions, chunksSentTwice } = await landedOver((sent) =>
        sent.length === 2 && sent.every((rows) => rows.length > 0) ? 'all' : 'wait',
      );
      expect(versions).toEqual([2]);
      expect(chunksSentTwice.length).toBeGreaterThan(1);
    });
  },
);
