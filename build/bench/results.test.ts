import { describe, expect, test } from 'bun:test';
import { type BenchRecord, compareResults, mergeBaseline, parseBenchArgs, renderResults } from './results.ts';

function record(contestant: string, ratio: number, more: Partial<BenchRecord> = {}): BenchRecord {
  return {
    bench: 'file',
    scenario: 'CSV',
    contestant,
    median_ms: 1000 * ratio,
    spread: 0.1,
    ratio,
    cpu_ratio: ratio,
    peak_mb: 100,
    ...more,
  };
}

describe('a comparison with the baseline', () => {
  const baseline = [record('foundry', 1.2), record('bare', 1)];
  const verdict = (ratio: number, spread = 0.1) =>
    compareResults([record('foundry', ratio, { spread }), record('bare', 1)], baseline)[0]?.verdict;

  test('is of ratios: seconds of another machine say nothing', () => {
    const slowMachine = [
      record('foundry', 1.2, { median_ms: 90_000 }),
      record('bare', 1, { median_ms: 75_000 }),
    ];
    expect(compareResults(slowMachine, baseline).map((one) => one.verdict)).toEqual([
      'as before',
      'yardstick',
    ]);
  });

  test('calls slower or faster what differs by more than a tenth and half of the spread', () => {
    expect(verdict(1.37)).toBe('as before');
    expect(verdict(1.4)).toBe('slower');
    expect(verdict(1.03)).toBe('as before');
    expect(verdict(1.0)).toBe('faster');
    expect(verdict(1.4, 0.6)).toBe('as before');
  });

  test('judges the last contestant of each scenario as the yardstick, and what the baseline lacks as new', () => {
    const other = { scenario: 'JSON' };
    const now = [
      record('foundry', 1.2),
      record('bare', 1),
      record('foundry', 2, other),
      record('bare', 1, other),
    ];
    expect(compareResults(now, baseline).map((one) => one.verdict)).toEqual([
      'as before',
      'yardstick',
      'new',
      'yardstick',
    ]);
  });
});

test('a saved baseline replaces the scenarios that were measured, whole and in their order, and keeps the others', () => {
  const api = { bench: 'api', scenario: 'pages' };
  const before = [
    record('zoo', 3),
    record('old', 2),
    record('bare', 1),
    record('foundry', 1.1, api),
    record('loop', 1, api),
  ];
  const merged = mergeBaseline(before, [record('foundry', 1.2), record('bare', 1)]);
  expect(merged.map(({ bench, contestant }) => `${bench} ${contestant}`)).toEqual([
    'api foundry',
    'api loop',
    'file foundry',
    'file bare',
  ]);
});

test('the table names each scenario once, and shows the ratio beside that of the baseline', () => {
  const compared = compareResults([record('foundry', 1.5), record('bare', 1)], [record('foundry', 1.2)]);
  expect(renderResults(compared).split('\n')).toEqual([
    '  contestant   median  spread  ratio  baseline    peak',
    '',
    'file: CSV',
    '  foundry     1500 ms     ±5%  1.50×     1.20×  100 MB  slower',
    '  bare        1000 ms     ±5%  1.00×            100 MB  yardstick',
  ]);
});

test('names choose benches, one may stand for several, and a flag that is unknown is refused', () => {
  expect(parseBenchArgs(['file', 'database', '--save-baseline'])).toEqual({
    saveBaseline: true,
    filters: ['file', 'postgres', 'mysql'],
  });
  expect(parseBenchArgs([])).toEqual({ saveBaseline: false, filters: [] });
  expect(() => parseBenchArgs(['--baseline'])).toThrow('--save-baseline');
});
