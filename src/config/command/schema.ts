import * as v from 'valibot';
import { rowIncremental } from '../custom/schema.ts';
import { fileOptions } from '../file/schema.ts';
import * as kit from '../yaml/schema-kit.ts';
import { COMMAND_FORMATS } from './spec.ts';

const { format: _format, json_path: _path, ...reading } = fileOptions;

/** `source.command` and `bronze.options.command`. */
export const commandSchema = kit.section({
  run: kit.optional(
    'The program and its arguments as a list, or a text for the shell. `{date}`, `{yyyy}`, `{mm}`, `{dd}` and `{hour}` are taken from the run date; in a list also `{cursor}`, `{until}` and `{state_file}`. Required for type `command`.',
    v.union([kit.text, kit.textList], 'must be a text or a list of texts'),
  ),
  ...reading,
  format: kit.optional(
    'What the program writes to its standard output: JSON lines, CSV, TSV, or the messages of a Singer tap.',
    kit.choice(COMMAND_FORMATS),
    { fallback: '`jsonl`' },
  ),
  stream: kit.optional('For `singer`: the stream to land.', kit.text, { fallback: 'the only one' }),
  env: kit.optional('Variables that the program is given beside those of foundry.', kit.textMap),
  working_dir: kit.optional('Folder that the program is started in.', kit.text, {
    fallback: 'the working directory of the run',
  }),
  timeout_seconds: kit.optional('Time after which the program is ended and the run fails.', kit.aboveZero, {
    fallback: 'none',
  }),
  incremental: rowIncremental,
});

export type CommandOptions = v.InferOutput<typeof commandSchema>;
