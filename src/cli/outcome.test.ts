import { expect, test } from 'bun:test';
import { FoundryError } from '../core/errors.ts';
import { exitCodeOf, failureDocument } from '../core/failure.ts';
import { combineExitCodes, errorText } from './outcome.ts';

test('several datasets end with 1 if any was a bug, else the lowest of 2 to 5, and 75 only if all were temporary', () => {
  expect(combineExitCodes([0, 0])).toBe(0);
  expect(combineExitCodes([0, 75, 75])).toBe(75);
  expect(combineExitCodes([75, 4, 3])).toBe(3);
  expect(combineExitCodes([3, 1])).toBe(1);
  expect(combineExitCodes([3, 143])).toBe(143);
});

test('an interruption by SIGTERM ends with 143, by SIGINT with 130', () => {
  expect(exitCodeOf(new FoundryError('INT001', 'stopped', { cause: 'SIGTERM' }))).toBe(143);
  expect(exitCodeOf(new FoundryError('INT001', 'stopped', { cause: 'SIGINT' }))).toBe(130);
});

test('a user’s mistake is told without a stack, a bug with one', () => {
  const mistake = errorText(new FoundryError('EXT001', 'no such file', { details: { path: 'a.csv' } }));
  expect(mistake).toStartWith('[EXT001] no such file (path=a.csv)\n  what to do: ');
  expect(mistake).not.toContain('outcome.test.ts');
  expect(errorText(new TypeError('x is undefined'))).toContain('outcome.test.ts');
});

test('the JSON form carries code, hint, retryable and exit code', () => {
  expect(failureDocument(new FoundryError('LOCK001', 'held'), 'a.b')).toMatchObject({
    dataset: 'a.b',
    code: 'LOCK001',
    retryable: true,
    exit_code: 75,
  });
});
