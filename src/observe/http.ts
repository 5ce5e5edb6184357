import type { RetryOptions } from 'ky';
import { FoundryError, messageOf, throwIfStopped } from '../core/errors.ts';

const TIMEOUT_MS = 5000;
/** Of all tries and waits together. */
const DEADLINE_MS = 20_000;
const LONGEST_WAIT_MS = 4000;
const RETRY = {
  limit: 2,
  methods: ['post'],
  delay: (retry: number) => 500 * 2 ** (retry - 1),
  jitter: (delay: number) => delay * (0.8 + 0.4 * Math.random()),
  backoffLimit: LONGEST_WAIT_MS,
  maxRetryAfter: LONGEST_WAIT_MS,
} as const satisfies RetryOptions;
/** Of an answer that says what was wrong. */
const ANSWER_SHOWN = 200;

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the tries. One try is made also where it was aborted before. */
  readonly signal: AbortSignal;
  /** Of one try; default 5 seconds. */
  readonly timeoutMs?: number;
}

/**
 * Posts JSON to whoever is told of a run: three tries where trying again can help. A user and password of the URL are
 * sent as basic authentication; redirects are not followed.
 *
 * @throws USE001 for a URL that is none or neither http nor https; RETRY001; INT001; an Error with what was answered
 */
export async function postJson(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  { headers, signal, timeoutMs = TIMEOUT_MS }: PostOptions,
): Promise<void> {
  const target = parseTarget(url);
  const isLate = signal.aborted;
  const { default: ky, isHTTPError } = await import('ky');
  const mayPass = (error: unknown): boolean => !isHTTPError(error) || isBusy(error.response.status);
  let tries = 1;
  try {
    const response = await ky.post(withoutUser(target), {
      headers: { 'content-type': 'application/json', 'user-agent': 'foundry', ...basic(target), ...headers },
      body,
      redirect: 'manual',
      timeout: timeoutMs,
      totalTimeout: DEADLINE_MS,
      ...(!isLate && { signal }),
      parseJson: (text) => text,
      retry: {
        ...RETRY,
        limit: isLate ? 0 : RETRY.limit,
        shouldRetry: ({ error }) => !signal.aborted && mayPass(error),
      },
      hooks: {
        beforeRetry: [
          ({ retryCount }) => {
            tries = retryCount + 1;
          },
        ],
      },
    });
    await response.body?.cancel();
  } catch (error) {
    if (!isLate) throwIfStopped(signal);
    const problem = await problemOf(error, timeoutMs);
    if (!mayPass(error)) throw new Error(problem, { cause: error });
    throw new FoundryError(
      'RETRY001',
      `${problem}; gave up after ${tries === 1 ? '1 attempt' : `${tries} attempts`}`,
      { details: { attempts: tries }, cause: error },
    );
  }
}

/** What the library says of an error names the whole URL. */
async function problemOf(error: unknown, timeoutMs: number): Promise<string> {
  const { isHTTPError, isTimeoutError } = await import('ky');
  if (isTimeoutError(error)) return `no answer within ${timeoutMs / 1000} s`;
  if (!isHTTPError(error)) return messageOf(error instanceof Error ? (error.cause ?? error) : error);
  const {
    data,
    response: { status, statusText },
  } = error;
  const text = typeof data === 'string' ? data.slice(0, ANSWER_SHOWN) : '';
  return `it answered ${status} ${statusText} ${text}`.trim();
}

/** What another try may mend: a server that is busy or gone for a moment. */
function isBusy(status: number): boolean {
  return status >= 500 || status === 408 || status === 429;
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

function withoutUser(url: URL): URL {
  const target = new URL(url);
  target.username = '';
  target.password = '';
  return target;
}

function basic({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}
