import { describe, expect, test } from 'bun:test';
import { parseConfig, problemsOf } from './load.ts';

const CLASSIC = `config_version: 1
platform: {bronze: {storage_backend: local}}
source:
  system: s
  table: t
  file: {path: data/x.csv}
`;
const INTENT = `system: s
entity: t
silver: {entity_kind: state, natural_keys: [id], change_ts_column: ts}
`;

const load = (text: string) => parseConfig('c.yaml', text, {});
const classic = (run: string) => load(`${CLASSIC}  run: ${run}`);
const intent = (options: string) => load(`${INTENT}bronze: {path_pattern: x.csv, options: ${options}}`);

function refused(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    return problemsOf(error).map(({ path, message }) => `${path}: ${message}`);
  }
  return [];
}

describe('reference_mode', () => {
  test('says the same in both dialects, with the defaults filled in', () => {
    for (const read of [classic, intent]) {
      const { datasets, warnings } = read('{reference_mode: {cadence_days: 7, delta_patterns: [cdc]}}');
      expect(datasets[0]?.bronze.reference).toEqual({
        role: 'reference',
        cadenceDays: 7,
        deltaPatterns: ['cdc'],
        deltaMode: 'point_in_time',
      });
      expect(warnings).toEqual([]);
      expect(read('{reference_mode: {}}').datasets[0]?.bronze.reference?.role).toBe('reference');
    }
  });

  test('is absent when it is not there or off', () => {
    expect(classic('{}').datasets[0]?.bronze).not.toHaveProperty('reference');
    const off = classic('{reference_mode: {enabled: false, role: delta}}');
    expect(off.datasets[0]?.bronze).not.toHaveProperty('reference');
  });

  test('takes delta_mode from beside it in an intent, unless the two contradict each other', () => {
    const { bronze } = intent('{delta_mode: cumulative, reference_mode: {role: delta}}').datasets[0] ?? {};
    expect(bronze?.reference?.deltaMode).toBe('cumulative');
    const both = '{delta_mode: cumulative, reference_mode: {delta_mode: point_in_time}}';
    expect(refused(() => intent(both))).toEqual([
      'bronze.options.delta_mode: delta_mode differs from reference_mode.delta_mode; keep one of them',
    ]);
    expect(intent('{delta_mode: cumulative}').warnings.map(({ message }) => message)).toEqual([
      "'delta_mode' has no effect without reference_mode",
    ]);
  });

  test.each([
    ['{role: base}', 'source.run.reference_mode.role', 'must be one of reference, delta, auto'],
    ['{cadence_days: 0}', 'source.run.reference_mode.cadence_days', 'must be a positive integer'],
    ['{delta_patterns: [../x]}', 'source.run.reference_mode.delta_patterns.0', 'must be one name'],
    ['{delta_patterns: [a, a]}', 'source.run.reference_mode.delta_patterns.1', 'stands twice'],
    ['{enabled: maybe}', 'source.run.reference_mode.enabled', 'must be true or false'],
  ])('is refused as %s', (mode, path, message) => {
    const problems = refused(() => classic(`{reference_mode: ${mode}}`));
    expect(problems).toEqual([expect.stringContaining(`${path}: `)]);
    expect(problems[0]).toContain(message);
  });
});

describe('input_scope', () => {
  const silver = (text: string) => load(`${CLASSIC}silver: ${text}`);

  test('is the run date’s partition unless configured, and history may be narrowed to patterns', () => {
    expect(silver('{}').datasets[0]?.silver?.inputScope).toBe('partition');
    const { datasets, warnings } = silver('{input_scope: history, input_patterns: [full, cdc]}');
    expect(datasets[0]?.silver).toMatchObject({ inputScope: 'history', inputPatterns: ['full', 'cdc'] });
    expect(warnings).toEqual([]);
  });

  test('warns of patterns that narrow nothing, and refuses those that can name no folder', () => {
    expect(silver('{input_patterns: [cdc]}').warnings.map(({ path }) => path)).toEqual([
      'silver.input_patterns',
    ]);
    expect(refused(() => silver('{input_scope: history, input_patterns: [a/b]}'))).toHaveLength(1);
    expect(refused(() => silver('{input_scope: history, input_patterns: []}'))).toHaveLength(1);
  });
});
