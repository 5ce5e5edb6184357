import { FoundryError } from '../../core/errors.ts';
import type { Dialect } from './dialect.ts';

export const postgresDialect: Dialect = {
  engine: 'postgres',
  rowCount: 'count(*)',
  lexis: {
    backslashEscapes: false,
    nameQuotes: [],
    dollarQuotes: true,
    hashComments: false,
    nestedComments: true,
  },
  identifier(name) {
    if (name.includes('\u0000')) {
      throw new FoundryError('DATA001', `the name ${JSON.stringify(name)} holds a NUL character`);
    }
    return `"${name.replaceAll('"', '""')}"`;
  },
  placeholder: (n) => `$${n}`,
  wrap: (query) => ({ before: '', from: `(${query}\n) q` }),
  limit: (select, rest, rows) => `SELECT ${select} ${rest} LIMIT ${rows}`,
  nth: (select, rest, before) => `SELECT ${select} ${rest} LIMIT 1 OFFSET ${before}`,
  now(kind) {
    const format = `'YYYY-MM-DD"T"HH24:MI:SS.US'`;
    switch (kind) {
      case 'timestamptz':
        return `to_char(transaction_timestamp() AT TIME ZONE 'UTC', ${format}) || 'Z'`;
      case 'timestamp':
        return `to_char(transaction_timestamp() AT TIME ZONE 'UTC', ${format})`;
      case 'date':
        return `to_char(transaction_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD')`;
      default:
        return undefined;
    }
  },
};
