import { FoundryError, messageOf } from '../../core/errors.ts';
import { type ConnectionTarget, describeTarget } from './connection-target.ts';
import { alike, type Meaning, oneLine } from './meaning.ts';
import type { Statement } from './statement.ts';

const CREDENTIALS =
  'Check user, password and database in the connection string, and whether the server allows logins by password.';
const AGAIN = 'The server could not go on just now; the read is tried again, and then is worth another run.';
const GRANT = 'Let the user read it: GRANT SELECT ON schema.table TO user.';

/** By the server's number (sys.messages), or the driver's code. */
const KNOWN: Readonly<Record<string, Meaning>> = {
  ...alike([18456, 18452, 'ELOGIN'], { code: 'AUTH001', hint: CREDENTIALS }),
  4060: { code: 'AUTH001', hint: 'Check the name of the database, and whether the user may use it.' },
  ...alike([102, 156], { code: 'EXT001', hint: 'Correct the query at the place that the server quotes.' }),
  207: { code: 'EXT001', hint: 'Check the names of the columns.' },
  208: {
    code: 'EXT001',
    hint: 'Check the name of the table, its schema, and the database that it is looked for in.',
  },
  ...alike([229, 230], { code: 'EXT001', hint: GRANT }),
  916: { code: 'AUTH001', hint: 'Let the user into the database: CREATE USER user FOR LOGIN user.' },
  1033: { code: 'EXT001', hint: 'Leave ORDER BY out of subqueries, or give it OFFSET 0 ROWS.' },
  8155: { code: 'EXT001', hint: 'Give every column of the query a name: COUNT(*) AS n.' },
  8156: {
    code: 'EXT001',
    hint: 'Give every column of the query a name of its own: a.id AS a_id, b.id AS b_id.',
  },
  11501: {
    code: 'EXT001',
    hint: 'Write a query whose columns are always the same, so that they can be known beforehand.',
  },
  11526: {
    code: 'EXT001',
    hint: 'Temporary tables have no columns before they are filled; use a common table expression.',
  },
  1205: { code: 'RETRY001', hint: 'The server ended the statement to break a deadlock.' },
  1222: {
    code: 'RETRY001',
    hint: 'Another transaction holds the rows; ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON lets readers pass.',
  },
  3952: {
    code: 'EXT001',
    hint: 'The query reads a second database: allow snapshots there too (ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON).',
  },
  ...alike([3960, 40197, 40501, 40613, 49918, 10928, 10929, 6005], { code: 'RETRY001', hint: AGAIN }),
  3961: { code: 'RETRY001', hint: 'The table was altered while it was read.' },
  ENOTFOUND: { code: 'EXT001', hint: 'Check the name of the host in the connection string.' },
  ECONNREFUSED: {
    code: 'RETRY001',
    hint: 'Nothing listens there: check host and port, and whether the server runs.',
  },
  EINSTLOOKUP: {
    code: 'EXT001',
    hint: 'Check the name of the instance, and whether the SQL Server Browser runs; or write the port.',
  },
  EENCRYPT: {
    code: 'EXT001',
    hint: 'Set Encrypt=yes where the server requires TLS, Encrypt=no where it has none.',
  },
  ESTATEMENT: {
    code: 'EXT001',
    hint: 'Raise statement_timeout_seconds, or split the read into chunks (db.chunk_rows), so that no statement takes this long.',
  },
};

const CERTIFICATE: Meaning = {
  code: 'EXT001',
  hint: 'Name the authority of the server’s certificate (ServerCertificate=…), or set TrustServerCertificate=yes to trust any.',
};

const LOST: Meaning = {
  code: 'RETRY001',
  hint: 'The connection was lost. Check the network and the server’s log, and run again.',
};

/** What the driver threw, in words: the server's own message, where, and what to do. */
export function mssqlFailure(error: unknown, target: ConnectionTarget, statement?: Statement): FoundryError {
  if (error instanceof FoundryError) return error;
  const chain = causesOf(error);
  const number = chain
    .map((one) => property(one, 'number') ?? property(property(one, 'info'), 'number'))
    .find(isNumber);
  const message = messageOf(
    chain.findLast((one) => /\b(?:connect|getaddrinfo) E[A-Z_]+/.test(messageOf(one))) ?? error,
  );
  const words = chain.map((one) => String(property(one, 'code') ?? ''));
  const known =
    KNOWN[String(number)] ??
    (/certificate|self.signed|altnames/i.test(message) ? CERTIFICATE : undefined) ??
    words.map((word) => KNOWN[word]).findLast((entry) => entry !== undefined) ??
    KNOWN[/\b(?:ENOTFOUND|ECONNREFUSED)\b/.exec(message)?.[0] ?? ''] ??
    (isLost(words, message) ? LOST : undefined);
  const procedure = chain.map((one) => property(one, 'lineNumber')).find(isNumber);
  return new FoundryError(known?.code ?? 'EXT001', `${describeTarget(target)}: ${message}`, {
    details: {
      ...(number !== undefined && { error: number }),
      ...(procedure !== undefined && statement !== undefined && { line: procedure }),
      ...(statement !== undefined && { query: oneLine(statement.sql) }),
    },
    ...(known !== undefined && { hint: known.hint }),
    cause: error,
  });
}

/** The driver wraps its errors in its own, and several in one. */
function causesOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  for (
    let at: unknown = error;
    at !== undefined && at !== null && !chain.includes(at) && chain.length < 10;
  ) {
    chain.push(at);
    const several = property(at, 'errors');
    at =
      property(at, 'originalError') ??
      (Array.isArray(several) ? several[0] : undefined) ??
      property(at, 'cause');
  }
  return chain;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isLost(words: readonly string[], message: string): boolean {
  return (
    words.some((word) =>
      ['ESOCKET', 'ETIMEOUT', 'ECONNCLOSED', 'ECONNRESET', 'ENOTOPEN', 'EPIPE'].includes(word),
    ) || /connection (?:was )?(?:lost|closed)|socket hang up|ECONNRESET|ETIMEDOUT/i.test(message)
  );
}
