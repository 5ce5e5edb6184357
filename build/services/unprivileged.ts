import { createServer } from 'node:net';

/** Exists on every Debian, owns nothing. */
const NOBODY = 65_534;

/** The signal ends the server also where this process is killed and can stop nothing itself. */
const WITH_PARENT = ['setpriv', '--pdeathsig', 'KILL'];

export function asSelf(command: readonly string[]): readonly string[] {
  return [...WITH_PARENT, ...command];
}

/** Servers do not run as root: who is root becomes nobody, whoever else stays. */
export function unprivileged(command: readonly string[]): readonly string[] {
  if (process.getuid?.() !== 0) return asSelf(command);
  return [...WITH_PARENT, `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...command];
}

/** Gives a folder, with all that lies in it, to the user that `unprivileged` commands run as. */
export function giveAway(folder: string): void {
  if (process.getuid?.() !== 0) return;
  const done = Bun.spawnSync(['chown', '-R', `${NOBODY}:${NOBODY}`, folder]);
  if (done.exitCode !== 0) throw new Error(`chown ${folder} failed: ${done.stderr}`);
}

/** A port that was free a moment ago; who starts a server on it tries again where it no longer is. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', done);
  });
  const address = server.address();
  await new Promise((done) => server.close(done));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
