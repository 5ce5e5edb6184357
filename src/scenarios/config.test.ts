import { describe, expect, test } from 'bun:test';
import { parquetRows } from './readers.ts';
import {
  BRONZE,
  classic,
  csv,
  DATE,
  expectExit,
  intent,
  runFoundry,
  scenario,
  type Workspace,
} from './support.ts';

const ROWS = csv(['id', 'v'], [1, 'a'], [2, 'b'], [3, 'c']);

/** Runs a config that must be refused, and shows that it was refused before anything was written. */
async function refused(w: Workspace, config: object | string, ...words: string[]): Promise<void> {
  await w.put('in.csv', ROWS);
  await w.put('bad.yaml', config);
  for (const args of [['--date', DATE], ['--validate-only'], ['--dry-run']]) {
    const run = await w.run('bronze', '--config', 'bad.yaml', ...args);
    expectExit(run, 2);
    for (const word of words) expect(run.stderr).toContain(word);
    expect(run.stderr).not.toContain('    at ');
  }
  expect(await w.files()).toEqual(['bad.yaml', 'in.csv']);
}

async function settings(w: Workspace, config: string, ...flags: string[]) {
  const { document } = await w.json(0, 'silver', '--config', config, '--validate-only', ...flags);
  return document.reports[0];
}

