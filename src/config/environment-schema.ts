// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the substitutions of configs look like that
import type * as v from 'valibot';
import * as kit from './yaml/schema-kit.ts';

/** `environments/<name>.yaml`. */
export const environmentSchema = kit.section({
  name: kit.required('Name of the environment, as configs call it.', kit.text),
  s3: kit.optional(
    'How S3 is reached.',
    kit.section({
      endpoint_url: kit.optional('Address of a storage that speaks S3.', kit.text, { fallback: 'AWS' }),
      access_key_id: kit.optional('Access key; write `${NAME}`.', kit.text),
      secret_access_key: kit.optional('Secret key; write `${NAME}`.', kit.text),
      session_token: kit.optional('Session token; write `${NAME}`.', kit.text),
      region: kit.optional('Region.', kit.text, { fallback: '`us-east-1`' }),
      path_style: kit.optional('Whether the bucket stands in the path instead of the host name.', kit.flag, {
        fallback: '`true` with an endpoint',
      }),
      profile: kit.optional('Profile of the AWS files, where no keys are set.', kit.text),
      server_side_encryption: kit.optional(
        'Encryption at rest that is asked for.',
        kit.choice(['AES256', 'aws:kms']),
      ),
      kms_key_id: kit.optional('Key of `aws:kms`.', kit.text),
      ca_file: kit.optional('PEM file of the certificates to trust.', kit.text),
      verify_ssl: kit.optional('Whether certificates are checked.', kit.flag, { fallback: '`true`' }),
      buckets: kit.optional('Real bucket names, by the names that configs use.', kit.textMap, {
        fallback: '`{}`',
      }),
    }),
  ),
  azure: kit.optional(
    'How Azure storage is reached.',
    kit.section({
      connection_string: kit.optional('Connection string; write `${NAME}`.', kit.text),
      account_name: kit.optional('Name of the account.', kit.text),
      account_url: kit.optional('Address of the account.', kit.text),
      account_key: kit.optional('Account key; write `${NAME}`.', kit.text),
      sas_token: kit.optional('Shared access signature; write `${NAME}`.', kit.text),
      tenant_id: kit.optional('Tenant of a service principal.', kit.text),
      client_id: kit.optional('Client id of a service principal or managed identity.', kit.text),
      client_secret: kit.optional('Secret of a service principal; write `${NAME}`.', kit.text),
      use_managed_identity: kit.optional('Whether the managed identity of this machine is used.', kit.flag, {
        fallback: '`false`',
      }),
      containers: kit.optional('Real container names, by the names that configs use.', kit.textMap, {
        fallback: '`{}`',
      }),
    }),
  ),
});

export type EnvironmentConfig = v.InferOutput<typeof environmentSchema>;
