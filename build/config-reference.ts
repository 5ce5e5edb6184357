// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the substitutions of configs look like that
import { classicSchema } from '../src/config/classic/schema.ts';
import { environmentSchema } from '../src/config/environment-schema.ts';
import { intentSchema } from '../src/config/intent/schema.ts';
import { joinSchema } from '../src/config/join/schema.ts';
import {
  choicesOf,
  descriptionOf,
  entriesOf,
  isOptional,
  notesOf,
  type Schema,
  unwrap,
} from '../src/config/yaml/schema-kit.ts';

/** `docs/config-reference.md`: one table a section, straight from the schemas that configs are checked with. */
export function configReference(): string {
  return `${[
    '# Config reference',
    'Generated from the schemas in `src/config` by `npm run schemas`; do not edit.',
    [
      'A config is one YAML mapping in one of two dialects, told apart by its keys: *classic* has `platform` and `source`, *intent* has `system`, `entity` and `bronze`.',
      'An unknown key is an error. A key without a value counts as absent. Names to choose from may be written in any case.',
      'For completion and checks in an editor, begin the file with `# yaml-language-server: $schema=<path to>/schemas/config.schema.json`.',
    ].join('\n\n'),
    '## Several datasets in one file',
    [
      'Classic: `sources` instead of `source`, a list of `{name, source, silver}`. `platform`, `environment` and `path_structure` are shared; an entry’s `silver` is laid over the `silver` at the top level, key by key. `name` is the dataset’s name.',
      'Intent: `datasets`, a list of intent configs. `environment` and `domain` may stand at the top level, for the entries that name none.',
      'Each dataset of a file needs a name of its own.',
    ].join('\n\n'),
    '## Environment variables',
    [
      'Substituted in texts, after the YAML was read; keys are left alone.',
      '| Written | Gives |\n|---|---|\n| `${NAME}` | the value; an error where it is not set |\n| `${NAME:default}` | the value, or `default` where it is not set |\n| `${NAME:-default}` | the value, or `default` where it is not set or empty |\n| `${NAME:?message}` | the value, or an error with `message` where it is not set or empty |\n| `$${` | a literal `${` |',
      'A value that is exactly one substitution is read again as a YAML scalar, so `limit_rows: ${N}` works; where a text is wanted it stays a text. Messages show what was written, never the value.',
    ].join('\n\n'),
    '## Classic configs',
    ...sections(classicSchema, []),
    '## Intent configs',
    ...sections(intentSchema, []),
    '## Joins',
    [
      'A file with `silver_join` joins two Silver tables: alone, run by `foundry join`, or beside the datasets of either dialect, where `run-intent` joins after it has built them. [The guide](join.md) shows each part.',
    ].join('\n\n'),
    ...sections(joinSchema, []),
    '## Environment files',
    [
      'A config with `environment: dev` looks for `environments/dev.yaml` beside the folder that the config is in (`<folder of the config>/../environments`), or where there is no such folder, in the working directory. It says how the storages of that environment are reached; the lake on local disk needs none of it.',
      'Texts are substituted as in configs, except that a variable that is not set leaves its setting out, with a warning. Keys and secrets are masked wherever they would be shown, and are never put into the environment of the process.',
    ].join('\n\n'),
    ...sections(environmentSchema, []),
  ].join('\n\n')}\n`;
}

function sections(schema: Schema, path: readonly string[]): string[] {
  const entries = Object.entries(entriesOf(schema) ?? {});
  if (entries.length === 0) return [];
  const title = path.length === 0 ? '### Top level' : `### \`${path.join('.')}\``;
  const rows = entries.map(
    ([key, child]) =>
      `| \`${key}\` | ${cell(typeOf(child))} | ${cell(defaultOf(child))} | ${cell(meaningOf(child))} |`,
  );
  const below = entries.flatMap(([key, child]) => sections(child, [...path, key]));
  return [title, `| Key | Type | Default | Meaning |\n|---|---|---|---|\n${rows.join('\n')}`, ...below];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function typeOf(schema: Schema): string {
  const choices = choicesOf(schema);
  if (choices !== undefined)
    return choices.map((choice) => (choice === '' ? 'empty' : `\`${choice}\``)).join(', ');
  const inner = unwrap(schema) as Schema & { readonly message?: unknown };
  if (typeof inner.message !== 'string') return 'any';
  return inner.message.replace(/^must be (?:an? )?/, '');
}

function defaultOf(schema: Schema): string {
  if (!isOptional(schema)) return '*required*';
  return notesOf(schema).fallback ?? '';
}

function meaningOf(schema: Schema): string {
  const notes = notesOf(schema);
  const parts = [descriptionOf(schema)];
  if (notes.obsolete !== undefined) parts.push(`*Accepted with a warning, no effect: ${notes.obsolete}.*`);
  if (notes.moved !== undefined) parts.push('*An error here.*');
  return parts.join(' ');
}
