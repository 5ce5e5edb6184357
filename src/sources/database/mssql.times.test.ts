import { afterEach, describe, expect, test } from 'bun:test';
import { type DatabaseLake, databaseLake } from '../../testing/database-lake.ts';
import type { DatabaseLab } from '../../testing/database-words.ts';
import { tdsLab } from '../../testing/tds/lab.ts';

/** A `datetime` counts 1/300 of a second, of which the server shows .003 and .007. */
const TIMES = {
  datetime: ['08:00:00.000000', '08:00:00.003000', '08:00:00.007000', '23:59:59.997000'],
  smalldatetime: ['08:00:00.000000', '08:01:00.000000', '23:59:00.000000'],
} as const;

describe('the older types of times of SQL Server, which take a text of three digits of a second', () => {
  let lab: DatabaseLab;
  let lake: DatabaseLake;
  afterEach(async () => {
    await lake.remove();
    await lab.drop();
  });

  const open = async (type: string, options: Parameters<typeof databaseLake>[1]): Promise<void> => {
    lab = await tdsLab({ timestamp: type });
    await lab.create('timed', { id: 'integer', changed: 'timestamp' });
    lake = await databaseLake(lab.url, options);
  };
  const insert = (id: number, time: string): Promise<void> =>
    lab.run(`INSERT INTO timed VALUES (${id}, '2025-01-01T${time}')`);

  test.each(['datetime', 'smalldatetime'] as const)('%s is a cursor', async (type) => {
    await open(type, { table: 'timed', incremental: { cursor_column: 'changed' } });
    let id = 0;
    for (const time of TIMES[type]) {
      for (const _ of ['a row', 'and one more of the same time, in the next run']) {
        id += 1;
        await insert(id, time);
        await lake.run(`2025-01-${10 + id}`);
      }
    }
    expect(await lake.ids()).toEqual(Array.from({ length: id }, (_, index) => index + 1));
  });

  test.each(['datetime', 'smalldatetime'] as const)('%s is a key of chunks', async (type) => {
    await open(type, { table: 'timed', chunk_rows: 1, partition_on: 'changed' });
    for (const [id, time] of TIMES[type].entries()) await insert(id, time);
    await lake.run('2025-01-11');
    expect(await lake.ids()).toEqual([...TIMES[type].keys()]);
  });

  test('datetime is compared with :since and :until in a query', async () => {
    await open('datetime', {
      // What the server does by itself with a parameter that meets a datetime.
      base_query:
        'SELECT id, changed FROM timed WHERE changed >= CAST(:since AS datetime) AND changed <= CAST(:until AS datetime)',
      incremental: {
        cursor_column: 'changed',
        cursor_type: 'timestamp',
        initial_value: '2025-01-01T00:00:00',
      },
    });
    for (const [id, time] of TIMES.datetime.entries()) {
      await insert(id, time);
      await lake.run(`2025-01-${11 + id}`);
    }
    expect(await lake.ids()).toEqual([...TIMES.datetime.keys()]);
  });
});
