import { expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { queryDuckdb } from '../testing/parquet.ts';
import { BRONZE, classic, DATE, expectExit, runFoundry, scenario } from './support.ts';

test(
  'bronze --preview shows the first rows and their columns, as a table and as JSON, and writes nothing',
  scenario(async (w) => {
    await w.put(
      'in.jsonl',
      '{"id":9007199254740993,"price":1.50,"note":"a\\u001b[2J"}\n{"id":2,"price":null}\n{"id":"x"}\n',
    );
    await w.put('c.yaml', classic({ file: { path: 'in.jsonl', format: 'jsonl' } }));
    const before = await w.snapshot();
    const shown = await w.run('bronze', '--config', 'c.yaml', '--preview', '2');
    expectExit(shown, 0);
    expect(shown.stdout).toBe(
      [
        'preview: bronze s.t (nothing is written)',
        '  source  jsonl file in.jsonl',
        '  rows    the first 2',
        '',
        '  id                price   note',
        '  int64             double  string',
        '  ----------------  ------  ----------',
        '  9007199254740993  1.5     a\\u001b[2J',
        '  2                 NULL    NULL',
        '',
      ].join('\n'),
    );
    const { document } = await w.json(0, 'bronze', '--config', 'c.yaml', '--preview', '3');
    expect(document.reports).toEqual([
      {
        dataset: 's.t',
        layer: 'bronze',
        status: 'preview',
        source: 'jsonl file in.jsonl',
        columns: [
          { name: 'id', type: 'string' },
          { name: 'price', type: 'double' },
          { name: 'note', type: 'string' },
        ],
        rows: [
          ['9007199254740993', '1.5', 'a\u001b[2J'],
          ['2', null, null],
          ['x', null, null],
        ],
      },
    ]);
    expect(await w.snapshot()).toEqual(before);
  }),
);

test(
  'a preview of every kind of file reads what it shows, and not the rest',
  scenario(async (w) => {
    const rest = 'broken "'.repeat(400_000);
    await w.put('in.csv', `id,v\n1,a\n2,b\n${rest}`);
    await w.put('in.tsv', `id\tv\n1\ta\n2\tb\n${rest}`);
    await w.put('in.json', `{"rows":[{"id":1,"v":"a"},{"id":2,"v":"b"},${' '.repeat(3_000_000)}oops`);
    await w.put('in.jsonl', `{"id":1,"v":"a"}\n{"id":2,"v":"b"}\n${'\n'.repeat(3_000_000)}oops`);
    const values = "VALUES (1, 'a'), (2, 'b'), (3, 'c')";
    await queryDuckdb(`COPY (SELECT * FROM (${values}) AS t(id, v)) TO '${w.path('in.parquet')}'`);
    for (const format of ['csv', 'tsv', 'json', 'jsonl', 'parquet']) {
      const file = { path: `in.${format}`, ...(format === 'json' ? { json_path: 'rows' } : {}) };
      await w.put('c.yaml', classic({ file, run: { write_csv: true } }));
      const { document } = await w.json(0, 'bronze', '--config', 'c.yaml', '--preview', '2');
      expect([format, document.reports[0].rows]).toEqual([
        format,
        [
          ['1', 'a'],
          ['2', 'b'],
        ],
      ]);
    }
    expect(existsSync(w.path('output'))).toBe(false);
  }),
);

test(
  'wrong previews are told what to do, and one of a source that is not there fails as a run would',
  scenario(async (w) => {
    await w.put('c.yaml', classic({ file: { path: 'in.csv' } }));
    for (const [flags, message] of [
      [['--preview', '0'], '--preview: "0" is not a number of rows from 1 to 1000'],
      [['--preview', 'all'], '--preview: "all" is not a number of rows'],
      [['--preview', '5', '--dry-run'], '--preview and --dry-run are two things; give one'],
    ] as const) {
      const refused = await w.run('bronze', '--config', 'c.yaml', ...flags);
      expectExit(refused, 2);
      expect(refused.stderr).toContain(message);
    }
    expectExit(await w.run('bronze', '--config', 'c.yaml', '--preview', '5'), 4);
    await w.put('in.csv', 'id\n1\nx\n');
    await w.put('c.yaml', classic({ file: { path: 'in.csv', types: { id: 'int64' } } }));
    const refused = await w.run('bronze', '--config', 'c.yaml', '--preview', '5');
    expectExit(refused, 3);
    expect(refused.stderr).toContain('in.csv:3: column "id": "x" is not exactly an int64');
  }),
);

test(
  'without a place for temporary files a preview says so, and what lies on this disk is shown all the same',
  scenario(async (w) => {
    await w.put('in.csv', 'id,v\n1,a\n');
    await w.put('c.yaml', classic());
    expectExit(await w.run('bronze', '--config', 'c.yaml', '--date', DATE), 0);
    // Nobody, the superuser included, can make a folder there.
    const env = { TMPDIR: '/proc' };
    const preview = await runFoundry(['bronze', '--config', 'c.yaml', '--preview', '1'], {
      cwd: w.folder,
      env,
    });
    expectExit(preview, 5);
    expect(preview.stderr).toContain('[STG001] could not create a folder in /proc');
    expect(preview.stderr).not.toContain('    at ');
    const shown = await runFoundry(['show', BRONZE, '--rows', '1'], { cwd: w.folder, env });
    expectExit(shown, 0);
    expect(shown.stdout).toContain('data: 1 row');
  }),
);
