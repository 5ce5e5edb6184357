import { expect, test } from 'bun:test';
import { didYouMean, nearest } from './nearest.ts';

test('a slip of one or two keys finds the word that was meant', () => {
  expect(nearest('primry_keys', ['primary_keys', 'partition_by'])).toBe('primary_keys');
  expect(nearest('--dry-rnu', ['--dry-run', '--date'])).toBe('--dry-run');
});

test('a word that is nothing like the others finds none, and one letter is never a slip of another', () => {
  expect(didYouMean('colour', ['path', 'format'])).toBe('');
  expect(nearest('z', ['a', 'b'])).toBeUndefined();
});
