import type { ArgDef, ArgsDef, CommandDef } from 'citty';
import { definitionsOf } from '../definitions.ts';

/** Commands by their words, each loaded when it is asked for. */
export type CommandTable = Readonly<Record<string, () => Promise<CommandDef<ArgsDef>>>>;

/** What may stand behind a flag, or as an argument. */
export type Value =
  | { readonly kind: 'files' }
  | { readonly kind: 'choices'; readonly choices: readonly string[] }
  | { readonly kind: 'text' };

export interface Flag {
  /** `--config`, `-c`. */
  readonly spelled: readonly string[];
  readonly description: string;
  /** Absent for switches. */
  readonly value?: Value;
}

export interface CommandWords {
  /** `bronze`, `config validate`. */
  readonly name: string;
  readonly description: string;
  readonly flags: readonly Flag[];
  /** Of the arguments that are no flag. */
  readonly argument?: Value;
}

/** Every command with its flags, from the definitions that parse them. */
export async function commandWords(commands: CommandTable): Promise<readonly CommandWords[]> {
  return Promise.all(
    Object.entries(commands).map(async ([name, load]) => {
      const command = await load();
      const definitions = await definitionsOf(command);
      const { meta } = command;
      const { description = '' } = (await (meta instanceof Function ? meta() : meta)) ?? {};
      const positional = Object.values(definitions).find(({ type }) => type === 'positional');
      return {
        name,
        description,
        flags: flagsOf(definitions),
        ...(positional !== undefined && { argument: argumentKind(positional) }),
      };
    }),
  );
}

function flagsOf(definitions: ArgsDef): Flag[] {
  return Object.entries(definitions).flatMap(([name, definition]) => {
    const description = definition.description ?? '';
    if (definition.type === 'positional' || description.startsWith('Deprecated')) return [];
    const spelled = [`--${name}`, ...aliasesOf(definition)];
    if (definition.type !== 'boolean') return [{ spelled, description, value: argumentKind(definition) }];
    const negative = definition.negativeDescription;
    return [
      { spelled, description },
      ...(negative === undefined ? [] : [{ spelled: [`--no-${name}`], description: negative }]),
    ];
  });
}

function aliasesOf(definition: ArgDef): string[] {
  if (!('alias' in definition) || definition.alias === undefined) return [];
  return [definition.alias].flat().map((alias) => `-${alias}`);
}

function argumentKind(definition: ArgDef): Value {
  const hint = definition.valueHint ?? '';
  if (definition.type === 'enum') return { kind: 'choices', choices: definition.options ?? [] };
  if (definition.type === 'positional' && hint.includes('|')) {
    return { kind: 'choices', choices: hint.split('|') };
  }
  return /\.yaml|file|folder|path/.test(hint) ? { kind: 'files' } : { kind: 'text' };
}

/** `config` of `config validate`, with what may follow it. */
export function groupsOf(commands: readonly CommandWords[]): ReadonlyMap<string, readonly CommandWords[]> {
  return Map.groupBy(commands, ({ name }) => name.split(' ')[0] ?? '');
}
