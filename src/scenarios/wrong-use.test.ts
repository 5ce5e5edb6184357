import { describe, expect, test } from 'bun:test';
import { chmod, mkdir, rm, symlink } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { duckdb, quote } from './readers.ts';
import {
  BRONZE,
  classic,
  csv,
  DATE,
  expectExit,
  jsonl,
  runFoundry,
  scenario,
  type Workspace,
} from './support.ts';

/** Lands a file that must be refused with a code and words, leaving neither a partition nor a spool. */
async function refused(
  w: Workspace,
  exitCode: number,
  file: object,
  ...words: (string | RegExp)[]
): Promise<void> {
  for (const write_csv of [false, true]) {
    await w.put('a.yaml', classic({ file: { ...file }, run: { write_csv } }));
    const { document, stderr } = await w.json(exitCode, 'bronze', '--config', 'a.yaml', '--date', DATE);
    expect(document.reports).toEqual([]);
    expect(document.errors).toHaveLength(1);
    expect(document.errors[0]?.code).not.toBe('ERR000');
    for (const word of words) {
      if (typeof word === 'string') expect(stderr).toContain(word);
      else expect(stderr).toMatch(word);
    }
    expect(stderr).not.toContain('    at ');
    expect(await w.files('output')).toEqual([]);
    expect(await w.spooled('output')).toBe(0);
  }
}

