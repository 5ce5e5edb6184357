import { stripVTControlCharacters } from 'node:util';
import { type ArgsDef, type CommandDef, renderUsage, runCommand } from 'citty';
import { BUILD_INFO } from '../core/build-info.ts';
import { FoundryError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { LIST_FLAGS } from './args.ts';
import { emitFailure } from './emit.ts';
import { exampleText, OVERVIEW } from './help.ts';
import { strictArgv } from './strict.ts';

/** Each command loads only when it is asked for, so that `--help` starts in milliseconds. */
const COMMANDS: Readonly<Record<string, () => Promise<CommandDef<ArgsDef>>>> = {
  bronze: async () => widen((await import('./commands/bronze.ts')).bronzeCommand),
  silver: async () => widen((await import('./commands/silver.ts')).silverCommand),
  'run-intent': async () => widen((await import('./commands/run-intent.ts')).runIntentCommand),
};

/** citty's command type is invariant in its flags; the table holds commands of different flags. */
function widen<T extends ArgsDef>(command: CommandDef<T>): CommandDef<ArgsDef> {
  return command as unknown as CommandDef<ArgsDef>;
}

/**
 * Runs one command line.
 *
 * @param argv the arguments after the program's name
 * @returns the exit code (decision 17); nothing is thrown but bugs of this function itself
 */
export async function runCli(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const [name = '', ...rest] = argv;
  const output = wantsJson(rest) ? 'json' : 'text';
  try {
    if (name === '--version' || name === 'version') return print(versionLine());
    if (name === '' || name === '--help' || name === '-h' || name === 'help') return print(OVERVIEW);
    const load = COMMANDS[name];
    if (load === undefined) {
      throw new FoundryError(
        'USE001',
        `unknown command "${name}"${didYouMean(name, Object.keys(COMMANDS))}`,
        {
          hint: 'See `foundry --help`.',
        },
      );
    }
    const command = await load();
    if (rest.includes('--help') || rest.includes('-h')) return print(await usage(name, command));
    if (rest.includes('--version')) return print(versionLine());
    const definitions = (await resolved(command.args)) ?? {};
    const rawArgs = strictArgv(rest, definitions, LIST_FLAGS, name);
    const { result } = await runCommand(command, { rawArgs, data: { signal } });
    return typeof result === 'number' ? result : 0;
  } catch (error) {
    return emitFailure(name, output, error);
  }
}

async function resolved<T>(
  value: T | Promise<T> | (() => T | Promise<T>) | undefined,
): Promise<T | undefined> {
  return value instanceof Function ? value() : value;
}

async function usage(name: string, command: CommandDef<ArgsDef>): Promise<string> {
  const text = await renderUsage(command);
  return `${process.stdout.isTTY ? text : stripVTControlCharacters(text)}\n${exampleText(name)}`;
}

function versionLine(): string {
  return `foundry ${BUILD_INFO.version} (${BUILD_INFO.commit}, ${BUILD_INFO.target})`;
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function wantsJson(args: readonly string[]): boolean {
  return args.some(
    (arg, i) => /^(--output|-o)=json$/.test(arg) || (/^(--output|-o)$/.test(arg) && args[i + 1] === 'json'),
  );
}
