import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FoundryError, messageOf } from '../../core/errors.ts';
import { withoutSecrets } from '../../core/secret.ts';
import type { ApiRequest, ApiResponse, Exchange } from './exchange.ts';

const VERSION = 1;

/** A request and its answer, as one file of a recording holds them. */
interface Recorded {
  readonly foundry_exchange: typeof VERSION;
  readonly request: { readonly method: string; readonly url: string; readonly body?: string };
  readonly response: {
    readonly status: number;
    /** Where it came from in the end. */
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    /** The text of the body, or with `base64` its bytes. */
    readonly body: string | { readonly base64: string };
  };
}

/** Of one connection or moment, or a session: no part of what the API says. */
const NOT_KEPT =
  /^(?:date|server|connection|keep-alive|transfer-encoding|content-encoding|content-length|age|etag|vary|via|alt-svc|nel|report-to|expires|last-modified|cache-control|pragma|strict-transport-security|set-cookie|www-authenticate|proxy-.*|cf-.*|access-control-.*|content-security-.*|x-(?:request-id|amzn?-.*|runtime|powered-by|content-type-options|frame-options|xss-.*))$|auth|session|csrf|cookie|secret|passw/i;

/**
 * Keeps each answer that passes as one JSON file, `0001-get-items.json` and so on in the order in which they were asked
 * for. Secrets of this process are left out of it, as are headers that say nothing of the API. Credentials are not
 * seen here: they are added behind the door.
 *
 * @param folder is made; it must be empty
 * @throws USE001 when it is not; STG001 (the exchange) when a file cannot be written
 */
export function recordExchanges(folder: string, live: Exchange): Exchange {
  makeEmpty(folder);
  let asked = 0;
  return async (request, signal) => {
    asked += 1;
    const file = join(folder, `${String(asked).padStart(4, '0')}-${slugOf(request)}.json`);
    const response = await live(request, signal);
    const text = `${JSON.stringify(recorded(request, response), null, 2)}\n`;
    await writeFile(file, text).catch((error: unknown) => {
      throw new FoundryError('STG001', `${file} could not be written: ${messageOf(error)}`, { cause: error });
    });
    return response;
  };
}

