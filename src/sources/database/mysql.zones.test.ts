import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mariadb, prepareMariadb, runMariadb } from '../../../build/services/mariadb.ts';
import { freePort, giveAway } from '../../../build/services/unprivileged.ts';
import { databaseLake } from '../../testing/database-lake.ts';
import { type MysqlLab, mysqlLabOn } from '../../testing/mysql-kit.ts';
import { failure } from '../../testing/refusal.ts';
import { mayRun } from '../../testing/services.ts';

/** Zones as `mysql_tzinfo_to_sql` fills them in, with one distance to UTC for all times. */
const zone = (id: number, name: string, seconds: number): string[] => [
  `INSERT INTO mysql.time_zone VALUES (${id}, 'N')`,
  `INSERT INTO mysql.time_zone_name VALUES ('${name}', ${id})`,
  `INSERT INTO mysql.time_zone_transition_type VALUES (${id}, 0, ${seconds}, 0, 'X')`,
];

describe.skipIf(!mayRun('FOUNDRY_TEST_MYSQL_URL') || !mariadb.find())('times of a time zone', () => {
  let folder: string;
  let server: Awaited<ReturnType<typeof runMariadb>>;
  let lab: MysqlLab;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'foundry-mariadb-'));
    prepareMariadb(folder);
    giveAway(folder);
    server = await runMariadb(folder, await freePort(), []);
    lab = await mysqlLabOn(server.env.FOUNDRY_TEST_MYSQL_URL ?? '');
    await lab.run(...zone(1, 'Europe/Berlin', 3600), ...zone(2, 'Europe/London', 0));
  });
  afterAll(async () => {
    await lab?.drop();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Lands one time, by the engine or row by row. */
  const land = async (local: string, timezone: string, csv = false): Promise<unknown> => {
    await lab.run('DROP TABLE IF EXISTS t', 'CREATE TABLE t (id int, at datetime(3))');
    await lab.run(`INSERT INTO t VALUES (1, '${local}')`);
    const lake = await databaseLake(lab.url, { table: 't', timezone, csv });
    try {
      await lake.run('2025-01-01');
      const micros: unknown = Reflect.get(Object((await lake.landed())[0]?.at), 'micros');
      return typeof micros === 'bigint' ? new Date(Number(micros / 1000n)).toISOString() : micros;
    } finally {
      await lake.remove();
    }
  };

  test.each([
    ['2025-07-01 12:00:00.250', 'Europe/Berlin', '2025-07-01T11:00:00.250Z'],
    ['1970-01-01 02:00:00', 'Europe/Berlin', '1970-01-01T01:00:00.000Z'],
    ['2025-01-01 12:00:00', 'Europe/London', '2025-01-01T12:00:00.000Z'],
    ['2025-01-01 12:00:00', 'UTC', '2025-01-01T12:00:00.000Z'],
    ['2250-01-01 12:00:00', 'UTC', '2250-01-01T12:00:00.000Z'],
    ['1960-01-01 12:00:00', 'UTC', '1960-01-01T12:00:00.000Z'],
    ['2250-01-01 00:30:00.250', '+02:00', '2249-12-31T22:30:00.250Z'],
    ['1960-01-01 12:00:00', '-05:30', '1960-01-01T17:30:00.000Z'],
  ])('%s in %s is %s', async (local, timezone, instant) => {
    expect([await land(local, timezone), await land(local, timezone, true)]).toEqual([instant, instant]);
  });

  test.each([
    ['2250-07-01 12:00:00', 'Europe/Berlin'],
    ['1960-07-01 12:00:00', 'Europe/Berlin'],
    ['1970-01-01 00:30:00', 'Europe/Berlin'],
    ['9999-12-31 23:59:59', 'Europe/London'],
    ['0000-00-00 00:00:00', 'Europe/Berlin'],
    ['0000-00-00 00:00:00', 'UTC'],
    ['9999-12-31 23:59:59', '-05:00'],
  ])('%s in %s, which the server converts to nothing, is refused', async (local, timezone) => {
    for (const csv of [false, true]) {
      const failed = await failure(land(local, timezone, csv));
      expect([failed.code, failed.message]).toEqual(['DATA001', expect.stringContaining(`${local}.000 in`)]);
    }
  });
});
