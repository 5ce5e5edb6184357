import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { ApiOptions } from './schema.ts';
import type { ApiAuth, SecretRef } from './spec.ts';
import { checkUrl } from './url.ts';

type AuthOptions = Partly<NonNullable<ApiOptions['auth']>>;
type AuthKey = keyof AuthOptions;

/** The original's flat keys, and what they are called in `auth`. */
const FLAT = {
  auth_type: 'type',
  auth_token_env: 'token_env',
  auth_key_env: 'key_env',
  auth_key_header: 'key_header',
  auth_key_name: 'key_header',
  auth_username_env: 'username_env',
  auth_password_env: 'password_env',
} as const satisfies Partial<Record<keyof ApiOptions, AuthKey>>;
const FLAT_KEYS = Object.keys(FLAT) as (keyof typeof FLAT)[];

/** Keys that each type reads; of the lists in `one`, exactly one key each. */
const OAUTH_CLIENT = ['token_url', 'client_auth', 'scopes', 'audience'] as const;
const READS = {
  none: { one: [], also: [] },
  bearer: { one: [['token_env', 'token_file']], also: [] },
  api_key: { one: [['key_env', 'key_file']], also: ['key_header', 'key_param'] },
  basic: {
    one: [
      ['username_env', 'username_file'],
      ['password_env', 'password_file'],
    ],
    also: [],
  },
  aws_sigv4: {
    one: [['region']],
    also: ['service', 'access_key_id_env', 'secret_access_key_env', 'session_token_env'],
  },
  oauth2_client_credentials: {
    one: [['token_url'], ['client_id', 'client_id_env'], ['client_secret_env', 'client_secret_file']],
    also: OAUTH_CLIENT,
  },
  oauth2_refresh_token: {
    one: [['token_url'], ['client_id', 'client_id_env'], ['refresh_token_env', 'refresh_token_file']],
    also: [...OAUTH_CLIENT, 'client_secret_env', 'client_secret_file'],
  },
} as const satisfies Record<
  ApiAuth['type'],
  { readonly one: readonly (readonly AuthKey[])[]; readonly also: readonly AuthKey[] }
>;

/** Reports missing, contradicting and useless keys of an API's authentication. */
export function checkAuth(api: Partly<ApiOptions>, at: ConfigPath, report: Report): void {
  const flat = FLAT_KEYS.filter((key) => api[key] !== undefined);
  if (api.auth !== undefined && flat.length > 0) {
    for (const key of flat) report.invalid([...at, key], `auth says this already; keep one of them`, 'key');
    return;
  }
  if (api.auth_key_header !== undefined && api.auth_key_name !== undefined) {
    report.invalid([...at, 'auth_key_name'], 'auth_key_header says this already; keep one of them', 'key');
  }
  const isNested = api.auth !== undefined;
  const place = (key: AuthKey): ConfigPath => {
    if (isNested) return [...at, 'auth', key];
    const named = FLAT_KEYS.find((name) => FLAT[name] === key && api[name] !== undefined);
    return [...at, named ?? `auth_${key}`];
  };
  if (report.isMuted(place('type')) || report.isMuted([...at, 'auth'])) return;
  const options = authOptions(api);
  const type = options.type ?? 'none';
  const reads = READS[type];
  for (const keys of reads.one as readonly (readonly AuthKey[])[]) {
    checkOne(keys, options, place, type, report);
  }
  const known = new Set<AuthKey>(['type', ...reads.one.flat(), ...reads.also]);
  for (const key of Object.keys(options) as AuthKey[]) {
    if (options[key] === undefined || known.has(key)) continue;
    report.warn(place(key), `'${place(key).at(-1)}' has no effect when the authentication is ${type}`);
  }
  if (options.key_header !== undefined && options.key_param !== undefined) {
    report.invalid(place('key_param'), 'the key goes into key_header or key_param; keep one of them', 'key');
  }
  if (options.client_secret_env !== undefined && options.client_secret_file !== undefined) {
    report.invalid(
      place('client_secret_file'),
      'client_secret_env says this already; keep one of them',
      'key',
    );
  }
  checkUrl(options.token_url, place('token_url'), report);
}

/** One of some keys must be there, and only one. */
function checkOne(
  keys: readonly AuthKey[],
  options: AuthOptions,
  place: (key: AuthKey) => ConfigPath,
  type: string,
  report: Report,
): void {
  const [first] = keys;
  const given = keys.filter((key) => options[key] !== undefined);
  if (first === undefined || keys.some((key) => report.isMuted(place(key)))) return;
  if (given.length === 0) {
    const names = keys.map((key) => place(key).at(-1)).join(' or ');
    report.invalid(place(first), `authentication of type ${type} requires ${names}`, 'key');
  }
  const second = given[1];
  if (second !== undefined)
    report.invalid(place(second), `${given[0]} says this already; keep one of them`, 'key');
  for (const key of given) {
    if (String(options[key]).trim() === '') report.invalid(place(key), `${key} must not be empty`);
  }
}

/** The keys of `auth`, wherever they stand. */
function authOptions(api: Partly<ApiOptions>): AuthOptions {
  if (api.auth !== undefined) return api.auth;
  const flat = FLAT_KEYS.filter((key) => api[key] !== undefined).map((key) => [FLAT[key], api[key]] as const);
  return Object.fromEntries(flat) as AuthOptions;
}

/** The authentication of options that `checkAuth` found no problem in. */
export function apiAuth(api: ApiOptions): ApiAuth {
  const options = authOptions(api);
  switch (options.type) {
    case undefined:
    case 'none':
      return { type: 'none' };
    case 'bearer':
      return { type: 'bearer', token: secret(options.token_env, options.token_file) };
    case 'api_key':
      return {
        type: 'api_key',
        key: secret(options.key_env, options.key_file),
        ...(options.key_param === undefined
          ? { at: 'header', name: options.key_header ?? 'X-API-Key' }
          : { at: 'query', name: options.key_param }),
      };
    case 'basic':
      return {
        type: 'basic',
        username: secret(options.username_env, options.username_file),
        password: secret(options.password_env, options.password_file),
      };
    case 'aws_sigv4':
      return {
        type: options.type,
        region: options.region ?? '',
        service: options.service ?? 'execute-api',
        accessKeyId: { env: options.access_key_id_env ?? 'AWS_ACCESS_KEY_ID' },
        secretAccessKey: { env: options.secret_access_key_env ?? 'AWS_SECRET_ACCESS_KEY' },
        sessionToken: { env: options.session_token_env ?? 'AWS_SESSION_TOKEN' },
      };
    case 'oauth2_client_credentials':
      return { type: options.type, ...oauthClient(options) };
    case 'oauth2_refresh_token':
      return {
        type: options.type,
        refreshToken: secret(options.refresh_token_env, options.refresh_token_file),
        ...oauthClient(options),
      };
  }
}

function oauthClient(options: AuthOptions) {
  const { client_id: text, client_secret_env: env, client_secret_file: file, scopes, audience } = options;
  return {
    tokenUrl: options.token_url ?? '',
    clientId: text === undefined ? secret(options.client_id_env, undefined) : { text },
    ...((env !== undefined || file !== undefined) && { clientSecret: secret(env, file) }),
    clientAuth: options.client_auth ?? 'basic',
    scopes: typeof scopes === 'string' ? scopes.split(/\s+/).filter((scope) => scope !== '') : (scopes ?? []),
    ...(audience !== undefined && { audience }),
  } as const;
}

function secret(env: string | undefined, file: string | undefined): SecretRef {
  return file === undefined ? { env: env ?? '' } : { file };
}
