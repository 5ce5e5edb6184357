import { join } from 'node:path';
import { run } from '../../../build/services/packages.ts';
import { postgres } from '../../../build/services/postgres.ts';
import { startServices } from '../../../build/services/start.ts';
import { unprivileged } from '../../../build/services/unprivileged.ts';
import { CHUNKS_OF_THEIR_OWN, survivesCuts } from '../../testing/database-faults.ts';
import { numbersFrom } from '../../testing/lehmer.ts';
import { postgresLab } from '../../testing/postgres-database.ts';
import { conservesRows, survivesCrashes, survivesKills } from '../../testing/postgres-trouble.ts';

/** Where the server of this run keeps its data and its programs. */
async function placeOf(lab: Awaited<ReturnType<typeof postgresLab>>): Promise<{ data: string; bin: string }> {
  const [row] = await lab.query(
    `SELECT current_setting('data_directory') AS data, (SELECT setting FROM pg_config WHERE name = 'BINDIR') AS bin`,
  );
  return { data: String(row?.data), bin: String(row?.bin) };
}

/**
 * 200 runs each: a wire that breaks, sessions killed or out of time, writers beside the runs, and a server that crashes.
 * FOUNDRY_SOAK_ONLY names one of them.
 */
const ROUNDS = Number(process.env.FOUNDRY_SOAK_ROUNDS ?? 200);
const seed = Number(process.env.FOUNDRY_SOAK_SEED ?? Date.now() % 1_000_000);
console.log(`seed ${seed}`);

type Lab = Awaited<ReturnType<typeof postgresLab>>;

const TROUBLES: Readonly<Record<string, (lab: Lab) => Promise<string>>> = {
  async cuts(lab) {
    const { failed } = await survivesCuts(lab, ROUNDS, seed);
    return `over a wire that breaks: ${failed} failed clearly, nothing lost or doubled`;
  },
  async chunks(lab) {
    const { failed } = await survivesCuts(lab, ROUNDS, seed, CHUNKS_OF_THEIR_OWN);
    return `in chunks over such a wire: ${failed} failed clearly, nothing lost or doubled`;
  },
  async kills(lab) {
    const { failed } = await survivesKills(lab, ROUNDS, numbersFrom(seed));
    return `with sessions killed or out of time: ${failed} failed clearly`;
  },
  async writers(lab) {
    const { versions } = await conservesRows(lab, ROUNDS, numbersFrom(seed + 1));
    return `beside writers: ${versions} versions landed, none lost`;
  },
  async crashes(lab) {
    const crash = async (): Promise<void> => {
      const { data, bin } = await placeOf(lab);
      const how = ['restart', '-m', 'immediate', '-w', '-s', '-l', '/dev/null'];
      run(unprivileged([join(bin, 'pg_ctl'), ...how, '-D', data]));
    };
    const { failed } = await survivesCrashes(lab, crash, ROUNDS, numbersFrom(seed + 2));
    return `while the server crashes and comes back: ${failed} failed clearly`;
  },
};

const only = process.env.FOUNDRY_SOAK_ONLY;
const services = await startServices([postgres]);
Object.assign(process.env, services.env);
try {
  const lab = await postgresLab();
  for (const [name, trouble] of Object.entries(TROUBLES)) {
    if (only === undefined || only === name) console.log(`${ROUNDS} runs ${await trouble(lab)}`);
  }
  const { data, bin } = await placeOf(lab);
  // After a restart it is no child of this process any more, which therefore cannot stop it.
  run(unprivileged([join(bin, 'pg_ctl'), 'stop', '-m', 'immediate', '-w', '-s', '-D', data]));
} finally {
  await services.stop();
}
