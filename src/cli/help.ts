import type { ArgDef, ArgsDef, CommandDef } from 'citty';

export const OVERVIEW = `foundry: lands data in a partitioned, checksummed Bronze layer and promotes it to Silver tables

USAGE
  foundry <command> [options]

COMMANDS
  bronze      Land a source into Bronze
  silver      Promote a Bronze partition to Silver
  join        Join two Silver tables into one
  run-intent  Bronze, then Silver, then the join of one config

  runs             The runs of a lake, the newest first
  show             A partition: metadata, columns, first rows, history, files
  verify           Check every file of a lake against its manifest
  gc               Find, and remove, what runs that died left behind
  storage check    Try what a run needs of a storage

  init             Write a first config for a file, an API or a database, or one of the examples
  config validate  Check config files
  config show      What each value of a config is, and where it comes from
  config expand    The Bronze and Silver paths of each dataset, and a readiness checklist
  config doctor    Find and mend old shapes of configs
  samples          Invented source data, the Silver of each model from it, and joins
  schema           Print a JSON Schema
  completions      Print completions for bash, zsh or fish

  foundry <command> --help   the options of a command, with examples
  foundry --version          version, commit and target

EXIT CODES
  0 done · 1 bug · 2 usage or config · 3 data refused · 4 source refused · 5 storage failed
  75 temporary, run again · 130/143 interrupted

EXAMPLES
  foundry run-intent --config weather.yaml --date 2025-01-05
  foundry bronze --config weather.yaml --dry-run
`;

const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  bronze: [
    'foundry bronze --config weather.yaml --date 2025-01-05',
    'foundry bronze --config sales.yaml,marketing.yaml --output json',
    'foundry bronze --config weather.yaml --dry-run',
  ],
  silver: [
    'foundry silver --config weather.yaml --date 2025-01-05',
    'foundry silver --config weather.yaml --dry-run',
    'foundry silver --bronze-path output/system=my/table=orders/pattern=full/dt=2025-01-05 \\',
    '    --silver-base ./silver_output --primary-key order_id --order-column updated_at',
  ],
  join: [
    'foundry join --config orders-with-customers.yaml --date 2025-01-05',
    'foundry join --config orders-with-customers.yaml --dry-run --output json',
  ],
  'run-intent': [
    'foundry run-intent --config weather.yaml --date 2025-01-05',
    'foundry run-intent --config weather.yaml --date 2025-01-05 --skip-bronze',
  ],
  init: [
    'foundry init                                   asks (on a terminal)',
    'foundry init --type file --source-path orders.csv --system shop --entity orders',
    'foundry init --list-examples',
    'foundry init --example file_example',
    'foundry init --config orders.yaml              creates the Azure containers it writes to',
  ],
  runs: [
    'foundry runs output silver_output',
    'foundry runs --config orders.yaml --failed --output json',
    'foundry runs output --prune --keep-days 90',
  ],
  show: [
    'foundry show output/system=shop/table=orders/pattern=full/dt=2025-01-05',
    'foundry show silver/domain=shop/entity=orders/v1/load_date=2025-01-05 --files --as duckdb',
  ],
  verify: [
    'foundry verify output/system=shop/table=orders',
    'foundry verify s3://lake/bronze --output json',
    'foundry verify --config orders.yaml',
  ],
  gc: ['foundry gc output', 'foundry gc s3://lake/bronze --delete'],
  'storage check': ['foundry storage check s3://lake/bronze', 'foundry storage check --config orders.yaml'],
  'config validate': [
    'foundry config validate orders.yaml',
    "foundry config validate 'configs/*.yaml' --strict --output json",
  ],
  'config show': [
    'foundry config show orders.yaml              what the file sets',
    'foundry config show --resolved orders.yaml   with every default',
  ],
  'config expand': [
    'foundry config expand orders.yaml --date 2025-01-05',
    'foundry config expand orders.yaml --output-file orders.expanded.yaml',
  ],
  'config doctor': [
    'foundry config doctor old.yaml                      shows what it would change',
    'foundry config doctor configs/ --target-version 2 --write',
  ],
  samples: [
    'foundry samples --days 3 --full-row-count 500 --patterns 1',
    'foundry samples bronze --formats both --dry-run',
    'foundry samples silver --models scd_type_1,scd_type_2 --days 1',
    'foundry samples join --formats parquet',
  ],
  schema: ['foundry schema config > .foundry/config.schema.json', 'foundry schema bronze-metadata'],
  completions: [
    'source <(foundry completions bash)',
    'foundry completions zsh > ~/.zfunc/_foundry',
    'foundry completions fish > ~/.config/fish/completions/foundry.fish',
  ],
};

