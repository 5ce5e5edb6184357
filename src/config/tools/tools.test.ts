import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import fc from 'fast-check';
import { parse } from 'yaml';
import { parseConfig, problemsOf } from '../load.ts';
import { migrateConfig } from './doctor.ts';
import { editYaml } from './edit-yaml.ts';
import { withDerivedPaths } from './expand.ts';
import { diffLines, linesOf, unifiedDiff } from './line-diff.ts';
import { incompleteTimes, propose, type SampleColumn } from './propose.ts';
import { type Draft, renderConfig } from './template.ts';

const FIXTURES = join(import.meta.dir, '../../../fixtures');
const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 12 });

/** The longest common subsequence, by the plain recursion over all of them. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  const table = Array.from({ length: a.length + 1 }, () => Array<number>(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const diagonal = a[i - 1] === b[j - 1] ? table[i - 1]![j - 1]! + 1 : 0;
      table[i]![j] = Math.max(diagonal, table[i - 1]![j]!, table[i]![j - 1]!);
    }
  }
  return table[a.length]![b.length]!;
}

describe('a line diff', () => {
  test('leads from one text to the other by the fewest changes', () => {
    fc.assert(
      fc.property(lines, lines, (before, after) => {
        const diff = diffLines(before, after);
        const old = diff.flatMap((line) => (line.kind === 'new' ? [] : [before[line.before]!]));
        const fresh = diff.flatMap((line) => (line.kind === 'gone' ? [] : [after[line.after]!]));
        expect([old, fresh]).toEqual([before, after]);
        for (const line of diff)
          if (line.kind === 'same') expect(before[line.before]).toBe(after[line.after]!);
        expect(diff.filter((line) => line.kind === 'same')).toHaveLength(longestCommon(before, after));
      }),
    );
  });

  test('is printed with three lines around each change', () => {
    const before = Array.from({ length: 20 }, (_, i) => `line ${i + 1}\n`).join('');
    const after = before.replace('line 2\n', 'line two\n').replace('line 15\n', 'line 15\nline 15b\n');
    expect(unifiedDiff(before, after, { before: 'a', after: 'b' })).toBe(
      [
        ...['--- a', '+++ b', '@@ -1,5 +1,5 @@', ' line 1', '-line 2', '+line two', ' line 3', ' line 4'],
        ...[' line 5', '@@ -13,6 +13,7 @@', ' line 13', ' line 14', ' line 15', '+line 15b', ' line 16'],
        ...[' line 17', ' line 18'],
      ].join('\n'),
    );
    expect(unifiedDiff(before, before, { before: 'a', after: 'b' })).toBe('');
  });
});

const MESSY = `# head

platform:   # the team
    bronze:
        storage_backend: 'local'     # quoted


source:
    type: "file"
    file: {path: in.csv,   delimiter: ";"}   # flow
    list:
    - a
    # between
    - b
# tail
`;

describe('an edit of YAML', () => {
  test('keeps every line that it does not touch, byte for byte', () => {
    const edited = editYaml(MESSY, (document) => document.setIn(['source', 'run', 'load_pattern'], 'cdc'));
    expect(edited?.replace('    run:\n        load_pattern: cdc\n', '')).toBe(MESSY);
    expect(parse(edited ?? '').source.run).toEqual({ load_pattern: 'cdc' });
  });
  test('that changes nothing gives the same text, whatever its style', () => {
    for (const text of [MESSY, MESSY.replaceAll('\n', '\r\n'), '{a: 1,   b: [2,3]}\n', 'a: 1']) {
      expect(editYaml(text, () => undefined)).toBe(text);
    }
  });
  test('keeps line ends of Windows', () => {
    const edited = editYaml(MESSY.replaceAll('\n', '\r\n'), (document) => document.set('x', 1));
    expect(edited?.replaceAll('\r\n', '')).not.toContain('\n');
  });
  test('means what was set, in any mapping', () => {
    const value = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(fc.string(), fc.integer(), fc.array(fc.string())),
    );
    fc.assert(
      fc.property(value, fc.constantFrom('a', 'b', 'z'), fc.string(), (before, key, set) => {
        const text = `${JSON.stringify(before, undefined, 2)}\n`;
        const after = editYaml(text, (document) => document.set(key, set));
        expect(parse(after ?? '')).toEqual({ ...before, [key]: set });
      }),
    );
  });
  test('of JSON gives JSON', () => {
    for (const indent of [undefined, 2, 4]) {
      const text = `${JSON.stringify({ a: 1, b: { c: [1, 2] } }, undefined, indent)}\n`;
      const edited = editYaml(text, (document) => document.setIn(['b', 'd'], 'x')) ?? '';
      expect(edited).toBe(`${JSON.stringify({ a: 1, b: { c: [1, 2], d: 'x' } }, undefined, indent)}\n`);
    }
  });
  test('of a text that is no YAML gives nothing', () => {
    expect(editYaml('a: [', () => undefined)).toBeUndefined();
  });
});

const OLD = `# orders
platform:
  bronze:
    storage_backend: local
    output_dir: ./lake # old
source:
  system: s
  table: t
  pattern_id: p
  file: {path: in.csv}
  run:
    limit_rows: 5 # few
    s3_enabled: false
`;

describe('the doctor', () => {
  test('adds and moves for version 1, and says what it did', () => {
    const migrated = migrateConfig(OLD, 1);
    const root = parse(migrated?.text ?? '');
    expect(root.config_version).toBe(1);
    expect(root.platform.bronze).toEqual({ storage_backend: 'local', local_path: './lake' });
    expect(root.source.file).toEqual({ path: 'in.csv', limit_rows: 5 });
    expect(root.source.run).toEqual({ storage_enabled: false });
    expect(root.silver).toBeUndefined();
    expect(migrated?.text).toStartWith('# orders\nconfig_version: 1\n');
    expect(migrated?.text).toContain('local_path: ./lake # old');
    expect(migrated?.changes.join('\n')).toContain('moved source.run.limit_rows to source.file.limit_rows');
  });
  test('adds an endpoint to APIs only', () => {
    const api = (more: string) => parse(migrateConfig(`source: {type: ${more}}\n`, 1)?.text ?? '').source;
    expect(api('api, api: {url: u}').api).toEqual({ url: 'u', base_url: 'u', endpoint: '/' });
    expect(api('file, file: {path: a.csv}')).toEqual({ type: 'file', file: { path: 'a.csv' } });
    expect(api('db, db: {base_query: q}').db).toEqual({ base_query: 'q' });
  });
  test('leaves a config alone that it has migrated', () => {
    for (const version of [1, 2] as const) {
      const once = migrateConfig(OLD, version)?.text ?? '';
      expect(migrateConfig(once, version)).toEqual({ text: once, changes: [] });
    }
  });
  test('leaves every shipped config as valid as it was, with its lines but for the version', async () => {
    for (const path of new Bun.Glob('{intents,examples}/*.yaml').scanSync(FIXTURES)) {
      const text = await Bun.file(join(FIXTURES, path)).text();
      const verdict = (of: string): readonly string[] => {
        try {
          return parseConfig(path, of, {}).datasets.map((spec) => spec.name);
        } catch (error) {
          return problemsOf(error).map((problem) => `${problem.code} ${problem.path}`);
        }
      };
      const { text: migrated = '' } = migrateConfig(text, 2) ?? {};
      expect([path, verdict(migrated)]).toEqual([path, verdict(text)]);
      const kept = linesOf(text).filter((line) => !line.startsWith('config_version'));
      expect(linesOf(migrated).filter((line) => kept.includes(line))).toEqual(kept);
    }
  });
  test('looks into every entry of sources and datasets', () => {
    const sources = `platform: {bronze: {}}\nsources:\n  - source: {type: api, api: {url: a}}\n  - source: {type: api, api: {url: b}}\n`;
    const migrated = parse(migrateConfig(sources, 2)?.text ?? '');
    expect(migrated.sources.map((entry: { source: { api: object } }) => entry.source.api)).toEqual([
      { base_url: 'a', endpoint: '/' },
      { base_url: 'b', endpoint: '/' },
    ]);
    const datasets = `datasets:\n  - {system: s, bronze: {options: {limit_rows: 3, file: {}}}}\n`;
    expect(parse(migrateConfig(datasets, 1)?.text ?? '').datasets[0].bronze.options).toEqual({
      file: { limit_rows: 3 },
    });
  });
});

describe('derived paths', () => {
  test('stand in each dataset, and nothing else changes', () => {
    const text = 'datasets:\n  # first\n  - name: a # x\n  - name: b\n';
    const expanded = withDerivedPaths(text, [{ bronze: 'p/a', silver: 's/a' }, { bronze: 'p/b' }]);
    expect(parse(expanded ?? '')).toEqual({
      datasets: [
        { name: 'a', derived_paths: { bronze: 'p/a', silver: 's/a' } },
        { name: 'b', derived_paths: { bronze: 'p/b' } },
      ],
    });
    expect(linesOf(expanded ?? '').filter((line) => linesOf(text).includes(line))).toEqual(linesOf(text));
  });
});

const column = (name: string, type: string, ...values: (string | null)[]): SampleColumn => ({
  name,
  type,
  values,
});

describe('a proposal', () => {
  test('takes the column that is named like a key and tells the rows apart', () => {
    const columns = [
      column('name', 'string', 'x', 'y', 'z'),
      column('order_id', 'int64', '1', '2', '3'),
      column('updated_at', 'timestamp', '2025-01-01 00:00:00', '2025-01-01 00:00:00', '2025-01-02 00:00:00'),
    ];
    expect(propose(columns, 'orders')).toEqual({
      keys: ['order_id'],
      orderColumn: 'updated_at',
      kind: 'state',
    });
  });
  test('takes two keys where one does not tell the rows apart', () => {
    const columns = [
      column('claim_id', 'int64', '1', '1', '2'),
      column('line_id', 'int64', '1', '2', '1'),
      column('booked_at', 'timestamp', 'a', 'a', 'a'),
    ];
    expect(propose(columns, 'claims')).toEqual({
      keys: ['claim_id', 'line_id'],
      orderColumn: 'booked_at',
      kind: 'event',
    });
  });
  test('never takes a column that is sometimes empty', () => {
    const columns = [column('id', 'int64', '1', null), column('updated_at', 'date', null, '2025-01-01')];
    expect(propose(columns, 'x')).toEqual({ keys: [], kind: 'event' });
    expect(incompleteTimes(columns)).toEqual(['updated_at']);
  });
});

describe('a written config', () => {
  const name = fc.oneof(
    fc
      .string({ minLength: 1, maxLength: 12 })
      .filter((text) => text.trim() !== '' && !text.includes('\u0000')),
    fc.constantFrom(
      'a: b',
      '# x',
      '- y',
      '${HOME}',
      '$${',
      "it's",
      '"',
      '{a}',
      '[b',
      'null',
      'true',
      '1e3',
      'x #y',
    ),
  );
  test('is valid and names the columns as they are, whatever they are called', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 3, maxLength: 5 }), (names) => {
        const [key = '', order = '', ...others] = names;
        const draft: Draft = {
          type: 'file',
          dialect: 'intent',
          system: 's',
          entity: 'e',
          source: 'in.csv',
          kind: 'state',
          keys: [key],
          orderColumn: order,
          columns: names.map((each) => column(each, 'int64')),
          reading: {},
          fileName: 'e.yaml',
        };
        const [spec] = parseConfig('e.yaml', renderConfig(draft), {}).datasets;
        expect(spec?.silver?.keys).toEqual([key]);
        expect(spec?.silver?.orderColumn).toBe(order);
        expect(spec?.silver?.attributes).toEqual(others);
        const classic = parseConfig('e.yaml', renderConfig({ ...draft, dialect: 'classic' }), {});
        expect(classic.datasets[0]?.silver?.keys).toEqual([key]);
      }),
    );
  });
});
