/**
 * 200 incremental reads of each database over a wire that is cut at random moments, 200 in chunks of which a broken one
 * is read again, and 200 beside a writer; `npm test`
 * takes a slice of both.
 */

import { mariadb } from '../../../build/services/mariadb.ts';
import { startServices } from '../../../build/services/start.ts';
import { CHUNKS_OF_THEIR_OWN, survivesCuts } from '../../testing/database-faults.ts';
import { conservesRows } from '../../testing/database-writers.ts';
import { mysqlLab } from '../../testing/mysql-kit.ts';
import { tdsLab } from '../../testing/tds/lab.ts';

const ROUNDS = Number(process.env.FOUNDRY_SOAK_ROUNDS ?? 200);

const services = await startServices([mariadb]);
Object.assign(process.env, services.env);
try {
  for (const [name, open] of [
    ['MariaDB', mysqlLab],
    ['SQL Server (TDS server)', tdsLab],
  ] as const) {
    const lab = await open();
    const seed = Number(process.env.FOUNDRY_SOAK_SEED ?? Date.now() % 100_000);
    const { failed } = await survivesCuts(lab, ROUNDS, seed);
    const chunks = await survivesCuts(lab, ROUNDS, seed, CHUNKS_OF_THEIR_OWN);
    await conservesRows(lab, 'written', ROUNDS);
    await lab.drop();
    process.stdout.write(
      `${name}: ${ROUNDS} runs, ${failed} of them cut; ${ROUNDS} in chunks, ${chunks.failed} of them cut for good: every row once; ` +
        `${ROUNDS} beside a writer (seed ${seed})\n`,
    );
  }
} finally {
  await services.stop();
}
process.exit(0);
