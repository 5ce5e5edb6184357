import { describe, expect, test } from 'bun:test';
import {
  classic,
  csv,
  DATE,
  expectExit,
  INTENT_SILVER,
  intent,
  scenario,
  type Workspace,
} from './support.ts';

const SILVER = { model: 'scd_type_1', primary_keys: ['id'], order_column: 'at' };

/** One file of many sources, of which those in `broken` read a file that is not there. */
async function putSources(w: Workspace, names: readonly string[], broken: readonly string[] = []) {
  await w.put('in.csv', csv(['id', 'at'], [1, '2025-01-01'], [2, '2025-01-02']));
  await w.put('many.yaml', {
    platform: { bronze: { storage_backend: 'local', local_path: './output' } },
    silver: SILVER,
    sources: names.map((name) => ({
      name,
      source: {
        type: 'file',
        system: 's',
        table: name,
        file: { path: broken.includes(name) ? 'gone.csv' : 'in.csv' },
      },
    })),
  });
}

describe('many datasets in one run', () => {
  for (const workers of ['1', '3']) {
    test(
      `scenario 89: one failing source of several leaves the others to complete, ${workers} at a time`,
      scenario(async (w) => {
        await putSources(w, ['a', 'b', 'c', 'd'], ['b']);
        const { document, stderr } = await w.json(
          4,
          ...['run-intent', '--config', 'many.yaml', '--date', DATE, '--parallel-workers', workers],
        );
        const done = document.reports.map((report) => `${report.dataset} ${report.layer} ${report.status}`);
        expect(done).toEqual(
          ['a', 'c', 'd'].flatMap((name) => [`${name} bronze complete`, `${name} silver complete`]),
        );
        expect(document.errors).toMatchObject([{ dataset: 'b', code: 'EXT001' }]);
        expect(stderr).toContain('b: [EXT001]');
      }),
    );
  }

  test(
    'twelve datasets, five at a time, land what they land one at a time, and are reported in their order',
    scenario(async (w) => {
      const names = Array.from({ length: 12 }, (_, n) => `t${n + 1}`);
      await putSources(w, names);
      const args = ['bronze', '--config', 'many.yaml', '--date', DATE];
      const first = await w.json(0, ...args, '--parallel-workers', '5');
      expect(first.document.reports.map((report) => report.dataset)).toEqual(names);
      const again = await w.json(0, ...args);
      expect(again.document.reports.map((report) => report.status)).toEqual(names.map(() => 'unchanged'));
    }),
  );

  test(
    'two sources that would land in one partition are refused, and run one at a time or from one source',
    scenario(async (w) => {
      await w.put('a.csv', csv(['id', 'at'], [1, '2025-01-01']));
      await w.put('b.csv', csv(['id', 'at'], [2, '2025-01-02']));
      const put = (second: string, table: string, strategy = 'date') =>
        w.put('same.yaml', {
          platform: {
            bronze: {
              storage_backend: 'local',
              local_path: './output',
              partitioning: { partition_strategy: strategy },
            },
          },
          silver: SILVER,
          sources: [
            ['first', 'a.csv', 't'],
            ['second', second, table],
          ].map(([name, path, of]) => ({
            name,
            source: { type: 'file', system: 's', table: of, file: { path } },
          })),
        });
      const args = ['--config', 'same.yaml', '--date', DATE];
      await put('b.csv', 't');
      for (const command of ['bronze', 'run-intent']) {
        const { document } = await w.json(2, command, ...args);
        expect(document.errors[0]?.message).toContain('"first" and "second"');
      }
      await put('b.csv', 't', 'timestamp');
      await w.json(2, 'bronze', ...args);
      expect(await w.files('output')).toEqual([]);
      await put('b.csv', 't', 'batch_id');
      await w.json(0, 'bronze', ...args);
      const named = await w.json(0, 'bronze', ...args, '--source-name', 'first', '--batch-id', "a 'b'");
      expect(named.document.reports[0].retry_with).toBe(`--date ${DATE} --batch-id 'a '\\''b'\\'''`);
      await w.json(2, 'bronze', ...args, '--batch-id', 'x');
      await put('b.csv', 't');
      await w.json(0, 'bronze', ...args, '--source-name', 'second');
      await put('a.csv', 't');
      await w.json(0, 'bronze', ...args);
      await put('b.csv', 'other');
      await w.json(0, 'bronze', ...args);
    }),
  );

  test(
    'configs may be globs, lists and repeated flags, and --source-name takes names and globs',
    scenario(async (w) => {
      await putSources(w, ['orders_eu', 'orders_us', 'items']);
      await w.put('one.yaml', classic({ source: { table: 'single' } }));
      const names = async (...args: string[]) => {
        const { document } = await w.json(0, 'bronze', '--validate-only', ...args);
        return document.reports.map((report) => report.dataset);
      };
      expect(await names('--config', '*.yaml')).toEqual(['orders_eu', 'orders_us', 'items', 's.single']);
      expect(await names('-c', 'one.yaml', '-c', 'many.yaml', '--source-name', 'items,s.*')).toEqual([
        's.single',
        'items',
      ]);
      expect(await names('--config', 'many.yaml,one.yaml', '--source-name', 'orders_*')).toEqual([
        'orders_eu',
        'orders_us',
      ]);
      const none = await w.run('bronze', '--config', 'nothing-*.yaml');
      expectExit(none, 2);
      expect(none.stderr).toContain('no file matches nothing-*.yaml');
    }),
  );
});

describe('what an intent must declare', () => {
  const state = { entity_kind: 'state', natural_keys: ['id'], change_ts_column: 'at', attributes: [] };
  const event = { entity_kind: 'event', natural_keys: ['id'], event_ts_column: 'at', attributes: [] };
  const { natural_keys: _keys, ...keyless } = state;
  const { event_ts_column: _event, ...timeless } = event;
  const { change_ts_column: _change, ...changeless } = state;
  const wrong: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
    ['an event with a history_mode', { ...event, history_mode: 'scd2' }, 'silver.history_mode'],
    ['a state with an input_mode', { ...state, input_mode: 'append_log' }, 'silver.input_mode'],
    ['no natural_keys', keyless, 'natural_keys'],
    ['an event without event_ts_column', timeless, 'event_ts_column'],
    ['a state without change_ts_column', changeless, 'change_ts_column'],
  ];
  for (const [what, silver, named] of wrong) {
    test(
      `scenario 17: ${what} is refused, naming ${named}`,
      scenario(async (w) => {
        await w.put('in.csv', csv(['id', 'at'], [1, '2025-01-01']));
        await w.put('a.yaml', intent({ silver }));
        const run = await w.run('run-intent', '--config', 'a.yaml', '--date', DATE);
        expectExit(run, 2);
        expect(run.stderr).toContain(named);
        expect(await w.files(INTENT_SILVER)).toEqual([]);
      }),
    );
  }
});
