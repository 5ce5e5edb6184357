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
      region: kit.optional('Region.', kit.text, { fallback: '`us-east-1`' }),
      buckets: kit.optional('Real bucket names, by the names that configs use.', kit.textMap, {
        fallback: '`{}`',
      }),
    }),
  ),
  azure: kit.optional('Settings of Azure storage; each may be a secret.', kit.textMap),
});

export type EnvironmentConfig = v.InferOutput<typeof environmentSchema>;
