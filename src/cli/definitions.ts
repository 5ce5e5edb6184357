import type { ArgsDef, CommandDef } from 'citty';

/** What a command's flags and arguments are. */
export async function definitionsOf(command: CommandDef<ArgsDef>): Promise<ArgsDef> {
  const { args } = command;
  return (await (args instanceof Function ? args() : args)) ?? {};
}
