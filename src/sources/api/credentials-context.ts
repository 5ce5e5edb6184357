import type { Environment, Redactor } from './secrets.ts';
import type { Transport } from './transport.ts';

/** What the credentials of one API are made with. */
export interface CredentialsContext {
  /** Of the API: `https://api.example.com`. */
  readonly origin: string;
  readonly env: Environment;
  readonly redactor: Redactor;
  readonly transport: Transport;
  readonly warn: (message: string) => void;
}
