import type { HTTPError } from 'ky';
import { FoundryError, messageOf } from '../core/errors.ts';
import { type RetryPolicy, retrying } from '../resilience/retry.ts';

const TIMEOUT_MS = 5000;
/** Of an answer that says what was wrong. */
const ANSWER_SHOWN = 200;

/** What another try may mend: a server that is busy or gone for a moment. */
class TemporaryFailure extends Error {}

const POLICY: RetryPolicy = {
  attempts: 3,
  baseMs: 500,
  capMs: 4000,
  jitter: 0.2,
  afterCapMs: 4000,
  deadlineMs: 20_000,
  classify: (error) => ({ retry: error instanceof TemporaryFailure }),
};

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the tries after the one under way. One try is made also where it was aborted before. */
  readonly signal: AbortSignal;
  /** Of one try; default 5 seconds. */
  readonly timeoutMs?: number;
}

/**
 * Posts JSON to whoever is told of a run: three tries where trying again can help. A user and password of the URL are
 * sent as basic authentication; redirects are not followed.
 *
 * @throws USE001 for a URL that is none or neither http nor https; RETRY001; an Error with what was answered
 */
export async function postJson(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  options: PostOptions,
): Promise<void> {
  const target = parseTarget(url);
  const isLate = options.signal.aborted;
  const policy = isLate ? { ...POLICY, attempts: 1 } : POLICY;
  const signal = isLate ? new AbortController().signal : options.signal;
  await retrying(() => post(target, body, options), policy, { signal });
}

/** `https://hooks.example.org/…`: what follows the host is often the secret itself. */
export function shownUrl(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null || parsed.host === '' ? 'the webhook' : `${parsed.protocol}//${parsed.host}/…`;
}

function parseTarget(url: string): URL {
  const parsed = URL.parse(url);
  if (parsed === null) throw new FoundryError('USE001', 'it is not a URL');
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') {
    throw new FoundryError('USE001', `only http and https are called, not ${parsed.protocol}//`);
  }
  return parsed;
}

/** @throws TemporaryFailure; an Error with what was answered. Neither names more of the URL than its host. */
async function post(
  url: URL,
  body: string | Uint8Array<ArrayBuffer>,
  { headers, timeoutMs = TIMEOUT_MS }: PostOptions,
): Promise<void> {
  const target = new URL(url);
  target.username = '';
  target.password = '';
  const { default: ky, isHTTPError, isTimeoutError } = await import('ky');
  try {
    const response = await ky.post(target, {
      headers: { 'content-type': 'application/json', 'user-agent': 'foundry', ...basic(url), ...headers },
      body,
      redirect: 'manual',
      timeout: timeoutMs,
      retry: 0,
      parseJson: (text) => text,
    });
    await response.body?.cancel();
  } catch (error) {
    if (isHTTPError(error)) throw refusal(error);
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const isLate = isTimeoutError(error);
    throw new TemporaryFailure(isLate ? `no answer within ${timeoutMs / 1000} s` : messageOf(cause));
  }
}

function refusal({ data, response: { status, statusText } }: HTTPError): Error {
  const text = typeof data === 'string' ? data.slice(0, ANSWER_SHOWN) : '';
  const problem = `it answered ${status} ${statusText} ${text}`.trim();
  const isTemporary = status >= 500 || status === 408 || status === 429;
  return isTemporary ? new TemporaryFailure(problem) : new Error(problem);
}

function basic({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}
