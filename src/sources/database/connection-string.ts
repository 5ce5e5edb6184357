import type { DatabaseEngine } from '../../config/database/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { Secret } from '../../core/secret.ts';
import { type Field, type Fields, fieldsOf, type Refuse } from './connection-fields.ts';
import type { ConnectionTarget } from './connection-target.ts';
import { tlsOf } from './connection-tls.ts';
import { pairsOfUrl } from './connection-url.ts';
import { isPairs, type Pair, parseKeywords, parsePairs } from './odbc-string.ts';

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
