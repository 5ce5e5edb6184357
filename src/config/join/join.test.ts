// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the substitutions of configs look like that
import { describe, expect, test } from 'bun:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FoundryError } from '../../core/errors.ts';
import { parseConfig, problemsOf } from '../load.ts';
import { withValue } from '../other-values.ts';
import type { JoinSpec } from './spec.ts';

const SIDES = 'left: {path: a/l}, right: {path: a/r}';
const text = (output: string, sides = SIDES): string =>
  `silver_join: {${sides}, output: {path: a/out, ${output}}}\n`;

function spec(yaml: string, env: Readonly<Record<string, string>> = {}): JoinSpec {
  const { join } = parseConfig('join.yaml', yaml, env);
  if (join === undefined) throw new Error('no join');
  return join;
}

function refused(yaml: string, env: Readonly<Record<string, string>> = {}): readonly string[] {
  try {
    parseConfig('join.yaml', yaml, env);
  } catch (error) {
    if (!(error instanceof FoundryError)) throw error;
    return problemsOf(error).map(
      ({ column, line, message, path }) => `${line}:${column} ${path}: ${message}`,
    );
  }
  return [];
}

type Json = Readonly<Record<string, unknown>>;

describe('a join', () => {
  test('has the documented defaults', () => {
    const { left, name, output } = spec(text(''));
    expect(name).toBe('out');
    expect(left).toEqual({ place: { kind: 'path', path: 'a/l' } });
    expect(output).toMatchObject({
      model: 'periodic_snapshot',
      formats: { parquet: true, csv: false, compression: 'snappy' },
      joinType: 'inner',
      joinTypeIsDefault: true,
      keys: 'auto',
      strategy: 'auto',
      profile: 'auto',
    });
  });

  test('reads every spelling of keys, columns and guards', () => {
    const pairs = [
      { left: 'a', right: 'b' },
      { left: 'c', right: 'c' },
    ];
    expect(spec(text('join_key_pairs: [{left: a, right: b}, c]')).output.keys).toEqual(pairs);
    expect(spec(text('join_key_mapping: [{source: a, target: b}, c]')).output.keys).toEqual(pairs);
    expect(spec(text('join_keys: c')).output.keys).toEqual([{ left: 'c', right: 'c' }]);
    expect(spec(text('join_keys: AUTO')).output.keys).toBe('auto');
    const columns = [{ source: 'a' }, { source: 'right.b', alias: 'c' }, { source: 'd', alias: 'e' }];
    for (const key of ['select_columns', 'projection'])
      expect(spec(text(`${key}: [a, {source: right.b, alias: c}, {d: e}]`)).output.projection).toEqual(
        columns,
      );
    const guards = 'quality_guards: {null_ratio: [{column: a}], unique_keys: [{keys: a}, {columns: [a, b]}]}';
    expect(spec(text(guards)).output.guards).toEqual({
      nullRatio: [{ column: 'a', maxRatio: 0 }],
      uniqueKeys: [{ columns: ['a'] }, { columns: ['a', 'b'] }],
    });
    expect(spec(text('model: analytics, chunk_size: -5')).output).toMatchObject({
      model: 'scd_type_2',
      chunkSize: 0,
    });
  });

  test('takes values from the environment, and never shows them', () => {
    const yaml = text(
      'chunk_size: "${SIZE}", join_type: "${TYPE:left}"',
      'left: {path: "${L}/x"}, right: {path: b}',
    );
    const { left, output } = spec(yaml, { SIZE: '7', L: 'lake' });
    expect([left.place, output.chunkSize, output.joinType]).toEqual([
      { kind: 'path', path: 'lake/x' },
      7,
      'left',
    ]);
    expect(refused(yaml, { SIZE: 'secret', L: 'x' })[0]).toContain('"${SIZE}"');
    expect(refused(text('join_keys: "${NOPE}"'))[0]).toContain('NOPE is not set');
  });

  test.each([
    ['join_tpye: left', 'output.join_tpye: unknown key (did you mean "join_type"?)'],
    ['join_type: lefty', 'join_type "lefty"'],
    ['join_strategy: fast', 'join_strategy "fast"'],
    ['performance_profile: odd', 'must be one of auto, single, chunked'],
    ['join_keys: [a], join_key_pairs: [b]', "'join_keys' and 'join_key_pairs' both name the keys"],
    ['join_key_pairs: [{left: a}]', "a key pair requires 'right'"],
    ['join_key_pairs: [{left: a, rihgt: b}]', 'unknown key (did you mean "right"?)'],
    ['join_key_pairs: []', 'join_key_pairs must not be empty'],
    ['select_columns: [a], projection: [b]', "'projection' is another spelling of 'select_columns'"],
    ['select_columns: [{a: b, c: d}]', 'a column is written as {source: x, alias: y} or {x: y}'],
    ['join_type: semi, select_columns: [right.a]', 'columns of the left side only'],
    ['formats: []', 'no output format is left'],
    ['quality_guards: {row_count: {min: 5, max: 2}}', 'min is greater than max'],
    ['quality_guards: {unique_keys: [{columns: []}]}', 'unique_keys must name columns'],
    ['quality_guards: {match_rate: {min: 2}}', 'must be a number from 0 to 1'],
    ['domain: d', "'domain' names an asset, and 'path' a folder"],
  ])('is refused as {%s}, at its place', (output, message) => {
    const problems = refused(text(output));
    expect(problems.length).toBe(1);
    expect(problems[0]).toContain(message);
    expect(problems[0]).toMatch(/^1:\d+ silver_join\.output/);
  });

  test('names each side by a path or an asset, and a load by its date', () => {
    const asset =
      'left: {domain: d, entity: e, load_date: LATEST}, right: {domain: d, entity: e, load_date: 2025-01-05}';
    const { left, right } = spec(text('', asset));
    expect(left.place).toMatchObject({
      kind: 'asset',
      version: 1,
      loadPartitionName: 'load_date',
      loadDate: 'latest',
    });
    expect(right.place).toMatchObject({ loadDate: { date: '2025-01-05' } });
    expect(refused(text('', 'left: {domain: d}, right: {path: r}'))[0]).toContain(
      "requires 'path', or 'domain' and 'entity'",
    );
    expect(refused(text('', 'left: {domain: d, entity: ../e}, right: {path: r}'))[0]).toContain('entity');
    expect(refused(text('', 'left: {domain: d, entity: e, load_date: soon}, right: {path: r}'))[0]).toContain(
      'or latest',
    );
    expect(refused('silver_join: {left: {path: l}, output: {path: o}}\n')[0]).toContain("requires 'right'");
  });

  test('stands beside datasets of either dialect and shares their platform and environment', () => {
    const join = text('join_keys: id');
    const intent = parseConfig(
      'c.yaml',
      `system: s\nentity: t\nbronze: {path_pattern: x.csv}\nsilver: {entity_kind: state, natural_keys: [id], change_ts_column: ts}\n${join}`,
      {},
    );
    expect([intent.datasets.length, intent.join?.name]).toEqual([1, 'out']);
    const classic = parseConfig(
      'c.yaml',
      `platform: {bronze: {s3_bucket: lake, s3_prefix: p, options: {pattern_folder: x}}}\nsource: {system: s, table: t, file: {path: x.csv}}\n${join}`,
      {},
    );
    expect(classic.datasets.length).toBe(1);
    expect(classic.join?.left.place.remote).toBe('s3://lake/p');
    expect(refused(`surce: {}\n${join}`)[0]).toContain('unknown key');
  });
});

