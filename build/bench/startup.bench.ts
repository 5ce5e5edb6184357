import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../step.ts';
import { printRace, promise, race, withFolder } from './harness.ts';

const CONFIG = `platform:
  bronze:
    storage_backend: local
source:
  system: bench
  table: weather
  file:
    path: ${join(ROOT, 'fixtures/data/seattle-weather.csv')}
    format: csv
  run:
    load_pattern: full
`;

await withFolder(async (folder) => {
  const hello = join(folder, 'hello');
  const entry = join(folder, 'hello.ts');
  const config = join(folder, 'config.yaml');
  writeFileSync(entry, "console.log('hello');\n");
  writeFileSync(config, CONFIG);
  const built = await Bun.build({ entrypoints: [entry], compile: { outfile: hello }, bytecode: true });
  if (!built.success) throw new Error('hello-world did not compile');
  const foundry = join(ROOT, 'dist/foundry');
  const results = await race(
    [
      { name: 'foundry --version', command: [foundry, '--version'] },
      { name: 'foundry --help', command: [foundry, '--help'] },
      {
        name: 'foundry bronze --dry-run',
        command: [foundry, 'bronze', '--config', config, '--date', '2025-01-15', '--dry-run'],
      },
      { name: 'hello-world compiled by Bun', command: [hello] },
    ],
    { rounds: 15 },
  );
  printRace('Start-up', results);
  promise('--help', results[1]?.milliseconds ?? Number.NaN, 40, 'ms');
  promise('bronze --dry-run', results[2]?.milliseconds ?? Number.NaN, 80, 'ms');
});
