import { describe, expect, test } from 'bun:test';
import { parseYaml } from './document.ts';

function problems(text: string): readonly string[] {
  const parsed = parseYaml(text);
  return 'problems' in parsed
    ? parsed.problems.map(({ line, column, message }) => `${line}:${column} ${message}`)
    : [];
}

function document(text: string) {
  const parsed = parseYaml(text);
  if ('problems' in parsed) throw new Error(parsed.problems.map(({ message }) => message).join('\n'));
  return parsed.document;
}

describe('YAML', () => {
  test('that is broken is refused with the place of every error', () => {
    expect(problems('a: 1\na: 2\nb: [')).toEqual([
      '2:1 the key a stands twice in its section',
      expect.stringMatching(/^3:\d+ /),
    ]);
    expect(problems('a:\n\tb: 1')).toEqual(['2:1 tabs are not allowed as indentation; use spaces']);
    expect(problems('a: 1\n---\nb: 2')[0]).toStartWith('2:1 the file holds several documents');
    expect(problems('a: !!nope 3')).toEqual([expect.stringMatching(/^1:4 unresolved tag/)]);
    expect(problems('a: "x')).toHaveLength(1);
  });

  test('with a list or a mapping as a key is refused', () => {
    expect(problems('a: 1\n? [1, 2]\n: 3')).toEqual(['2:3 a key must be text, not a list or a mapping']);
  });

  test('with aliases that mean nothing, or themselves, or too much is refused', () => {
    expect(problems('a: *nope')).toEqual([
      '1:4 no anchor &nope stands before this alias; put a text that begins with * in quotes',
    ]);
    expect(problems('a: &x\n  b: *x')).toEqual(['2:6 the alias *x contains itself']);
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level += 1) {
      bomb.push(
        `a${level}: &a${level} [${Array(10)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    }
    expect(problems(bomb.join('\n'))).toEqual([expect.stringContaining('expand to too much')]);
  });

  test('that is nested beyond reason is refused, not a crash', () => {
    expect(problems('['.repeat(100_000)).length).toBeGreaterThan(0);
    expect(problems(`a: ${'['.repeat(50_000)}${']'.repeat(50_000)}`).length).toBeGreaterThanOrEqual(0);
  });

  test('with a merge of what is no mapping is refused where it stands', () => {
    expect(problems('a:\n  <<: 5')).toEqual(['2:7 << takes a mapping, an alias of one, or a list of those']);
    expect(problems('b: &b [1]\na: {<<: *b}')).toHaveLength(1);
    expect(document('b: &b {x: 1}\nc: &c {y: 2}\na: {<<: [*b, *c]}').value).toMatchObject({
      a: { x: 1, y: 2 },
    });
  });

  test('with very many keys or levels is judged in no time', () => {
    const started = performance.now();
    const keys = Array.from({ length: 50_000 }, (_, index) => `k${index}: 1`).join('\n');
    expect(problems(`${keys}\nk7: 2`)).toEqual(['50001:1 the key k7 stands twice in its section']);
    expect(problems(`a: ${'['.repeat(1_000)}${']'.repeat(1_000)}`)).toEqual([
      '1:103 the file is nested too deeply: more than 100 levels',
    ]);
    expect(performance.now() - started).toBeLessThan(8_000);
  });

  test('may begin with a byte order mark, hold comments only, or use Windows line ends', () => {
    expect(document('\uFEFFa: 1').value).toEqual({ a: 1 });
    expect(document('# nothing').value).toBeNull();
    expect(document('a: 1\r\nb: 2\r\n').locate(['b'], 'key')).toEqual({ line: 2, column: 1 });
  });
});

describe('positions', () => {
  const text = `base: &base
  path: a.csv
  list: [x, y]
source:
  <<: *base
  format: csv
  empty:
alias: *base
`;

  test('are those of a value, or of its key', () => {
    const { locate } = document(text);
    expect(locate(['source', 'format'], 'value')).toEqual({ line: 6, column: 11 });
    expect(locate(['source', 'format'], 'key')).toEqual({ line: 6, column: 3 });
    expect(locate(['base', 'list', 1], 'value')).toEqual({ line: 3, column: 13 });
    expect(locate(['source', 'empty'], 'value')).toEqual({ line: 7, column: 3 });
  });

  test('of merged and aliased values are where those are written', () => {
    const { value, locate } = document(text);
    expect(value).toMatchObject({ source: { path: 'a.csv' }, alias: { path: 'a.csv' } });
    expect(locate(['source', 'path'], 'value')).toEqual({ line: 2, column: 9 });
    expect(locate(['alias', 'list', 0], 'value')).toEqual({ line: 3, column: 10 });
  });

  test('of what is not there are those of the parent', () => {
    const { locate } = document(text);
    expect(locate(['source', 'nope', 'deep'], 'key')).toEqual({ line: 4, column: 1 });
    expect(locate(['nope'], 'key')).toEqual({ line: 1, column: 1 });
    expect(document('').locate(['a'], 'value')).toEqual({ line: 1, column: 1 });
  });
});
