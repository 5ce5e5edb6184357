import type { DatabaseEngine } from '../../config/database/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { Secret } from '../../core/secret.ts';
import { type BrokenString, type Pair, parseKeywords, parsePairs } from './odbc-string.ts';

/**
 * - `disable`: no TLS · `prefer`: TLS where the server has it · `require`: TLS, whoever answers
 * - `verify-ca`: a certificate that a known authority signed · `verify-full`: and that is of this host
 */
export const TLS_MODES = ['disable', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
export type TlsMode = (typeof TLS_MODES)[number];

/** What a connection string says; nothing of it but `describeTarget` may be printed. */
export interface ConnectionTarget {
  readonly engine: DatabaseEngine;
  readonly host: string;
  /** Absent: the engine's own. */
  readonly port?: number;
  /** A folder of Unix sockets instead of host and port. */
  readonly socket?: string;
  /** Named instance of SQL Server. */
  readonly instance?: string;
  readonly database?: string;
  readonly user?: string;
  readonly password?: Secret;
  /** Absent: the driver decides by the engine's custom. */
  readonly tls?: TlsMode;
  readonly caFile?: string;
  readonly applicationName?: string;
  readonly connectTimeoutSeconds?: number;
  /** SQL Server: the connection says that it only reads, so that a listener may send it to a secondary. */
  readonly readOnlyIntent?: boolean;
}

type Field =
  | Exclude<keyof ConnectionTarget, 'engine' | 'readOnlyIntent'>
  | 'encrypt'
  | 'trust'
  | 'intent'
  | 'integrated'
  | 'driver'
  | 'dsn'
  | 'ignored';

/** Keys of all dialects, without case, blanks, `_` and `-`. */
const FIELDS: Readonly<Record<string, Field>> = {
  ...each(
    'host',
    'server',
    'datasource',
    'address',
    'addr',
    'networkaddress',
    'host',
    'hostname',
    'hostaddr',
  ),
  ...each('host', 'servername'),
  ...each('port', 'port'),
  ...each('socket', 'socket', 'unixsocket'),
  ...each('database', 'database', 'initialcatalog', 'db', 'dbname', 'databasename'),
  ...each('user', 'uid', 'userid', 'user', 'username'),
  ...each('password', 'pwd', 'password'),
  ...each('tls', 'sslmode', 'ssl', 'tls'),
  ...each('caFile', 'sslrootcert', 'sslca', 'tlscafile', 'servercertificate'),
  ...each('encrypt', 'encrypt'),
  ...each('trust', 'trustservercertificate'),
  ...each('applicationName', 'app', 'applicationname'),
  ...each('connectTimeoutSeconds', 'connecttimeout', 'connectiontimeout', 'logintimeout', 'timeout'),
  ...each('intent', 'applicationintent'),
  ...each('integrated', 'trustedconnection', 'integratedsecurity', 'authentication'),
  ...each('driver', 'driver', 'provider'),
  ...each('dsn', 'dsn', 'filedsn'),
  ...each('instance', 'instance', 'instancename'),
  // What has no meaning for a program that only reads, in its own way.
  ...each('ignored', 'charset', 'characterset', 'clientencoding', 'option', 'marsconnection', 'pooling'),
  ...each('ignored', 'multipleactiveresultsets', 'multisubnetfailover', 'persistsecurityinfo', 'readonly'),
  ...each('ignored', 'tdsversion', 'channelbinding', 'targetsessionattrs', 'gssencmode', 'servertimezone'),
  ...each('ignored', 'minpoolsize', 'maxpoolsize', 'columnencryption', 'keepalives'),
};

function each(field: Field, ...keys: readonly string[]): Record<string, Field> {
  return Object.fromEntries(keys.map((key) => [key, field]));
}

const SCHEMES: Readonly<Record<string, DatabaseEngine>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
  mssql: 'mssql',
  sqlserver: 'mssql',
};

/**
 * URLs (`postgres://user:password@host:port/database?sslmode=require`; also with a driver, `mysql+pymysql://`, and
 * `jdbc:` before them), ODBC and ADO.NET strings, and libpq's `host=… dbname=…`.
 *
 * @param engine from the config; absent: known from the string
 * @param origin how messages call the string: they never show it
 * @throws CFG001 naming what is wrong, without any value
 */
