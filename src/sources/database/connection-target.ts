import type { DatabaseEngine } from '../../config/database/spec.ts';
import type { Secret } from '../../core/secret.ts';

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

/** `postgres erp.example.com:5432/sales`: what messages and manifests say. */
export function describeTarget({ engine, host, port, socket, instance, database }: ConnectionTarget): string {
  const place =
    socket ??
    `${host}${instance === undefined ? '' : `\\${instance}`}${port === undefined ? '' : `:${port}`}`;
  return `${engine} ${place}${database === undefined ? '' : `/${database}`}`;
}
