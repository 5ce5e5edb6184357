import { describe, expect, test } from 'bun:test';
import { parseConfig, problemsOf } from './load.ts';

const INTENT = `system: s
entity: t
bronze: {path_pattern: in/x.csv}
silver: {entity_kind: state, natural_keys: [id], change_ts_column: ts}
`;

const load = (text: string, config = INTENT) => parseConfig('c.yaml', `${config}${text}\n`, {});
const warned = (text: string, config = INTENT) => load(text, config).warnings.map(({ path }) => path);

function later(text: string, config = INTENT): string[] {
  try {
    load(text, config);
  } catch (error) {
    return problemsOf(error).map(({ code, path }) => `${code} ${path}`);
  }
  return [];
}

describe('storage on the local disk', () => {
  test('puts its prefix before a relative path of the source', () => {
    const path = (prefix: string, pattern: string) => {
      const source = load(
        `storage: {source: {backend: local, prefix: ${prefix}}}`,
        INTENT.replace('in/x.csv', pattern),
      ).datasets[0]?.bronze.source;
      return source?.type === 'file' ? source.path : undefined;
    };
    expect(path('./samples/', 'in/x.csv')).toBe('./samples/in/x.csv');
    expect(path('/data', 'in/x.csv')).toBe('/data/in/x.csv');
    expect(path('samples', './in/x.csv')).toBe('./in/x.csv');
    expect(path('samples', '/in/x.csv')).toBe('/in/x.csv');
    expect(warned('storage: {source: {prefix: p}}', INTENT.replace('in/', './in/'))).toEqual([
      'storage.source.prefix',
    ]);
  });

  test.each([
    ['storage: {bronze: {prefix: lake}, silver: {prefix: /abs/silver}}', '', 'lake', '/abs/silver'],
    ['storage: {bronze: {prefix: b}, silver: {prefix: s}}', 'own', 'own/b', 'own/s'],
    ['', 'own', 'own', 'own'],
    ['', '', './output', './silver'],
  ])('takes %p with the folder %p to the bases %s and %s', (storage, folder, bronze, silver) => {
    const own = folder === '' ? '' : folder;
    const config =
      own === ''
        ? INTENT
        : INTENT.replace('x.csv}', `x.csv, options: {local_output_dir: ${own}}}`).replace(
            'ts}',
            `ts, output_dir: ${own}}`,
          );
    const { datasets } = load(storage, config);
    expect([datasets[0]?.bronze.base, datasets[0]?.silver?.base]).toEqual([bronze, silver]);
  });

  test('lets the keys in the blocks themselves win', () => {
    const config = INTENT.replace('x.csv}', 'x.csv, output_prefix: mine}');
    const { datasets, warnings } = load('storage: {bronze: {backend: local, prefix: theirs}}', config);
    expect(datasets[0]?.bronze.base).toBe('mine');
    expect(warnings.map(({ path }) => path)).toEqual(['storage.bronze.prefix']);
  });

  test('warns of a bucket, which only S3 has, and says without a backend that S3 is not there yet', () => {
    expect(warned('storage: {source: {backend: local, bucket: b}}')).toEqual(['storage.source.bucket']);
    expect(later('storage: {silver: {bucket: b}}')).toEqual(['CFG010 storage.silver.bucket']);
    expect(later('storage: {bronze: {backend: s3}}')).toContain('CFG010 storage.bronze.backend');
    expect(later('', INTENT.replace('x.csv}', 'x.csv, output_storage: s3}'))).toEqual([
      'CFG010 bronze.output_storage',
    ]);
    expect(later('', INTENT.replace('x.csv}', 'x.csv, output_bucket: b}'))).toEqual([
      'CFG010 bronze.output_bucket',
    ]);
    expect(later('storage: {bronze: {prefix: "s3://b/p"}}')).toEqual(['CFG010 storage.bronze.prefix']);
  });
});

describe('labels', () => {
  test('of owners may stand in the options too, but only once', () => {
    const options = (text: string) => INTENT.replace('x.csv}', `x.csv, ${text}}`);
    const { datasets } = load('pattern_id: p4', options('options: {owner_team: data, owner_contact: a@b.c}'));
    expect(datasets[0]).toMatchObject({
      patternId: 'p4',
      bronze: { ownerTeam: 'data', ownerContact: 'a@b.c' },
      silver: { metadataColumns: { bronzeOwner: 'data' } },
    });
    expect(later('', options('owner_team: a, options: {owner_team: b}'))).toEqual([
      'CFG001 bronze.options.owner_team',
    ]);
  });

  test('of a version that nobody knows are refused', () => {
    expect(load('config_version: 3').datasets[0]?.configVersion).toBe(3);
    expect(later('config_version: 4')).toEqual(['CFG001 config_version']);
  });
});
