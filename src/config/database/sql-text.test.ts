import { describe, expect, test } from 'bun:test';
import * as fc from 'fast-check';
import {
  ANY_LEXIS,
  type Lexis,
  placeholdersOf,
  replacePlaceholders,
  segmentsOf,
  singleStatement,
} from './sql-text.ts';

const POSTGRES: Lexis = { ...ANY_LEXIS, nameQuotes: [] };
const MYSQL: Lexis = {
  backslashEscapes: true,
  nameQuotes: ['`'],
  dollarQuotes: false,
  hashComments: true,
  nestedComments: false,
};
const MSSQL: Lexis = { ...POSTGRES, nameQuotes: ['['], dollarQuotes: false };

const names = (sql: string, lexis: Lexis = POSTGRES): string[] =>
  placeholdersOf(sql, lexis).map(({ name }) => name);

describe('placeholders', () => {
  test('are :name and {{name}}', () => {
    expect(names('select * from t where a > :since and b < {{ until }} and c=:x')).toEqual([
      'since',
      'until',
      'x',
    ]);
  });

  test('are none in strings, quoted names and comments', () => {
    expect(
      names(
        `select ':a', "x:b", E'\\':c', $$ :d $$, $q$ :e $q$ -- :f\n/* :g /* :h */ :i */ from t where x = :y`,
      ),
    ).toEqual(['y']);
    expect(names("select ':a \\' :b', `:c` # :d\n from t where x = :y", MYSQL)).toEqual(['y']);
    expect(names('select [:a], [b]]:c] from t where x = :y', MSSQL)).toEqual(['y']);
  });

  test('casts, slices and times are none', () => {
    expect(names(`select a::date, b::timestamptz, c[1:2], '12:30:00', x at time zone 'utc' from t`)).toEqual(
      [],
    );
  });

  test('only what is asked for is replaced, the rest stays as it was', () => {
    const sql = `select ':a' from t where x > :a and y = :other`;
    expect(replacePlaceholders(sql, POSTGRES, ({ name }) => (name === 'a' ? '$1' : undefined))).toBe(
      `select ':a' from t where x > $1 and y = :other`,
    );
  });
});

describe('one statement', () => {
  test.each([
    ['select 1;', 'select 1'],
    ['select 1 ; ; -- done\n ; /* x; */ ', 'select 1'],
    ["select ';' as x;", "select ';' as x"],
    ['select 1 -- a comment at the end', 'select 1 '],
    ["select 'a' ;\n", "select 'a'"],
    ['select "a;b"', 'select "a;b"'],
  ])('%p', (sql, expected) => {
    expect(singleStatement(sql, POSTGRES)?.trimEnd()).toBe(expected.trimEnd());
  });

  test.each(['', ' ; ', '-- only a comment', 'select 1; select 2', 'select 1; -- x\ndrop table t'])(
    '%p is none',
    (sql) => {
      expect(singleStatement(sql, POSTGRES)).toBeUndefined();
    },
  );
});

test('segments are the whole of the SQL, whatever it is', () => {
  const piece = fc.constantFrom(
    "'",
    '"',
    '`',
    '[',
    ']',
    '\\',
    '$$',
    '$t$',
    '--',
    '#',
    '/*',
    '*/',
    '\n',
    ';',
    ':a',
    'E',
    ' ',
    'x',
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 30 }),
      fc.constantFrom(POSTGRES, MYSQL, MSSQL),
      (pieces, lexis) => {
        const sql = pieces.join('');
        expect(
          segmentsOf(sql, lexis)
            .map(({ text }) => text)
            .join(''),
        ).toBe(sql);
      },
    ),
  );
});
