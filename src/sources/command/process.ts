import { FoundryError, messageOf, throwIfStopped } from '../../core/errors.ts';

/** How long a program may take to end by itself after it was told to. */
const GRACE_MS = 5000;
/** How long the error output of a program that has ended is read on: what it started may hold it open for ever. */
const LAST_WORDS_MS = 1000;
/** Last lines of the error output that a failure shows. */
const LINES_SHOWN = 5;

export interface ProgramOptions {
  /** A program and its arguments; a text is given to the shell. */
  readonly run: string | readonly string[];
  /** How messages name it. */
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  readonly folder?: string;
  readonly timeoutSeconds?: number;
  readonly signal: AbortSignal;
  /** Each line of its error output. */
  readonly onErrorLine: (line: string) => void;
}

/**
 * The standard output of a program. Whoever stops reading early ends the program, with all that it started.
 * @throws EXT001 when it cannot be started, ends with another exit code than 0, or takes longer than it may: with the
 * last lines of its error output. INT001 when stopped.
 */
export async function* programOutput(options: ProgramOptions): AsyncGenerator<Buffer> {
  const { name, signal } = options;
  throwIfStopped(signal);
  const program = start(options);
  const last: string[] = [];
  const output = program.stdout.getReader();
  const errorOutput = program.stderr.getReader();
  const errors = tellLines(errorOutput, (line) => {
    last.push(line);
    if (last.length > LINES_SHOWN) last.shift();
    options.onErrorLine(line);
  });
  let timedOut = false;
  let ended: Promise<void> | undefined;
  const end = (): Promise<void> => {
    ended ??= endGroup(program, [output, errorOutput]);
    return ended;
  };
  const timer =
    options.timeoutSeconds === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          void end();
        }, options.timeoutSeconds * 1000);
  const stop = (): void => void end();
  signal.addEventListener('abort', stop);
  let isRead = false;
  try {
    for (let next = await output.read(); !next.done; next = await output.read()) {
      const { buffer, byteOffset, length } = next.value;
      yield Buffer.from(buffer, byteOffset, length);
    }
    const code = await program.exited;
    isRead = true;
    await within(errors, LAST_WORDS_MS);
    throwIfStopped(signal);
    const how = timedOut ? `took longer than ${options.timeoutSeconds} s` : ending(program.signalCode, code);
    if (how !== undefined) {
      throw new FoundryError('EXT001', [`${name} ${how}`, ...last.map((line) => `  ${line}`)].join('\n'), {
        details: { exit_code: code },
        hint: 'Nothing was committed. Run the program by itself to see what it says.',
      });
    }
  } finally {
    signal.removeEventListener('abort', stop);
    clearTimeout(timer);
    if (isRead) await errorOutput.cancel();
    else {
      const over = end();
      // What nobody will read would keep it open.
      await output.cancel();
      await over;
    }
  }
}

function ending(signalCode: string | number | null, code: number): string | undefined {
  if (signalCode !== null) return `was ended by ${signalCode}`;
  return code === 0 ? undefined : `ended with exit code ${code}`;
}

interface Output {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  cancel(): Promise<void>;
  readonly closed: Promise<unknown>;
}
type Program = Bun.Subprocess<'ignore', 'pipe', 'pipe'>;

function start({ run, name, env, folder }: ProgramOptions): Program {
  const shell = process.platform === 'win32' ? ['cmd', '/d', '/s', '/c'] : ['/bin/sh', '-c'];
  const command = typeof run === 'string' ? [...shell, run] : [...run];
  try {
    return Bun.spawn(command, {
      ...(folder !== undefined && { cwd: folder }),
      env: { ...process.env, ...env },
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
      // A group of its own, so that what a shell started ends with it.
      detached: process.platform !== 'win32',
    });
  } catch (error) {
    throw new FoundryError('EXT001', `${name} cannot be started: ${messageOf(error)}`, {
      hint: 'Check that the program is installed for the user and the PATH of this run, and that the folder exists.',
      cause: error,
    });
  }
}

/**
 * Ends a program with all of its group. What left the group may still hold its outputs open; nobody waits for that.
 */
async function endGroup(program: Program, outputs: readonly Output[]): Promise<void> {
  const isOver = Promise.all([program.exited, ...outputs.map(({ closed }) => closed.catch(() => {}))]);
  send(program, 'SIGTERM');
  await within(isOver, GRACE_MS);
  send(program, 'SIGKILL');
  await program.exited;
  for (const output of outputs) await output.cancel();
}

async function within(step: Promise<unknown>, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([step, promise]);
  clearTimeout(timer);
}

function send(program: Program, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (process.platform === 'win32') program.kill(signal);
    else process.kill(-program.pid, signal);
  } catch {
    // It has ended by itself.
  }
}

async function tellLines(output: Output, tell: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for (let next = await output.read(); !next.done; next = await output.read()) {
    const lines = (rest + decoder.decode(next.value, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') tell(line.trimEnd());
  }
  if (rest.trim() !== '') tell(rest.trimEnd());
}
