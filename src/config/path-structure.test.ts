import { describe, expect, test } from 'bun:test';
import { parseConfig, problemsOf } from './load.ts';
import type { DatasetSpec } from './spec.ts';

const CLASSIC = `config_version: 1
platform: {bronze: {storage_backend: local}}
source: {system: s, table: t, file: {path: x.csv}}
silver: {}
`;
const INTENT = `system: s
entity: t
bronze: {path_pattern: x.csv}
silver: {entity_kind: state, natural_keys: [id], change_ts_column: ts}
`;

function spec(text: string): DatasetSpec {
  const { datasets, warnings } = parseConfig('c.yaml', text, {});
  expect(warnings).toEqual([]);
  return datasets[0]!;
}

function refused(text: string): string[] {
  try {
    parseConfig('c.yaml', text, {});
  } catch (error) {
    return problemsOf(error).map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe.each([
  ['classic', CLASSIC],
  ['intent', INTENT],
])('path_structure in a %s config', (_dialect, config) => {
  const structure = (text: string): string => `${config}path_structure: ${text}\n`;

  test('renames the folders of both layers, flat or in sections', () => {
    const bronze = { system: 'src', table: 'table', pattern: 'kind', dt: 'day' };
    const silver = { domain: 'area', entity: 'entity', versionPrefix: 'v', pattern: 'pattern' };
    const flat = spec(
      structure(
        '{system_key: src, pattern_key: kind, date_key: day, domain_key: area, load_date_key: loaded}',
      ),
    );
    const nested = spec(
      structure(
        '{bronze: {system_key: src, pattern_key: kind, date_key: day}, silver: {domain_key: area, load_date_key: loaded}}',
      ),
    );
    for (const found of [flat, nested]) {
      expect(found.bronze.pathKeys).toEqual(bronze);
      expect(found.silver).toMatchObject({ pathKeys: silver, loadPartitionName: 'loaded' });
    }
    const own = spec(structure('{silver: {entity_key: thing, version_key: rev, pattern_key: kind}}'));
    expect(own.bronze).not.toHaveProperty('pathKeys');
    expect(own.silver?.pathKeys).toEqual({
      domain: 'domain',
      entity: 'thing',
      versionPrefix: 'rev',
      pattern: 'kind',
    });
  });

  test('warns of keys that only named sample data', () => {
    const { datasets, warnings } = parseConfig(
      'c.yaml',
      structure('{sample_key: sample, silver_model_key: m}'),
      {},
    );
    expect(warnings.map(({ path }) => path)).toEqual([
      'path_structure.sample_key',
      'path_structure.silver_model_key',
    ]);
    expect(datasets[0]?.bronze).not.toHaveProperty('pathKeys');
  });

  test.each([
    ['{system_key: a/b}', 'path_structure.system_key: ', 'must be one name'],
    ['{bronze: {date_key: ..}}', 'path_structure.bronze.date_key: ', 'must not be "."'],
    ['{silver: {domain_key: a=b}}', 'path_structure.silver.domain_key: ', 'must not contain ='],
    ['{system_key: x, entity_key: x}', 'path_structure: ', 'two folders of Bronze would both be named "x"'],
    ['{date_key: hour}', 'path_structure: ', 'two folders of Bronze would both be named "hour"'],
    ['{domain_key: load_date}', 'path_structure: ', 'two folders of Silver would both be named "load_date"'],
    ['{date_key: a, bronze: {date_key: b}}', 'path_structure.date_key: ', 'says this already'],
    ['{sistem_key: a}', 'path_structure.sistem_key: ', 'did you mean "system_key"'],
  ])('is refused as %s', (text, path, message) => {
    const problems = refused(structure(text));
    expect(problems).toEqual([expect.stringContaining(path)]);
    expect(problems[0]).toContain(message);
  });

  test('does not say the load partition twice', () => {
    const text = structure('{load_date_key: day}').replace('silver: {', 'silver: {load_partition_name: x, ');
    expect(refused(text.replace(', }', '}'))).toEqual([
      'path_structure.load_date_key: silver.load_partition_name says this already; keep one of them',
    ]);
  });
});

test('the sources of one file share path_structure', () => {
  const { datasets } = parseConfig(
    'c.yaml',
    `config_version: 2
path_structure: {date_key: day}
platform: {bronze: {storage_backend: local}}
sources:
  - source: {system: s, table: a, file: {path: x.csv}}
  - source: {system: s, table: b, file: {path: x.csv}}
`,
    {},
  );
  expect(datasets.map(({ bronze }) => bronze.pathKeys?.dt)).toEqual(['day', 'day']);
  expect(datasets.map(({ configVersion }) => configVersion)).toEqual([2, 2]);
});
