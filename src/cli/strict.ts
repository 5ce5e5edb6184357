import type { ArgDef, ArgsDef } from 'citty';
import { FoundryError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';

/**
 * citty accepts unknown flags, missing values and repeated flags; each would make a run do something else than
 * was asked. This checks the arguments first and rewrites them so that citty has nothing left to guess:
 * every value as `--flag=value`, every alias as its full name, repeats of a list flag joined to one value. Arguments
 * that are no flag follow after `--`, where the command declares them (`type: 'positional'`; a value hint that
 * ends in `...` takes any number).
 *
 * @param lists flags that may be given several times, and what their values are joined by
 * @throws USE001 naming the argument, and the nearest known flag
 */
export function strictArgv(
  rawArgs: readonly string[],
  definitions: ArgsDef,
  lists: ReadonlyMap<string, string>,
  command: string,
): string[] {
  const flags = flagTable(definitions);
  const positional = Object.values(definitions).find((definition) => definition.type === 'positional');
  const mostPositionals = positional === undefined ? 0 : positional.valueHint?.endsWith('...') ? Infinity : 1;
  const positionals: string[] = [];
  const values = new Map<string, string>();
  const switches = new Map<string, string>();
  const fail = (message: string): never => {
    throw new FoundryError('USE001', message, { hint: `See \`foundry ${command} --help\`.` });
  };

  for (let i = 0; i < rawArgs.length; i += 1) {
    const arg = rawArgs[i] ?? '';
    if (!arg.startsWith('-') || arg === '-') {
      if (positionals.length >= mostPositionals) {
        const meant =
          'config' in definitions && /\.ya?ml$/.test(arg) ? ` (did you mean --config ${arg}?)` : '';
        fail(`unexpected argument "${arg}"${meant}`);
      }
      positionals.push(arg);
      continue;
    }
    const equals = arg.indexOf('=');
    const spelled = equals === -1 ? arg : arg.slice(0, equals);
    const flag =
      flags.get(spelled) ?? fail(`unknown flag ${spelled}${didYouMean(spelled, [...flags.keys()])}`);

    if (flag.kind === 'switch') {
      if (equals !== -1) fail(`${spelled} takes no value`);
      const written = flag.negated ? `--no-${flag.name}` : `--${flag.name}`;
      const before = switches.get(flag.name);
      if (before !== undefined && before !== written)
        fail(`--${flag.name} and --no-${flag.name} contradict each other`);
      switches.set(flag.name, written);
      continue;
    }
    const next = rawArgs[i + 1];
    const value = equals === -1 ? next : arg.slice(equals + 1);
    if (equals === -1) i += 1;
    if (value === undefined || value === '' || (equals === -1 && flags.has(value))) {
      fail(`${spelled} needs a value`);
    } else if (flag.options.length > 0 && !flag.options.includes(value)) {
      fail(
        `${spelled}: "${value}" is not one of ${flag.options.join(', ')}${didYouMean(value, flag.options)}`,
      );
    } else if (!values.has(flag.name)) {
      values.set(flag.name, value);
    } else {
      const separator = lists.get(flag.name) ?? fail(`${spelled} is given twice`);
      values.set(flag.name, `${values.get(flag.name)}${separator}${value}`);
    }
  }
  if (switches.has('quiet') && switches.has('verbose')) fail('--quiet and --verbose contradict each other');
  return [
    ...switches.values(),
    ...[...values].map(([name, value]) => `--${name}=${value}`),
    ...(positionals.length === 0 ? [] : ['--', ...positionals]),
  ];
}

type Flag =
  | { readonly kind: 'switch'; readonly name: string; readonly negated: boolean }
  | { readonly kind: 'value'; readonly name: string; readonly options: readonly string[] };

function flagTable(definitions: ArgsDef): Map<string, Flag> {
  const table = new Map<string, Flag>();
  for (const [name, definition] of Object.entries(definitions)) {
    if (definition.type === 'positional') continue;
    for (const spelled of [`--${name}`, ...aliases(definition).map((alias) => `-${alias}`)]) {
      if (definition.type === 'boolean') table.set(spelled, { kind: 'switch', name, negated: false });
      else
        table.set(spelled, {
          kind: 'value',
          name,
          options: definition.type === 'enum' ? (definition.options ?? []) : [],
        });
    }
    if (definition.type === 'boolean' && definition.negativeDescription !== undefined) {
      table.set(`--no-${name}`, { kind: 'switch', name, negated: true });
    }
  }
  return table;
}

function aliases(definition: ArgDef): string[] {
  if (!('alias' in definition) || definition.alias === undefined) return [];
  return typeof definition.alias === 'string' ? [definition.alias] : definition.alias;
}
