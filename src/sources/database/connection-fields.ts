import type { FoundryError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import type { ConnectionTarget } from './connection-target.ts';
import type { Pair } from './odbc-string.ts';

/** The refusal of a connection string, in words that name no value of it. */
export type Refuse = (problem: string, hint?: string) => FoundryError;
export type Fields = ReadonlyMap<Field, string>;

export type Field =
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

/** What each pair means. @throws CFG001 for a key that is not known, or that says two things */
export function fieldsOf(pairs: readonly Pair[], refuse: Refuse): Fields {
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
