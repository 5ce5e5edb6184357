import { describe, expect, test } from 'bun:test';
import { refusedBySqlServer } from '../../testing/tds/transact-sql.ts';
import { mssqlDialect } from './mssql-dialect.ts';

/** The statement that foundry makes of a query. */
function wrapped(query: string): string {
  const { before, from } = mssqlDialect.wrap(query);
  return `${before}SELECT q.* FROM ${from}`;
}

describe('a query of SQL Server as a derived table', () => {
  test.each([
    ['SELECT a FROM t ORDER BY a', 'SELECT q.* FROM (SELECT a FROM t\n) q'],
    ['SELECT TOP 5 a FROM t ORDER BY a', 'SELECT q.* FROM (SELECT TOP 5 a FROM t ORDER BY a\n) q'],
    [
      'SELECT a FROM t ORDER BY a OFFSET 5 ROWS FETCH NEXT 2 ROWS ONLY',
      'SELECT q.* FROM (SELECT a FROM t ORDER BY a OFFSET 5 ROWS FETCH NEXT 2 ROWS ONLY\n) q',
    ],
    [
      'WITH x AS (SELECT 1 AS a), y AS (SELECT a FROM x) SELECT a FROM y WHERE a = 1 OR a = 2',
      'WITH x AS (SELECT 1 AS a), y AS (SELECT a FROM x) SELECT q.* FROM (SELECT a FROM y WHERE a = 1 OR a = 2\n) q',
    ],
    [
      "SELECT row_number() OVER (ORDER BY a) AS n, 'order by' AS [order by] FROM t",
      "SELECT q.* FROM (SELECT row_number() OVER (ORDER BY a) AS n, 'order by' AS [order by] FROM t\n) q",
    ],
    ['SELECT a FROM t -- order by a', 'SELECT q.* FROM (SELECT a FROM t -- order by a\n) q'],
    [
      'SELECT a FROM t UNION SELECT b FROM u ORDER BY a',
      'SELECT q.* FROM (SELECT a FROM t UNION SELECT b FROM u\n) q',
    ],
  ])('%s', (query, expected) => {
    expect(wrapped(query)).toBe(expected);
    expect(refusedBySqlServer(expected)).toBeUndefined();
  });

  test('names are in brackets, and what closes one is doubled', () => {
    expect(mssqlDialect.identifier('a]; DROP TABLE x --')).toBe('[a]]; DROP TABLE x --]');
    expect(() => mssqlDialect.identifier('a\u0000')).toThrow('NUL');
  });
});
