import { openSync, readFileSync } from 'node:fs';
import { asSelf, unprivileged } from './unprivileged.ts';

const READY_WITHIN_MS = 60_000;
const PROBE_EVERY_MS = 50;
const STOP_WITHIN_MS = 10_000;

export interface ServerProcess {
  readonly pid: number;
  /** Asks it to end, and kills it where it does not. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly command: readonly string[];
  /** Takes what the server prints; its end is shown where it does not start. */
  readonly log: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Also as root: for servers that keep nothing on disk and lie where nobody else may look. */
  readonly asSelf?: boolean;
  readonly isReady: () => boolean | Promise<boolean>;
  readonly stopSignal: NodeJS.Signals;
}

/** Starts a server as an unprivileged user and waits until it answers. @throws with its log's end where it does not. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const log = openSync(options.log, 'a');
  const command = options.asSelf === true ? asSelf(options.command) : unprivileged(options.command);
  const child = Bun.spawn([...command], {
    stdin: 'ignore',
    stdout: log,
    stderr: log,
    env: { ...process.env, ...options.env },
  });
  const stop = async (): Promise<void> => {
    child.kill(options.stopSignal);
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
    await child.exited;
    clearTimeout(kill);
  };
  const deadline = performance.now() + READY_WITHIN_MS;
  while (child.exitCode === null && performance.now() < deadline) {
    if (await options.isReady()) return { pid: child.pid, stop };
    await Bun.sleep(PROBE_EVERY_MS);
  }
  await stop();
  const last = readFileSync(options.log, 'utf8').trim().split('\n').slice(-8).join('\n');
  throw new Error(`${options.command[0]} did not start:\n${last}`);
}
