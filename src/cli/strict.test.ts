import { describe, expect, test } from 'bun:test';
import type { ArgsDef } from 'citty';
import { FoundryError } from '../core/errors.ts';
import { LIST_FLAGS } from './args.ts';
import { strictArgv } from './strict.ts';

const flags = {
  config: { type: 'string', alias: 'c' },
  date: { type: 'string' },
  'dry-run': { type: 'boolean' },
  'write-csv': { type: 'boolean', negativeDescription: 'off' },
  pattern: { type: 'enum', options: ['full', 'cdc'] },
} as const satisfies ArgsDef;

const parse = (...argv: string[]) => strictArgv(argv, flags, LIST_FLAGS, 'bronze');
const refusal = (...argv: string[]): string => {
  try {
    parse(...argv);
  } catch (error) {
    if (error instanceof FoundryError && error.code === 'USE001') return error.message;
    throw error;
  }
  throw new Error('was accepted');
};

describe('strict arguments', () => {
  test('a value may follow its flag or an equals sign, and an alias stands for its flag', () => {
    expect(parse('-c', 'a.yaml', '--date=2025-01-05')).toEqual(['--config=a.yaml', '--date=2025-01-05']);
  });
  test('a repeated list flag is one comma list', () => {
    expect(parse('--config', 'a', '--config=b,c')).toEqual(['--config=a,b,c']);
  });
  test('an unknown flag is refused with the nearest known one', () => {
    expect(refusal('--dry-rn')).toBe('unknown flag --dry-rn (did you mean "--dry-run"?)');
  });
  test('a flag without its value is refused, also when another flag follows', () => {
    expect(refusal('--config')).toBe('--config needs a value');
    expect(refusal('--config', '--dry-run')).toBe('--config needs a value');
    expect(refusal('--config=')).toBe('--config needs a value');
  });
  test('a flag that may stand once is refused when it stands twice', () => {
    expect(refusal('--date', 'a', '--date', 'b')).toBe('--date is given twice');
  });
  test('a switch and its negation together are refused', () => {
    expect(refusal('--write-csv', '--no-write-csv')).toContain('contradict');
    expect(parse('--no-write-csv')).toEqual(['--no-write-csv']);
  });
  test('a switch without a negative form has none', () => {
    expect(refusal('--no-dry-run')).toContain('unknown flag --no-dry-run');
  });
  test('a value outside its choices is refused with the nearest one', () => {
    expect(refusal('--pattern', 'ful')).toBe(
      '--pattern: "ful" is not one of full, cdc (did you mean "full"?)',
    );
  });
  test('an argument that is no flag is refused', () => {
    expect(refusal('abc')).toBe('unexpected argument "abc"');
  });
  test('a config file without its flag is told the flag', () => {
    expect(refusal('a.yaml')).toBe('unexpected argument "a.yaml" (did you mean --config a.yaml?)');
  });
  test('arguments that are no flag are taken where they are declared, as many as are declared', () => {
    const one = { ...flags, name: { type: 'positional', valueHint: 'a|b' } } as const;
    const any = { ...flags, files: { type: 'positional', valueHint: 'a.yaml...' } } as const;
    const take = (definitions: ArgsDef, ...argv: string[]) => strictArgv(argv, definitions, LIST_FLAGS, 'x');
    expect(take(any, 'a', '--dry-run', 'b')).toEqual(['--dry-run', '--', 'a', 'b']);
    expect(take(one, 'a')).toEqual(['--', 'a']);
    expect(() => take(one, 'a', 'b')).toThrow('unexpected argument "b"');
    expect(() => take(any, '--files', 'a')).toThrow('unknown flag --files');
  });
});
