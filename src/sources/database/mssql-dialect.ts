import { FoundryError } from '../../core/errors.ts';
import type { Dialect } from './dialect.ts';
import { forDerivedTable } from './mssql-query.ts';

/** SQL Server: WITH and an ORDER BY have no place in a derived table there. */
export const mssqlDialect: Dialect = {
  engine: 'mssql',
  rowCount: 'count_big(*)',
  lexis: {
    backslashEscapes: false,
    nameQuotes: ['['],
    dollarQuotes: false,
    hashComments: false,
    nestedComments: true,
  },
  identifier(name) {
    if (name.includes('\u0000')) {
      throw new FoundryError('DATA001', `the name ${JSON.stringify(name)} holds a NUL character`);
    }
    return `[${name.replaceAll(']', ']]')}]`;
  },
  placeholder: (n) => `@p${n}`,
  wrap(query) {
    const { before, select } = forDerivedTable(query, mssqlDialect.lexis);
    return { before, from: `(${select}\n) q` };
  },
  limit: (select, rest, rows) => `SELECT TOP (${rows}) ${select} ${rest}`,
  nth: (select, rest, before) => `SELECT ${select} ${rest} OFFSET ${before} ROWS FETCH NEXT 1 ROWS ONLY`,
  now(kind) {
    switch (kind) {
      case 'timestamptz':
        return "CONCAT(CONVERT(varchar(23), SYSUTCDATETIME(), 126), 'Z')";
      case 'timestamp':
        return 'CONVERT(varchar(23), SYSDATETIME(), 126)';
      case 'date':
        return 'CONVERT(varchar(10), SYSDATETIME(), 23)';
      default:
        return undefined;
    }
  },
  // The type that it meets is the query's business, and a datetime takes no text of more than three digits of a second.
  cursorText: (value) => value.replace(/(T\d\d:\d\d:\d\d\.\d{3})(\d*?)0+(?=Z?$)/, '$1$2'),
};
