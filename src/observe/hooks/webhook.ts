import { FoundryError, messageOf } from '../../core/errors.ts';
import { type RetryPolicy, retrying } from '../../resilience/retry.ts';

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

/**
 * Posts a JSON body to a webhook: 5 seconds a try, three tries where trying again can help.
 * @param signal ends the tries after the one under way
 * @throws a plain Error or a FoundryError; the caller tells it and goes on
 */
export async function postWebhook(url: string, body: string, signal: AbortSignal): Promise<void> {
  const target = parseWebhook(url);
  // One try is made also when the run was interrupted: whoever waits for the news is told.
  const policy = signal.aborted ? { ...POLICY, attempts: 1 } : POLICY;
  const stop = signal.aborted ? new AbortController().signal : signal;
  await retrying(() => post(target, body), policy, { signal: stop });
}

/** `https://hooks.example.org/…`: what follows the host is often the secret itself. */
export function shownWebhook(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null || parsed.host === '' ? 'the webhook' : `${parsed.protocol}//${parsed.host}/…`;
}

function parseWebhook(url: string): URL {
  const parsed = URL.parse(url);
  if (parsed === null) throw new FoundryError('USE001', 'it is not a URL');
  if (parsed.protocol !== 'https:' && parsed.protocol !== 'http:') {
    throw new FoundryError('USE001', `only http and https are called, not ${parsed.protocol}//`);
  }
  return parsed;
}

async function post(url: URL, body: string): Promise<void> {
  const { username, password } = url;
  const target = new URL(url);
  target.username = '';
  target.password = '';
  const authorization =
    username === '' && password === ''
      ? {}
      : {
          authorization: `Basic ${btoa(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`)}`,
        };
  const response = await fetch(target, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'foundry', ...authorization },
    body,
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((error: unknown) => {
    const isLate = error instanceof DOMException && error.name === 'TimeoutError';
    throw new TemporaryFailure(isLate ? `no answer within ${TIMEOUT_MS / 1000} s` : messageOf(error));
  });
  const text = await response.text().catch(() => '');
  if (response.ok) return;
  const problem =
    `it answered ${response.status} ${response.statusText} ${text.slice(0, ANSWER_SHOWN)}`.trim();
  const isTemporary = response.status >= 500 || response.status === 408 || response.status === 429;
  throw isTemporary ? new TemporaryFailure(problem) : new Error(problem);
}