const GROUPS: Readonly<Record<string, string>> = {
  config: `foundry config: what dataset owners do with config files

USAGE
  foundry config <command> FILES... [options]

COMMANDS
  validate  Check config files: every problem with its line and column
  show      What each value is, and where it comes from
  expand    The Bronze and Silver paths of each dataset, and a readiness checklist
  doctor    Find and mend old shapes of configs

  foundry config <command> --help   the options of a command, with examples
`,
};

export function groupText(group: string): string {
  return GROUPS[group] ?? OVERVIEW;
}

/** No line is longer, so that a terminal of the usual width shows them whole. */
const WIDTH = 100;
/** Where descriptions begin; a longer flag has its description on the next line. */
const INDENT = 34;

/** What `foundry <command> --help` prints. */
export function usageText(name: string, command: CommandDef<ArgsDef>, definitions: ArgsDef): string {
  const flags = Object.entries(definitions).filter(([, { type }]) => type !== 'positional');
  const words = Object.entries(definitions).filter(([, { type }]) => type === 'positional');
  const about =
    command.meta instanceof Object && 'description' in command.meta ? command.meta.description : '';
  const called = words.map(
    ([word, { valueHint }]) => ` [${word.toUpperCase()}${isMany(valueHint) ? '...' : ''}]`,
  );
  const lines = [`${about}`, '', 'USAGE', `  foundry ${name} [options]${called.join('')}`];
  if (words.length > 0) {
    lines.push(
      '',
      'ARGUMENTS',
      ...words.flatMap(([word, definition]) => wordLines(word.toUpperCase(), definition)),
    );
  }
  lines.push('', 'OPTIONS', ...flags.flatMap(([flag, definition]) => flagLines(flag, definition)));
  lines.push('', 'EXAMPLES', ...(EXAMPLES[name] ?? []).map((line) => `  ${line}`));
  return lines.join('\n');
}

/** The choices of a word stand in its value hint: citty knows none for what is no flag. */
function wordLines(word: string, { description = '', valueHint = '' }: ArgDef): string[] {
  const choices = valueHint.includes('|') ? `: ${valueHint.replaceAll('|', ', ')}` : '';
  return entry(word, { description: `${description}${choices}` });
}

function isMany(hint: string | undefined): boolean {
  return hint?.endsWith('...') === true;
}

function flagLines(name: string, definition: ArgDef): string[] {
  const alias = 'alias' in definition && definition.alias !== undefined ? `-${definition.alias}, ` : '    ';
  if (definition.type === 'boolean') {
    const lines = entry(`${alias}--${name}`, definition);
    if (definition.negativeDescription === undefined) return lines;
    return [...lines, ...entry(`    --no-${name}`, { description: definition.negativeDescription })];
  }
  const options = definition.type === 'enum' ? (definition.options ?? []).join('|') : '';
  // A long list of choices does not fit beside its flag.
  if (options.length <= WIDTH - INDENT) {
    return entry(`${alias}--${name} <${options || (definition.valueHint ?? 'value')}>`, definition);
  }
  return entry(`${alias}--${name} <name>`, {
    description: `${definition.description}: ${options.replaceAll('|', ', ')}`,
  });
}

function entry(left: string, { description = '' }: Pick<ArgDef, 'description'>): string[] {
  const [first = '', ...more] = wrapped(description, WIDTH - INDENT);
  const indented = more.map((line) => `${' '.repeat(INDENT)}${line}`);
  const head = `  ${left}`;
  if (head.length + 2 > INDENT) return [head, `${' '.repeat(INDENT)}${first}`, ...indented];
  return [`${head.padEnd(INDENT)}${first}`, ...indented];
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
