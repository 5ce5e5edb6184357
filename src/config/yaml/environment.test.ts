// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the substitutions of configs look like that
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { substitute } from './environment.ts';

/** The value of `text` alone; a problem as `!message`. */
function value(text: unknown, env: Record<string, string> = {}): unknown {
  const result = substitute([text], env);
  const problem = result.problems[0];
  return problem === undefined ? (result.value as unknown[])[0] : `!${problem.message}`;
}

test('a set variable wins over its default, also when it is empty', () => {
  expect(value('x${A:d}y', { A: 'v' })).toBe('xvy');
  expect(value('x${A:d}y', { A: '' })).toBe('xy');
  expect(value('x${A:-d}y', { A: '' })).toBe('xdy');
});

test('a default may be empty or hold colons', () => {
  expect(value('${X:}')).toBe('');
  expect(value('${U:a:b}')).toBe('a:b');
  expect(value('${U:-a:-b}')).toBe('a:-b');
  expect(value('s3://${B}/${E:e}/d', { B: 'b' })).toBe('s3://b/e/d');
});

test('a variable without value or default is a problem that names it', () => {
  expect(value('${MISSING}')).toContain('MISSING is not set');
  expect(value('${M:?set it in prod}', { M: '' })).toBe(
    '!the environment variable M is missing: set it in prod',
  );
  expect(value('${M:?}')).toContain('M is missing');
  expect(value('${M:?no}', { M: '1x' })).toBe('1x');
  expect(value('${toString}')).toContain('toString is not set');
});

test('a doubled dollar gives a literal', () => {
  expect(value('$${A}', { A: 'v' })).toBe('${A}');
  expect(value('a$${A}${A}', { A: 'v' })).toBe('a${A}v');
  expect(value('$A $5 {A}', { A: 'v' })).toBe('$A $5 {A}');
});

test('what only looks like a substitution is a problem', () => {
  expect(value('${}')).toContain('is not a substitution');
  expect(value('${1A}')).toContain('is not a substitution');
  expect(value('${A B}')).toContain('is not a substitution');
  expect(value('x${A')).toContain('not closed');
});

test('a value that is one substitution is read again as a scalar, any other stays text', () => {
  const env = { I: '42', F: '1.5', B: 'true', N: 'null', S: 'x', D: '2024-01-01', L: '[1]', Z: '007' };
  expect(value('${I}', env)).toBe(42);
  expect(value('${F}', env)).toBe(1.5);
  expect(value('${B}', env)).toBe(true);
  expect(value('${N}', env)).toBeNull();
  expect(value('${S}', env)).toBe('x');
  expect(value('${D}', env)).toBe('2024-01-01');
  expect(value('${L}', env)).toBe('[1]');
  expect(value(' ${I}', env)).toBe(' 42');
  expect(substitute({ a: '${Z}' }, env).origins.get('["a"]')).toEqual({ written: '${Z}', text: '007' });
});

test('keys, numbers, flags and nothing are left alone', () => {
  const tree = { '${A}': [1, true, null, 1.5, { b: 'plain' }] };
  expect(substitute(tree, { A: 'v' }).value).toEqual(tree);
});

test('a value of the environment is never substituted again', () => {
  expect(value('x${A}', { A: '${B}', B: 'no' })).toBe('x${B}');
});

test('a text without a dollar comes back as it was', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }).filter((text) => !text.includes('$')),
      (text) => {
        expect(value(text)).toBe(text);
      },
    ),
  );
});
