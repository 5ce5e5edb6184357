import type { ApiSourceSpec } from '../../config/api/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { awsSigner, type Signer } from './aws-signature.ts';
import type { CredentialsContext } from './credentials-context.ts';
import type { ApiRequest } from './exchange.ts';
import { oauthToken, type TokenSource } from './oauth.ts';
import { isOwn } from './redirects.ts';
import { readSecret } from './secrets.ts';

/** What proves to an API who asks. */
export interface Credentials {
  /**
   * The request as it goes out. A request to another host than the API's gets nothing.
   *
   * @throws AUTH001 when a token cannot be had; what the transport throws
   */
  apply(request: ApiRequest, signal: AbortSignal): Promise<ApiRequest>;
  /**
   * The API refused them.
   *
   * @param sent the request as `apply` gave it
   * @returns whether others can be had, so that asking again makes sense
   */
  refused(sent: ApiRequest | undefined): boolean;
}

/** @throws AUTH001 naming the variable or file where a secret is missing */
export function openCredentials(spec: ApiSourceSpec, context: CredentialsContext): Credentials {
  const secrets = (values: ApiSourceSpec['headers']): [string, Secret][] =>
    Object.entries(values).filter((entry): entry is [string, Secret] => entry[1] instanceof Secret);
  const scheme = openScheme(spec.auth, context);
  const query = [...secrets(spec.params), ...scheme.query];
  const headers = secrets(spec.headers);
  for (const [, secret] of [...query, ...headers, ...scheme.headers]) context.redactor.add(secret);

  return {
    async apply(request, signal) {
      const url = new URL(request.url);
      if (!isOwn(url, context.origin)) return request;
      for (const [name, secret] of query) url.searchParams.set(name, secret.reveal());
      const token = await scheme.token?.get(signal);
      const proof: [string, Secret][] =
        token === undefined ? scheme.headers : [['authorization', new Secret(`Bearer ${token.reveal()}`)]];
      const ready = {
        ...request,
        url: url.href,
        headers: merged(proof, Object.entries(request.headers), headers),
      };
      return scheme.sign === undefined ? ready : scheme.sign(ready);
    },
    refused(sent) {
      if (scheme.token === undefined) return false;
      scheme.token.discard(sent?.headers.authorization?.replace(/^Bearer /, '') ?? '');
      return true;
    },
  };
}

/** RFC 9110, section 5.5. */
const NOT_IN_HEADER = /[^\t\x20-\x7e\x80-\xff]/;

/** Headers of the config come last, as in the original: they may replace those of the authentication. */
function merged(...groups: readonly (readonly [string, string | Secret][])[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of groups.flat()) {
    const text = typeof value === 'string' ? value : value.reveal();
    if (NOT_IN_HEADER.test(text)) {
      throw new FoundryError(
        'AUTH001',
        `the value for the header ${name} holds characters that no header can`,
        {
          hint: 'Look at the variable or file that it comes from; line ends and quotation marks of a word processor are the usual ones.',
        },
      );
    }
    headers[name.toLowerCase()] = text;
  }
  return headers;
}

interface Scheme {
  readonly headers: [string, Secret][];
  readonly query: [string, Secret][];
  readonly token?: TokenSource;
  readonly sign?: Signer;
}

function openScheme(auth: ApiSourceSpec['auth'], context: CredentialsContext): Scheme {
  const { env, redactor } = context;
  const header = (name: string, text: string): Scheme => ({ headers: [[name, new Secret(text)]], query: [] });
  switch (auth.type) {
    case 'none':
      return { headers: [], query: [] };
    case 'bearer': {
      const token = readSecret(auth.token, 'the bearer token', env);
      redactor.add(token);
      return header('authorization', `Bearer ${token.reveal()}`);
    }
    case 'api_key': {
      const key = readSecret(auth.key, 'the API key', env);
      return auth.at === 'query'
        ? { headers: [], query: [[auth.name, key]] }
        : header(auth.name, key.reveal());
    }
    case 'basic': {
      const user = readSecret(auth.username, 'the user name', env);
      const password = readSecret(auth.password, 'the password', env);
      redactor.add(password);
      // RFC 7617, section 2.1.
      const pair = Buffer.from(`${user.reveal()}:${password.reveal()}`).toString('base64');
      return header('authorization', `Basic ${pair}`);
    }
    case 'aws_sigv4':
      return { headers: [], query: [], sign: awsSigner(auth, env, redactor) };
    case 'oauth2_client_credentials':
    case 'oauth2_refresh_token':
      return { headers: [], query: [], token: oauthToken(auth, context) };
  }
}
