import { describe, expect, test } from 'bun:test';
import { apiSource } from '../../config/api/source.ts';
import type { CursorFormat } from '../../config/api/spec.ts';
import type { CursorRequest } from '../cursor.ts';
import { cursorParameter } from './cursor-parameter.ts';

const spec = (format: CursorFormat = 'text') =>
  apiSource(
    { base_url: 'https://x.example', cursor_field: 'at', incremental: { cursor_param: 'since', format } },
    {},
  );
const request = (value: string | undefined, more: Partial<CursorRequest> = {}): CursorRequest => ({
  column: 'at',
  first: false,
  nullRows: 'include',
  ...(value !== undefined && { start: { value, rows: [] } }),
  ...more,
});
const sent = (value: string, format?: CursorFormat, more?: Partial<CursorRequest>) =>
  cursorParameter(spec(format), request(value, more)).since;

describe('the cursor of an API', () => {
  test('is not sent where there is no start, no cursor, or nothing to send it in', () => {
    expect(cursorParameter(spec(), request(undefined))).toEqual({});
    expect(cursorParameter(spec(), undefined)).toEqual({});
    const silent = apiSource({ base_url: 'https://x.example', cursor_field: 'at', incremental: {} }, {});
    expect(cursorParameter(silent, request('5'))).toEqual({});
  });

  test.each<[string, CursorFormat, string]>([
    ['105', 'text', '105'],
    ['2025-01-05T10:00:00.000000Z', 'text', '2025-01-05T10:00:00Z'],
    ['2025-01-05T10:00:00.120000', 'text', '2025-01-05T10:00:00.12'],
    ['2025-01-05T10:00:00.123456Z', 'iso8601', '2025-01-05T10:00:00.123456Z'],
    ['2025-01-05T10:00:00.123456789Z', 'text', '2025-01-05T10:00:00.123456789Z'],
    ['2025-01-05T10:00:00.123456789Z', 'iso8601', '2025-01-05T10:00:00.123456Z'],
    ['2025-01-05T10:00:00', 'iso8601', '2025-01-05T10:00:00Z'],
    ['2025-01-05', 'iso8601', '2025-01-05T00:00:00Z'],
    ['2025-01-05T23:59:59.999999Z', 'date', '2025-01-05'],
    ['2025-01-05T10:00:00.999999Z', 'unix', '1736071200'],
    ['2025-01-05T10:00:00.999999Z', 'unix_ms', '1736071200999'],
    ['1969-12-31T23:59:59.500000Z', 'unix', '-1'],
  ])('%s is sent as %s as %s, never later than it is', (value, format, text) => {
    expect(sent(value, format)).toBe(text);
  });

  test('is sent less the lookback', () => {
    expect(sent('105', 'text', { lookback: '10', kind: 'number' })).toBe('95');
    expect(sent('2025-01-05T10:00:00.000000Z', 'iso8601', { lookback: '2h' })).toBe('2025-01-05T08:00:00Z');
    expect(sent('2025-01-05', 'date', { lookback: '3d', kind: 'date' })).toBe('2025-01-02');
  });

  test('that is no time has no format of times', () => {
    expect(() => sent('abc', 'unix')).toThrow(
      'the cursor "abc" is no time, so that it cannot be written as unix',
    );
  });
});
