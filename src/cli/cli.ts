import { runCommand } from 'citty';
import { BUILD_INFO } from '../core/build-info.ts';
import { FoundryError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { LIST_FLAGS } from './args.ts';
import { COMMANDS, subcommandsOf } from './commands.ts';
import { definitionsOf } from './definitions.ts';
import { emitFailure } from './emit.ts';
import { groupText, OVERVIEW, usageText } from './help.ts';
import { strictArgv } from './strict.ts';

/**
 * Runs one command line.
 *
 * @param argv the arguments after the program's name
 * @returns the exit code (decision 17); nothing is thrown but bugs of this function itself
 */
export async function runCli(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const { name, rest } = commandLine(argv);
  const form = {
    output: valueGiven(rest, '--output', '-o'),
    'log-format': valueGiven(rest, '--log-format'),
    'log-file': valueGiven(rest, '--log-file'),
  };
  try {
    if (name === '--version' || name === 'version') return print(versionLine());
    if (name === '' || name === '--help' || name === '-h' || name === 'help') return print(OVERVIEW);
    const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
    if (load === undefined) return groupHelp(name, rest);
    const command = await load();
    if (rest.includes('--help') || rest.includes('-h'))
      return print(usageText(name, command, await definitionsOf(command)));
    if (rest.includes('--version')) return print(versionLine());
    const rawArgs = strictArgv(rest, await definitionsOf(command), LIST_FLAGS, name);
    const { result } = await runCommand(command, { rawArgs, data: { signal } });
    return typeof result === 'number' ? result : 0;
  } catch (error) {
    return emitFailure(name, form, error);
  }
}

/** The longest words that name a command; what follows them are its arguments. */
function commandLine(argv: readonly string[]): { readonly name: string; readonly rest: readonly string[] } {
  const nested = argv.slice(0, 2).join(' ');
  if (argv.length > 1 && Object.hasOwn(COMMANDS, nested)) return { name: nested, rest: argv.slice(2) };
  return { name: argv[0] ?? '', rest: argv.slice(1) };
}

/** @throws USE001 when the words name neither a command nor a group of them. */
function groupHelp(name: string, rest: readonly string[]): number {
  const subcommands = subcommandsOf(name);
  const asked = rest[0];
  if (subcommands.length === 0) {
    const known = [...new Set(Object.keys(COMMANDS).map((command) => command.split(' ')[0] ?? ''))];
    throw new FoundryError('USE001', `unknown command "${name}"${didYouMean(name, known)}`, {
      hint: 'See `foundry --help`.',
    });
  }
  if (asked === '--help' || asked === '-h') return print(groupText(name));
  const hint = `One of: ${subcommands.map((sub) => `foundry ${name} ${sub}`).join(', ')}.`;
  if (asked === undefined) throw new FoundryError('USE001', `foundry ${name} needs a subcommand`, { hint });
  throw new FoundryError('USE001', `unknown command "${name} ${asked}"${didYouMean(asked, subcommands)}`, {
    hint,
  });
}

function versionLine(): string {
  return `foundry ${BUILD_INFO.version} (${BUILD_INFO.commit}, ${BUILD_INFO.target})`;
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

/** What follows a flag, read before the flags are checked: a failure of that check is told in the form asked for. */
function valueGiven(args: readonly string[], ...spellings: readonly string[]): string | undefined {
  for (const [i, arg] of args.entries()) {
    if (spellings.includes(arg)) return args[i + 1];
    const spelled = spellings.find((spelling) => arg.startsWith(`${spelling}=`));
    if (spelled !== undefined) return arg.slice(spelled.length + 1);
  }
  return undefined;
}
