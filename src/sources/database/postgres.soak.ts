import { join } from 'node:path';
import { run } from '../../../build/services/packages.ts';
import { postgres } from '../../../build/services/postgres.ts';
import { startServices } from '../../../build/services/start.ts';
import { unprivileged } from '../../../build/services/unprivileged.ts';
import { survivesCuts } from '../../testing/database-faults.ts';
import { postgresLab } from '../../testing/postgres-database.ts';
import {
  conservesRows,
  numbersFrom,
  survivesCrashes,
  survivesKills,
} from '../../testing/postgres-trouble.ts';

/** Where the server of this run keeps its data and its programs. */
async function placeOf(lab: Awaited<ReturnType<typeof postgresLab>>): Promise<{ data: string; bin: string }> {
  const [row] = await lab.query(
    `SELECT current_setting('data_directory') AS data, (SELECT setting FROM pg_config WHERE name = 'BINDIR') AS bin`,
  );
  return { data: String(row?.data), bin: String(row?.bin) };
}

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
  const crash = async (): Promise<void> => {
    const { data, bin } = await placeOf(lab);
    run(
      unprivileged([
        join(bin, 'pg_ctl'),
        'restart',
        '-m',
        'immediate',
        '-w',
        '-s',
        '-l',
        '/dev/null',
        '-D',
        data,
      ]),
    );
  };
  const crashes = Math.ceil(ROUNDS / 10);
  const { failed } = await survivesCrashes(lab, crash, crashes, numbersFrom(seed + 2));
  console.log(`${crashes} runs while the server crashes and comes back: ${failed} failed clearly`);
  const { data, bin } = await placeOf(lab);
  // After a restart it is no child of this process any more, which therefore cannot stop it.
  run(unprivileged([join(bin, 'pg_ctl'), 'stop', '-m', 'immediate', '-w', '-s', '-D', data]));
} finally {
  await services.stop();
}