describe('sources that are not what they should be', () => {
  test(
    'a missing file, a glob that matches nothing and an empty folder are refused, naming the path',
    scenario(async (w) => {
      await mkdir(w.path('nothing'));
      await refused(w, 4, { path: 'absent.csv' }, w.path('absent.csv'));
      await refused(w, 4, { path: 'nothing/*.csv' }, 'nothing/*.csv');
      await refused(w, 4, { path: 'nothing' }, 'nothing');
    }),
  );

  test(
    'a folder that is named like a file, and a path that goes through a file, are refused without a stack',
    scenario(async (w) => {
      await mkdir(w.path('in.csv'));
      await refused(w, 4, { path: 'in.csv' }, 'in.csv');
      await w.put('plain.csv', 'id\n1\n');
      await refused(w, 4, { path: 'plain.csv/more.csv' }, 'plain.csv/more.csv');
      await symlink('loop.csv', w.path('loop.csv'));
      await refused(w, 4, { path: 'loop.csv' }, 'loop.csv');
    }),
  );

  test(
    'a file that this user may not read is refused with exit 4, a lake that it may not write with exit 5',
    scenario(async (w) => {
      const prefix = unprivileged();
      if (prefix === undefined) return;
      await w.put('in.csv', csv(['id'], [1]));
      await w.put('a.yaml', classic());
      await chmod(w.folder, 0o777);
      await chmod(w.path('in.csv'), 0o600);
      const env = { FOUNDRY_CACHE_DIR: w.path('cache-of-another-user') };
      const args = ['bronze', '--config', 'a.yaml', '--date', DATE];
      const unreadable = await runFoundry(args, { cwd: w.folder, env, prefix });
      expectExit(unreadable, 4);
      expect(unreadable.stderr).toContain('in.csv');
      expect(unreadable.stderr).toContain('permission');
      await chmod(w.path('in.csv'), 0o644);
      await rm(w.path('output'), { recursive: true, force: true });
      await mkdir(w.path('output'), { mode: 0o755 });
      const unwritable = await runFoundry(args, { cwd: w.folder, env, prefix });
      expectExit(unwritable, 5);
      expect(unwritable.stderr).toContain('output');
      expect(await w.files('output')).toEqual([]);
      await chmod(w.path('output'), 0o777);
      expectExit(await runFoundry(args, { cwd: w.folder, env, prefix }), 0);
    }),
  );

  test(
    'an empty CSV has no header, which is an error; a CSV of only a header is an empty table with columns',
    scenario(async (w) => {
      await w.put('in.csv', '');
      await refused(w, 3, { path: 'in.csv' }, 'in.csv');
      await w.put('in.csv', '\uFEFF');
      await refused(w, 3, { path: 'in.csv' }, 'in.csv');
      await w.put('in.csv', 'id,v\n');
      await w.put('a.yaml', classic());
      const { document } = await w.json(0, 'bronze', '--config', 'a.yaml', '--date', DATE);
      expect(document.reports[0]).toMatchObject({ status: 'empty', rows: 0 });
      expect(await w.read(`${BRONZE}/_metadata.json`)).toMatchObject({
        status: 'empty',
        schema: [{ name: 'id' }, { name: 'v' }],
      });
    }),
  );

  test(
    'binary data as CSV, invalid UTF-8 and NUL bytes are refused with file and line',
    scenario(async (w) => {
      const noise = new Uint8Array(65_536);
      crypto.getRandomValues(noise);
      await w.put('in.csv', noise);
      await refused(w, 3, { path: 'in.csv' }, /in\.csv:\d+/);
      await w.put(
        'in.csv',
        Buffer.concat([Buffer.from('id,v\n1,a\n2,caf'), Buffer.from([0xe9]), Buffer.from('\n')]),
      );
      await refused(w, 3, { path: 'in.csv' }, 'in.csv:3', 'UTF-8');
      await w.put('in.csv', 'id,v\n1,a\u0000b\n');
      await refused(w, 3, { path: 'in.csv' }, 'in.csv:2', 'NUL');
      await w.put(
        'in.jsonl',
        Buffer.concat([Buffer.from('{"a":1}\n{"a":"'), Buffer.from([0xff]), Buffer.from('"}\n')]),
      );
      await refused(w, 3, { path: 'in.jsonl' }, 'in.jsonl:2', 'UTF-8');
      await w.put('in.csv', Buffer.from('\uFEFFid,v\n1,a\n', 'utf16le'));
      await refused(w, 3, { path: 'in.csv' }, 'in.csv:1');
    }),
  );

  test(
    'a truncated or damaged .gz is refused, never landed as a shorter table',
    scenario(async (w) => {
      const rows = Array.from(
        { length: 50_000 },
        (_, i) => `${i},${Bun.hash(String(i)).toString(36)}\n`,
      ).join('');
      const whole = gzipSync(`id,v\n${rows}`);
      await w.put('in.csv.gz', whole.subarray(0, whole.length / 2));
      await refused(w, 3, { path: 'in.csv.gz' }, 'in.csv.gz');
      await w.put('in.csv.gz', whole.subarray(0, whole.length - 4));
      await refused(w, 3, { path: 'in.csv.gz' }, 'in.csv.gz');
      const damaged = Buffer.from(whole);
      damaged[whole.length - 6] = (damaged[whole.length - 6] ?? 0) ^ 0xff;
      await w.put('in.csv.gz', damaged);
      await refused(w, 3, { path: 'in.csv.gz' }, 'in.csv.gz');
      await w.put('in.csv.gz', 'id,v\n1,a\n');
      await refused(w, 3, { path: 'in.csv.gz' }, 'in.csv.gz');
      await w.put('in.jsonl.gz', gzipSync(jsonl({ id: 1 }, { id: 2 })).subarray(0, 25));
      await refused(w, 3, { path: 'in.jsonl.gz' }, 'in.jsonl.gz');
    }),
  );

  test(
    'CSV records of another length, open quotes and repeated column names are refused with their line',
    scenario(async (w) => {
      await w.put('in.csv', 'id,v\n1,a\n2\n3,c\n');
      await refused(w, 3, { path: 'in.csv' }, 'in.csv:3');
      await w.put('in.csv', 'id,v\n1,a\n2,b,c\n');
      await refused(w, 3, { path: 'in.csv' }, 'in.csv:3');
      await w.put('in.csv', 'id,v\n1,"a\n2,b\n3,c\n');
      await refused(w, 3, { path: 'in.csv' }, 'in.csv:2');
      await w.put('in.csv', 'id,v,id\n1,a,2\n');
      await refused(w, 3, { path: 'in.csv' }, '"id"', 'twice');
    }),
  );

  test(
    'a value that does not fit its type is refused with file, line, column and value',
    scenario(async (w) => {
      const cases: readonly (readonly [string, string])[] = [
        ['int64', '9223372036854775808'],
        ['int64', '1.0'],
        ['int32', '2147483648'],
        ['decimal(5,2)', '1.005'],
        ['decimal(5,2)', '1000.00'],
        ['date', '2025-02-30'],
        ['timestamp', '2025-01-01T00:00:00.1234567'],
        ['timestamp', '2025-01-01T00:00:00Z'],
        ['timestamptz', '2025-01-01T00:00:00'],
        ['boolean', 'maybe'],
        ['double', '1e999'],
      ];
      for (const [type, value] of cases) {
        await w.put('in.csv', `id,v\n1,\n2,\n3,${value}\n4,\n`);
        await refused(w, 3, { path: 'in.csv', types: { v: type } }, 'in.csv:4', '"v"', value);
      }
      await w.put('a.yaml', classic({ file: { types: { absent: 'int64' } } }));
      const absent = await w.run('bronze', '--config', 'a.yaml', '--date', DATE);
      expect([2, 3]).toContain(absent.exitCode);
      expect(absent.stderr).toContain('absent');
    }),
  );

  test(
    'JSON that is malformed at some line, cut off, or of another shape is refused there',
    scenario(async (w) => {
      await w.put('in.jsonl', '{"id":1}\n{"id":2}\n{"id":3,}\n{"id":4}\n');
      await refused(w, 3, { path: 'in.jsonl' }, 'in.jsonl:3');
      await w.put('in.jsonl', '{"id":1}\n{"id":2');
      await refused(w, 3, { path: 'in.jsonl' }, 'in.jsonl:2');
      await w.put('in.jsonl', '{"id":1} {"id":2}\n');
      await refused(w, 3, { path: 'in.jsonl' }, 'in.jsonl:1');
      await w.put('in.jsonl', '{"id":1,"id":2}\n');
      await refused(w, 3, { path: 'in.jsonl' }, 'in.jsonl:1', '"id"');
      await w.put('in.json', '[{"id":1},\n{"id":2},\n{"id":');
      await refused(w, 3, { path: 'in.json' }, 'in.json');
      await w.put('in.json', '[{"id":1}]\n[{"id":2}]');
      await refused(w, 3, { path: 'in.json' }, 'in.json');
      await w.put('in.json', '{"a":{"b":5}}');
      await refused(w, 3, { path: 'in.json', json_path: 'a.c' }, 'a.c');
      await refused(w, 3, { path: 'in.json', json_path: 'a.b.c' }, 'a.b.c');
      await w.put('in.json', '');
      await refused(w, 3, { path: 'in.json' }, 'in.json');
    }),
  );

  test(
    'Parquet that is none, cut off, damaged, or holds what cannot be kept is refused, naming file and column',
    scenario(async (w) => {
      await w.put('in.parquet', 'id,v\n1,a\n');
      await refused(w, 3, { path: 'in.parquet' }, 'in.parquet');
      await duckdb(
        `COPY (SELECT range AS id, MAP {[range]: 1} AS tags FROM range(10)) TO ${quote(w.path('nested.parquet'))}`,
      );
      await refused(w, 3, { path: 'nested.parquet' }, '"tags"');
      await duckdb(
        `COPY (SELECT TIMESTAMP_NS '2025-01-01 00:00:00.123456789' AS at) TO ${quote(w.path('nanos.parquet'))}`,
      );
      await refused(w, 3, { path: 'nanos.parquet' }, 'nanos.parquet', '"at"', '123456789');
      await duckdb(`COPY (SELECT range AS id FROM range(10000)) TO ${quote(w.path('whole.parquet'))}`);
      const bytes = new Uint8Array(await Bun.file(w.path('whole.parquet')).arrayBuffer());
      await w.put('cut.parquet', bytes.subarray(0, bytes.length - 20));
      await refused(w, 3, { path: 'cut.parquet' }, 'cut.parquet');
      bytes.fill(0xff, 4000, 4050);
      await w.put('damaged.parquet', bytes);
      await refused(w, 3, { path: 'damaged.parquet' }, 'damaged.parquet');
      await duckdb(`COPY (SELECT 1 AS id, 2 AS file_row_number) TO ${quote(w.path('reserved.parquet'))}`);
      await refused(w, 3, { path: 'reserved.parquet' }, 'reserved.parquet', '"file_row_number"');
      await w.put('empty.parquet', '');
      await refused(w, 3, { path: 'empty.parquet' }, 'empty.parquet');
    }),
  );

  test(
    'column names that SQL cannot name or tell apart never end in a bug report',
    scenario(async (w) => {
      await w.put('in.jsonl', '{"a\\u0000b":1}\n');
      await refused(w, 3, { path: 'in.jsonl' }, 'in.jsonl', 'NUL');
      for (const names of [
        ['a', 'A'],
        ['file_row_number', 'x'],
        ['__row', 'x'],
        ['', 'x'],
        ['"', "';--"],
        ['select', 'from'],
      ]) {
        await w.put('in.jsonl', jsonl(Object.fromEntries(names.map((name, i) => [name, i]))));
        await w.put('a.yaml', classic({ file: { path: 'in.jsonl' }, silver: {} }));
        const run = await w.run('run-intent', '--config', 'a.yaml', '--date', DATE);
        expect([0, 3]).toContain(run.exitCode);
        expect(run.stderr).not.toContain('ERR000');
      }
    }),
  );

  test(
    'an extension that names no format asks for the file option "format"',
    scenario(async (w) => {
      await w.put('in.dat', 'id\n1\n');
      await w.put('a.yaml', classic({ file: { path: 'in.dat' } }));
      const run = await w.run('bronze', '--config', 'a.yaml', '--date', DATE);
      expect([2, 3, 4]).toContain(run.exitCode);
      expect(run.stderr).toContain('in.dat');
      expect(run.stderr).toContain('format');
      expect(await w.files('output')).toEqual([]);
    }),
  );

  test(
    'a lake whose base is a file, and a manifest that is broken, end in exit 5 and name it',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id'], [1]));
      await w.put('output', 'a file');
      await w.put('a.yaml', classic());
      const run = await w.run('bronze', '--config', 'a.yaml', '--date', DATE);
      expectExit(run, 5);
      expect(run.stderr).toContain('output');
      await w.put('b.yaml', classic({ run: { local_output_dir: 'lake' }, silver: {} }));
      expectExit(await w.run('bronze', '--config', 'b.yaml', '--date', DATE), 0);
      const manifest = BRONZE.replace('output/', 'lake/');
      await w.put(`${manifest}/_metadata.json`, '{"format_version": 1,');
      const broken = await w.run('silver', '--config', 'b.yaml', '--date', DATE);
      expectExit(broken, 5);
      expect(broken.stderr).toContain('_metadata.json');
      // As its hint says, landing the partition again mends it.
      expectExit(await w.run('run-intent', '--config', 'b.yaml', '--date', DATE), 0);
    }),
  );

  test(
    'an engine cache that cannot be written is named, with what to set',
    scenario(async (w) => {
      await w.put('in.csv', csv(['id'], [1]));
      await w.put('a.yaml', classic({ silver: {} }));
      await w.put('cache', 'a file, no folder');
      const run = await runFoundry(['run-intent', '--config', 'a.yaml', '--date', DATE], {
        cwd: w.folder,
        env: { FOUNDRY_CACHE_DIR: w.path('cache') },
      });
      expectExit(run, 5);
      expect(run.stderr).toContain('FOUNDRY_CACHE_DIR');
    }),
  );
});

/** The words that drop root's rights; undefined, said on stderr, where that cannot be done. */
function unprivileged(): string[] | undefined {
  if (process.getuid?.() !== 0) return [];
  const prefix = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
  if (Bun.which('setpriv') !== null && Bun.spawnSync([...prefix, 'true']).success) return prefix;
  process.stderr.write('SKIPPED: root without setpriv(1) can read every file\n');
  return undefined;
}
