import { FoundryError } from '../../core/errors.ts';
import type { Dialect } from './dialect.ts';

/** MySQL and MariaDB. */
export const mysqlDialect: Dialect = {
  engine: 'mysql',
  rowCount: 'count(*)',
  lexis: {
    backslashEscapes: true,
    nameQuotes: ['`'],
    dollarQuotes: false,
    hashComments: true,
    nestedComments: false,
  },
  identifier(name) {
    if (name.includes('\u0000')) {
      throw new FoundryError('DATA001', `the name ${JSON.stringify(name)} holds a NUL character`);
    }
    return `\`${name.replaceAll('`', '``')}\``;
  },
  placeholder: () => '?',
  wrap: (query) => ({ before: '', from: `(${query}\n) q` }),
  limit: (select, rest, rows) => `SELECT ${select} ${rest} LIMIT ${rows}`,
  nth: (select, rest, before) => `SELECT ${select} ${rest} LIMIT 1 OFFSET ${before}`,
  now(kind) {
    switch (kind) {
      case 'timestamptz':
        return `DATE_FORMAT(UTC_TIMESTAMP(6), '%Y-%m-%dT%H:%i:%s.%fZ')`;
      // Times without a zone are written by the server's clock, of which the session keeps the distance to UTC.
      case 'timestamp':
        return `DATE_FORMAT(ADDTIME(UTC_TIMESTAMP(6), @foundry_offset), '%Y-%m-%dT%H:%i:%s.%f')`;
      case 'date':
        return `DATE_FORMAT(ADDTIME(UTC_TIMESTAMP(6), @foundry_offset), '%Y-%m-%d')`;
      default:
        return undefined;
    }
  },
};
