import { describe, expect, test } from 'bun:test';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { foundryBinary, runCommand, temporaryFolder } from '../testing/binary.ts';
import { DATE, expectExit, scenario, type Workspace } from './support.ts';

const ROOT = join(import.meta.dir, '../..');
const EXAMPLES = (await readdir(join(ROOT, 'fixtures/examples'))).filter((name) => name.endsWith('.yaml'));
const ORDERS = `order_id,customer,status,updated_at
1,ada,new,2025-01-04 09:00:00
1,ada,paid,2025-01-05 10:30:00
2,ben,new,2025-01-05 11:00:00
`;
const API = `platform:
  bronze: {storage_backend: local, local_path: ./output}
source:
  type: api
  system: s
  table: t
  api:
    url: https://example.com # the server
`;

const added = (diff: string) => diff.split('\n').filter((line) => /^\+[^+]/.test(line));
const removed = (diff: string) => diff.split('\n').filter((line) => /^-[^-]/.test(line));

describe('scenario 85: the config doctor', () => {
  test(
    'adds base_url, endpoint and config_version for version 1',
    scenario(async (workspace) => {
      await workspace.put('old.yaml', API);
      const done = await workspace.run('config', 'doctor', 'old.yaml');
      expectExit(done, 0);
      expect(added(done.stdout)).toEqual([
        '+config_version: 1',
        '+    base_url: https://example.com',
        '+    endpoint: /',
      ]);
      expect(removed(done.stdout)).toEqual([]);
      expect(await readFile(workspace.path('old.yaml'), 'utf8')).toBe(API);
    }),
  );
  test(
    'drops url and adds silver.partitioning for version 2',
    scenario(async (workspace) => {
      await workspace.put('old.yaml', `${API}silver:\n  output_dir: ./silver # keep\n`);
      const done = await workspace.run('config', 'doctor', 'old.yaml', '--target-version', '2');
      expectExit(done, 0);
      expect(removed(done.stdout)).toEqual(['-    url: https://example.com # the server']);
      expect(added(done.stdout)).toContain('+  partitioning:');
      expect(added(done.stdout)).toContain('+    base_url: https://example.com # the server');
    }),
  );
  test(
    'ends with 2 for a missing file, and still looks at the others',
    scenario(async (workspace) => {
      await workspace.put('old.yaml', API);
      const done = await workspace.run('config', 'doctor', 'nowhere.yaml', 'old.yaml');
      expectExit(done, 2);
      expect(done.stderr).toContain('nowhere.yaml: there is no such file');
      expect(done.stdout).toContain('+    endpoint: /');
    }),
  );
  test(
    'adds an endpoint to no other source than an API',
    scenario(async (workspace) => {
      await workspace.put('file.yaml', API.replace('type: api', 'type: file').replace('api:', 'file:'));
      expect((await workspace.run('config', 'doctor', 'file.yaml')).stdout).not.toContain('endpoint');
    }),
  );
  test(
    'writes with --write, keeping comments, and finds nothing to change then',
    scenario(async (workspace) => {
      await workspace.put('old.yaml', API);
      expectExit(await workspace.run('config', 'doctor', 'old.yaml', '--write'), 0);
      const text = await readFile(workspace.path('old.yaml'), 'utf8');
      expect(text).toContain('url: https://example.com # the server');
      expect(parse(text).source.api.endpoint).toBe('/');
      const { document } = await workspace.json(0, 'config', 'doctor', 'old.yaml');
      expect(document.reports[0]).toMatchObject({ changes: [], diff: '', written: false });
    }),
  );
});

describe('scenario 86: config expand', () => {
  test(
    'tells the paths that a run then uses, for both datasets, and adds them to the file',
    scenario(async (workspace) => {
      expectExit(await workspace.run('init', '--example', 'owner_intent_template'), 0);
      const config = 'owner_intent_template.yaml';
      const { document } = await workspace.json(0, 'config', 'expand', config, '--date', DATE);
      expectExit(await workspace.run('run-intent', '--config', config, '--date', DATE), 0);
      expect(document.reports.map((report) => report.dataset)).toEqual(['claim_header', 'claim_line']);
      for (const { derived_paths } of document.reports) {
        expect(await workspace.files(derived_paths.bronze)).toContain('_metadata.json');
        expect(await workspace.files(derived_paths.silver)).toContain('_metadata.json');
      }
      expectExit(
        await workspace.run('config', 'expand', config, '--date', DATE, '--output-file', 'x.yaml'),
        0,
      );
      const expanded = await readFile(workspace.path('x.yaml'), 'utf8');
      expect(
        parse(expanded).datasets.map((dataset: { derived_paths: object }) => dataset.derived_paths),
      ).toEqual(document.reports.map((report) => report.derived_paths));
      expect(expanded).toContain('entity_kind: state # how a claim is');
      expectExit(await workspace.run('config', 'validate', 'x.yaml'), 0);
      const again = await workspace.run('config', 'expand', config, '--output-file', 'x.yaml');
      expectExit(again, 2);
      expect(again.stderr).toContain('x.yaml exists already');
    }),
  );
  test(
    'checks what is still open before the dataset can be run each day',
    scenario(async (workspace) => {
      await workspace.put('orders.csv', ORDERS);
      expectExit(await workspace.run('init', 'orders.csv'), 0);
      const done = await workspace.run('config', 'expand', 'orders.yaml');
      expect(done.stdout).toContain('[x] the source is there: csv file orders.csv');
      expect(done.stdout).toContain('[ ] the team that owns the source is named');
    }),
  );
});

