import type { Secret } from '../core/secret.ts';

/** `environments/<name>.yaml`: how to reach the storages of one environment. Nothing of it enters `process.env`. */
export interface EnvironmentSpec {
  readonly path: string;
  readonly name: string;
  readonly s3?: {
    readonly endpointUrl?: string;
    readonly accessKeyId?: Secret;
    readonly secretAccessKey?: Secret;
    readonly sessionToken?: Secret;
    readonly region: string;
    readonly pathStyle?: boolean;
    readonly profile?: string;
    readonly serverSideEncryption?: 'AES256' | 'aws:kms';
    readonly kmsKeyId?: string;
    readonly caFile?: string;
    readonly verifySsl?: boolean;
    /** Real bucket names by the names that configs use. */
    readonly buckets: Readonly<Record<string, string>>;
    /** Keys that are left out because their variables are not set; using the storage is an error then. */
    readonly unset: readonly string[];
  };
  readonly azure?: {
    readonly connectionString?: Secret;
    readonly accountName?: string;
    readonly accountUrl?: string;
    readonly accountKey?: Secret;
    readonly sasToken?: Secret;
    readonly tenantId?: string;
    readonly clientId?: string;
    readonly clientSecret?: Secret;
    readonly useManagedIdentity?: boolean;
    /** Real container names by the names that configs use. */
    readonly containers: Readonly<Record<string, string>>;
    readonly unset: readonly string[];
  };
}
