import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import { duckdb } from './readers.ts';
import { openWorkspace, type Workspace } from './support.ts';

const inWorkspace = (claim: (w: Workspace) => Promise<void>) => async () => {
  const w = await openWorkspace();
  try {
    await claim(w);
  } finally {
    await w.remove();
  }
};

function config(source: Readonly<Record<string, unknown>>): object {
  return {
    platform: { bronze: { storage_backend: 'local' } },
    source: { system: 's', table: 't', run: { load_pattern: 'cdc' }, ...source },
  };
}

const TAP = join(import.meta.dir, '..', '..', 'fixtures', 'singer', 'tap-mysql');
const LANDED = 'output/system=s/table=t/pattern=cdc';
const bronze = (date: string, ...flags: string[]) => [
  'bronze',
  '--config',
  'c.yaml',
  '--date',
  date,
  ...flags,
];

async function rows(w: Workspace, columns = '*') {
  return duckdb(
    `SELECT ${columns} FROM read_parquet('${w.path(LANDED)}/**/*.parquet', hive_partitioning = false) ORDER BY ALL`,
  );
}

describe('an extractor of one’s own', () => {
  test(
    'is TypeScript beside the config, imports its own modules, and keeps every digit',
    inWorkspace(async (w) => {
      await w.put('conf/lib/base.ts', 'export const base: bigint = 9007199254740993n;');
      await w.put(
        'conf/numbers.ts',
        `import { base } from './lib/base.ts';
         export class Numbers {
           async *extract({ params, runDate }: { params: { n: number }; runDate: string }) {
             for (let i = 0; i < params.n; i += 1) yield [{ id: base + BigInt(i), day: runDate, nested: { i } }];
           }
         }`,
      );
      const custom = { module: 'numbers.ts', class_name: 'Numbers', params: { n: 2 } };
      await w.put('conf/c.yaml', config({ type: 'custom', custom_extractor: custom }));
      const args = ['bronze', '--config', 'conf/c.yaml', '--date', '2025-01-05'];
      const { document } = await w.json(0, ...args);
      expect(document.reports[0]).toMatchObject({ status: 'complete', rows: 2 });
      expect(await rows(w)).toEqual([
        { id: 9007199254740993n, day: '2025-01-05', nested: '{"i":0}' },
        { id: 9007199254740994n, day: '2025-01-05', nested: '{"i":0}'.replace('0', '1') },
      ]);
    }),
  );

  test(
    'that fails is named with its line, and nothing is committed',
    inWorkspace(async (w) => {
      await w.put('c.yaml', config({ type: 'custom', custom_extractor: { module: 'bad.ts' } }));
      await w.put(
        'bad.ts',
        'export default function* () {\n  yield { a: 1 };\n  throw new Error("no luck");\n}\n',
      );
      const failed = await w.json(4, ...bronze('2025-01-05'));
      expect(failed.document.errors[0]).toMatchObject({
        code: 'EXT001',
        message: expect.stringMatching(/bad\.ts:3:\d+: the extractor failed after row 1: no luck$/),
      });
      expect(await w.files()).toEqual(['bad.ts', 'c.yaml']);
      await w.put('bad.ts', 'export const x: number = ;\n');
      const broken = await w.json(4, ...bronze('2025-01-05'));
      expect(broken.document.errors[0]?.message).toMatch(/bad\.ts(:1)?.*the extractor cannot be loaded/);
      await w.put('bad.ts', 'export class A { fetch() {} }\nexport class B {}\n');
      await w.put('c.yaml', config({ type: 'custom', custom_extractor: { module: 'bad', class_name: 'a' } }));
      const missing = await w.json(4, ...bronze('2025-01-05'));
      expect(missing.document.errors[0]?.message).toContain(
        'exports no class or function a (did you mean "A"?)',
      );
    }),
  );

  test(
    'that waits for what never comes, fails where nobody waits, or ends the process is no success',
    inWorkspace(async (w) => {
      await w.put('c.yaml', config({ type: 'custom', custom_extractor: { module: 'bad.ts' } }));
      const failing: readonly (readonly [string, string])[] = [
        [
          'yield { a: 1 }; await new Promise(() => {});',
          'after row 1: it waits for something that never comes',
        ],
        [
          'yield { a: 1 }; void Promise.reject(new Error("late")); await Bun.sleep(200);',
          'after row 1: late',
        ],
        ['setTimeout(() => { throw new Error("later") }, 0); await Bun.sleep(200);', 'failed: later'],
      ];
      for (const [body, said] of failing) {
        await w.put('bad.ts', `export default async function* () { ${body} yield { a: 2 }; }`);
        const { document } = await w.json(4, ...bronze('2025-01-05'));
        expect(document.errors[0]).toMatchObject({ code: 'EXT001', message: expect.stringContaining(said) });
      }
      await w.put('bad.ts', 'await new Promise(() => {});');
      const loading = await w.json(4, ...bronze('2025-01-05'));
      expect(loading.document.errors[0]?.message).toContain(
        'failed: it waits for something that never comes',
      );
      await w.put('bad.ts', 'export default function* () { yield { a: 1 }; process.exit(0); }');
      const left = await w.run(...bronze('2025-01-05'));
      expect([left.exitCode, left.stderr]).toEqual([
        1,
        expect.stringContaining('ended before its command did'),
      ]);
      expect(await w.files()).toEqual(['bad.ts', 'c.yaml']);
    }),
  );

  test(
    'is told the cursor of the run before, and its own state',
    inWorkspace(async (w) => {
      await w.put(
        'm.js',
        `export function byCursor({ cursor }) {
           return [{ id: 1, seen: cursor?.start ?? 'nothing' }, { id: 2, seen: 'x' }];
         }
         export function byState({ state, saveState }) {
           saveState({ runs: (state?.runs ?? 0) + 1 });
           return [{ runs: state?.runs ?? 0 }];
         }`,
      );
      const custom = { module: 'm.js', class_name: 'byCursor' };
      const incremental = { cursor_column: 'id', lookback: 1 };
      await w.put('c.yaml', config({ type: 'custom', custom_extractor: { ...custom, incremental } }));
      await w.json(0, ...bronze('2025-01-05'));
      const second = await w.json(0, ...bronze('2025-01-06'));
      expect(second.document.reports[0]).toMatchObject({
        rows: 1,
        cursor: { start: '2', reread: 1, repeated: 1 },
      });
      expect(await rows(w, 'id, seen')).toContainEqual({ id: 1n, seen: '1' });
      await w.put('c.yaml', {
        ...config({ type: 'custom', custom_extractor: { module: 'm.js', class_name: 'byState' } }),
        environment: 'dev',
      });
      for (const date of ['2025-01-05', '2025-01-06', '2025-01-06']) await w.json(0, ...bronze(date));
      const manifest = await w.read(
        `output/env=dev/system=s/table=t/pattern=cdc/dt=2025-01-06/_metadata.json`,
      );
      expect(manifest.state).toEqual({ value: { runs: 2 } });
      const early = await w.json(5, ...bronze('2025-01-04'));
      expect(early.document.errors[0]?.code).toBe('STATE001');
    }),
  );

  test(
    'is only looked for by a dry run, which says what is missing',
    inWorkspace(async (w) => {
      await w.put('c.yaml', config({ type: 'custom', custom_extractor: { module: 'absent.ts' } }));
      const planned = await w.json(0, ...bronze('2025-01-05', '--dry-run'));
      expect(planned.document.reports[0].source.problem).toContain('there is no extractor module absent.ts');
      const wrong = await w.json(
        2,
        'config',
        'validate',
        await w.put('d.yaml', config({ type: 'custom', custom_extractor: { modul: 'x' } })),
      );
      expect(JSON.stringify(wrong.document)).toContain('did you mean');
    }),
  );
});