test('its checkpoint may be in an object store, and what the engine spills is local', () => {
  expect(spec(text('checkpoint_dir: "s3://lake/work"')).output.checkpointDir).toBe('s3://lake/work');
  expect(refused(text('checkpoint_dir: "ftp://x/y"'))[0]).toContain('the scheme ftp:// is none of');
  expect(refused(text('spill_dir: "s3://lake/work"'))[0]).toContain('spill_dir must be on a local disk');
});

describe('the platform of a side', () => {
  const platform =
    'platform: {bronze: {s3_bucket: lake, s3_prefix: p}, s3_connection: {region: eu-central-1}}\n';

  test('is laid over the shared one key by key, with or without bronze around it', () => {
    const own =
      'left: {path: l, platform: {s3_prefix: q}}, right: {path: r, platform: {bronze: {s3_bucket: other}}}';
    const { left, output, right } = spec(platform + text('', own));
    expect([left.place.remote, right.place.remote, output.place.remote]).toEqual([
      's3://lake/q',
      's3://other/p',
      's3://lake/p',
    ]);
    expect(left.place.connections?.s3?.region).toBe('eu-central-1');
    const local = 'left: {path: l, platform: {storage_backend: local}}, right: {path: r}';
    expect(spec(platform + text('', local)).left.place.remote).toBeUndefined();
  });

  test('is refused where it is misspelt or names no bucket', () => {
    const odd = (own: string) =>
      refused(text('', `left: {path: l, platform: {${own}}}, right: {path: r}`))[0];
    expect(odd('s3_bukcet: x')).toContain('did you mean "s3_bucket"?');
    expect(odd('storage_backend: s3')).toContain("requires 's3_bucket'");
    expect(odd('s3_bucket: "a b"')).toContain('is no name of a bucket');
  });
});

