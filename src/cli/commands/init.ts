import { dirname, join } from 'node:path';
import { type ArgsDef, defineCommand } from 'citty';
import { SCHEMA_FILE } from '../../config/tools/template.ts';
import { CONFIG_ARGS, OUTPUT_ARGS } from '../args.ts';
import { emitReports } from '../emit.ts';
import { initContainers } from '../init/containers.ts';
import { DIALECTS, KINDS, SOURCE_TYPES } from '../init/draft.ts';
import { EXAMPLE_NAMES, readExample } from '../init/examples.ts';
import { planExample, planNew } from '../init/plan.ts';
import { schemaText } from '../init/schemas.ts';
import { type NewFile, writeNew } from '../init/write.ts';
import { renderFacts } from '../render.ts';
import { openSession, type Session } from '../session.ts';

const args = {
  source: {
    type: 'positional',
    required: false,
    valueHint: 'path',
    description: 'The same as --source-path',
  },
  type: { type: 'enum', options: [...SOURCE_TYPES], description: 'Kind of source (default: file)' },
  'source-path': {
    type: 'string',
    valueHint: 'path',
    description: 'File, glob or folder; for an API its URL, for a database its table or query',
  },
  system: { type: 'string', valueHint: 'name', description: 'Name of the system that it comes from' },
  entity: { type: 'string', valueHint: 'name', description: 'Name of what a row is about' },
  keys: { type: 'string', valueHint: 'a,b', description: 'Columns that tell one thing from another' },
  'order-column': { type: 'string', valueHint: 'column', description: 'Column that tells newer from older' },
  kind: {
    type: 'enum',
    options: [...KINDS],
    description: 'state: how something is; event: something that happened',
  },
  dialect: { type: 'enum', options: [...DIALECTS], description: 'Dialect of the config (default: intent)' },
  'output-file': { type: 'string', valueHint: 'file.yaml', description: 'Config file to write' },
  'with-schema': {
    type: 'boolean',
    description: `Also write ${SCHEMA_FILE}, for completion and checks in an editor`,
  },
  force: { type: 'boolean', description: 'Replace files that exist' },
  example: { type: 'enum', options: [...EXAMPLE_NAMES], description: 'Write this example, with its data' },
  'list-examples': { type: 'boolean', description: 'List the examples and stop' },
  config: {
    ...CONFIG_ARGS.config,
    description: 'Write no config: create the Azure containers that these configs write to, where missing',
  },
  ...OUTPUT_ARGS,
} as const satisfies ArgsDef;

interface InitReport {
  readonly config: string;
  readonly written: readonly string[];
  readonly facts: Readonly<Record<string, string>>;
  /** What keeps the config from being run by this version. */
  readonly next: readonly string[];
}

export const initCommand = defineCommand({
  meta: {
    name: 'foundry init',
    description:
      'Write a first config for a file, an API or a database, or an example; create its containers',
  },
  args,
  async run({ args: given, data }) {
    const session = openSession('init', { ...given, 'validate-only': true }, data.signal);
    if (given.config !== undefined) return initContainers(given.config, given, session);
    if (given['list-examples'] === true) return listExamples(session);
    const example = EXAMPLE_NAMES.find((name) => name === given.example);
    const plan =
      example === undefined
        ? await planNew(given, session)
        : await planExample(example, given['output-file'] ?? `${example}.yaml`);
    const next = await check(plan.config);
    const schema = join(dirname(plan.config.path), SCHEMA_FILE);
    const withSchema = given['with-schema'] === true || plan.withSchema;
    const files = [
      plan.config,
      ...plan.data,
      ...(withSchema ? [{ path: schema, text: await schemaText('config') }] : []),
    ];
    const written = await writeNew(files, given.force === true);
    const report: InitReport = {
      config: plan.config.path,
      written,
      facts: plan.facts,
      next,
    };
    return emitReports(session.command, given.output, [report], render);
  },
});

/** Nothing is written that `config validate` would refuse. @returns what to run next @throws ConfigError */
async function check({ path, text }: NewFile): Promise<readonly string[]> {
  const { parseConfig } = await import('../../config/load.ts');
  parseConfig(path, text, process.env);
  const run = `foundry run-intent --config ${path}`;
  return [`foundry config validate ${path}`, `${run} --dry-run`, run];
}

async function listExamples(session: Session): Promise<number> {
  const examples = await Promise.all(EXAMPLE_NAMES.map(readExample));
  const reports = examples.map(({ name, description, data }) => ({
    name,
    description,
    data: data.map((file) => file.path),
  }));
  const width = Math.max(...EXAMPLE_NAMES.map((name) => name.length));
  if (session.output === 'json') return emitReports(session.command, 'json', reports, ({ name }) => name);
  for (const { name, description } of examples) {
    process.stdout.write(`${name.padEnd(width)}  ${description}\n`);
  }
  return 0;
}

function render({ config, written, facts, next }: InitReport): string {
  const title =
    written.length === 0 ? `${config} is there already, as it would be written` : `${config} is written`;
  const others = written.filter((path) => path !== config);
  return [
    renderFacts(title, [...Object.entries(facts), ['also written', others.join(', ') || undefined]]),
    'Next',
    ...next.map((command) => `  ${command}`),
  ].join('\n');
}