export function parseConnectionString(
  text: string,
  engine: DatabaseEngine | undefined,
  origin: string,
): ConnectionTarget {
  const trimmed = text.trim().replace(/^jdbc:/i, '');
  const refuse: Refuse = (problem, hint) =>
    new FoundryError('CFG001', `${origin}: ${problem}`, {
      hint:
        hint ??
        'Write a URL such as postgres://user:password@host:5432/database, or Driver={…};Server=…;Database=…;UID=…;PWD=….',
    });
  if (trimmed === '') throw refuse('the connection string is empty');
  const url = /^([a-z][a-z0-9.-]*)(?:\+[a-z0-9_]+)?:\/\//i.exec(trimmed);
  const pairs =
    url === null
      ? trimmed.includes(';') || /^driver\s*=/i.test(trimmed)
        ? parsePairs(trimmed)
        : parseKeywords(trimmed)
      : pairsOfUrl(trimmed.slice(url[0].length), refuse);
  if (!isPairs(pairs)) throw refuse(pairs.problem);
  const fields = fieldsOf(pairs, refuse);
  const found = url === null ? engineOfPairs(fields, pairs) : SCHEMES[(url[1] ?? '').toLowerCase()];
  if (url !== null && found === undefined) {
    const known = Object.keys(SCHEMES);
    throw refuse(`no database is reached by ${url[1]}://${didYouMean(url[1] ?? '', known)}`);
  }
  if (engine !== undefined && found !== undefined && engine !== found) {
    throw refuse(`the string is for ${found}, but db.driver says ${engine}`, 'Correct the one or the other.');
  }
  const decided = engine ?? found;
  if (decided === undefined) {
    throw refuse(
      'the string does not say of which database it is',
      'Set db.driver: postgres, mysql or mssql.',
    );
  }
  return targetOf(decided, fields, refuse);
}

type Refuse = (problem: string, hint?: string) => FoundryError;
type Fields = ReadonlyMap<Field, string>;

function isPairs(pairs: readonly Pair[] | BrokenString): pairs is readonly Pair[] {
  return Array.isArray(pairs);
}

/** The part behind `scheme://`. Parsed by hand: the URL class treats databases' schemes and their passwords unlike each other. */
function pairsOfUrl(rest: string, refuse: Refuse): readonly Pair[] {
  const [beforeQuery = '', query = ''] = cut(rest, rest.indexOf('?'));
  // SQL Server's JDBC driver has `;key=value` where others have `?key=value&…`.
  const [main = '', properties = ''] = cut(beforeQuery, beforeQuery.indexOf(';'));
  const slash = main.indexOf('/', main.lastIndexOf('@') + 1);
  const [authority = '', path = ''] = cut(main, slash);
  const at = authority.lastIndexOf('@');
  const place = authority.slice(at + 1);
  const pairs: Pair[] = [];
  const add = (key: string, value: string): void => {
    if (value !== '') pairs.push({ key, value: decode(value, key, refuse) });
  };
  if (at >= 0) {
    const [user = '', password = ''] = cut(authority.slice(0, at), authority.slice(0, at).indexOf(':'));
    add('user', user);
    add('password', password);
  }
  if (place.includes(',')) throw refuse('several hosts are not supported', 'Name one host.');
  const host = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(place);
  if (host === null) throw refuse('the host cannot be read', 'Write IPv6 addresses in brackets.');
  add('host', (host[1] ?? '').replace(/^\[(.*)\]$/, '$1'));
  add('port', host[2] ?? '');
  add('database', path.replace(/\/$/, ''));
  for (const part of query.split('&').filter((text) => text !== '')) {
    const [key = '', value = ''] = cut(part, part.indexOf('='));
    add(decode(key, 'a key', refuse), value.replaceAll('+', '%20'));
  }
  const more = parsePairs(properties);
  if (!isPairs(more)) throw refuse(more.problem);
  return [...pairs, ...more];
}

/** The text before and behind a character; all of it and nothing where `at` is negative. */
function cut(text: string, at: number): readonly [string, string] {
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(text: string, what: string, refuse: Refuse): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse(
      `${what} holds a % that is no percent-encoding`,
      'Write % itself as %25, @ as %40, / as %2F.',
    );
  }
}

function fieldsOf(pairs: readonly Pair[], refuse: Refuse): Fields {
  const fields = new Map<Field, string>();
  for (const { key, value } of pairs) {
    const folded = key.toLowerCase().replaceAll(/[\s_-]/g, '');
    const field = Object.hasOwn(FIELDS, folded) ? FIELDS[folded] : undefined;
    if (field === undefined) {
      throw refuse(
        `the key ${key} is not known${didYouMean(folded, Object.keys(FIELDS))}`,
        'Remove it, or set what it means in the db section of the config.',
      );
    }
    if (field === 'ignored') continue;
    const first = fields.get(field);
    if (first !== undefined && first !== value) throw refuse(`${key} is given twice, with different values`);
    fields.set(field, value);
  }
  return fields;
}

function engineOfPairs(fields: Fields, pairs: readonly Pair[]): DatabaseEngine | undefined {
  const driver = fields.get('driver') ?? '';
  if (/postgres|psql/i.test(driver)) return 'postgres';
  if (/mysql|mariadb/i.test(driver)) return 'mysql';
  if (/sql\s*server|freetds|tds|sqlncli|msodbcsql|sqloledb/i.test(driver)) return 'mssql';
  const has = (pattern: RegExp): boolean => pairs.some(({ key }) => pattern.test(key.trim()));
  if (has(/^(?:data source|initial catalog|trustservercertificate)$/i)) return 'mssql';
  if (has(/^(?:dbname|sslrootcert)$/i)) return 'postgres';
  return undefined;
}

