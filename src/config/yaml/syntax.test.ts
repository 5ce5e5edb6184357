import { expect, test } from 'bun:test';
import { parseYaml } from './document.ts';

/** `line:column message` of each problem of a config that is written so. */
function told(...lines: string[]): string[] {
  const parsed = parseYaml(`${lines.join('\n')}\n`);
  if (!('problems' in parsed)) return [];
  return parsed.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

const DEEPER = 'this line stands deeper than the line before it, which has a value already';
const COLUMN = 'this line begins in another column than the lines around it';
const SAME = 'the keys of one section begin in the same column';

test.each([
  ['too deep', ['bronze:', '  type: file', '    path: a', 'silver: {}'], [`3:5 ${DEEPER}; ${SAME}`]],
  ['deeper after a comment', ['b:', '  t: file', '  # c', '', '    p: a'], [`5:1 ${COLUMN}; ${SAME}`]],
  ['not deep enough', ['bronze:', '  type: file', ' path: a', '  x: 1'], [`3:1 ${COLUMN}; ${SAME}`]],
  ['below a value', ['bronze: file', '  type: file', '  path: a'], [`2:3 ${DEEPER}; ${SAME}`]],
  ['a tab', ['a:', '\tb: 1', '  c: 2'], ['2:1 tabs are not allowed as indentation; use spaces']],
  [
    'a space that is none',
    ['a:', '  b: 1', '\u00a0\u00a0c: 2', '  d: 3'],
    ['3:1 this line is indented with something that looks like a space and is none; use spaces'],
  ],
  ['no colon', ['a: 1', 'b c', 'd: 2'], ['2:1 this line is no `key: value`; is a colon missing?']],
  [
    'no space after the colon',
    ['a: 1', 'b:secret', 'c: 2'],
    ['2:1 this line is no `key: value`; write b: with a space after it, then the value'],
  ],
  [
    'an equals sign',
    ['a: 1', 'b = secret', 'c: 2'],
    ['2:1 this line is no `key: value`; write b: with a space after it, then the value'],
  ],
  [
    'no space after the dash',
    ['a:', '  b: 1', '  -id', 'c: 2'],
    ['3:3 a space is missing after the dash of this list item'],
  ],
  ['an open quote', ['a: "x', 'b: 1', 'c: 2'], ['1:4 the quote that begins here is not closed']],
  ['an open list', ['a: [x', 'b: 1'], ['2:1 a ] is missing before this: something above is not closed']],
  ['an @', ['a: @x'], ['1:4 a value cannot begin with @; put it in quotes']],
  ['a colon', ['a: C: secret'], ['1:4 a value that holds a colon and a space needs quotes around it']],
  [
    'a backslash',
    ['a: "C:\\d"'],
    [
      '1:7 invalid escape sequence \\d: between "double quotes" a backslash is special; use \'single quotes\'',
    ],
  ],
])('%s is told once, at its place, in words and not in terms of YAML', (_slip, lines, expected) => {
  expect(told(...lines)).toEqual(expected);
});

test('spaces of other kinds are free where they do not indent', () => {
  expect(told('a: x\u00a0y', 'b: |', '  x')).toEqual([]);
});
