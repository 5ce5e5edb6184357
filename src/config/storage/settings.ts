import type * as v from 'valibot';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { AzureConnection, Connections, Reference, S3Connection } from './connections.ts';
import type { azureConnectionSchema, s3ConnectionSchema, storageMetadataSchema } from './schema.ts';

export type S3ConnectionConfig = v.InferOutput<typeof s3ConnectionSchema>;
export type AzureConnectionConfig = v.InferOutput<typeof azureConnectionSchema>;
export type StorageMetadataConfig = v.InferOutput<typeof storageMetadataSchema>;

export interface ConnectionConfigs {
  readonly s3_connection?: S3ConnectionConfig | undefined;
  readonly azure_connection?: AzureConnectionConfig | undefined;
}

/** What `storage_metadata` says; a storage policy decides by it. */
export interface StorageMetadata {
  readonly boundary?: 'onprem' | 'cloud';
  readonly providerType?: 's3_local' | 's3_cloud' | 'azure_blob' | 'azure_adls' | 'local_generic';
  /** Absent for "" and null: none. */
  readonly cloudProvider?: 'azure' | 'aws' | 'gcp';
}

export function checkConnections(config: Partly<ConnectionConfigs>, at: ConfigPath, report: Report): void {
  const s3 = config.s3_connection;
  for (const [section, key, value] of [
    ['s3_connection', 'endpoint_url', s3?.endpoint_url],
    ['azure_connection', 'account_url', config.azure_connection?.account_url],
  ] as const) {
    if (value === undefined || /^https?:$/.test(URL.parse(value)?.protocol ?? '')) continue;
    const here = [...at, section, key];
    report.invalid(here, `${key} must be an http or https address, got ${report.show(here, value)}`);
  }
  if (s3?.endpoint_url !== undefined && s3.endpoint_url_env !== undefined) {
    report.warn(
      [...at, 's3_connection', 'endpoint_url_env'],
      "'endpoint_url_env' has no effect beside endpoint_url",
    );
  }
  if (s3?.kms_key_id !== undefined && s3.server_side_encryption !== 'aws:kms') {
    report.invalid(
      [...at, 's3_connection', 'kms_key_id'],
      'kms_key_id needs server_side_encryption: aws:kms',
    );
  }
  if (s3?.verify_ssl === false) {
    report.warn(
      [...at, 's3_connection', 'verify_ssl'],
      "'verify_ssl: false' lets anyone pose as the storage; use ca_file",
    );
  }
}

/** Absent where the config says nothing of connections. */
export function connectionsPart(config: ConnectionConfigs): { readonly connections?: Connections } {
  const { s3_connection: s3, azure_connection: azure } = config;
  if (s3 === undefined && azure === undefined) return {};
  return {
    connections: {
      ...(s3 !== undefined && { s3: s3Connection(s3) }),
      ...(azure !== undefined && { azure: azureConnection(azure) }),
    },
  };
}

function s3Connection(config: S3ConnectionConfig): S3Connection {
  return present({
    endpointUrl: config.endpoint_url,
    endpointUrlEnv: config.endpoint_url_env,
    region: config.region,
    pathStyle: config.path_style,
    accessKeyId: variable(config.access_key_env),
    secretAccessKey: variable(config.secret_key_env),
    sessionToken: variable(config.session_token_env),
    profile: config.profile,
    encryption: config.server_side_encryption,
    kmsKeyId: config.kms_key_id,
    caFile: config.ca_file,
    verifySsl: config.verify_ssl,
  });
}

function azureConnection(config: AzureConnectionConfig): AzureConnection {
  return present({
    connectionString: variable(config.connection_string_env),
    accountName: variable(config.account_name_env),
    accountUrl: config.account_url,
    accountKey: variable(config.account_key_env),
    sasToken: variable(config.sas_token_env),
    tenantId: variable(config.tenant_id_env),
    clientId: variable(config.client_id_env),
    clientSecret: variable(config.client_secret_env),
    useManagedIdentity: config.use_managed_identity,
  });
}

export function storageMetadataPart(config: StorageMetadataConfig | undefined): {
  readonly storageMetadata?: StorageMetadata;
} {
  if (config === undefined) return {};
  const cloud = config.cloud_provider;
  return {
    storageMetadata: present({
      boundary: config.boundary,
      providerType: config.provider_type,
      cloudProvider: cloud === '' ? undefined : cloud,
    }),
  };
}

function variable(name: string | undefined): Reference | undefined {
  return name === undefined ? undefined : { env: name };
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the keys that have no value. */
export function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}