function targetOf(engine: DatabaseEngine, fields: Fields, refuse: Refuse): ConnectionTarget {
  if (fields.has('dsn')) {
    throw refuse(
      'a DSN is a name in a file of ODBC, which foundry does not read',
      'Write the server itself.',
    );
  }
  const integrated = fields.get('integrated')?.toLowerCase();
  if (integrated !== undefined && !['no', 'false', '0', 'sqlpassword'].includes(integrated)) {
    throw refuse(
      'only a user with a password can log in; Windows and Entra authentication are not supported',
    );
  }
  const host = hostOf(engine, fields.get('host') ?? '');
  const port = fields.get('port') ?? host.port;
  const text = (field: Field): string | undefined => fields.get(field) || undefined;
  const seconds = text('connectTimeoutSeconds');
  const [database, user, password] = [text('database'), text('user'), fields.get('password')];
  const [caFile, applicationName] = [text('caFile'), text('applicationName')];
  const socket = text('socket') ?? host.socket;
  const instance = text('instance') ?? host.instance;
  const tls = tlsOf(engine, fields, refuse);
  return {
    engine,
    host: host.host === '' ? 'localhost' : host.host,
    ...(port !== undefined && { port: wholeNumber(port, 'port', 65_535, refuse) }),
    ...(socket !== undefined && { socket }),
    ...(instance !== undefined && { instance }),
    ...(database !== undefined && { database }),
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password: new Secret(password) }),
    ...(tls !== undefined && { tls }),
    ...(caFile !== undefined && { caFile }),
    ...(applicationName !== undefined && { applicationName }),
    ...(seconds !== undefined && {
      connectTimeoutSeconds: wholeNumber(seconds, 'connect timeout', 86_400, refuse),
    }),
    ...(/^readonly$/i.test(fields.get('intent') ?? '') && { readOnlyIntent: true }),
  };
}

interface Host {
  readonly host: string;
  readonly port?: string;
  readonly socket?: string;
  readonly instance?: string;
}

/** `tcp:host,1433`, `host\instance`, `(local)`, `/var/run/postgresql`. */
function hostOf(engine: DatabaseEngine, written: string): Host {
  if (written.startsWith('/')) return { host: '', socket: written };
  if (engine !== 'mssql') return { host: written };
  const [named = '', port] = written.replace(/^tcp:/i, '').split(',');
  const [name = '', instance] = named.split('\\');
  const host = ['.', '(local)'].includes(name.trim().toLowerCase()) ? 'localhost' : name.trim();
  return {
    host,
    ...(port !== undefined && { port: port.trim() }),
    ...(instance !== undefined && instance !== '' && { instance: instance.trim() }),
  };
}

function wholeNumber(text: string, what: string, most: number, refuse: Refuse): number {
  const value = Number(text);
  if (!/^\d+$/.test(text.trim()) || value < 1 || value > most)
    throw refuse(`the ${what} is no number from 1 to ${most}`);
  return value;
}

const TLS_WORDS: Readonly<Record<string, TlsMode>> = {
  ...Object.fromEntries(TLS_MODES.map((mode) => [mode.replaceAll('-', ''), mode])),
  allow: 'prefer',
  preferred: 'prefer',
  required: 'require',
  verifyidentity: 'verify-full',
  disabled: 'disable',
  true: 'require',
  yes: 'require',
  '1': 'require',
  mandatory: 'require',
  strict: 'verify-full',
  false: 'disable',
  no: 'disable',
  '0': 'disable',
  optional: 'prefer',
};

/** `sslmode`, and the pair `Encrypt`, `TrustServerCertificate` of SQL Server, where encrypting verifies by default. */
function tlsOf(engine: DatabaseEngine, fields: Fields, refuse: Refuse): TlsMode | undefined {
  const word = (field: 'tls' | 'encrypt' | 'trust'): TlsMode | undefined => {
    const text = fields.get(field);
    if (text === undefined) return undefined;
    const folded = text.toLowerCase().replaceAll(/[\s_-]/g, '');
    const mode = Object.hasOwn(TLS_WORDS, folded) ? TLS_WORDS[folded] : undefined;
    if (mode === undefined)
      throw refuse(
        `the value of ${field === 'tls' ? 'sslmode' : field} is not known`,
        `Write one of ${TLS_MODES.join(', ')}.`,
      );
    return mode;
  };
  const [mode, encrypt, trust] = [word('tls'), word('encrypt'), word('trust')];
  if (mode !== undefined) return mode;
  if (encrypt === undefined && trust === undefined) return fields.has('caFile') ? 'verify-full' : undefined;
  if (encrypt === 'disable') return 'disable';
  if (trust === 'require') return 'require';
  return engine === 'mssql' ? 'verify-full' : (encrypt ?? 'require');
}

/** `postgres erp.example.com:5432/sales`: what messages and manifests say. */
export function describeTarget({ engine, host, port, socket, instance, database }: ConnectionTarget): string {
  const place =
    socket ??
    `${host}${instance === undefined ? '' : `\\${instance}`}${port === undefined ? '' : `:${port}`}`;
  return `${engine} ${place}${database === undefined ? '' : `/${database}`}`;
}
