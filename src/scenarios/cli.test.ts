import { describe, expect, test } from 'bun:test';
import { rm } from 'node:fs/promises';
import { foundryBinary } from '../testing/binary.ts';
import {
  BRONZE,
  classic,
  csv,
  DATE,
  describeRun,
  expectExit,
  INTENT_SILVER,
  intent,
  openWorkspace,
  runFoundry,
  SILVER,
  scenario,
} from './support.ts';

const ROWS = csv(['id', 'v', 'at'], [1, 'a', 1], [2, 'b', 2], [3, 'c', 3]);

describe('the command line', () => {
  test(
    'scenario 1: bronze without --config is a usage error',
    scenario(async (w) => {
      const run = await w.run('bronze');
      expectExit(run, 2);
      expect(run.stderr).toContain('--config');
      expect(run.stdout).toBe('');
    }),
  );

  test(
    'scenario 2: --list-backends names the three storage backends',
    scenario(async (w) => {
      const run = await w.run('bronze', '--list-backends');
      expectExit(run, 0);
      const lines = run.stdout.trim().split('\n');
      expect(lines[0]).not.toStartWith('-');
      expect(lines.slice(1, 4)).toEqual(['- s3', '- azure', '- local']);
    }),
  );

  test(
    'scenario 3: --validate-only with --quiet and JSON logs succeeds and writes nothing',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('ok.yaml', classic());
      const before = await w.snapshot();
      const run = await w.run(
        'bronze',
        '--validate-only',
        '--config',
        'ok.yaml',
        '--quiet',
        '--log-format',
        'json',
      );
      expectExit(run, 0);
      expect(run.stderr).toBe('');
      expect(await w.snapshot()).toEqual(before);
    }),
  );

  test(
    'scenario 4: --validate-only checks every file of a comma list and names the missing one',
    scenario(async (w) => {
      await w.put('a.yaml', classic({ run: { parallel_workers: 0 } }));
      const run = await w.run('bronze', '--validate-only', '--config', 'a.yaml,missing.yaml');
      expectExit(run, 2);
      expect(run.stderr).toContain('missing.yaml');
      expect(run.stderr).toContain('a.yaml');
      expect(run.stderr).toContain('parallel_workers must be a positive integer');
      const onlyMissing = await w.run('bronze', '--validate-only', '--config', 'missing.yaml');
      expectExit(onlyMissing, 2);
    }),
  );

  test(
    'scenario 6: an unknown load pattern on the command line is a usage error that lists the known ones',
    scenario(async (w) => {
      await w.put('a.yaml', classic());
      const run = await w.run('bronze', '--config', 'a.yaml', '--load-pattern', 'weird');
      expectExit(run, 2);
      for (const word of ['weird', 'full', 'cdc', 'current_history']) expect(run.stderr).toContain(word);
    }),
  );

  test(
    'scenario 7: a date that is none is refused before anything is written',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('a.yaml', classic());
      const before = await w.snapshot();
      for (const date of ['2025-13-01', '2025-02-30', 'yesterday', '2025-01-05T24']) {
        const run = await w.run('bronze', '--config', 'a.yaml', '--date', date);
        expectExit(run, 2);
        expect(run.stderr).toContain(date);
      }
      expect(await w.snapshot()).toEqual(before);
    }),
  );

  test(
    'scenario 84: run-intent stops before Silver when Bronze fails',
    scenario(async (w) => {
      await w.put('i.yaml', intent({ path: 'absent.csv', silver: STATE }));
      const failed = await w.json(4, 'run-intent', '--config', 'i.yaml', '--date', DATE);
      expect(failed.document.reports).toEqual([]);
      expect(failed.document.errors[0]?.message).toContain('absent.csv');
      expect(await w.files('silver')).toEqual([]);
    }),
  );

  test(
    'scenario 84: --skip-bronze runs Silver only, --skip-silver Bronze only',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id', 'ts', 'v'], [1, '2025-01-01T00:00:00', 'a']));
      await w.put('i.yaml', intent({ silver: STATE }));
      const common = ['run-intent', '--config', 'i.yaml', '--date', DATE];
      const landed = await w.json(0, ...common, '--skip-silver');
      expect(landed.document.reports.map((report) => report.layer)).toEqual(['bronze']);
      expect(await w.files('silver')).toEqual([]);
      const bronze = await w.snapshot('output');
      await rm(w.path('in.csv'));
      const promoted = await w.json(0, ...common, '--skip-bronze');
      expect(promoted.document.reports.map((report) => report.layer)).toEqual(['silver']);
      expect((await w.read(`${INTENT_SILVER}/_metadata.json`)).status).toBe('complete');
      expect(withoutSpools(await w.snapshot('output'))).toEqual(withoutSpools(bronze));
      expectExit(await w.run(...common, '--skip-bronze', '--skip-silver'), 2);
    }),
  );

  test('--version prints version, commit and target', async () => {
    const run = await runFoundry(['--version']);
    expectExit(run, 0);
    expect(run.stdout).toMatch(
      /^foundry \d+\.\d+\.\d+\S* \((?:[0-9a-f]{40}(?:-dirty)?|unknown), [\w-]+\)\n$/,
    );
  });

  test('--help of every command shows its flags and an example that parses', async () => {
    for (const command of ['bronze', 'silver', 'run-intent']) {
      const run = await runFoundry([command, '--help']);
      expectExit(run, 0);
      for (const word of ['--config', '--date', '--dry-run', '--output', 'EXAMPLES']) {
        expect(run.stdout).toContain(word);
      }
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours must not reach a pipe
      expect(run.stdout).not.toMatch(/\u001b/);
    }
  });

  test(
    'flags are strict: typos, missing values, repeats and stray words are told apart, with a suggestion',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('a.yaml', classic());
      await w.put('s.yaml', classic({ silver: {} }));
      const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
        [
          ['bronze', '--config', 'a.yaml', '--dry-rn'],
          ['--dry-rn', '--dry-run'],
        ],
        [
          ['bronze', '--confg', 'a.yaml'],
          ['--confg', '--config'],
        ],
        [
          ['bronze', '--config'],
          ['--config', 'value'],
        ],
        [
          ['bronze', '--config', '--dry-run'],
          ['--config', 'value'],
        ],
        [
          ['bronze', '--config='],
          ['--config', 'value'],
        ],
        [
          ['bronze', '--config', 'a.yaml', '--date', '2025-01-01', '--date', '2025-01-02'],
          ['--date', 'twice'],
        ],
        [['bronze', 'a.yaml'], ['a.yaml']],
        [['bronze', '--config', 'a.yaml', '--threads', '0'], ['--threads']],
        [
          ['bronze', '--config', 'a.yaml', '--memory-limit', 'lots'],
          ['--memory-limit', 'lots'],
        ],
        [
          ['bronze', '--config', 'a.yaml', '--memory-limit', '5'],
          ['--memory-limit', '"5" is 5 B', '512MB'],
        ],
        [['silver', '--config', 'a.yaml', '--write-csv', '--no-write-csv'], ['--write-csv']],
        [
          ['silver', '--config', 's.yaml', '--silver-model', 'scd_type_9'],
          ['scd_type_9', 'scd_type_1'],
        ],
        [
          ['bonze', '--config', 'a.yaml'],
          ['bonze', 'bronze'],
        ],
        [['silver', '--config', 'a.yaml', '--load-pattern', 'cdc'], ['--load-pattern']],
      ];
      for (const [args, words] of cases) {
        const run = await w.run(...args);
        expectExit(run, 2);
        for (const word of words) expect(run.stderr).toContain(word);
        expect(run.stderr).not.toContain('    at ');
      }
      expect(await w.files()).toEqual(['a.yaml', 'in.csv', 's.yaml']);
    }),
  );

  test(
    'what fails before a run begins is logged in the format asked for, and names the help of its command',
    scenario(async (w) => {
      await w.put('bad.yaml', { source: {} });
      const wrong = [
        ['bronze', '--config', 'bad.yaml'],
        ['bronze', '--config', 'bad.yaml', '--date', 'someday'],
        ['bronze', '--confg', 'bad.yaml'],
      ];
      for (const args of wrong) {
        const flagged = await w.run(...args, '--log-format', 'json');
        const set = await runFoundry(args, { cwd: w.folder, env: { BRONZE_LOG_FORMAT: 'json' } });
        for (const run of [flagged, set]) {
          expectExit(run, 2);
          const entries = run.stderr
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line));
          expect(entries.at(-1)).toMatchObject({ level: 'ERROR', logger: 'foundry' });
        }
        expect((await w.run(...args, '--log-format=simple')).stderr).toMatch(/^ERROR: [0-9a-f]{8} \[/m);
      }
      const run = await w.run('bronze', '--config', 'bad.yaml', '--date', 'someday');
      expect(run.stderr).toContain('See `foundry bronze --help`.');
      await w.put('in.csv', ROWS);
      await w.put('a.yaml', classic());
      const late = await w.run('bronze', '--config', 'a.yaml', '--date', '2025-01-05T09');
      expectExit(late, 2);
      expect(late.stderr).toContain('See `foundry bronze --help`.');
    }),
  );

  test(
    'a report that cannot be written is a failure that says so',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('a.yaml', classic());
      const script = `"${foundryBinary()}" bronze --config a.yaml > /dev/full`;
      const shell = Bun.spawn(['sh', '-c', script], { cwd: w.folder, stderr: 'pipe' });
      expect(await new Response(shell.stderr).text()).toContain('[STG001] the report could not be written');
      expect(await shell.exited).toBe(5);
    }),
  );

  test(
    'several configs run in one call: repeated, in a comma list, and one failure does not stop the others',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('a.yaml', classic({ source: { table: 'a' } }));
      await w.put('b.yaml', classic({ source: { table: 'b' }, file: { path: 'absent.csv' } }));
      await w.put('c.yaml', classic({ source: { table: 'c' } }));
      const { document } = await w.json(
        4,
        'bronze',
        '--config',
        'a.yaml,b.yaml',
        '--config',
        'c.yaml',
        '--date',
        DATE,
      );
      expect(document.reports.map((report) => report.dataset)).toEqual(['s.a', 's.c']);
      expect(document.errors.map((error) => error.code)).toEqual(['EXT001']);
      const text = await w.run('bronze', '--config', 'a.yaml,b.yaml,c.yaml', '--date', DATE);
      expectExit(text, 4);
      expect(text.stdout).toContain('2 of 3 datasets');
    }),
  );

  test(
    'without a config, --bronze-path, --silver-base and keys are enough to promote',
    scenario(async (w) => {
      await w.put(
        'in.csv',
        csv(['id', 'at', 'v'], [1, '2025-01-01', 'old'], [1, '2025-01-02', 'new'], [2, '2025-01-01', 'x']),
      );
      await w.put('a.yaml', classic());
      expectExit(await w.run('bronze', '--config', 'a.yaml', '--date', DATE), 0);
      const { document } = await w.json(
        0,
        ...['silver', '--bronze-path', BRONZE, '--silver-base', 'base', '--primary-key', 'id'],
        ...['--order-column', 'at', '--silver-model', 'scd_type_1', '--date', DATE],
      );
      expect(document.reports).toHaveLength(1);
      const files = await w.files('base');
      expect(files.filter((file) => /current-[0-9a-f]{8}\.parquet$/.test(file))).toHaveLength(1);
    }),
  );

  test(
    'deprecated flags of the original are accepted with a warning',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('a.yaml', classic());
      const run = await w.run(
        'bronze',
        '--config',
        'a.yaml',
        '--date',
        DATE,
        '--artifact-writer',
        'transactional',
      );
      expectExit(run, 0);
      expect(run.stderr).toContain('--artifact-writer is deprecated');
    }),
  );
});

