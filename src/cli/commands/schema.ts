import { type ArgsDef, defineCommand } from 'citty';
import { FoundryError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { OUTPUT_ARGS } from '../args.ts';
import { SCHEMA_NAMES, schemaText } from '../init/schemas.ts';

const args = {
  name: {
    type: 'positional',
    required: false,
    valueHint: SCHEMA_NAMES.join('|'),
    description: 'Which schema (default: config, both dialects)',
  },
  help: OUTPUT_ARGS.help,
} as const satisfies ArgsDef;

export const schemaCommand = defineCommand({
  meta: {
    name: 'foundry schema',
    description: 'Print a JSON Schema, or the types of extractors, for editors and checks',
  },
  args,
  async run({ args: given }) {
    const asked = given.name ?? 'config';
    const name = SCHEMA_NAMES.find((known) => known === asked);
    if (name === undefined) {
      throw new FoundryError(
        'USE001',
        `there is no schema "${asked}"${didYouMean(asked, SCHEMA_NAMES)}; there are ${SCHEMA_NAMES.join(', ')}`,
      );
    }
    process.stdout.write(await schemaText(name));
    return 0;
  },
});
