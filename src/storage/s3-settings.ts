import {
  type Environment,
  referenceName,
  refuseUnset,
  resolveReference,
  type S3Connection,
} from '../config/storage/connections.ts';
import { FoundryError } from '../core/errors.ts';

/** What an S3 client is opened with; what is absent the SDK finds by itself. */
export interface S3Settings {
  readonly endpoint?: string;
  readonly region?: string;
  readonly pathStyle: boolean;
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  readonly profile?: string;
  readonly encryption?: 'AES256' | 'aws:kms';
  readonly kmsKeyId?: string;
  readonly caFile?: string;
  readonly verifySsl: boolean;
}

const ACCESS_KEY = 'AWS_ACCESS_KEY_ID';
/** Variables of the AWS tools, and the original's name for an endpoint. */
const ENDPOINTS = ['BRONZE_S3_ENDPOINT', 'AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'];

/** Where requests would go; undefined for AWS itself. Contacts nothing. */
export function s3Endpoint(connection: S3Connection, env: Environment): string | undefined {
  const named = connection.endpointUrlEnv === undefined ? undefined : env[connection.endpointUrlEnv];
  const found =
    connection.endpointUrl ?? (named || undefined) ?? ENDPOINTS.map((name) => env[name]).find(Boolean);
  return found?.replace(/\/+$/, '');
}

/** Where credentials would be fetched from before the first request to S3; undefined where nobody is asked. */
export function s3CredentialsEndpoint(connection: S3Connection, env: Environment): string | undefined {
  const hasKeys = resolveReference(connection.accessKeyId ?? { env: ACCESS_KEY }, env) !== undefined;
  if (hasKeys || (env.AWS_WEB_IDENTITY_TOKEN_FILE ?? '') === '') return undefined;
  return env.AWS_ENDPOINT_URL_STS || env.AWS_ENDPOINT_URL || 'https://sts.amazonaws.com';
}

/**
 * The connection with its variables looked up. Keys are taken where both are set; else the SDK's own chain finds
 * credentials (profiles, web identity, instance roles).
 *
 * @throws AUTH001 when only one of the two keys is set; CFG001 for an endpoint that is no address.
 */
export function s3Settings(connection: S3Connection, env: Environment): S3Settings {
  refuseUnset(connection.unset);
  const endpoint = s3Endpoint(connection, env);
  if (endpoint !== undefined && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? '')) {
    throw new FoundryError(
      'CFG001',
      `the S3 endpoint ${JSON.stringify(endpoint)} is no http or https address`,
    );
  }
  const region =
    connection.region ??
    (env.AWS_REGION || env.AWS_DEFAULT_REGION || (endpoint === undefined ? undefined : 'us-east-1'));
  const credentials = keysOf(connection, env);
  const caFile = connection.caFile ?? (env.AWS_CA_BUNDLE || undefined);
  return {
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
    pathStyle: connection.pathStyle ?? endpoint !== undefined,
    ...(credentials !== undefined && { credentials }),
    ...(connection.profile !== undefined && { profile: connection.profile }),
    ...(connection.encryption !== undefined && { encryption: connection.encryption }),
    ...(connection.kmsKeyId !== undefined && { kmsKeyId: connection.kmsKeyId }),
    ...(caFile !== undefined && { caFile }),
    verifySsl: connection.verifySsl ?? true,
  };
}

function keysOf(connection: S3Connection, env: Environment): S3Settings['credentials'] {
  const access = connection.accessKeyId ?? { env: ACCESS_KEY };
  const secret = connection.secretAccessKey ?? { env: 'AWS_SECRET_ACCESS_KEY' };
  const accessKeyId = resolveReference(access, env);
  const secretAccessKey = resolveReference(secret, env);
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined;
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const [set, unset] =
      accessKeyId === undefined
        ? [referenceName(secret, 'the secret key'), referenceName(access, 'the access key')]
        : [referenceName(access, 'the access key'), referenceName(secret, 'the secret key')];
    throw new FoundryError('AUTH001', `${set} is set, but ${unset} is not: S3 needs both, or neither`, {
      details: { backend_type: 's3', env_var: unset },
      hint: 'Set both variables; with neither, the profile, web identity or role of this machine is used.',
    });
  }
  // A token belongs to the keys beside it: the environment's is not for keys of another name.
  const isOwn = 'env' in access && access.env === 'AWS_ACCESS_KEY_ID';
  const sessionToken = resolveReference(
    connection.sessionToken ?? (isOwn ? { env: 'AWS_SESSION_TOKEN' } : undefined),
    env,
  );
  return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}
