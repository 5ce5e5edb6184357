import type { ApiSourceSpec } from '../../config/api/spec.ts';
import { readAnswer } from './answer.ts';
import type { Exchange } from './exchange.ts';
import { hasMoreOf, totalOf } from './guards.ts';
import { openScheme } from './paging/open.ts';
import type { RequestBuilder } from './requests.ts';

/**
 * Asks for the first page as a run would, and tells what came.
 *
 * @throws what the exchange and the reading of a page throw
 */
export async function checkFirstPage(
  spec: ApiSourceSpec,
  exchange: Exchange,
  requests: RequestBuilder,
  redact: (text: string) => string,
  signal: AbortSignal,
): Promise<string> {
  const request = requests.build(openScheme(spec.pagination).first, 1);
  const response = await exchange(request, signal);
  const origin = `page 1 (${request.method} ${request.url})`;
  const { page, envelope } = readAnswer(spec, response, origin, redact);
  const total = totalOf(spec.pagination, 1, envelope, response.headers);
  hasMoreOf(spec.pagination, 1, envelope);
  const records = page.count === 1 ? '1 record' : `${page.count} records`;
  return `${new URL(request.url).host} answered ${response.status} with ${records}${total === undefined ? '' : ` of ${total}`}`;
}
