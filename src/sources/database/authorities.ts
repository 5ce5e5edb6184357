import { readFileSync } from 'node:fs';
import { FoundryError, messageOf } from '../../core/errors.ts';

/** The certificates that a connection string names. @throws CFG001 */
export function readAuthorities(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new FoundryError('CFG001', `the certificates of ${file} cannot be read: ${messageOf(error)}`, {
      hint: 'Correct the path of the authorities in the connection string (sslrootcert, ServerCertificate).',
      cause: error,
    });
  }
}
