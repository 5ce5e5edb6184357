import type { ArgsDef, CommandDef } from 'citty';

/**
 * Every command by its words (`config validate` is two). Each loads only when it is asked for, so that `--help`
 * starts in milliseconds.
 */
export const COMMANDS: Readonly<Record<string, () => Promise<CommandDef<ArgsDef>>>> = {
  bronze: async () => widen((await import('./commands/bronze.ts')).bronzeCommand),
  silver: async () => widen((await import('./commands/silver.ts')).silverCommand),
  join: async () => widen((await import('./commands/join.ts')).joinCommand),
  'run-intent': async () => widen((await import('./commands/run-intent.ts')).runIntentCommand),
  runs: async () => widen((await import('./commands/runs.ts')).runsCommand),
  show: async () => widen((await import('./commands/show.ts')).showCommand),
  verify: async () => widen((await import('./commands/verify.ts')).verifyCommand),
  gc: async () => widen((await import('./commands/gc.ts')).gcCommand),
  'storage check': async () => widen((await import('./commands/storage-check.ts')).storageCheckCommand),
  init: async () => widen((await import('./commands/init.ts')).initCommand),
  'config validate': async () => widen((await import('./commands/config-validate.ts')).configValidateCommand),
  'config show': async () => widen((await import('./commands/config-show.ts')).configShowCommand),
  'config expand': async () => widen((await import('./commands/config-expand.ts')).configExpandCommand),
  'config doctor': async () => widen((await import('./commands/config-doctor.ts')).configDoctorCommand),
  samples: async () => widen((await import('./commands/samples.ts')).samplesCommand),
  schema: async () => widen((await import('./commands/schema.ts')).schemaCommand),
  completions: async () => widen((await import('./commands/completions.ts')).completionsCommand(COMMANDS)),
};

/** citty's command type is invariant in its flags; the table holds commands of different flags. */
function widen<T extends ArgsDef>(command: CommandDef<T>): CommandDef<ArgsDef> {
  return command as unknown as CommandDef<ArgsDef>;
}

/** A group such as `config` is no command by itself. */
export function subcommandsOf(group: string): readonly string[] {
  return Object.keys(COMMANDS).flatMap((name) =>
    name.startsWith(`${group} `) ? [name.slice(group.length + 1)] : [],
  );
}
