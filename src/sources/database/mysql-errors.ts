import { FoundryError, messageOf } from '../../core/errors.ts';
import { type ConnectionTarget, describeTarget } from './connection-target.ts';
import { alike, type Meaning, oneLine } from './meaning.ts';
import type { Statement } from './statement.ts';

const CREDENTIALS =
  'Check the user and the password in the connection string, and from which hosts the user may log in.';
const AGAIN = 'The server could not go on just now; the read is tried again, and then is worth another run.';
const GRANT = 'Let the user read the table: GRANT SELECT ON database.table TO user.';

/** By the server's number (MySQL's and MariaDB's error reference), or the driver's code. */
const KNOWN: Readonly<Record<string, Meaning>> = {
  1044: { code: 'AUTH001', hint: 'Let the user use the database: GRANT SELECT ON database.* TO user.' },
  ...alike([1045, 1698], { code: 'AUTH001', hint: CREDENTIALS }),
  1130: { code: 'AUTH001', hint: 'Let the user log in from this host: CREATE USER user@host.' },
  1049: { code: 'EXT001', hint: 'Check the name of the database in the connection string.' },
  1054: {
    code: 'EXT001',
    hint: 'Check the names of the columns; names with capitals or blanks need `quotes`.',
  },
  1060: {
    code: 'EXT001',
    hint: 'Give every column of the query a name of its own: SELECT a.id AS a_id, b.id AS b_id.',
  },
  1064: { code: 'EXT001', hint: 'Correct the query at the place that the server quotes.' },
  ...alike([1142, 1143, 1227], { code: 'EXT001', hint: GRANT }),
  1146: { code: 'EXT001', hint: 'Check the name of the table, and the database that it is looked for in.' },
  1267: { code: 'EXT001', hint: 'Give both sides one collation: expression COLLATE utf8mb4_unicode_ci.' },
  1317: { code: 'EXT001', hint: 'Somebody ended the statement at the server (KILL QUERY).' },
  1792: { code: 'EXT001', hint: 'The session can only read: a query must be a SELECT.' },
  ...alike([1969, 3024], {
    code: 'EXT001',
    hint: 'Raise statement_timeout_seconds, or split the read into chunks (db.chunk_rows), so that no statement takes this long.',
  }),
  ...alike([1040, 1203, 1053, 1158, 1159, 1160, 1161, 1213, 1927, 2006, 2013, 4031], {
    code: 'RETRY001',
    hint: AGAIN,
  }),
  1129: {
    code: 'RETRY001',
    hint: 'The server refuses this host after many broken connections: FLUSH HOSTS there.',
  },
  1205: {
    code: 'RETRY001',
    hint: 'Another transaction holds the table; see who: SHOW ENGINE INNODB STATUS.',
  },
  1412: { code: 'RETRY001', hint: 'The table was altered while it was read.' },
  ENOTFOUND: { code: 'EXT001', hint: 'Check the name of the host in the connection string.' },
  EAI_AGAIN: { code: 'RETRY001', hint: 'The name of the host could not be looked up just now.' },
  ECONNREFUSED: {
    code: 'RETRY001',
    hint: 'Nothing listens there: check host and port, and whether the server runs.',
  },
  HANDSHAKE_NO_SSL_SUPPORT: {
    code: 'EXT001',
    hint: 'The server has no TLS: set sslmode=prefer or disable, or give it a certificate.',
  },
  HANDSHAKE_SSL_ERROR: {
    code: 'EXT001',
    hint: 'Name the authority of the server’s certificate (sslrootcert=…), or set sslmode=require to trust any.',
  },
  ER_NOT_SUPPORTED_AUTH_MODE: {
    code: 'AUTH001',
    hint: 'The user logs in by a plugin that is not supported; use one with a password.',
  },
};

const LOST = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** What the driver threw, in words: the server's own message, where, and what to do. */
export function mysqlFailure(error: unknown, target: ConnectionTarget, statement?: Statement): FoundryError {
  if (error instanceof FoundryError) return error;
  const number: unknown = Reflect.get(Object(error), 'errno');
  const word = String(Reflect.get(Object(error), 'code') ?? '');
  const said: unknown = Reflect.get(Object(error), 'sqlMessage');
  const message = typeof said === 'string' && said !== '' ? said : messageOf(error);
  const known = KNOWN[String(number)] ?? KNOWN[word] ?? (isLost(word, message) ? LOST_CONNECTION : undefined);
  return new FoundryError(known?.code ?? 'EXT001', `${describeTarget(target)}: ${message}`, {
    details: {
      ...(typeof number === 'number' && typeof said === 'string' && { error: number }),
      ...(statement !== undefined && { query: oneLine(statement.sql) }),
    },
    ...(known !== undefined && { hint: known.hint }),
    cause: error,
  });
}

/** A connection that went without a word of the server. */
export function lostMysql(message: string): Error {
  return Object.assign(new Error(message), { code: 'PROTOCOL_CONNECTION_LOST' });
}

const LOST_CONNECTION: Meaning = {
  code: 'RETRY001',
  hint: 'The connection was lost. Check the network and the server’s log, and run again.',
};

function isLost(word: string, message: string): boolean {
  return LOST.has(word) || /packets? out of order|closed state|connection (?:lost|is closed)/i.test(message);
}