function makeEmpty(folder: string): void {
  let names: string[];
  try {
    mkdirSync(folder, { recursive: true });
    names = readdirSync(folder);
  } catch (error) {
    throw new FoundryError('USE001', `--record: ${folder} cannot be made: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (names.length === 0) return;
  throw new FoundryError('USE001', `--record: ${folder} is not empty`, {
    hint: 'Name another folder, or remove it: a recording is made as a whole.',
  });
}

function slugOf({ method, url }: ApiRequest): string {
  const path = new URL(url).pathname.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return `${method.toLowerCase()}${path === '-' ? '' : path}`.replace(/-$/, '').slice(0, 80);
}

function recorded({ method, url, body }: ApiRequest, response: ApiResponse): Recorded {
  const kept = Object.entries(response.headers).filter(([name]) => !NOT_KEPT.test(name));
  return {
    foundry_exchange: VERSION,
    request: {
      method,
      url: withoutSecrets(url),
      ...(body !== undefined && { body: withoutSecrets(body) }),
    },
    response: {
      status: response.status,
      url: withoutSecrets(response.url),
      headers: Object.fromEntries(
        kept.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, withoutSecrets(value)]),
      ),
      body: recordedBody(Buffer.from(response.body)),
    },
  };
}

function recordedBody(bytes: Buffer): Recorded['response']['body'] {
  const text = bytes.toString();
  if (Buffer.from(text).equals(bytes)) return withoutSecrets(text);
  return { base64: Buffer.from(withoutSecrets(bytes.toString('latin1')), 'latin1').toString('base64') };
}

/**
 * Gives the answers of a recording, and never speaks to anybody. A request is known by method, URL (whatever the order
 * of its parameters) and body; equal ones are answered in the order in which they were recorded.
 *
 * @throws USE001 when there is no recording; EXT001 for a file that is none; EXT001 (the exchange) for a request that it
 * has no answer to
 */
export function replayExchanges(folder: string): Exchange {
  const exchanges = readRecording(folder);
  const answers = new Map<string, Recorded[]>();
  for (const exchange of exchanges) {
    const key = keyOf(exchange.request);
    answers.set(key, [...(answers.get(key) ?? []), exchange]);
  }
  const given = new Map<string, number>();
  return async (request) => {
    const key = keyOf(request);
    const times = given.get(key) ?? 0;
    given.set(key, times + 1);
    const answer = answers.get(key)?.[times];
    if (answer === undefined) throw unanswered(folder, request, times, exchanges);
    const { status, url, headers, body } = answer.response;
    const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.base64, 'base64');
    return { status, url, headers, body: bytes };
  };
}

function readRecording(folder: string): Recorded[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch (error) {
    throw new FoundryError('USE001', `--replay: ${folder} cannot be read: ${messageOf(error)}`, {
      hint: 'Name the folder that --record was given; it has one folder for each dataset.',
      cause: error,
    });
  }
  if (names.length === 0) throw new FoundryError('USE001', `--replay: ${folder} holds no recording`);
  return names.sort().map((name) => readExchange(join(folder, name)));
}

function readExchange(file: string): Recorded {
  const refuse = (problem: string, cause?: unknown): FoundryError =>
    new FoundryError('EXT001', `${file} ${problem}`, {
      hint: 'Record again with --record, or mend the file.',
      cause,
    });
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw refuse(`is no JSON: ${messageOf(error)}`, error);
  }
  const version = memberOf(content, 'foundry_exchange');
  if (typeof version === 'number' && version > VERSION) throw refuse(`was recorded by a newer foundry`);
  if (!isRecorded(content)) throw refuse('is no exchange that foundry recorded');
  return content;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function isRecorded(content: unknown): content is Recorded {
  const request = memberOf(content, 'request');
  const response = memberOf(content, 'response');
  const [body, url] = [memberOf(response, 'body'), memberOf(request, 'url')];
  const headers = memberOf(response, 'headers');
  const requestBody = memberOf(request, 'body');
  return (
    memberOf(content, 'foundry_exchange') === VERSION &&
    typeof memberOf(request, 'method') === 'string' &&
    typeof url === 'string' &&
    URL.canParse(url) &&
    (requestBody === undefined || typeof requestBody === 'string') &&
    Number.isInteger(memberOf(response, 'status')) &&
    typeof memberOf(response, 'url') === 'string' &&
    typeof headers === 'object' &&
    headers !== null &&
    Object.values(headers).every((value) => typeof value === 'string') &&
    (typeof body === 'string' || typeof memberOf(body, 'base64') === 'string')
  );
}

/** Secrets are left out here as they were there. */
function keyOf({
  method,
  url,
  body = '',
}: {
  method: string;
  url: string;
  body?: string | undefined;
}): string {
  const { origin, pathname, searchParams } = new URL(withoutSecrets(url));
  searchParams.sort();
  return `${method} ${origin}${pathname}?${searchParams}\n${withoutSecrets(body)}`;
}

function unanswered(
  folder: string,
  request: ApiRequest,
  times: number,
  exchanges: readonly Recorded[],
): FoundryError {
  const asked = `${request.method} ${withoutSecrets(request.url)}`;
  if (times > 0) {
    return new FoundryError(
      'EXT001',
      `${folder} holds ${times} answers to ${asked}, and one more is asked for`,
    );
  }
  const nearest = nearestRequest(request, exchanges);
  return new FoundryError('EXT001', `${folder} holds no answer to ${asked}`, {
    details: { url: withoutSecrets(request.url) },
    hint: `${nearest === undefined ? '' : `The nearest that it holds is ${nearest}. `}If the config is right, record again with --record.`,
  });
}

/** The recorded request of the same method and path that differs in the fewest parameters. */
function nearestRequest(request: ApiRequest, exchanges: readonly Recorded[]): string | undefined {
  const wanted = new URL(request.url);
  const parts = ({ searchParams }: URL): Set<string> =>
    new Set([...searchParams].map(([name, value]) => `${name}=${value}`));
  let best: { readonly text: string; readonly apart: number } | undefined;
  for (const { request: held } of exchanges) {
    const url = new URL(held.url);
    const [a, b] = [parts(wanted), parts(url)];
    const elsewhere = url.origin === wanted.origin && url.pathname === wanted.pathname ? 0 : 100;
    const apart = [...a].filter((part) => !b.has(part)).length + [...b].filter((part) => !a.has(part)).length;
    if (best === undefined || apart + elsewhere < best.apart) {
      best = { text: `${held.method} ${held.url}`, apart: apart + elsewhere };
    }
  }
  return best?.text;
}
