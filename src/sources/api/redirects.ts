import { FoundryError } from '../../core/errors.ts';
import type { ApiRequest, ApiResponse } from './exchange.ts';

const MAX_REDIRECTS = 10;
const STATUSES = [301, 302, 303, 307, 308];

/**
 * Sends a request and follows where its answer leads. Credentials are added by `send` for the API's own host only,
 * so none of them reaches another host.
 *
 * @param send adds what the host of the request may get
 * @throws EXT001 for a redirect that leads nowhere, back, to something unsafe, or on and on; what `send` throws
 */
export async function followRedirects(
  request: ApiRequest,
  send: (request: ApiRequest) => Promise<ApiResponse>,
): Promise<ApiResponse> {
  const seen = new Set<string>();
  let current = request;
  for (;;) {
    const response = await send(current);
    const { location } = response.headers;
    if (!STATUSES.includes(response.status) || location === undefined) return response;
    seen.add(`${current.method} ${current.url}`);
    current = redirected(current, response.status, location);
    if (seen.has(`${current.method} ${current.url}`)) {
      throw refused(request, `redirects in a circle, back to ${current.url}`);
    }
    if (seen.size > MAX_REDIRECTS) throw refused(request, `redirects more than ${MAX_REDIRECTS} times`);
  }
}

/**
 * Whether an address belongs to the API at `origin`, so that credentials may go there: the same origin, or the same
 * host encrypted where the config has it in the clear, each at its usual port.
 */
export function isOwn(url: URL, origin: string): boolean {
  if (url.origin === origin) return true;
  const own = new URL(origin);
  const isUpgrade = own.protocol === 'http:' && url.protocol === 'https:';
  return isUpgrade && own.hostname === url.hostname && own.port === '' && url.port === '';
}

/** The request that a redirect asks for (RFC 9110, section 15.4). @throws EXT001 */
function redirected(request: ApiRequest, status: number, location: string): ApiRequest {
  const from = new URL(request.url);
  const to = URL.parse(location, from.href);
  if (to === null || !/^https?:$/.test(to.protocol)) {
    throw refused(request, 'redirects to something that is no web address');
  }
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw refused(request, `redirects to ${to.origin}, which is not encrypted`);
  }
  const url = to.href;
  const isMoved = status === 301 || status === 302;
  const becomesGet = status === 303 || (request.method === 'POST' && isMoved);
  if (isMoved && becomesGet && request.body !== undefined) {
    // Clients repeat such a request as a GET: its answer would be of records that the body does not ask for.
    throw refused(
      request,
      `redirects to ${to.origin}${to.pathname} in a way that loses the body of the request (${status})`,
    );
  }
  if (!isOwn(to, from.origin)) {
    // Headers of the config were meant for the host of the config.
    const kept = Object.entries(request.headers).filter(([name]) => /^accept/i.test(name));
    if (request.body !== undefined && !becomesGet) {
      throw refused(request, `redirects a body to another host, ${to.host}`);
    }
    return { method: 'GET', url, headers: Object.fromEntries(kept) };
  }
  if (!becomesGet) return { ...request, url };
  const { body: _body, ...rest } = request;
  const kept = Object.entries(rest.headers).filter(([name]) => name.toLowerCase() !== 'content-type');
  return { ...rest, method: 'GET', url, headers: Object.fromEntries(kept) };
}

function refused(request: ApiRequest, what: string): FoundryError {
  return new FoundryError('EXT001', `${request.method} ${request.url} ${what}`, {
    hint: 'Correct base_url and endpoint.',
  });
}
