import { postgres } from '../../../build/services/postgres.ts';
import { startServices } from '../../../build/services/start.ts';
import { survivesCuts } from '../../testing/database-faults.ts';
import { postgresLab } from '../../testing/postgres-database.ts';
import { conservesRows, numbersFrom, survivesKills } from '../../testing/postgres-trouble.ts';

/** 200 runs each: a wire that breaks, sessions killed or out of time, and writers beside the runs. */
const ROUNDS = Number(process.env.FOUNDRY_SOAK_ROUNDS ?? 200);
const seed = Number(process.env.FOUNDRY_SOAK_SEED ?? Date.now() % 1_000_000);
console.log(`seed ${seed}`);

const services = await startServices([postgres]);
Object.assign(process.env, services.env);
try {
  const lab = await postgresLab();
  const cuts = await survivesCuts(lab, ROUNDS, seed);
  console.log(
    `${ROUNDS} runs over a wire that breaks: ${cuts.failed} failed clearly, nothing lost or doubled`,
  );
  const kills = await survivesKills(lab, ROUNDS, numbersFrom(seed));
  console.log(`${ROUNDS} runs with sessions killed or out of time: ${kills.failed} failed clearly`);
  const { versions } = await conservesRows(lab, ROUNDS, numbersFrom(seed + 1));
  console.log(`${ROUNDS} runs beside writers: ${versions} versions landed, none lost`);
  await lab.drop();
} finally {
  await services.stop();
}
