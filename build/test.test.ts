import { expect, test } from 'bun:test';
import { countsOf } from './test.ts';

test('the totals are read from the root of the report', () => {
  const report =
    '<?xml version="1.0"?>\n<testsuites name="bun test" tests="12" assertions="40" failures="2" skipped="1" time="3">\n<testsuite tests="5" failures="5"/>';
  expect(countsOf(report)).toEqual({ passed: 9, failed: 2, skipped: 1 });
});

test('an absent report is no success', () => {
  expect(countsOf('')).toEqual({ passed: 0, failed: 0, skipped: 0 });
});
