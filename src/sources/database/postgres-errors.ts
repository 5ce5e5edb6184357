import { FoundryError, messageOf } from '../../core/errors.ts';
import { alike, type Meaning, oneLine } from './meaning.ts';
import type { Statement } from './statement.ts';

/** What an error of the driver holds; other errors have some of it. */
interface ServerError {
  readonly code?: unknown;
  readonly position?: unknown;
  readonly detail?: unknown;
  readonly hint?: unknown;
}

const LOST: Meaning = {
  code: 'RETRY001',
  hint: 'The connection was lost; nothing was committed. Run again.',
};

/** By SQLSTATE, or its class of two characters (PostgreSQL, appendix A), or the code of a network failure. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  '28P01': { code: 'AUTH001', hint: 'Check user and password in the connection string.' },
  '28': { code: 'AUTH001', hint: 'Check the user in the connection string, and pg_hba.conf of the server.' },
  '3D000': { code: 'EXT001', hint: 'Check the name of the database in the connection string.' },
  '3F000': { code: 'EXT001', hint: 'Check the name of the schema.' },
  '42P01': { code: 'EXT001', hint: 'Check the name, and write the schema before it: schema.table.' },
  '42703': { code: 'EXT001', hint: 'Check the names of the columns.' },
  '42501': { code: 'EXT001', hint: 'Grant the user of the connection SELECT on what the query reads.' },
  '42': { code: 'EXT001', hint: 'Correct the query.' },
  '25006': { code: 'EXT001', hint: 'The connection only reads; the query must not write.' },
  '25P02': { code: 'EXT001', hint: 'An earlier statement of the transaction failed.' },
  '53300': { code: 'RETRY001', hint: 'The server has too many connections. Run again later.' },
  '53': { code: 'RETRY001', hint: 'The server is short of resources. Run again later.' },
  '55P03': {
    code: 'RETRY001',
    hint: 'Another transaction holds a lock. Run again later, or raise lock_timeout_seconds.',
  },
  '57014': {
    code: 'EXT001',
    hint: 'Raise statement_timeout_seconds, or read in smaller chunks: chunk_rows.',
  },
  ...alike(['57P01', '57P02', '57P05', '08'], LOST),
  '57P03': { code: 'RETRY001', hint: 'The server is starting or stopping. Run again later.' },
  '57P04': { code: 'EXT001', hint: 'The database was dropped.' },
  '40': { code: 'RETRY001', hint: 'The transaction collided with others. Run again.' },
  '58': { code: 'RETRY001', hint: 'The server failed; see its log.' },
  XX: { code: 'EXT001', hint: 'The server failed; see its log.' },
  ENOTFOUND: { code: 'EXT001', hint: 'Check the host in the connection string.' },
  EAI_AGAIN: { code: 'RETRY001', hint: 'The name of the host could not be looked up. Run again later.' },
  ECONNREFUSED: { code: 'RETRY001', hint: 'Check host and port; no server answers there.' },
  ENOENT: { code: 'EXT001', hint: 'Check the folder of the socket; no server answers there.' },
  EACCES: { code: 'EXT001', hint: 'Check the rights on the socket.' },
  CONNECT_TIMEOUT: {
    code: 'RETRY001',
    hint: 'Check host, port and firewall, or raise connect_timeout_seconds.',
  },
};

/** Failures of TLS: of the certificate, mostly. */
const TLS = /certificate|self.signed|SSL|TLS|CERT_|altname/i;

/**
 * What the driver threw, as foundry tells it: what the server said, the SQL it said it of (parameters stay places), what
 * to do.
 * @param where the server, as `describeTarget` has it
 * @param user what the statement is to whoever reads the message: their query, where the position counts
 */
export function postgresFailure(error: unknown, where: string, statement?: Statement): FoundryError {
  if (error instanceof FoundryError) return error;
  const { code, position, detail, hint } = (
    typeof error === 'object' && error !== null ? error : {}
  ) as ServerError;
  const state = typeof code === 'string' ? code : '';
  const isState = /^[0-9A-Z]{5}$/.test(state);
  const known = MEANINGS[state] ?? (isState ? MEANINGS[state.slice(0, 2)] : undefined);
  const meaning =
    known ??
    (isState ? { code: 'EXT001', hint: 'Correct the query or its data.' } : networkMeaning(error, state));
  const at =
    statement !== undefined && typeof position === 'string'
      ? place(statement.sql, Number(position))
      : undefined;
  const said = [messageOf(error), typeof detail === 'string' ? detail : '']
    .filter((text) => text !== '')
    .join('; ');
  const sql = statement === undefined ? '' : `; the query: ${oneLine(statement.sql)}`;
  const advice =
    typeof hint === 'string' && hint !== '' ? `${meaning.hint} The server advises: ${hint}` : meaning.hint;
  return new FoundryError(meaning.code, `${where}: ${said}${at === undefined ? '' : ` (${at})`}${sql}`, {
    details: { ...(isState && { sqlstate: state }) },
    hint: advice,
    cause: error,
  });
}

function networkMeaning(error: unknown, code: string): Meaning {
  if (TLS.test(code) || TLS.test(messageOf(error))) {
    return {
      code: 'EXT001',
      hint: 'Check sslmode and sslrootcert in the connection string, and that the host is named as in its certificate.',
    };
  }
  return LOST;
}

/** A position counts characters from 1. */
function place(sql: string, position: number): string {
  const before = [...sql].slice(0, position - 1).join('');
  const lines = before.split('\n');
  return `line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
}
