import type { ApiSourceSpec } from '../../config/api/spec.ts';
import { urlProblem } from '../../config/api/url.ts';
import { BUILD_INFO } from '../../core/build-info.ts';
import { FoundryError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { ACCEPTED_CODINGS } from './body.ts';
import type { ApiRequest } from './exchange.ts';
import { type Place, pageError } from './paging/scheme.ts';
import { isOwn } from './redirects.ts';
import type { Environment } from './secrets.ts';

/** The address of the API's records, without parameters of the config. @throws CFG001 where its variable is not set */
export function endpointUrl(spec: ApiSourceSpec, env: Environment): URL {
  const url = new URL('url' in spec.base ? spec.base.url : baseOfEnvironment(spec.base.env, env));
  const [path = '', ...query] = spec.endpoint.split('?');
  url.pathname = `${url.pathname.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`;
  const further = new URLSearchParams(query.join('?'));
  for (const [name, value] of further) url.searchParams.append(name, value);
  url.hash = '';
  return url;
}

function baseOfEnvironment(name: string, env: Environment): string {
  const value = env[name]?.trim();
  const hint = `Set ${name} to the URL of the API.`;
  if (value === undefined || value === '') {
    throw new FoundryError('CFG001', `the base URL is missing: the environment variable ${name} is not set`, {
      hint,
    });
  }
  const problem = urlProblem(value);
  if (problem === undefined) return value;
  throw new FoundryError('CFG001', `the environment variable ${name} ${problem}`, { hint });
}

export interface RequestBuilder {
  /** @param page its number, for messages. @throws PAGE001 for an address on another host */
  build(place: Place, page: number): ApiRequest;
}

/**
 * Requests of pages, without credentials.
 *
 * @param endpoint from `endpointUrl`
 * @param extra parameters of this run, e.g. the cursor
 */
export function requestBuilder(
  spec: ApiSourceSpec,
  endpoint: URL,
  extra: Readonly<Record<string, string>> = {},
): RequestBuilder {
  const headers: Record<string, string> = {
    accept: 'application/json',
    'accept-encoding': ACCEPTED_CODINGS,
    'user-agent': `foundry/${BUILD_INFO.version}`,
  };
  for (const [name, value] of Object.entries(spec.headers)) {
    if (!(value instanceof Secret)) headers[name.toLowerCase()] = value;
  }
  const secret = secretParams(spec);
  return {
    build(place, page) {
      const url = 'url' in place ? followed(place.url, endpoint, spec, page) : new URL(endpoint);
      const given = 'params' in place ? { ...extra, ...place.params } : {};
      if ('params' in place) {
        for (const [name, value] of Object.entries(spec.params)) {
          if (!(value instanceof Secret)) url.searchParams.set(name, value);
        }
      }
      for (const name of secret) url.searchParams.delete(name);
      const inBody = spec.body !== undefined && spec.pagination.parametersIn === 'body';
      if (!inBody)
        for (const [name, value] of Object.entries(given)) url.searchParams.set(name, String(value));
      const { body } = spec;
      if (body === undefined) return { method: 'GET', url: url.href, headers };
      const members = inBody ? { ...body.members, ...given } : body.members;
      return {
        method: 'POST',
        url: url.href,
        headers: {
          'content-type': body.format === 'json' ? 'application/json' : 'application/x-www-form-urlencoded',
          ...headers,
        },
        body: body.format === 'json' ? JSON.stringify(members) : formOf(members),
      };
    },
  };
}

function formOf(members: Readonly<Record<string, unknown>>): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(members)) form.set(name, String(value));
  return form.toString();
}

/** Parameters that credentials add behind the door, so that an address that repeats them is one without them. */
function secretParams({ params, auth }: ApiSourceSpec): readonly string[] {
  const names = Object.entries(params).flatMap(([name, value]) => (value instanceof Secret ? [name] : []));
  return auth.type === 'api_key' && auth.at === 'query' ? [...names, auth.name] : names;
}

/** An address that the API gave: it has to be the API's own. */
function followed(address: string, endpoint: URL, spec: ApiSourceSpec, page: number): URL {
  const url = new URL(address);
  // Behind a proxy that ends TLS, many an API takes itself for unencrypted.
  if (url.protocol === 'http:' && endpoint.protocol === 'https:' && url.hostname === endpoint.hostname) {
    url.protocol = 'https:';
    url.port = endpoint.port;
  }
  if (isOwn(url, endpoint.origin) || hasNoSecrets(spec)) return url;
  throw pageError(
    page,
    `the next page is on another host, ${url.host} instead of ${endpoint.host}; it is not asked, since it must not get the credentials`,
    'If that host is right, use it in base_url.',
  );
}

function hasNoSecrets({ auth, headers, params }: ApiSourceSpec): boolean {
  const values = [...Object.values(headers), ...Object.values(params)];
  return auth.type === 'none' && !values.some((value) => value instanceof Secret);
}
