import type { OAuth } from '../../config/api/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import type { CredentialsContext } from './credentials-context.ts';
import type { ApiRequest, ApiResponse } from './exchange.ts';
import { readSecret } from './secrets.ts';
import { BusyError, isBusy, retryAfterMs } from './status.ts';

/** A token that is had when it is needed, and had anew when it ends. */
export interface TokenSource {
  /** @throws AUTH001 when the token server refuses; BusyError and what the transport throws when it cannot answer */
  get(signal: AbortSignal): Promise<Secret>;
  /** A token was refused: the next one is a new one, unless there is one already. */
  discard(token: string): void;
}

interface Token {
  readonly secret: Secret;
  readonly refreshAtMs: number;
}

/** A token is had anew this long before it ends, so that it does not end on its way. */
const EARLY_MS = 60_000;

/**
 * Tokens by the client credentials grant or a refresh token (RFC 6749, sections 4.4 and 6).
 *
 * @throws AUTH001 where a secret is missing
 */
export function oauthToken(auth: OAuth, { env, redactor, transport, warn }: CredentialsContext): TokenSource {
  const clientId =
    'text' in auth.clientId ? auth.clientId.text : readSecret(auth.clientId, 'the client id', env).reveal();
  const clientSecret =
    auth.clientSecret === undefined ? undefined : readSecret(auth.clientSecret, 'the client secret', env);
  let refreshToken =
    auth.type === 'oauth2_refresh_token'
      ? readSecret(auth.refreshToken, 'the refresh token', env)
      : undefined;
  for (const secret of [clientSecret, refreshToken]) if (secret !== undefined) redactor.add(secret);

  let current: Token | undefined;
  let pending: Promise<Token> | undefined;

  const ask = async (signal: AbortSignal): Promise<Token> => {
    const request = tokenRequest(auth, clientId, clientSecret, refreshToken);
    const answer = readAnswer(auth, await transport(request, signal));
    redactor.add(answer.token);
    if (answer.refreshToken !== undefined && answer.refreshToken.reveal() !== refreshToken?.reveal()) {
      redactor.add(answer.refreshToken);
      if (auth.type === 'oauth2_refresh_token') {
        refreshToken = answer.refreshToken;
        warn(
          `${auth.tokenUrl} replaced the refresh token; if the old one ends with it, the next run needs the new one`,
        );
      }
    }
    const lifeMs = answer.lifeSeconds * 1000;
    return { secret: answer.token, refreshAtMs: Date.now() + lifeMs - Math.min(EARLY_MS, lifeMs / 10) };
  };

  return {
    async get(signal) {
      if (current !== undefined && Date.now() < current.refreshAtMs) return current.secret;
      pending ??= ask(signal).finally(() => {
        pending = undefined;
      });
      current = await pending;
      return current.secret;
    },
    discard(token) {
      if (current?.secret.reveal() === token) current = undefined;
    },
  };
}

function tokenRequest(
  auth: OAuth,
  clientId: string,
  clientSecret: Secret | undefined,
  refreshToken: Secret | undefined,
): ApiRequest {
  const form = new URLSearchParams(
    refreshToken === undefined
      ? { grant_type: 'client_credentials' }
      : { grant_type: 'refresh_token', refresh_token: refreshToken.reveal() },
  );
  if (auth.scopes.length > 0) form.set('scope', auth.scopes.join(' '));
  if (auth.audience !== undefined) form.set('audience', auth.audience);
  const headers: Record<string, string> = {
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
  };
  if (clientSecret !== undefined && auth.clientAuth === 'basic') {
    // Section 2.3.1: each is encoded as in a form before both are joined.
    const pair = `${formEncoded(clientId)}:${formEncoded(clientSecret.reveal())}`;
    headers.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  } else {
    form.set('client_id', clientId);
    if (clientSecret !== undefined) form.set('client_secret', clientSecret.reveal());
  }
  return { method: 'POST', url: auth.tokenUrl, headers, body: form.toString() };
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

interface TokenAnswer {
  readonly token: Secret;
  readonly refreshToken?: Secret;
  readonly lifeSeconds: number;
}

/** Where the answer does not say how long a token lives. */
const USUAL_LIFE_SECONDS = 3600;

/** @throws AUTH001 with the error code of section 5.2, never with the body, which may hold a token. */
function readAnswer({ tokenUrl }: OAuth, { status, headers, body }: ApiResponse): TokenAnswer {
  if (isBusy(status, undefined)) {
    throw new BusyError(`POST ${tokenUrl} answered ${status}`, status, retryAfterMs(headers, Date.now()));
  }
  let answer: Readonly<Record<string, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(Buffer.from(body).toString());
    if (typeof parsed === 'object' && parsed !== null) answer = parsed as Record<string, unknown>;
  } catch {
    // What is no JSON has no token either.
  }
  const { access_token: token, token_type: type, expires_in: life, refresh_token: refresh } = answer;
  if (status !== 200 || typeof token !== 'string' || token === '') {
    const said = [answer.error, answer.error_description]
      .filter((part) => typeof part === 'string')
      .join(': ');
    throw new FoundryError(
      'AUTH001',
      `the token server ${tokenUrl} gave no token: status ${status}${said === '' ? '' : `, ${said}`}`,
      { hint: 'Check client id, client secret, scopes and token_url.', details: { status } },
    );
  }
  if (typeof type === 'string' && type.toLowerCase() !== 'bearer') {
    throw new FoundryError('AUTH001', `the token server ${tokenUrl} gave a token of type ${type}`, {
      hint: 'foundry can use bearer tokens only.',
    });
  }
  const seconds = Number(life ?? USUAL_LIFE_SECONDS);
  return {
    token: new Secret(token),
    ...(typeof refresh === 'string' && refresh !== '' && { refreshToken: new Secret(refresh) }),
    lifeSeconds: Number.isFinite(seconds) && seconds > 0 ? seconds : USUAL_LIFE_SECONDS,
  };
}
