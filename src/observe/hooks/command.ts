const TIMEOUT_MS = 60_000;
/** Of what the command printed, for the log. */
const OUTPUT_SHOWN = 2000;
const OUTPUT_WAIT_MS = 500;

/**
 * Runs a command of the shell with the JSON body on its stdin.
 * @returns what it printed. @throws an Error where it did not end with 0 within a minute
 */
export async function runHookCommand(
  command: string,
  body: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const shell = process.platform === 'win32' ? ['cmd.exe', '/d', '/s', '/c'] : ['/bin/sh', '-c'];
  const child = Bun.spawn([...shell, command], {
    stdin: new Blob([body]),
    stdout: 'pipe',
    stderr: 'pipe',
    env: { ...process.env, ...env },
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const code = await child.exited;
  // What it left running in the background may hold its output open.
  const texts = await Promise.race([output, Bun.sleep(OUTPUT_WAIT_MS).then(() => [])]);
  const printed = texts.join('').trim().slice(0, OUTPUT_SHOWN);
  if (code === 0) return printed;
  const ended = child.signalCode === null ? `it ended with ${code}` : `it was ended by ${child.signalCode}`;
  throw new Error(printed === '' ? ended : `${ended}: ${printed}`);
}
