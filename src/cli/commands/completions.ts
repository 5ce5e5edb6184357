import { type ArgsDef, type CommandDef, defineCommand } from 'citty';
import { FoundryError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { OUTPUT_ARGS } from '../args.ts';
import { bashCompletions } from '../completions/bash.ts';
import { type CommandTable, commandWords } from '../completions/command-words.ts';
import { fishCompletions } from '../completions/fish.ts';
import { zshCompletions } from '../completions/zsh.ts';

const SHELLS = { bash: bashCompletions, zsh: zshCompletions, fish: fishCompletions } as const;
const NAMES = Object.keys(SHELLS) as readonly (keyof typeof SHELLS)[];

const args = {
  shell: {
    type: 'positional',
    required: false,
    valueHint: NAMES.join('|'),
    description: 'Shell to print completions for',
  },
  help: OUTPUT_ARGS.help,
} as const satisfies ArgsDef;

/** @param commands all there are, this one among them */
export function completionsCommand(commands: CommandTable): CommandDef<typeof args> {
  return defineCommand({
    meta: { name: 'foundry completions', description: 'Print completions for bash, zsh or fish' },
    args,
    async run({ args: given }) {
      const shell = NAMES.find((name) => name === given.shell);
      if (shell === undefined) {
        const asked = given.shell;
        throw new FoundryError(
          'USE001',
          asked === undefined
            ? 'the shell is missing'
            : `there are no completions for "${asked}"${didYouMean(asked, NAMES)}`,
          { hint: `One of: ${NAMES.map((name) => `foundry completions ${name}`).join(', ')}.` },
        );
      }
      process.stdout.write(SHELLS[shell](await commandWords(commands)));
      return 0;
    },
  });
}
