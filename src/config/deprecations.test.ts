import { describe, expect, test } from 'bun:test';
import { DEPRECATIONS, formatDeprecation } from './deprecations.ts';
import { parseConfig, warningsOf } from './load.ts';

const load = (text: string) => {
  try {
    return parseConfig('c.yaml', text, {}).warnings;
  } catch (error) {
    return warningsOf(error);
  }
};
const codes = (text: string) => load(text).map(({ code, path }) => [code, path]);

const SOURCE = 'source: {system: s, table: t, file: {path: x.csv}}';
const api = (settings: string) =>
  `config_version: 1\nplatform: {bronze: {storage_backend: local}}\nsource: {type: api, system: s, table: t, api: ${settings}}`;

describe('the deprecations of the original', () => {
  test('are told in its format, with the version of the removal', () => {
    expect(formatDeprecation('CFG002')).toBe(
      "[CFG002] 'url' will be removed; rename it to base_url (since 1.1.0) (scheduled removal: 1.3.0)",
    );
    expect(formatDeprecation('CFG004')).toBe('[CFG004] config_version is missing and taken to be 1');
    expect(Object.keys(DEPRECATIONS)).toEqual(['CFG001', 'CFG002', 'CFG003', 'CFG004', 'CFG_NEW_ORDER']);
  });

  test('CFG001: output_dir stands in for local_path', () => {
    const config = (bronze: string) => `config_version: 1\nplatform: {bronze: ${bronze}}\n${SOURCE}`;
    expect(codes(config('{storage_backend: local, output_dir: ./o}'))).toEqual([
      ['CFG001', 'platform.bronze.output_dir'],
    ]);
    expect(codes(config('{local_path: ./l, output_dir: ./o}'))).toEqual([
      [undefined, 'platform.bronze.output_dir'],
    ]);
  });

  test('CFG002, CFG003: url for base_url, and no endpoint', () => {
    expect(codes(api('{url: "https://x.example"}'))).toEqual([
      ['CFG003', 'source.api'],
      ['CFG002', 'source.api.url'],
    ]);
    expect(codes(api('{base_url: "https://x.example", endpoint: /}'))).toEqual([]);
  });

  test('CFG004: no config_version, in classic configs', () => {
    const config = 'platform: {bronze: {}}';
    expect(codes(`${config}\n${SOURCE}`)).toEqual([['CFG004', 'config_version']]);
    expect(codes(`${config}\nsources: [{${SOURCE}}, {${SOURCE.replace('t,', 'u,')}}]`)).toEqual([
      ['CFG004', 'config_version'],
    ]);
    const intent =
      'system: s\nentity: t\nbronze: {path_pattern: x.csv}\nsilver: {entity_kind: event, natural_keys: [a], event_ts_column: b}';
    expect(codes(intent)).toEqual([]);
  });

  test('CFG_NEW_ORDER: keys without an order', () => {
    const config = (silver: string) =>
      `config_version: 1\nplatform: {bronze: {}}\n${SOURCE}\nsilver: ${silver}`;
    expect(codes(config('{primary_keys: [id]}'))).toEqual([['CFG_NEW_ORDER', 'silver.primary_keys']]);
    expect(codes(config('{primary_keys: [id], order_column: ts}'))).toEqual([]);
    expect(codes(config('{}'))).toEqual([]);
  });
});

describe('what the original had and foundry leaves out', () => {
  test('is accepted with a warning that says what replaces it, above datasets too', () => {
    const entry =
      '{system: s, entity: t, bronze: {path_pattern: x.csv}, silver: {entity_kind: event, natural_keys: [a], event_ts_column: b}}';
    const warnings = load(
      `system: s\nentity: t\nbronze_status: pending\nrun_mode: x\ntest_range_days: 3\npolybase_setup: {enabled: true}\ndatasets: [${entry}]`,
    );
    expect(warnings.map(({ path }) => path)).toEqual([
      'system',
      'entity',
      'bronze_status',
      'run_mode',
      'test_range_days',
      'polybase_setup',
    ]);
    for (const { message } of warnings) expect(message).toContain('has no effect: ');
  });
});
