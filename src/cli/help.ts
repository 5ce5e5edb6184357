export const OVERVIEW = `foundry: lands data in a partitioned, checksummed Bronze layer and promotes it to Silver tables

USAGE
  foundry <command> [options]

COMMANDS
  bronze      Land a source into Bronze
  silver      Promote a Bronze partition to Silver
  run-intent  Bronze, then Silver, of one config

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
  'run-intent': [
    'foundry run-intent --config weather.yaml --date 2025-01-05',
    'foundry run-intent --config weather.yaml --date 2025-01-05 --skip-bronze',
  ],
};

export function exampleText(command: string): string {
  return ['EXAMPLES', '', ...(EXAMPLES[command] ?? []).map((line) => `  ${line}`)].join('\n');
}