describe('foundry init', () => {
  test(
    'goes from a file to a landed table, without a word from the docs',
    scenario(async (workspace) => {
      await workspace.put('orders.csv', ORDERS);
      const first = await workspace.run('init', '--type', 'file', '--source-path', 'orders.csv');
      expectExit(first, 0);
      const next = first.stdout.split('Next\n')[1]?.trim().split('\n') ?? [];
      expect(next).toHaveLength(3);
      for (const command of next) {
        expectExit(await workspace.run(...command.trim().split(' ').slice(1)), 0);
      }
      const { document } = await workspace.json(0, 'run-intent', '--config', 'orders.yaml', '--date', DATE);
      expect(document.reports[0]).toMatchObject({ layer: 'bronze', rows: 3 });
    }),
  );
  test(
    'takes tables without a key or a time as snapshots, and sees how a file has to be read',
    scenario(async (workspace) => {
      await workspace.put('cities.csv', 'city,size\nParis,2\nParis,2\n');
      await workspace.put(
        'answer.json',
        '{"items": [{"id": 1, "at": "2025-01-05"}, {"id": 2, "at": "2025-01-06"}]}',
      );
      await workspace.put('odd names.csv', '"Key: #1","a, b",changed at\n7,"x",2025-01-05\n');
      await workspace.put('semi.csv', 'id;updated_at\n1;2025-01-05\n2;2025-01-06\n');
      await workspace.put('bare.csv', '1,2025-01-05\n2,2025-01-06\n');
      await workspace.put('wide.csv', new Uint8Array(Buffer.from('\ufeffid,at\n1,2025-01-05\n', 'utf16le')));
      await workspace.put('years.csv', 'country,2023,2024\nDE,10,20\nFR,11,21\n');
      for (const [source, config, told] of [
        ['semi.csv', 'semi.yaml', /delimiter +";"/],
        [
          'bare.csv',
          'bare.yaml',
          /header +\(none found: .* remove has_header and fieldnames from bare\.yaml\)/,
        ],
        ['wide.csv', 'wide.yaml', /encoding +utf-16/],
        ['cities.csv', 'cities.yaml', /columns +city, size /],
        ['answer.json', 'answer.yaml', /records +in items of the document/],
        ['odd names.csv', 'odd_names.yaml', /columns +Key: #1, a, b, changed at /],
        ['years.csv', 'years.yaml', /columns +country, 2023, 2024 /],
      ] as const) {
        const written = await workspace.run('init', '--source-path', source);
        expectExit(written, 0);
        expect(written.stdout).toMatch(told);
        expectExit(await workspace.run('config', 'validate', '--strict', config), 0);
        expectExit(await workspace.run('run-intent', '--config', config), 0);
      }
      const written = async (name: string) => parse(await readFile(workspace.path(name), 'utf8'));
      for (const name of ['answer.yaml', 'semi.yaml', 'wide.yaml']) {
        expect([name, (await written(name)).silver.natural_keys]).toEqual([name, ['id']]);
      }
      expect((await written('bare.yaml')).bronze.options.file.fieldnames).toEqual(['column_1', 'column_2']);
    }),
  );
  test(
    'writes what is asked for, and refuses columns that are not there',
    scenario(async (workspace) => {
      await workspace.put('orders.csv', ORDERS);
      const flags = [
        '--keys',
        'customer,order_id',
        '--kind',
        'event',
        '--dialect',
        'classic',
        '--system',
        'shop',
      ];
      expectExit(
        await workspace.run('init', '--source-path', 'orders.csv', ...flags, '--entity', 'sales'),
        0,
      );
      const config = parse(await readFile(workspace.path('sales.yaml'), 'utf8'));
      expect(config.source.system).toBe('shop');
      expect(config.silver).toMatchObject({
        model: 'full_merge_dedupe',
        primary_keys: ['customer', 'order_id'],
      });
      const wrong = await workspace.run('init', '--source-path', 'orders.csv', '--keys', 'order_ids');
      expectExit(wrong, 2);
      expect(wrong.stderr).toContain('did you mean "order_id"?');
    }),
  );
  test(
    'says which column would order the rows, were it never empty, and keeps the rows as they are',
    scenario(async (workspace) => {
      await workspace.put('visits.csv', 'visit_id,changed_at\n1,2025-01-01\n2,\n');
      const written = await workspace.run('init', 'visits.csv');
      expectExit(written, 0);
      expect(written.stdout).toContain('(none found: changed_at is empty in some rows)');
      expect(written.stdout).toContain('snapshot: the rows as they are');
      const config = await readFile(workspace.path('visits.yaml'), 'utf8');
      expect(config).toContain('model: periodic_snapshot');
      expect(config).toMatch(/# primary_keys: \[visit_id\] .*\n.*# order_column: changed_at /);
    }),
  );
  test(
    'writes nothing where a file is in the way, unless forced',
    scenario(async (workspace) => {
      await workspace.put('data/orders.csv', 'mine\n');
      const before = await workspace.snapshot();
      const refused = await workspace.run('init', '--example', 'file_example');
      expectExit(refused, 2);
      expect(refused.stderr).toContain('data/orders.csv exists already; nothing is written');
      expect(await workspace.snapshot()).toEqual(before);
      expectExit(await workspace.run('init', '--example', 'file_example', '--force'), 0);
      expectExit(await workspace.run('init', '--example', 'file_example'), 0);
    }),
  );
  test(
    'names what is missing where nobody can be asked',
    scenario(async (workspace) => {
      for (const [args, message] of [
        [[], 'no terminal to ask on'],
        [['--type', 'file'], '--source-path is missing'],
        [['a.csv', '--source-path', 'b.csv'], 'the source is given twice: "a.csv" and --source-path b.csv'],
        [['--example', 'file_example', '-q', '-v'], '--quiet and --verbose contradict each other'],
        [['--source-path', 'nowhere.csv'], 'nowhere.csv'],
        [['--source-path', 'x.csv', '--system', 'a/b'], 'a name must be one name'],
      ] as const) {
        await workspace.put('x.csv', 'id,updated_at\n1,2025-01-05\n');
        const done = await workspace.run('init', ...args);
        expect([args, done.exitCode === 0]).toEqual([args, false]);
        expect(done.stderr).toContain(message);
        expect(await workspace.files()).toEqual(['x.csv']);
      }
    }),
  );
  test(
    'writes valid configs for APIs and databases',
    scenario(async (workspace) => {
      for (const args of [
        ['--type', 'api', '--source-path', 'https://api.example.com/v1/tickets?state=all'],
        ['--type', 'database', '--source-path', 'sales.invoices'],
      ]) {
        for (const dialect of ['intent', 'classic']) {
          expectExit(await workspace.run('init', ...args, '--dialect', dialect, '--force'), 0);
        }
      }
      const { document } = await workspace.json(0, 'config', 'validate', 'tickets.yaml', 'invoices.yaml');
      expect(document.reports.map(({ status }) => status)).toEqual(['valid', 'valid']);
    }),
  );
  test(
    'asks on a terminal, and proposes what it found',
    scenario(async (workspace) => {
      await workspace.put('orders.csv', ORDERS);
      const wrong = { source: 'nowhere.csv', system: 'a/b', key: 'order', file: 'orders.csv' };
      const answers = [
        ...['f', wrong.source, 'orders.csv', wrong.system, 'shop', '', wrong.key, '', '', ''],
        ...[wrong.file, 'my orders.yaml', 'y', ''],
      ].join('\n');
      const done = await runCommand(['script', '-qec', `${foundryBinary()} init`, '/dev/null'], {
        cwd: workspace.folder,
        env: { PATH: process.env.PATH, HOME: workspace.folder, TERM: 'dumb' },
        stdin: answers,
      });
      expect(done.stdout).toContain('4 columns: order_id (int64)');
      expect(done.stdout).toContain('Columns that tell one thing from another [order_id]');
      const config = parse(await readFile(workspace.path('my orders.yaml'), 'utf8'));
      expect(config).toMatchObject({ system: 'shop', entity: 'orders' });
      expect(JSON.parse(await readFile(workspace.path('.foundry/config.schema.json'), 'utf8')).title).toBe(
        'foundry config',
      );
      expectExit(await workspace.run('run-intent', '--config', 'my orders.yaml'), 0);
    }),
  );
});

describe('the examples', () => {
  const inBinary = scenario(async (workspace) => {
    const { document } = await workspace.json(0, 'init', '--list-examples');
    const names = document.reports.map((report) => `${report.name}.yaml`);
    expect(names.sort()).toEqual([...EXAMPLES].sort());
    for (const { description } of document.reports) expect(description.length).toBeGreaterThan(20);
  });
  test('are all in the binary, each with what it shows', inBinary);

  for (const file of EXAMPLES) {
    const name = file.replace('.yaml', '');
    test(
      `${name} is written with its data, and runs as it is, or is valid`,
      scenario((workspace) => tryExample(workspace, name)),
    );
  }
});

async function tryExample(workspace: Workspace, name: string): Promise<void> {
  const source = await readFile(join(ROOT, `fixtures/examples/${name}.yaml`), 'utf8');
  expect(source).toStartWith('# yaml-language-server: $schema=../../schemas/config.schema.json\n# ');
  expectExit(await workspace.run('init', '--example', name, '--with-schema'), 0);
  const text = await readFile(workspace.path(`${name}.yaml`), 'utf8');
  expect(text.split('\n').slice(1)).toEqual(source.split('\n').slice(1));
  const header = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text)?.[1] ?? '';
  expect(await workspace.read(header)).toHaveProperty('title', 'foundry config');
  const validated = await workspace.run('config', 'validate', '-o', 'json', `${name}.yaml`);
  const [report] = JSON.parse(validated.stdout).reports;
  // What lies in buckets is run against some in object-stores.test.ts.
  if (text.includes('backend: s3')) return expect(report.status).toBe('valid');
  expect(report).toMatchObject({ status: 'valid', problems: [] });
  // What asks an API or a database is run against one in api.test.ts and database.test.ts.
  if (/^\s*(?:source_)?type: (?:api|db)$/m.test(text)) return;
  const { document } = await workspace.json(0, 'run-intent', '--config', `${name}.yaml`, '--date', DATE);
  const joins = document.reports.filter(({ layer }) => layer === 'join').length;
  expect(document.reports.length).toBe((report.datasets.length - joins) * 2 + joins);
  expect(joins).toBe(name === 'silver_join_example' ? 1 : 0);
}

describe('config validate', () => {
  test(
    'takes files, globs and folders, and gives each problem its place and code as JSON',
    scenario(async (workspace) => {
      await workspace.put('a/good.yaml', await readFile(join(ROOT, 'fixtures/examples/file_example.yaml')));
      await workspace.put('a/bad.yml', 'system: s\nentity: t\nbronze: {path_pattern: x.csv}\nsilvr: {}\n');
      await workspace.put(
        'old.yaml',
        'platform: {bronze: {storage_backend: local}}\nsource: {system: s, table: t, file: {path: x.csv}}\n',
      );
      expectExit(await workspace.run('config', 'validate', 'a/*.yaml'), 0);
      const { document } = await workspace.json(2, 'config', 'validate', 'a', 'nowhere.yaml', 'old.yaml');
      expect(document.reports.map(({ file, status }) => [file, status])).toEqual([
        ['a/bad.yml', 'invalid'],
        ['a/good.yaml', 'valid'],
        ['nowhere.yaml', 'invalid'],
        ['old.yaml', 'valid'],
      ]);
      expect(document.reports[0].problems[0]).toMatchObject({
        ...{ file: 'a/bad.yml', line: 4, column: 1, path: 'silvr', code: 'CFG001', severity: 'error' },
        message: 'unknown key (did you mean "silver"?)',
      });
    }),
  );
  test(
    'counts warnings as errors with --strict',
    scenario(async (workspace) => {
      await workspace.put(
        'old.yaml',
        'platform: {bronze: {storage_backend: local}}\nsource: {system: s, table: t, file: {path: x.csv}}\n',
      );
      const lax = await workspace.run('config', 'validate', 'old.yaml');
      expectExit(lax, 0);
      expect(lax.stdout).toContain('warning CFG004');
      expectExit(await workspace.run('config', 'validate', 'old.yaml', '--strict'), 2);
    }),
  );
  test(
    'refuses to check nothing',
    scenario(async (workspace) => {
      for (const args of [[], ['*.yaml'], ['.']]) {
        expectExit(await workspace.run('config', 'validate', ...args), 2);
      }
    }),
  );
});

describe('config show', () => {
  test(
    'tells the line of each value, the defaults when asked, and no secret',
    scenario(async (workspace) => {
      await workspace.put(
        'x.yaml',
        'system: s\nentity: t\nbronze:\n  path_pattern: x.csv\nsilver:\n  entity_kind: event\n  natural_keys: [id]\n  event_ts_column: at\n',
      );
      const short = await workspace.run('config', 'show', 'x.yaml');
      expectExit(short, 0);
      expect(short.stdout).toMatch(/bronze\.source\.path +x\.csv +# line 4, bronze\.path_pattern/);
      expect(short.stdout).not.toContain('by default');
      const { document } = await workspace.json(0, 'config', 'show', '--resolved', '--config', 'x.yaml');
      const settings = document.reports[0].settings;
      expect(settings).toContainEqual(
        expect.objectContaining({ path: 'silver.version', value: 1, origin: { kind: 'default' } }),
      );
      expect(settings.length).toBeGreaterThan(short.stdout.split('\n').length);
    }),
  );
});

describe('foundry schema', () => {
  test(
    'prints the published schemas, as they are',
    scenario(async (workspace) => {
      for (const file of await readdir(join(ROOT, 'schemas'))) {
        const done = await workspace.run('schema', file.replace(/\.(?:schema\.json|d\.ts)$/, ''));
        expect(done.stdout).toBe(await readFile(join(ROOT, 'schemas', file), 'utf8'));
      }
      expect((await workspace.run('schema')).stdout).toBe((await workspace.run('schema', 'config')).stdout);
      const wrong = await workspace.run('schema', 'configg');
      expectExit(wrong, 2);
      expect(wrong.stderr).toContain('did you mean "config"?');
    }),
  );
});

describe('completions', () => {
  /** What bash offers for the last of the words. */
  async function offers(folder: string, ...words: string[]): Promise<string[]> {
    const list = words.map((word) => `'${word}'`).join(' ');
    const code = `source <('${foundryBinary()}' completions bash); COMP_WORDS=(foundry ${list}); COMP_CWORD=${words.length}; _foundry; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const done = await runCommand(['bash', '-c', code], { cwd: folder, env: { PATH: process.env.PATH } });
    expect(done.stderr).toBe('');
    return done.stdout.split('\n').filter((line) => line !== '');
  }

  test(
    'of bash know commands, flags, choices and files',
    scenario(async ({ folder, put }) => {
      await put('my orders.yaml', '');
      expect(await offers(folder, 'run')).toEqual(['run-intent', 'runs']);
      expect(await offers(folder, 'config', '')).toEqual(['validate', 'show', 'expand', 'doctor', '--help']);
      expect(await offers(folder, 'bronze', '--dry')).toEqual(['--dry-run']);
      expect(await offers(folder, 'silver', '--no-write')).toEqual(['--no-write-parquet', '--no-write-csv']);
      expect(await offers(folder, 'bronze', '--output', '')).toEqual(['text', 'json']);
      expect(await offers(folder, 'bronze', '--output', '=', 'j')).toEqual(['json']);
      expect(await offers(folder, 'bronze', '--config', 'my')).toEqual(['my orders.yaml']);
      expect(await offers(folder, 'config', 'validate', 'my')).toEqual(['my orders.yaml']);
      expect(await offers(folder, 'init', '--example', 'file_c')).toEqual([
        'file_cdc_example',
        'file_current_history_example',
      ]);
      expect(await offers(folder, 'schema', 'bro')).toEqual(['bronze-metadata']);
      expect(await offers(folder, 'bronze', '--date', '')).toEqual([]);
    }),
  );
  test('of every shell name every flag that --help names, and are accepted by the shell', async () => {
    using folder = temporaryFolder('completions');
    const run = async (...args: string[]) =>
      (await runCommand([foundryBinary(), ...args], { env: { PATH: process.env.PATH } })).stdout;
    const flags = new Set((await run('silver', '--help')).match(/--[a-z][a-z-]*[a-z]/g) ?? []);
    for (const shell of ['bash', 'zsh', 'fish']) {
      const text = await run('completions', shell);
      const missing = [...flags].filter(
        (flag) => !text.includes(shell === 'fish' ? `-l ${flag.slice(2)} ` : flag),
      );
      expect([
        shell,
        missing.filter((flag) => !/artifact-writer|run-context|bronze-path/.test(flag)),
      ]).toEqual([shell, []]);
      const path = join(folder.path, shell);
      await Bun.write(path, text);
      if (Bun.which(shell) === null) continue;
      expect((await runCommand([shell, '-n', path])).code).toBe(0);
    }
  });
});
