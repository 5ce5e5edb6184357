import type { DatabaseEngine } from '../../config/database/spec.ts';
import type { Fields, Refuse } from './connection-fields.ts';
import { TLS_MODES, type TlsMode } from './connection-target.ts';

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
export function tlsOf(engine: DatabaseEngine, fields: Fields, refuse: Refuse): TlsMode | undefined {
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
