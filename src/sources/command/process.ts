import { FoundryError, messageOf, throwIfStopped } from '../../core/errors.ts';

/** How long a program may take to end by itself after it was told to. */
const GRACE_MS = 5000;
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
  const errors = tellLines(program.stderr, (line) => {
    last.push(line);
    if (last.length > LINES_SHOWN) last.shift();
    options.onErrorLine(line);
  });
  let timedOut = false;
  const end = (): void => endGroup(program);
  const timer =
    options.timeoutSeconds === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          end();
        }, options.timeoutSeconds * 1000);
  signal.addEventListener('abort', end);
  let isRead = false;
  try {
    for await (const chunk of program.stdout) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const code = await program.exited;
    isRead = true;
    await errors;
    throwIfStopped(signal);
    const how = timedOut ? `took longer than ${options.timeoutSeconds} s` : ending(program.signalCode, code);
    if (how !== undefined) {
      throw new FoundryError('EXT001', [`${name} ${how}`, ...last.map((line) => `  ${line}`)].join('\n'), {
        details: { exit_code: code },
        hint: 'Nothing was committed. Run the program by itself to see what it says.',
      });
    }
  } finally {
    signal.removeEventListener('abort', end);
    clearTimeout(timer);
    if (!isRead) {
      end();
      await program.exited;
    }
  }
}

function ending(signalCode: string | number | null, code: number): string | undefined {
  if (signalCode !== null) return `was ended by ${signalCode}`;
  return code === 0 ? undefined : `ended with exit code ${code}`;
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

function endGroup(program: Program): void {
  send(program, 'SIGTERM');
  const timer = setTimeout(() => send(program, 'SIGKILL'), GRACE_MS);
  void program.exited.finally(() => clearTimeout(timer));
}

function send(program: Program, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    if (process.platform === 'win32') program.kill(signal);
    else process.kill(-program.pid, signal);
  } catch {
    // It has ended by itself.
  }
}

async function tellLines(stream: ReadableStream<Uint8Array>, tell: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') tell(line.trimEnd());
  }
  if (rest.trim() !== '') tell(rest.trimEnd());
}
