import * as kit from '../yaml/schema-kit.ts';

const variable = (what: string) => `Name of the environment variable with ${what}.`;

/** `s3_connection`: names of variables, never secrets themselves. */
export const s3ConnectionSchema = kit.section({
  endpoint_url_env: kit.optional(variable('the address of a storage that speaks S3'), kit.text, {
    fallback: '`BRONZE_S3_ENDPOINT`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`; else AWS',
  }),
  endpoint_url: kit.optional('That address itself.', kit.text),
  region: kit.optional('Region of the bucket.', kit.text, {
    fallback: '`AWS_REGION`, `AWS_DEFAULT_REGION`, the profile; `us-east-1` with an endpoint',
  }),
  path_style: kit.optional('Whether the bucket stands in the path instead of the host name.', kit.flag, {
    fallback: '`true` with an endpoint',
  }),
  access_key_env: kit.optional(variable('the access key'), kit.text, { fallback: '`AWS_ACCESS_KEY_ID`' }),
  secret_key_env: kit.optional(variable('the secret key'), kit.text, {
    fallback: '`AWS_SECRET_ACCESS_KEY`',
  }),
  session_token_env: kit.optional(variable('the session token'), kit.text, {
    fallback: '`AWS_SESSION_TOKEN` beside the default keys',
  }),
  profile: kit.optional('Profile of the AWS files, where no keys are set.', kit.text, {
    fallback: '`AWS_PROFILE`, then what the AWS SDK finds: web identity, container and instance roles',
  }),
  server_side_encryption: kit.optional(
    'Encryption at rest that is asked for: `AES256` (SSE-S3) or `aws:kms` (SSE-KMS).',
    kit.choice(['AES256', 'aws:kms']),
    { fallback: 'the bucket’s own' },
  ),
  kms_key_id: kit.optional('Key of `aws:kms`.', kit.text, { fallback: 'that of the bucket' }),
  ca_file: kit.optional('PEM file of the certificates to trust.', kit.text, { fallback: '`AWS_CA_BUNDLE`' }),
  verify_ssl: kit.optional('Whether certificates are checked; `false` is for tests.', kit.flag, {
    fallback: '`true`',
  }),
});

/** `azure_connection`. */
export const azureConnectionSchema = kit.section({
  connection_string_env: kit.optional(variable('the connection string'), kit.text, {
    fallback: '`AZURE_STORAGE_CONNECTION_STRING`',
  }),
  account_name_env: kit.optional(variable('the name of the account'), kit.text, {
    fallback: '`AZURE_STORAGE_ACCOUNT`',
  }),
  account_url: kit.optional('Address of the account.', kit.text, {
    fallback: '`https://<account>.blob.core.windows.net`',
  }),
  account_key_env: kit.optional(variable('the account key'), kit.text, { fallback: '`AZURE_STORAGE_KEY`' }),
  sas_token_env: kit.optional(variable('a shared access signature'), kit.text, {
    fallback: '`AZURE_STORAGE_SAS_TOKEN`',
  }),
  tenant_id_env: kit.optional(variable('the tenant of a service principal'), kit.text),
  client_id_env: kit.optional(
    variable('the client id of a service principal, or of a user-assigned managed identity'),
    kit.text,
  ),
  client_secret_env: kit.optional(variable('the secret of a service principal'), kit.text),
  use_managed_identity: kit.optional('Whether the managed identity of this machine is used.', kit.flag, {
    fallback: '`false`; without key, SAS and principal: what the Azure SDK finds',
  }),
});

/** Classification of where the data lies, for `--storage-scope onprem`. */
export const storageMetadataSchema = kit.section({
  boundary: kit.optional('Where the data may lie.', kit.choice(['onprem', 'cloud'])),
  provider_type: kit.optional(
    'Kind of storage.',
    kit.choice(['s3_local', 's3_cloud', 'azure_blob', 'azure_adls', 'local_generic']),
  ),
  cloud_provider: kit.optional('Cloud.', kit.choice(['azure', 'aws', 'gcp', ''])),
});