describe('configs', () => {
  test(
    "scenario 8: a classic config without platform or source is refused, naming 'platform' and 'source'",
    scenario(async (w) => {
      await refused(w, { source: { system: 's', table: 't', file: { path: 'in.csv' } } }, "'platform'");
      await refused(w, { platform: { bronze: { storage_backend: 'local' } } }, "'source'");
    }),
  );

  test(
    'scenario 9: a file source without a path, an unknown format, load pattern or type is each named',
    scenario(async (w) => {
      const { platform } = classic() as { platform: object };
      await refused(
        w,
        { platform, source: { type: 'file', system: 's', table: 't', file: {} } },
        'source.file',
        "'path'",
      );
      await refused(
        w,
        { platform, source: { type: 'file', system: 's', table: 't' } },
        'source.file',
        "'path'",
      );
      await refused(w, classic({ file: { format: 'unsupported' } }), 'source.file.format', '"unsupported"');
      await refused(w, classic({ run: { load_pattern: 'invalid' } }), 'load pattern', '"invalid"');
      await refused(
        w,
        classic({ source: { type: 'invalid_type' } }),
        'Invalid source.type',
        '"invalid_type"',
      );
    }),
  );

  test(
    'scenario 10: parallel_workers 0 is no positive integer',
    scenario((w) =>
      refused(w, classic({ run: { parallel_workers: 0 } }), 'parallel_workers must be a positive integer'),
    ),
  );

  test(
    'scenario 11: require_checksum must be a boolean, not a word',
    scenario((w) =>
      refused(
        w,
        classic({ silver: { require_checksum: 'yes' } }),
        'silver.require_checksum',
        'true or false',
      ),
    ),
  );

  test(
    'scenario 12: current_history without keys names silver.primary_keys and silver.order_column',
    scenario(async (w) => {
      await refused(
        w,
        classic({ run: { load_pattern: 'current_history' } }),
        'silver.primary_keys',
        'silver.order_column',
      );
      await refused(
        w,
        classic({ run: { load_pattern: 'current_history' }, silver: {} }),
        'silver.primary_keys',
      );
    }),
  );

  test(
    'scenario 13: model_profile analytics makes scd_type_2 of a full load, and wins over model',
    scenario(async (w) => {
      const keys = { primary_keys: ['id'], order_column: 'v' };
      await w.put(
        'a.yaml',
        classic({ silver: { ...keys, model_profile: 'Analytics', model: 'scd_type_1' } }),
      );
      expect(await settings(w, 'a.yaml')).toMatchObject({ load_pattern: 'full', silver_model: 'scd_type_2' });
      await w.put('b.yaml', classic({ silver: { ...keys, model_profile: 'analitics' } }));
      const wrong = await w.run('silver', '--config', 'b.yaml', '--validate-only');
      expectExit(wrong, 2);
      expect(wrong.stderr).toContain('analytics');
    }),
  );

  test(
    'scenario 14: ${NAME} in texts is replaced after parsing: set, default, empty default, colons, several, numbers',
    scenario(async (w) => {
      await w.put('lake in/a:b-x.csv', ROWS);
      await w.put(
        'a.yaml',
        [
          'platform: {bronze: {storage_backend: local}}',
          'source:',
          '  system: ${SYS}',
          '  table: "t${EMPTY:}${UNSET:-_dash}"',
          '  file:',
          '    path: "${DIR} ${SUB}/${UNSET:a:b}-${TAIL}.csv"',
          '    has_header: true',
          '    limit_rows: ${N}',
          '    null_values: [null-text, "$${UNSET}"]',
          '  run: {max_rows_per_file: 1, pattern_folder: "${FOLDER:full}"}',
          '',
        ].join('\n'),
      );
      const env = { SYS: 's', DIR: 'lake', SUB: 'in', TAIL: 'x', N: '2', EMPTY: '' };
      const run = await runFoundry(['bronze', '--config', 'a.yaml', '--date', DATE], { cwd: w.folder, env });
      expectExit(run, 0);
      const folder = `output/system=s/table=t_dash/pattern=full/dt=${DATE}`;
      expect(await parquetRows(w.path(folder, '*.parquet'))).toMatchObject([{ id: '1' }, { id: '2' }]);
      const metadata = await w.read(`${folder}/_metadata.json`);
      expect(metadata).toMatchObject({ record_count: 2, chunk_count: 2 });

      const { SYS: _, ...missing } = env;
      const failed = await runFoundry(['bronze', '--config', 'a.yaml', '--date', DATE], {
        cwd: w.folder,
        env: missing,
      });
      expectExit(failed, 2);
      expect(failed.stderr).toContain('SYS');
      expect(failed.stderr).toMatch(/a\.yaml:3:\d+ source\.system/);
      const message = { ...env, SYS: 's' };
      await w.put('b.yaml', { ...classic(), environment: '${WHERE:?say where to run}' });
      const required = await runFoundry(['bronze', '--config', 'b.yaml', '--dry-run'], {
        cwd: w.folder,
        env: message,
      });
      expectExit(required, 2);
      expect(required.stderr).toContain('say where to run');
    }),
  );

  test(
    'scenario 15: sources with two named entries are two datasets in order; an entry changes the shared silver key by key',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      const entry = (name: string, silver?: object) => ({
        name,
        source: { system: 's', table: name, file: { path: 'in.csv' } },
        ...(silver === undefined ? {} : { silver }),
      });
      await w.put('m.yaml', {
        platform: { bronze: { storage_backend: 'local' } },
        sources: [entry('one'), entry('two', { entity: 'other', write_csv: true })],
        silver: { domain: 'shared', version: 3 },
      });
      const { document } = await w.json(0, 'run-intent', '--config', 'm.yaml', '--date', DATE);
      expect(document.reports.map((report) => [report.dataset, report.layer])).toEqual([
        ['one', 'bronze'],
        ['one', 'silver'],
        ['two', 'bronze'],
        ['two', 'silver'],
      ]);
      const formats = async (entity: string): Promise<string[]> => {
        const manifest = await w.read(
          `silver_output/domain=shared/entity=${entity}/v3/load_date=${DATE}/_metadata.json`,
        );
        return manifest.files.map((file: { format: string }) => file.format).sort();
      };
      expect(await formats('one')).toEqual(['parquet']);
      expect(await formats('other')).toEqual(['csv', 'parquet']);
    }),
  );

  test(
    'scenario 16: datasets of an intent file are named by name, or by system and entity',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      const { system, entity, bronze, silver } = intent({
        silver: { entity_kind: 'state', natural_keys: ['id'], change_ts_column: 'id', attributes: ['v'] },
      }) as Record<string, unknown>;
      await w.put('d.yaml', {
        environment: 'dev',
        datasets: [
          { name: 'named', system, entity, bronze, silver },
          { system, entity: 'u', bronze, silver, environment: 'prod' },
        ],
      });
      const { document } = await w.json(0, 'bronze', '--config', 'd.yaml', '--date', DATE);
      expect(document.reports.map((report) => [report.dataset, report.partition])).toEqual([
        ['named', `env=dev/system=s/table=t/pattern=full/dt=${DATE}`],
        ['s.u', `env=prod/system=s/table=u/pattern=full/dt=${DATE}`],
      ]);
    }),
  );

  test(
    'scenario 68: silver of a config with two sources asks which one, and refuses a name that is none of them',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      const entry = (table: string) => ({
        name: table,
        source: { system: 's', table, file: { path: 'in.csv' } },
      });
      await w.put('m.yaml', {
        platform: { bronze: { storage_backend: 'local' } },
        sources: [entry('one'), entry('two')],
        silver: {},
      });
      expectExit(await w.run('bronze', '--config', 'm.yaml', '--date', DATE), 0);
      const which = await w.run('silver', '--config', 'm.yaml', '--date', DATE);
      expectExit(which, 2);
      for (const word of ['--source-name', 'one', 'two']) expect(which.stderr).toContain(word);
      const unknown = await w.run('silver', '--config', 'm.yaml', '--date', DATE, '--source-name', 'three');
      expectExit(unknown, 2);
      expect(unknown.stderr).toContain('three');
      const { document } = await w.json(
        0,
        ...['silver', '--config', 'm.yaml', '--date', DATE, '--source-name', 'two'],
      );
      expect(document.reports.map((report) => report.dataset)).toEqual(['two']);
    }),
  );

  test(
    'scenario 26: with both formats off nothing can be written, which is a config error',
    scenario(async (w) => {
      await refused(w, classic({ run: { write_parquet: false } }), 'write_parquet');
      await refused(
        w,
        classic({ run: { write_parquet: false, write_csv: false } }),
        'Parquet and CSV are both off',
      );
      await refused(
        w,
        classic({
          run: { write_csv: true },
          bronze: { output_defaults: { allow_parquet: false, allow_csv: false } },
        }),
        'output_defaults',
      );
      await w.put('in.csv', ROWS);
      await w.put('silver.yaml', classic({ silver: { write_parquet: false } }));
      expectExit(await w.run('silver', '--config', 'silver.yaml', '--date', DATE), 2);
      await w.put('ok.yaml', classic({ silver: {} }));
      expectExit(await w.run('bronze', '--config', 'ok.yaml', '--date', DATE), 0);
      expectExit(await w.run('silver', '--config', 'ok.yaml', '--date', DATE, '--no-write-parquet'), 2);
      expect(await w.files('silver_output')).toEqual([]);
    }),
  );

  test(
    'scenario 44: a headerless TSV without fieldnames, a path named _metadata.json and format xml are refused',
    scenario(async (w) => {
      await refused(w, classic({ file: { path: 'in.tsv', has_header: false } }), 'fieldnames');
      await refused(w, classic({ file: { path: 'lake/_metadata.json' } }), '_metadata.json');
      await refused(w, classic({ file: { path: 'in.xml', format: 'xml' } }), 'source.file.format', '"xml"');
    }),
  );

  test(
    'scenario 48: scd_type_1 without keys or order column is refused, from the config and from the flags',
    scenario(async (w) => {
      await w.put('in.csv', ROWS);
      await w.put('order.yaml', classic({ silver: { model: 'scd_type_1', primary_keys: ['id'] } }));
      await w.put('keys.yaml', classic({ silver: { model: 'scd_type_1', order_column: 'v' } }));
      await w.put('plain.yaml', classic({ silver: {} }));
      const cases: readonly (readonly [string, string[], string])[] = [
        ['order.yaml', [], 'order_column'],
        ['keys.yaml', [], 'primary_keys'],
        ['plain.yaml', ['--silver-model', 'scd_type_1'], 'primary'],
        ['plain.yaml', ['--silver-model', 'scd_type_2', '--primary-key', 'id'], 'order'],
      ];
      for (const [config, flags, word] of cases) {
        const run = await w.run('silver', '--config', config, '--validate-only', ...flags);
        expectExit(run, 2);
        expect(run.stderr).toContain(word);
      }
      const given = ['--silver-model', 'scd_type_1', '--primary-key', 'id', '--order-column', 'v'];
      expect(await settings(w, 'plain.yaml', ...given)).toMatchObject({ silver_model: 'scd_type_1' });
    }),
  );

  test(
    'every problem of a config is told at once, with line, column, path and the nearest known key',
    scenario(async (w) => {
      await w.put(
        'bad.yaml',
        [
          'platform:',
          '  bronze:',
          '    storage_backend: locl',
          'source:',
          '  system: ../up',
          '  table: t',
          '  file:',
          '    path: in.csv',
          '    limit_row: 5',
          '  run:',
          '    max_file_size_mb: 0',
          '',
        ].join('\n'),
      );
      const run = await w.run('bronze', '--config', 'bad.yaml');
      expectExit(run, 2);
      expect(run.stderr).toMatch(/bad\.yaml:3:22 platform\.bronze\.storage_backend: .*did you mean "local"/);
      expect(run.stderr).toMatch(/bad\.yaml:5:11 source\.system: /);
      expect(run.stderr).toMatch(/bad\.yaml:9:5 source\.file\.limit_row: .*did you mean "limit_rows"/);
      expect(run.stderr).toMatch(/bad\.yaml:11:23 source\.run\.max_file_size_mb: /);
      const { document } = await w.json(2, 'bronze', '--config', 'bad.yaml');
      expect(document.errors[0]).toMatchObject({
        code: 'CFG001',
        problems: expect.arrayContaining([
          expect.objectContaining({ line: 9, path: 'source.file.limit_row' }),
        ]),
      });
    }),
  );

  test(
    'files that are no config are refused with a place: broken YAML, a list, an empty file, a folder, binary',
    scenario(async (w) => {
      await w.put('broken.yaml', 'platform:\n  bronze: [\n');
      await w.put('list.yaml', '- a\n- b\n');
      await w.put('empty.yaml', '');
      await w.put('folder.yaml/x', '');
      await w.put('binary.yaml', new Uint8Array([0, 1, 2, 255, 254, 0]));
      await w.put('twice.yaml', 'platform: {}\nplatform: {}\n');
      for (const name of ['broken', 'list', 'empty', 'folder', 'binary', 'twice']) {
        const run = await w.run('bronze', '--config', `${name}.yaml`);
        expectExit(run, 2);
        expect(run.stderr).toContain(`${name}.yaml`);
        expect(run.stderr).not.toContain('    at ');
      }
    }),
  );

  test(
    'a value from the environment is never printed, neither in errors nor in plans of what was refused',
    scenario(async (w) => {
      await w.put(
        'bad.yaml',
        classic({ run: { load_pattern: '${TOKEN}' }, file: { path: 's3://${TOKEN}/x' } }),
      );
      const run = await runFoundry(['bronze', '--config', 'bad.yaml', '-v'], {
        cwd: w.folder,
        env: { TOKEN: 'hunter2-hunter2' },
      });
      expectExit(run, 2);
      expect(run.stdout + run.stderr).not.toContain('hunter2');
    }),
  );

  test(
    'a source path that is absent in the working directory is looked for beside the config; an error names both',
    scenario(async (w) => {
      await w.put('conf/in.csv', ROWS);
      await w.put('conf/a.yaml', classic());
      expectExit(await w.run('bronze', '--config', 'conf/a.yaml', '--date', DATE), 0);
      expect((await w.read(`${BRONZE}/_metadata.json`)).record_count).toBe(3);
      await w.put('conf/b.yaml', classic({ file: { path: 'absent.csv' } }));
      const run = await w.run('bronze', '--config', 'conf/b.yaml', '--date', DATE);
      expectExit(run, 4);
      expect(run.stderr).toContain(w.path('absent.csv'));
      expect(run.stderr).toContain(w.path('conf/absent.csv'));
    }),
  );
});
