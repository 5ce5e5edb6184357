import { describe, expect, test } from 'bun:test';
import * as v from 'valibot';
import {
  checkIncremental,
  type IncrementalOptions,
  incrementalOptions,
  incrementalSpec,
} from './incremental.ts';
import { createReport } from './yaml/report.ts';
import * as kit from './yaml/schema-kit.ts';

const nowhere = { locate: () => ({ line: 1, column: 1 }) };

function messages(options: IncrementalOptions, place: Partial<Parameters<typeof checkIncremental>[1]> = {}) {
  const report = createReport('c.yaml', nowhere, new Map());
  checkIncremental(options, { at: ['incremental'], strategy: 'date', loadPattern: 'cdc', ...place }, report);
  return {
    problems: report.problems.map(({ path, message }) => `${path}: ${message}`).join('\n'),
    warnings: report.warnings.map(({ message }) => message).join('\n'),
  };
}

describe('the incremental settings', () => {
  test('are taken as they are, numbers as their digits', () => {
    const written = {
      initial_value: 100,
      lookback: '2h',
      cursor_type: 'timestamptz',
      null_rows: 'fail',
    } as const;
    const schema = kit.section(incrementalOptions);
    expect(incrementalSpec('at', v.parse(schema, written))).toEqual({
      column: 'at',
      type: { kind: 'timestamp', unit: 'micros', utc: true },
      initialValue: '100',
      lookback: '2h',
      nullRows: 'fail',
    });
    expect(incrementalSpec('at', {})).toEqual({ column: 'at', nullRows: 'include' });
    expect(incrementalSpec('at', { enabled: false })).toBeUndefined();
    expect(incrementalSpec('at', undefined)).toBeUndefined();
    expect(messages(written)).toEqual({ problems: '', warnings: '' });
  });

  test('are refused where they mean nothing, each at its place', () => {
    expect(messages({}, { strategy: 'none' }).problems).toContain(
      'incremental: incremental reading needs partitions',
    );
    expect(messages({ cursor_type: 'json' }).problems).toContain('incremental.cursor_type: a json column');
    expect(messages({ cursor_type: 'dtae' }).problems).toContain('there are string, boolean');
    expect(messages({ lookback: 'soon' }).problems).toContain('incremental.lookback: "soon" is neither');
    expect(messages({ initial_value: 2 ** 60 }).problems).toContain('write it in quotes');
  });

  test('warn where Silver would take a slice for the whole table', () => {
    expect(messages({}, { loadPattern: 'full' }).warnings).toContain('set load_pattern: cdc');
  });
});
