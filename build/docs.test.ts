import { describe, expect, setDefaultTimeout, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { foundryBinary, runFoundry, temporaryFolder } from '../src/testing/binary.ts';
import { s3TestEndpoint, TEST_KEYS } from '../src/testing/object-stores.ts';
import { pythonWithPyarrow } from '../src/testing/parquet.ts';
import { openTestPostgres, type TestPostgres } from '../src/testing/postgres-database.ts';
import { startQuakes } from './docs-api.ts';
import { brokenLinks, unknownNames, unreachablePages, variablesOf } from './docs-facts.ts';
import { matches, normalised } from './docs-output.ts';
import { readPage } from './docs-page.ts';
import { runPage } from './docs-run.ts';
import { yamlProblem } from './docs-yaml.ts';

setDefaultTimeout(60_000);
const ROOT = join(import.meta.dir, '..');
const PATHS = ['README.md', 'CONTRIBUTING.md', ...new Bun.Glob('docs/*.md').scanSync(ROOT)].sort();
const PAGES = PATHS.map((path) => readPage(path, readFileSync(join(ROOT, path), 'utf8')));

/** The bucket that pages call `your-bucket`, empty or as the page before left it. */
async function bucketOfDocs(): Promise<Readonly<Record<string, string>>> {
  const endpoint = s3TestEndpoint();
  await fetch(`${endpoint}/your-bucket`, { method: 'PUT' });
  return { ...TEST_KEYS, BRONZE_S3_ENDPOINT: endpoint, FOUNDRY_BUCKET: 'your-bucket' };
}

async function problemsOf(text: string, path = 'page.md', env = {}): Promise<string[]> {
  using folder = temporaryFolder('docs');
  const page = readPage(path, text);
  return await runPage(page, {
    root: ROOT,
    folder: folder.path,
    bin: dirname(foundryBinary()),
    python: pythonWithPyarrow(),
    env: { ...env, ...(text.includes('s3://your-bucket') && (await bucketOfDocs())) },
  });
}

/** The orders that the page on databases reads. */
async function openShop(): Promise<TestPostgres> {
  const shop = await openTestPostgres();
  await shop.run(
    `CREATE TABLE orders (order_id int PRIMARY KEY, customer text, amount numeric(12,2), updated_at timestamptz);
     INSERT INTO orders SELECT g, 'c' || g % 50, g * 1.25, timestamptz '2025-01-01+00' + g * interval '1 minute' FROM generate_series(1, 1000) g`,
  );
  return shop;
}

/** Of every command that `foundry --help` lists. */
async function knownFlags(): Promise<ReadonlySet<string>> {
  const overview = await runFoundry(['--help']);
  const commands = [...overview.stdout.matchAll(/^ {2}([a-z]+(?:[ -][a-z]+)?) {2,}/gm)].map(
    (line) => line[1],
  );
  const helps = await Promise.all(
    commands.map((command = '') => runFoundry([...command.split(' '), '--help'])),
  );
  return new Set([overview, ...helps].flatMap(({ stdout }) => stdout.match(/--[a-z][a-z-]*[a-z]/g) ?? []));
}

describe('the documentation', () => {
  for (const page of PAGES) {
    test(`${page.path} shows configs, commands, output and queries that are so`, async () => {
      const quakes = page.text.includes('QUAKES_URL') ? await startQuakes(ROOT) : undefined;
      const shop = page.text.includes('SHOP_DB_URL') ? await openShop() : undefined;
      try {
        const env = {
          ...(quakes !== undefined && { QUAKES_URL: quakes.url }),
          ...(shop !== undefined && { SHOP_DB_URL: shop.url }),
        };
        expect(await problemsOf(page.text, page.path, env)).toEqual([]);
      } finally {
        quakes?.stop();
        await shop?.drop();
      }
    });
  }

  test('names flags and environment variables that exist', async () => {
    const known = { flags: await knownFlags(), variables: await variablesOf(ROOT) };
    expect(PAGES.flatMap((page) => unknownNames(page, known))).toEqual([]);
  });

  test('links to pages and headings that exist, and to every page', () => {
    expect([...brokenLinks(PAGES, ROOT), ...unreachablePages(PAGES)]).toEqual([]);
  });
});

describe('a page is refused', () => {
  const CONFIG = [
    '```yaml',
    '# file: weather.yaml',
    'system: noaa',
    'entity: days',
    'bronze: {path_pattern: fixtures/data/seattle-weather.csv}',
    'silver: {entity_kind: state, natural_keys: [date], change_ts_column: date}',
    '```',
  ].join('\n');
  const shown = (...lines: string[]) => [CONFIG, '```console', ...lines, '```'].join('\n');

  test('for a flag that does not exist', async () => {
    const problems = await problemsOf(shown('$ foundry bronze --config weather.yaml --dry-rn'));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(
      'page.md:8: foundry bronze --config weather.yaml --dry-rn\nended with 2, not 0',
    );
  });

  test('for an exit code other than the one that it tells', async () => {
    const command = '$ foundry bronze --config weather.yaml --validate-only';
    expect((await problemsOf(shown(`${command}  # exit 3`)))[0]).toContain('ended with 0, not 3');
    expect(await problemsOf(shown(`${command} --dry-rn  # exit 2`))).toEqual([]);
  });

  test('for a config that it shows and never uses', async () => {
    expect(await problemsOf(CONFIG)).toEqual(['page.md:1: weather.yaml is shown but never used below']);
  });

  test('for output that the command does not print', async () => {
    const command = '$ foundry bronze --config weather.yaml --validate-only';
    expect(await problemsOf(shown(command, 'weather.yaml: noaa.days is valid', '…'))).toEqual([]);
    expect((await problemsOf(shown(command, 'weather.yaml: noaa.day is valid', '…')))[0]).toContain('prints');
  });

  test('for a config that is none, whole or a fragment', () => {
    expect(yamlProblem('# fragment of silver:\nhistory_mode: scd1')).toBeUndefined();
    expect(yamlProblem('# fragment of a classic source.run:\nload_pattern: cdc')).toBeUndefined();
    expect(yamlProblem('# fragment of silver:\nhistory_mod: scd1')).toContain('did you mean');
    expect(yamlProblem('system: noaa')).toBeDefined();
  });

  test('for programs and blocks that no rule knows', async () => {
    expect((await problemsOf('```sh\ncurl example.org\n```'))[0]).toContain('no rule allows');
    expect((await problemsOf('```ini\na=1\n```'))[0]).toContain('no rule says');
    expect((await problemsOf('<!-- not run: no time -->\n```sh\nls\n```'))[0]).toContain('no reason');
  });

  test('for a tree that is not so', async () => {
    const drawn = (name: string) =>
      `<!-- tree: fixtures -->\n\`\`\`text\nfixtures/\n  data/\n…\n    ${name}\n\`\`\``;
    expect(await problemsOf(drawn('seattle-weather.csv'))).toEqual([]);
    expect((await problemsOf(drawn('portland-weather.csv')))[0]).toContain('the tree is');
  });

  test('for a query or a script that fails', async () => {
    expect((await problemsOf("```sql\nFROM 'missing/*.parquet'\n```"))[0]).toContain('No files found');
    expect((await problemsOf('```sql\nSELECT 1\n-- gives 2\n```'))[0]).toContain('gives 1');
    expect((await problemsOf('```python\nimport nothing_of_this_name\n```'))[0]).toContain(
      'ModuleNotFoundError',
    );
  });

  test('for names and links that do not exist', () => {
    const page = readPage(
      'docs/page.md',
      '# A page\n`--dry-rn`, FOUNDRY_NOTHING, [x](#a-page), [y](none.md)',
    );
    const known = { flags: new Set(['--dry-run']), variables: new Set<string>() };
    expect(unknownNames(page, known)).toEqual([
      'docs/page.md:2: there is no flag --dry-rn',
      'docs/page.md:2: nothing reads FOUNDRY_NOTHING',
    ]);
    expect(brokenLinks([page], ROOT)).toEqual(['docs/page.md:2: there is no docs/none.md']);
  });
});

test('what differs between runs is not compared, the rest is', () => {
  const text = normalised(
    '  at  /t/x/out\n full-part-0001-0a1b2c3d.parquet  3 rows, 1.2 KB\n took 0.12 s',
    '/t/x',
  );
  expect(text).toBe('at  …/out\n full-part-0001-<hash8>.parquet  3 rows, <size>\n took <seconds>');
  expect(matches('a\n…\nc', 'a\nb\nb\nc')).toBe(true);
  expect(matches('a\n…\nc', 'a\nc')).toBe(true);
  expect(matches('a\nc', 'a\nb\nc')).toBe(false);
});