describe('every key of silver_join', () => {
  const root = join(import.meta.dir, '../../..');
  const schema = JSON.parse(readFileSync(join(root, 'schemas/join.schema.json'), 'utf8'));
  const place = { domain: 'd', entity: 'e' };
  const BASE = { silver_join: { left: place, right: place, output: place } };
  /** Keys that exclude others, or mean something only beside others. */
  const BESIDE: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    'output.as_of.left': { 'output.as_of.left': 'a' },
    'output.as_of.right_from': { 'output.as_of.left': 'a' },
    'output.as_of.right_to': { 'output.as_of.left': 'a' },
  };
  const VALUES: Readonly<Record<string, unknown>> = {
    load_date: 'latest',
    model: 'scd_type_1',
    null_ratio: [{ column: 'a' }],
    unique_keys: [{ columns: ['a'] }],
    join_key_pairs: ['a'],
    join_key_mapping: ['a'],
    min: 0.5,
    s3_bucket: 'lake',
    azure_container: 'lake',
    endpoint_url: 'https://store.test',
    account_url: 'https://store.test',
  };

  function leaves(node: Json, path: readonly string[] = []): { path: string; schema: Json }[] {
    const children = Object.entries((node.properties ?? {}) as Record<string, Json>);
    if (children.length === 0) return [{ path: path.join('.'), schema: node }];
    return children.flatMap(([key, child]) => leaves(child, [...path, key]));
  }

  function sample(path: string, node: Json): unknown {
    const key = path.split('.').at(-1) ?? '';
    if (path.endsWith('row_count.min') || path.endsWith('max')) return 3;
    if (Object.hasOwn(VALUES, key)) return VALUES[key];
    const options = (node.anyOf ?? []) as Json[];
    const choices = options.find((option) => Array.isArray(option.enum))?.enum as unknown[] | undefined;
    if (choices !== undefined) return choices.at(-1);
    const types = [node, ...options].map(({ type }) => type);
    if (types.includes('boolean')) return true;
    if (types.includes('integer') || types.includes('number')) return 7;
    return types.includes('string') ? 'other' : ['csv'];
  }

  const all = leaves(schema.properties.silver_join).filter(({ path }) => !path.includes('platform.'));
  test('there are many', () => expect(all.length).toBeGreaterThan(50));

  test.each(all.map(({ path, schema: node }) => [path, node] as const))(
    '%s changes what a join does',
    (path, node) => {
      const isPath = path.endsWith('.path');
      const set = (over: Readonly<Record<string, unknown>>): string => {
        const [side = ''] = path.split('.');
        const base = isPath ? withValue(BASE, ['silver_join', side], {}) : BASE;
        const config = Object.entries(over).reduce<unknown>(
          (given, [keys, value]) => withValue(given, ['silver_join', ...keys.split('.')], value),
          isPath && Object.keys(over).length === 0 ? BASE : base,
        );
        return JSON.stringify(spec(JSON.stringify(config)));
      };
      const beside = BESIDE[path] ?? {};
      expect(set({ ...beside, [path]: sample(path, node) })).not.toBe(set(path in beside ? {} : beside));
    },
  );
});