describe('streams', () => {
  test(
    '--output json is one JSON document on stdout for success, plan, validation and every failure',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('a.yaml', classic({ silver: {} }));
      await w.put('bad.yaml', classic({ run: { load_pattern: 'weird' } }));
      await w.put('absent.yaml', classic({ file: { path: 'absent.csv' } }));
      await w.put('broken.yaml', 'platform: [');
      const cases: readonly (readonly [number, readonly string[]])[] = [
        [0, ['bronze', '--config', 'a.yaml', '--validate-only']],
        [0, ['bronze', '--config', 'a.yaml', '--dry-run']],
        [0, ['bronze', '--config', 'a.yaml', '--date', DATE, '--verbose']],
        [0, ['silver', '--config', 'a.yaml', '--date', DATE, '--dry-run']],
        [0, ['silver', '--config', 'a.yaml', '--date', DATE]],
        [0, ['run-intent', '--config', 'a.yaml', '--date', DATE]],
        [2, ['bronze', '--config', 'bad.yaml']],
        [2, ['bronze', '--config', 'broken.yaml']],
        [2, ['bronze', '--nonsense']],
        [2, ['bronze', '--config', 'a.yaml', '--date', 'never']],
        [2, ['bronze']],
        [4, ['bronze', '--config', 'absent.yaml', '--date', DATE]],
      ];
      for (const [code, args] of cases) {
        const { document } = await w.json(code, ...args);
        expect(document.command).toBe(args[0] ?? '');
        if (code === 0) expect([document.errors.length, document.reports.length > 0]).toEqual([0, true]);
        else expect(document.errors[0]).toMatchObject({ code: expect.any(String), hint: expect.any(String) });
      }
    }),
  );

  test(
    'logs and errors go to stderr only, and a pipe never sees a progress line or a colour',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('a.yaml', classic({ silver: {} }));
      for (const format of ['human', 'json', 'simple']) {
        const run = await w.run(
          'run-intent',
          '--config',
          'a.yaml',
          '--date',
          DATE,
          '-v',
          '--log-format',
          format,
        );
        expectExit(run, 0);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
        expect(run.stdout + run.stderr).not.toMatch(/[\r\u001b]/);
        expect(run.stdout).not.toMatch(/DEBUG|INFO|"level"/);
        if (format === 'json') {
          for (const line of run.stderr.trim().split('\n')) {
            if (line !== '') expect(JSON.parse(line)).toMatchObject({ level: expect.any(String) });
          }
        }
      }
      const failed = await w.run('bronze', '--config', 'absent.yaml');
      expect(failed.stdout).toBe('');
      expect(failed.stderr).toContain('[CFG001]');
    }),
  );

  test(
    'the text report says what landed, where, and how to replace it',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('a.yaml', classic());
      const run = await w.run('bronze', '--config', 'a.yaml', '--date', DATE);
      expectExit(run, 0);
      for (const word of ['s.t', DATE, BRONZE, 'full-part-0001', `--date ${DATE}`]) {
        expect(run.stdout).toContain(word);
      }
      expect(run.stdout).toMatch(/rows\s+3\b/);
    }),
  );

  test(
    'a reader that closes stdout early ends the output, not the run',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('a.yaml', classic());
      for (const output of ['text', 'json']) {
        const piped = Bun.spawnSync(
          [
            'bash',
            '-c',
            `"$0" bronze --config a.yaml --date ${DATE} --output ${output} | true; echo "\${PIPESTATUS[0]}"`,
            foundryBinary(),
          ],
          { cwd: w.folder, stdout: 'pipe', stderr: 'pipe' },
        );
        expect(piped.stdout.toString()).toBe('0\n');
        expect(piped.stderr.toString()).not.toContain('EPIPE');
        expect((await w.read(`${BRONZE}/_metadata.json`)).record_count).toBe(3);
        await rm(w.path('output'), { recursive: true });
      }
    }),
  );

  test(
    'on a terminal a progress line is drawn on stderr and wiped before the report',
    scenario(async (w) => {
      await w.put('in.jsonl', '{"id":1,"v":"some text"}\n'.repeat(50_000));
      await w.put('a.yaml', classic({ file: { path: 'in.jsonl' } }));
      const run = Bun.spawnSync(
        [
          'script',
          '-qec',
          `"${foundryBinary()}" bronze --config a.yaml --date ${DATE} > report.txt`,
          '/dev/null',
        ],
        { cwd: w.folder, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' },
      );
      expect(run.exitCode).toBe(0);
      const screen = run.stdout.toString();
      expect(screen).toMatch(/s\.t · .*rows · .*rows\/s/);
      expect(screen.trimEnd()).toEndWith('\u001b[2K');
      expect(await Bun.file(w.path('report.txt')).text()).toMatch(/rows\s+50,000/);
    }),
  );
});

