import { describe, expect, test } from 'bun:test';
import type { FoundryError } from '../core/errors.ts';
import { parseConfig } from './load.ts';

const SOURCES = `platform: {bronze: {storage_backend: local}}
environment: dev
silver:
  output_dir: ./s
  partitioning: {columns: [a], keep_columns: true}
sources:
  - name: one
    source: {system: s, table: one, file: {path: a.csv}}
    silver: {domain: d, partitioning: {columns: [b]}}
  - name: "\${NAME}"
    source:
      system: s
      table: two
      file: {path: b.csv}
      run: {load_pattern: cdc}
`;

const DATASETS = `environment: dev
domain: shared
datasets:
  - {name: n, system: s, entity: a, bronze: {path_pattern: a.csv}, silver: {entity_kind: state, natural_keys: [k], change_ts_column: t}}
  - {system: s, entity: b, domain: own, bronze: {path_pattern: b.csv}, silver: {entity_kind: state, natural_keys: [k], change_ts_column: t}}
`;

const datasets = (text: string) => parseConfig('m.yaml', text, { NAME: '2' }).datasets;

function refused(text: string): readonly string[] {
  try {
    parseConfig('m.yaml', text, { NAME: '2' });
  } catch (error) {
    return (error as FoundryError).message.split('\n');
  }
  throw new Error('the config was accepted');
}

describe('sources', () => {
  test('15: are datasets in order, named by their names, with silver merged key by key', () => {
    const [one, two] = datasets(SOURCES);
    expect([one?.name, two?.name]).toEqual(['one', '2']);
    expect(one).toMatchObject({ environment: 'dev', bronze: { table: 'one' } });
    expect(one?.silver).toMatchObject({ base: './s', domain: 'd' });
    expect(one?.silver?.partitioning).toEqual({ columns: ['b'], keepColumns: false });
    expect(two?.silver).toMatchObject({ base: './s', domain: 's', model: 'incremental_merge' });
    expect(two?.silver?.partitioning).toEqual({ columns: ['a'], keepColumns: true });
  });

  test('are refused at the place where a value really stands, once', () => {
    expect(refused(SOURCES.replace('output_dir: ./s', 'version: x'))).toEqual([
      'm.yaml:4:12 silver.version: version must be a positive integer, got "x"',
    ]);
    expect(refused(SOURCES.replace('domain: d', 'domain: ../d'))).toEqual([
      expect.stringContaining('m.yaml:9:22 sources.0.silver.domain: domain must be one name'),
    ]);
    expect(refused(SOURCES.replace('table: two', 'tabel: two'))).toEqual([
      'm.yaml:13:7 sources.1.source.tabel: unknown key (did you mean "table"?)',
    ]);
    expect(refused(SOURCES.replace('local}', 'locall}'))).toHaveLength(1);
    expect(refused(SOURCES.replace('load_pattern: cdc', 'load_pattern: current_history'))).toEqual([
      expect.stringContaining('m.yaml:3:1 silver.primary_keys: silver.primary_keys is required'),
      expect.stringContaining('m.yaml:3:1 silver.order_column: silver.order_column is required'),
    ]);
  });

  test('are refused as a whole when the frame is wrong', () => {
    expect(refused(`${SOURCES}source: {}`)[0]).toContain('exclude each other');
    expect(refused('platform: {bronze: {}}\nsources: []')).toEqual([
      expect.stringContaining('must not be empty'),
    ]);
    expect(refused('platform: {bronze: {}}\nsources: [5]')).toHaveLength(1);
    expect(refused('sources: [{source: {system: s, table: t, file: {path: a}}}]')).toEqual([
      "m.yaml:1:1 platform: the config requires 'platform'",
    ]);
    expect(refused('platform: {bronze: {}}\nsources: [{name: x}]')).toEqual([
      expect.stringContaining("sources.0 requires 'source'"),
    ]);
    expect(refused(SOURCES.replace('name: one', 'nmae: one'))[0]).toContain('did you mean "name"');
    expect(refused(SOURCES.replace('name: one', 'name: "2"'))).toEqual([
      expect.stringContaining('a dataset named 2 is in this file already'),
    ]);
  });
});

describe('datasets', () => {
  test('16: are named by name, else by system and entity, and inherit environment and domain', () => {
    const [first, second] = datasets(DATASETS);
    expect([first?.name, second?.name]).toEqual(['n', 's.b']);
    expect([first?.environment, second?.environment]).toEqual(['dev', 'dev']);
    expect([first?.silver?.domain, second?.silver?.domain]).toEqual(['shared', 'own']);
  });

  test('are refused with the place of the entry', () => {
    expect(refused(DATASETS.replace('entity: b', 'entiti: b'))).toEqual([
      'm.yaml:5:17 datasets.1.entiti: unknown key (did you mean "entity"?)',
    ]);
    expect(refused(DATASETS.replace('domain: shared', 'domain: a/b'))).toEqual([
      expect.stringContaining('m.yaml:2:9 domain: domain must be one name'),
    ]);
    expect(refused(`${DATASETS}owner: x`)[0]).toContain('owner: unknown key');
    expect(refused('datasets: 5')).toEqual([expect.stringContaining('datasets must be a list')]);
  });
});

test('a list of no mappings is refused, not read as no datasets', () => {
  for (const text of [
    'datasets: [[]]',
    'datasets: [null]',
    'config_version: 1\nplatform: {bronze: {}}\nsources: [[]]',
  ]) {
    expect(() => parseConfig('c.yaml', text, {})).toThrow(/(?:datasets|sources)\.0: /);
  }
});

test('a thousand datasets are validated in two seconds', () => {
  const entry = (index: number): string =>
    `  - {name: d${index}, system: s, entity: e${index}, bronze: {path_pattern: x.csv}, silver: {entity_kind: event, natural_keys: [id], event_ts_column: t}}\n`;
  const text = `datasets:\n${Array.from({ length: 1_000 }, (_, index) => entry(index)).join('')}`;
  const started = performance.now();
  expect(parseConfig('c.yaml', text, {}).datasets).toHaveLength(1_000);
  // Machines that run several things at once are given time; the soak is strict.
  expect(performance.now() - started).toBeLessThan(process.env.FOUNDRY_SOAK === '1' ? 2_000 : 10_000);
});
