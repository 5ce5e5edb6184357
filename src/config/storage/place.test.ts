import { describe, expect, test } from 'bun:test';
import { parseConfig, problemsOf } from '../load.ts';

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

  test('warns of a bucket, which only object stores have', () => {
    expect(warned('storage: {source: {backend: local, bucket: b}}')).toEqual(['storage.source.bucket']);
  });
});

describe('storage of an intent on object stores', () => {
  const bases = (text: string, config = INTENT) => {
    const [dataset] = load(text, config).datasets;
    const source = dataset?.bronze.source;
    return [source?.type === 'file' ? source.path : undefined, dataset?.bronze.base, dataset?.silver?.base];
  };

  test('is a bucket and a prefix of each layer; without a bucket, the names of the environment file', () => {
    const s3 = (layer: string, more = '') => `${layer}: {backend: s3${more}}`;
    expect(bases(`storage: {${s3('source')}, ${s3('bronze')}, ${s3('silver')}}`)).toEqual([
      's3://source_data/in/x.csv',
      's3://bronze_data',
      's3://silver_data',
    ]);
    const all = ['source', 'bronze', 'silver'].map((layer) =>
      s3(layer, `, bucket: my-${layer}, prefix: /p/q/`),
    );
    expect(bases(`storage: {${all.join(', ')}}`)).toEqual([
      's3://my-source/p/q/in/x.csv',
      's3://my-bronze/p/q',
      's3://my-silver/p/q',
    ]);
  });

  test('may be Azure, a URI, or asked for by the keys of a block, which win', () => {
    expect(bases('storage: {bronze: {backend: azure, bucket: con-1, prefix: p}}')[1]).toBe('az://con-1/p');
    expect(bases('storage: {silver: {bucket: b}}')[2]).toBe('s3://b');
    const own = INTENT.replace('x.csv}', 'x.csv, output_storage: s3, output_bucket: mine, output_prefix: o}');
    expect(bases('storage: {bronze: {backend: local, prefix: theirs}}', own)[1]).toBe('s3://mine/o');
    expect(
      bases('', INTENT.replace('ts}', 'ts, output_dir: "abfss://c-1@acc.dfs.core.windows.net/x"}'))[2],
    ).toBe('abfss://c-1@acc.dfs.core.windows.net/x');
    expect(bases('', INTENT.replace('in/x.csv', '"s3://b/in/{date}/*.csv"'))[0]).toBe(
      's3://b/in/{date}/*.csv',
    );
    expect(bases('storage: {source: {backend: s3, bucket: b}}', INTENT.replace('in/', './in/'))[0]).toBe(
      './in/x.csv',
    );
  });

  test('is refused by place where a name or a URI is none', () => {
    expect(later('storage: {silver: {backend: azure, bucket: Big}}')).toEqual([
      'CFG001 storage.silver.bucket',
    ]);
    expect(later('storage: {silver: {backend: azure}}')).toEqual(['CFG001 storage.silver.bucket']);
    expect(later('storage: {bronze: {backend: s3, bucket: "a/b"}}')).toEqual([
      'CFG001 storage.bronze.bucket',
    ]);
    expect(later('', INTENT.replace('in/x.csv', '"gs://b/x.csv"'))).toEqual(['CFG001 bronze.path_pattern']);
    expect(later('', INTENT.replace('ts}', 'ts, output_dir: "s3://b/a/../c"}'))).toEqual([
      'CFG001 silver.output_dir',
    ]);
    expect(later('storage: {s3_connection: {kms_key_id: k}}')).toEqual([
      'CFG001 storage.s3_connection.kms_key_id',
    ]);
  });

  test('stays local with storage_enabled: false, and is kept locally too with keep_local', () => {
    const options = (text: string) =>
      INTENT.replace('x.csv}', `x.csv, options: {local_output_dir: l, ${text}}}`);
    const s3 = 'storage: {bronze: {backend: s3, bucket: b}}';
    expect(bases(s3, options('storage_enabled: false'))[1]).toBe('l');
    expect(bases(s3, options('s3_enabled: false'))[1]).toBe('l');
    expect(load(s3, options('keep_local: true')).datasets[0]?.bronze).toMatchObject({
      base: 's3://b',
      keepLocal: 'l',
    });
    expect(warned('', options('keep_local: true'))).toEqual(['bronze.options.keep_local']);
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