describe('a command', () => {
  test(
    'lands JSON lines and CSV from its standard output, with the run date in its arguments',
    inWorkspace(async (w) => {
      const jsonl = { run: ['printf', '{"d":"%s","n":1.10}\\n{"d":null}\\n', '{date}'] };
      await w.put('c.yaml', config({ type: 'command', command: jsonl }));
      await w.json(0, ...bronze('2025-01-05'));
      expect(await rows(w, 'd, n::VARCHAR AS n')).toEqual([
        { d: '2025-01-05', n: '1.1' },
        { d: null, n: null },
      ]);
      const csv = { run: 'echo "id;name"; echo "007;$FOUNDRY_RUN_DATE"', format: 'csv', delimiter: ';' };
      await w.put('c.yaml', config({ type: 'command', command: csv }));
      await w.json(0, ...bronze('2025-01-05'));
      expect(await rows(w)).toEqual([{ id: '007', name: '2025-01-05' }]);
    }),
  );

  test(
    'that fails half way commits nothing, and what it said is shown',
    inWorkspace(async (w) => {
      const run = 'echo \'{"a":1}\'; echo "no such table" >&2; exit 7';
      await w.put('c.yaml', config({ type: 'command', command: { run } }));
      const { document } = await w.json(4, ...bronze('2025-01-05'));
      expect(document.errors[0]).toMatchObject({ code: 'EXT001', details: { exit_code: 7 } });
      expect(document.errors[0]?.message).toContain('no such table');
      expect(await w.files()).toEqual(['c.yaml']);
      await w.put('c.yaml', config({ type: 'command', command: { run: 'echo "{"' } }));
      const broken = await w.json(3, ...bronze('2025-01-05'));
      expect(broken.document.errors[0]?.message).toContain('line 1');
    }),
  );

  test(
    'that is a Singer tap is told its state with the digits that it left',
    inWorkspace(async (w) => {
      const state = '{"since":9007199254740993,"ratio":1.10}';
      const messages = `{"type":"RECORD","stream":"a","record":{"id":1}}\n{"type":"STATE","value":${state}}`;
      await w.put('messages', messages);
      const command = { run: 'cat messages; cat "$FOUNDRY_STATE_FILE" >&2', format: 'singer' };
      await w.put('c.yaml', config({ type: 'command', command }));
      const first = await w.json(0, ...bronze('2025-01-05'));
      expect(first.stderr).toContain(': {}');
      const second = await w.json(0, ...bronze('2025-01-06'));
      expect(second.stderr).toContain(`: ${state}`);
    }),
  );

  test(
    'that is a Singer tap goes on from the state that it left',
    inWorkspace(async (w) => {
      // Answers as a tap does: from the bookmark in its state file on.
      const tap = `import { readFileSync } from 'node:fs';
        const from = JSON.parse(readFileSync(process.argv.at(-1), 'utf8')).bookmarks?.orders ?? 0;
        const say = (message) => console.log(JSON.stringify(message));
        say({ type: 'SCHEMA', stream: 'orders', schema: { properties: { id: { type: 'integer' } } }, key_properties: ['id'] });
        for (let id = from + 1; id <= from + 3; id += 1) say({ type: 'RECORD', stream: 'orders', record: { id } });
        say({ type: 'STATE', value: { bookmarks: { orders: from + 3 } } });
        console.error('done from ' + from);`;
      await w.put('tap.mjs', tap);
      const run = ['node', 'tap.mjs', '--state', '{state_file}'];
      await w.put('c.yaml', config({ type: 'command', command: { run, format: 'singer' } }));
      await w.json(0, ...bronze('2025-01-05'));
      const second = await w.json(0, ...bronze('2025-01-06'));
      expect(second.stderr).toContain('done from 3');
      await w.json(0, ...bronze('2025-01-06'));
      expect(await rows(w, 'id')).toEqual([1n, 2n, 3n, 4n, 5n, 6n].map((id) => ({ id })));
    }),
  );

  test(
    'that is a tap from PyPI lands as it was recorded: schemas, versions and states passed over, the state handed back',
    inWorkspace(async (w) => {
      // Plays the tap: what it printed with no bookmark, or with the one that its first run left.
      await w.put(
        'tap.sh',
        `cp "$2" "state-$(ls state-* 2>/dev/null | wc -l)"
         if grep -q bookmarks "$2"; then cat ${TAP}-second.jsonl; else cat ${TAP}-first.jsonl; fi`,
      );
      const run = ['sh', 'tap.sh', '--state', '{state_file}'];
      await w.put('c.yaml', config({ type: 'command', command: { run, format: 'singer' } }));
      await w.json(0, ...bronze('2025-01-05'));
      expect(await rows(w, 'id, customer, amount, paid, note, updated_at')).toEqual([
        {
          id: 1n,
          customer: 'Ada',
          amount: 12.5,
          paid: true,
          note: null,
          updated_at: '2025-01-03T10:00:00+00:00',
        },
        {
          id: 2n,
          customer: 'Bö',
          amount: 9999999.99,
          paid: false,
          note: 'two\nlines, "quoted"',
          updated_at: '2025-01-03T11:30:00+00:00',
        },
        {
          id: 3n,
          customer: 'Cy',
          amount: 0.1,
          paid: true,
          note: '',
          updated_at: '2025-01-04T08:15:00+00:00',
        },
      ]);
      await w.json(0, ...bronze('2025-01-06'));
      expect(await rows(w, 'id, paid')).toEqual([
        { id: 1n, paid: true },
        { id: 2n, paid: false },
        { id: 2n, paid: true },
        { id: 3n, paid: true },
        { id: 3n, paid: true },
        { id: 4n, paid: true },
      ]);
      const lastState = (await Bun.file(`${TAP}-first.jsonl`).text()).trimEnd().split('\n').at(-1) ?? '';
      expect(await w.read('state-0')).toEqual({});
      expect(await w.read('state-1')).toEqual(JSON.parse(lastState).value);
    }),
  );

  test(
    'cannot be talked into running what a cursor holds',
    inWorkspace(async (w) => {
      await w.put('c.yaml', config({ type: 'command', command: { run: 'cat {cursor}' } }));
      const { document } = await w.json(2, ...bronze('2025-01-05'));
      expect(document.errors[0]?.message).toContain('FOUNDRY_CURSOR');
    }),
  );
});
