import { openTestPostgres } from '../../src/testing/postgres-database.ts';
import { postgres } from '../services/postgres.ts';
import { startServices } from '../services/start.ts';
import { raceDatabase, shellCommand } from './database-race.ts';

const FILL = {
  narrow: `CREATE TABLE narrow AS SELECT g::int AS id, g::bigint * 7919 AS big, g % 1000 AS grp, (g * 0.01)::numeric(12,2) AS amount,
    g / 3.0::float8 AS ratio, g % 2 = 0 AS flag, date '2020-01-01' + g % 1500 AS day, timestamp '2020-01-01' + g * interval '1.234567 s' AS at,
    timestamptz '2020-01-01+00' + g * interval '7.7 s' AS seen, CASE WHEN g % 10 > 0 THEN 'name ' || g % 5000 END AS name FROM generate_series(1, 1000000) g`,
  wide: `CREATE TABLE wide AS SELECT g AS id, ${Array.from({ length: 19 }, (_, i) => `md5((g * ${i + 1})::text) || ' ' || md5((g + ${i})::text) AS t${i}`).join(', ')} FROM generate_series(1, 200000) g`,
} as const;

const services = await startServices([postgres]);
Object.assign(process.env, services.env);
const database = await openTestPostgres();
try {
  await raceDatabase(
    {
      name: 'PostgreSQL',
      url: database.url,
      async fill(table) {
        await database.run(FILL[table]);
        await database.run(`ANALYZE ${table}`);
      },
      clientName: 'psql \\copy to /dev/null',
      clientCommand: (table) =>
        shellCommand(['psql', '-q', database.url, '-c', `\\copy ${table} to /dev/null`]),
      parallelKeys: [],
    },
    5,
  );
} finally {
  await database.drop();
  await services.stop();
}