describe('--dry-run', () => {
  test(
    'creates no file and no folder, and shows what would be read and where each file would go',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put(
        'a.yaml',
        classic({ silver: { model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' } }),
      );
      const before = await w.snapshot();
      const bronze = await w.run('bronze', '--config', 'a.yaml', '--date', DATE, '--dry-run');
      expectExit(bronze, 0);
      for (const word of ['in.csv', BRONZE, 'full-part-0001', 'snappy'])
        expect(bronze.stdout).toContain(word);
      const silver = await w.run('silver', '--config', 'a.yaml', '--date', DATE, '--dry-run');
      const both = await w.run('run-intent', '--config', 'a.yaml', '--date', DATE, '--dry-run');
      expectExit(both, 0);
      expect(both.stdout).toContain(BRONZE);
      expect(both.stdout).toContain(SILVER);
      expect(describeRun(silver)).toContain(BRONZE);
      expect(await w.snapshot()).toEqual(before);
    }),
  );

  test(
    'over a landed lake it shows what would be replaced, and for Silver the columns, keys and SQL, changing nothing',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put(
        'a.yaml',
        classic({ silver: { model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' } }),
      );
      expectExit(await w.run('run-intent', '--config', 'a.yaml', '--date', DATE), 0);
      const before = await w.snapshot();
      const bronze = await w.json(0, 'bronze', '--config', 'a.yaml', '--date', DATE, '--dry-run');
      expect(bronze.document.reports[0].replaces).toMatchObject({ record_count: 3 });
      const silver = await w.run('silver', '--config', 'a.yaml', '--date', DATE, '--dry-run');
      expectExit(silver, 0);
      for (const word of [SILVER, 'id', 'v', 'SELECT', 'scd_type_1', 'current'])
        expect(silver.stdout).toContain(word);
      expect(await w.snapshot()).toEqual(before);
    }),
  );

  test(
    'writes nothing even into the folder of the engine or the working directory of an unwritable lake',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('a.yaml', classic());
      const cache = w.path('cache');
      const run = await runFoundry(['bronze', '--config', 'a.yaml', '--date', DATE, '--dry-run'], {
        cwd: w.folder,
        env: { FOUNDRY_CACHE_DIR: cache },
      });
      expectExit(run, 0);
      expect(await w.files()).toEqual(['a.yaml', 'in.csv']);
    }),
  );
});

describe('the binary by itself', () => {
  test('runs without Node or Bun on the path and with a home that cannot be written', async () => {
    const w = await openWorkspace();
    try {
      await w.put('in.csv', ROWS);
      await w.put('a.yaml', classic({ silver: {} }));
      const run = await runFoundry(['run-intent', '--config', 'a.yaml', '--date', DATE], {
        cwd: w.folder,
        env: { PATH: '/nonexistent', HOME: '/nonexistent', FOUNDRY_CACHE_DIR: w.path('cache') },
      });
      expectExit(run, 0);
      expect((await w.read(`${SILVER}/_metadata.json`)).record_count).toBe(3);
    } finally {
      await w.remove();
    }
  });
});

const STATE = {
  entity_kind: 'state',
  history_mode: 'scd1',
  natural_keys: ['id'],
  change_ts_column: 'ts',
  attributes: ['v'],
};

/** A lake without the lock files and empty folders that runs may leave beside the partitions. */
function withoutSpools(tree: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(tree).filter(([name]) => name.startsWith('system=')));
}
