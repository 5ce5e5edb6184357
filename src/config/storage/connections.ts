import { FoundryError } from '../../core/errors.ts';
import type { Secret } from '../../core/secret.ts';

/** A value that is looked up when a storage is opened, so that a config can be checked where it is not set. */
export type Reference = { readonly env: string } | { readonly secret: Secret } | { readonly value: string };

/** How S3, or a storage that speaks S3, is reached. What is absent is taken as the AWS SDK takes it. */
export interface S3Connection {
  readonly endpointUrl?: string;
  readonly endpointUrlEnv?: string;
  readonly region?: string;
  /** Bucket in the path instead of the host name; absent: where an endpoint is given. */
  readonly pathStyle?: boolean;
  readonly accessKeyId?: Reference;
  readonly secretAccessKey?: Reference;
  readonly sessionToken?: Reference;
  /** Of the AWS config and credentials files. */
  readonly profile?: string;
  readonly encryption?: 'AES256' | 'aws:kms';
  readonly kmsKeyId?: string;
  /** PEM file of the certificates to trust. */
  readonly caFile?: string;
  readonly verifySsl?: boolean;
  /** Keys of the environment file whose variables are not set; opening is an error then. */
  readonly unset?: readonly string[];
}

/** How Azure Blob Storage is reached; the first that is there is used, in this order. */
export interface AzureConnection {
  readonly connectionString?: Reference;
  readonly accountName?: Reference;
  /** `https://<account>.blob.core.windows.net`, or a store of one's own. */
  readonly accountUrl?: string;
  readonly accountKey?: Reference;
  readonly sasToken?: Reference;
  readonly tenantId?: Reference;
  readonly clientId?: Reference;
  readonly clientSecret?: Reference;
  readonly useManagedIdentity?: boolean;
  readonly unset?: readonly string[];
}

/** Of one dataset: its source, Bronze and Silver share them. */
export interface Connections {
  readonly s3?: S3Connection;
  readonly azure?: AzureConnection;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** An empty variable counts as none: it is what a deployment leaves where it has nothing to say. */
export function resolveReference(reference: Reference | undefined, env: Environment): string | undefined {
  if (reference === undefined) return undefined;
  if ('value' in reference) return reference.value;
  const value = 'env' in reference ? env[reference.env] : reference.secret.reveal();
  return value === '' ? undefined : value;
}

/** As messages may name it: the variable, never the value. */
export function referenceName(reference: Reference | undefined, fallback: string): string {
  return reference !== undefined && 'env' in reference ? reference.env : fallback;
}

/** @throws CFG001 when the environment file names variables for this storage that are not set. */
export function refuseUnset(unset: readonly string[] | undefined): void {
  if (unset === undefined || unset.length === 0) return;
  throw new FoundryError(
    'CFG001',
    `the environment file says ${unset.join(', ')} by variables that are not set`,
    {
      hint: 'Set them, or take the keys out of the file. The warning above names file, line and variable.',
    },
  );
}
