import type { ApiSourceSpec, Pagination } from '../../config/api/spec.ts';
import { FoundryError, throwIfStopped } from '../../core/errors.ts';
import { nextTurn } from '../../core/turn.ts';
import type { Page } from '../../formats/json/page.ts';
import { readAnswer } from './answer.ts';
import type { ApiResponse, Exchange } from './exchange.ts';
import { hasMoreOf, loopGuard, totalOf } from './guards.ts';
import { lookahead } from './lookahead.ts';
import { shapeGuard } from './page-shape.ts';
import { openScheme } from './paging/open.ts';
import { type Place, pageError, type Scheme, type SeenPage } from './paging/scheme.ts';
import type { RequestBuilder } from './requests.ts';

export interface WalkOptions {
  readonly requests: RequestBuilder;
  readonly signal: AbortSignal;
  /** Whether pages may be asked for before it is known that there are any. */
  readonly isConcurrent: boolean;
  readonly warn: (message: string) => void;
  readonly redact: (text: string) => string;
}

/** Records of one page. */
export interface WalkedPage {
  readonly number: number;
  /** `page 3 (GET https://…)`, for messages. */
  readonly origin: string;
  readonly page: Page;
  /** How many of its records count: fewer than it holds at `max_records`. */
  readonly take: number;
}

/** Pages asked for behind the one at hand, for each that may be under way at a time. */
const PAGES_AHEAD = 16;

/** Statuses of pages that are not there. */
const NO_SUCH_PAGE = [400, 404, 410, 416, 422];

/**
 * All pages of an API in their order, each once. The next page is under way while the last one is worked on;
 * where the scheme can tell pages ahead and `isConcurrent` is set, up to `max_concurrency` are. What was asked for
 * ahead changes nothing of what is read: every page is judged in its turn.
 *
 * What an API states about its end is not taken at its word, since a wrong number would lose records: reading goes
 * on to the end that shows, and both are compared. Behind a stated end, a page that is refused, empty or given again
 * is that end.
 *
 * @throws PAGE001 when pages go round, or their number of records is not the stated one; what `exchange` throws, and
 * DATA001, EXT001, AUTH001 for an answer that is no page
 */
export async function* walkPages(
  spec: ApiSourceSpec,
  exchange: Exchange,
  options: WalkOptions,
): AsyncGenerator<WalkedPage> {
  const { pagination } = spec;
  const { requests, signal } = options;
  const scheme = openScheme(pagination);
  const guard = loopGuard(pagination);
  const checkShape = shapeGuard(spec, options.redact);
  const pipe = lookahead(exchange, options.isConcurrent ? spec.maxConcurrency : 1, signal);
  const count = counter(pagination, options.warn);
  /** The last page that was asked for ahead. */
  let asked = 0;
  try {
    let place = scheme.first;
    let first: SeenPage | undefined;
    for (let number = 1; ; number += 1) {
      const request = requests.build(place, number);
      guard.onRequest(number, request);
      if (number === 1 && options.isConcurrent) {
        pipe.start(request);
        startAhead(1);
      }
      const response = await pipe.take(request);
      // The request that this answer made room for goes out before the page is worked on.
      await nextTurn();
      throwIfStopped(signal);
      const origin = `page ${number} (${request.method} ${request.url})`;
      if (count.isBehindEnd && NO_SUCH_PAGE.includes(response.status)) break;
      const { page, envelope } = readAnswer(spec, response, origin, options.redact);
      const seen = seenPage(number, page, envelope, response, count.longest, pagination);
      const isOnlyEnd = endsHere(count.isBehindEnd, () => {
        checkShape(number, page, response);
        return guard.onPage(seen, page.count === 0 ? '' : page.fingerprint());
      });
      if (isOnlyEnd) break;
      if (first !== undefined) scheme.checkSecond?.(seen, first);
      first = number === 1 && scheme.checkSecond !== undefined ? seen : undefined;
      const take = count.add(seen, scheme);
      const next = count.isFull ? undefined : nextPlace(scheme, place, seen);
      if (next !== undefined) {
        pipe.start(requests.build(next, number + 1));
        if (options.isConcurrent) startAhead(number + 1, next);
        await nextTurn();
        throwIfStopped(signal);
      }
      if (take > 0) yield { number, origin, page, take };
      if (next === undefined) break;
      place = next;
    }
    count.reconcile();
  } finally {
    pipe.close();
  }

  /** @param number of the page at `from`, which is under way */
  function startAhead(number: number, from: Place = scheme.first): void {
    // Some at a time: telling where pages are costs as much as asking for one.
    if (asked - number > (spec.maxConcurrency * PAGES_AHEAD) / 2) return;
    const pages = count.pagesBehind(number, spec.maxConcurrency * PAGES_AHEAD);
    const places = scheme.ahead?.(from, count.longest, pages) ?? [];
    for (const [index, ahead] of places.entries()) {
      const page = number + 1 + index;
      if (page <= asked) continue;
      if (!pipe.hasRoom) return;
      pipe.start(requests.build(ahead, page));
      asked = page;
    }
  }
}

function seenPage(
  number: number,
  page: Page,
  envelope: unknown,
  { headers, url }: ApiResponse,
  longest: number,
  pagination: Pagination,
): SeenPage {
  const hasMore = hasMoreOf(pagination, number, envelope);
  return {
    number,
    count: page.count,
    longest,
    envelope,
    headers,
    url,
    records: () => textsOf(page),
    ...(hasMore !== undefined && { hasMore }),
  };
}

function* textsOf(page: Page): Generator<string> {
  for (const block of page.records()) for (const { text } of block) yield text;
}

/** Whether a page only tells that the end was reached before it. */
function endsHere(isBehindEnd: boolean, look: () => boolean): boolean {
  try {
    return look();
  } catch (error) {
    if (isBehindEnd && error instanceof FoundryError && error.code === 'PAGE001') return true;
    throw error;
  }
}

function nextPlace(scheme: Scheme, place: Place, seen: SeenPage): Place | undefined {
  if (seen.hasMore === true && seen.count === 0 && !scheme.emptyLeadsOn) {
    throw pageError(seen, 'it is empty, and the API says that there is more');
  }
  const next = scheme.next(place, seen);
  if (next === undefined && seen.hasMore === true) {
    throw pageError(
      seen,
      'the API says that there is more, and not where',
      'Correct the path of the cursor or address of the next page.',
    );
  }
  return next;
}

interface Counter {
  /** Records of the longest page so far. */
  readonly longest: number;
  /** Whether a limit of the config is reached. */
  readonly isFull: boolean;
  /** Whether the API states that everything has been read. */
  readonly isBehindEnd: boolean;
  /** @returns how many records of the page count */
  add(page: SeenPage, scheme: Scheme): number;
  /** Pages that are known, or may be tried, behind page `number`, at most `limit`. */
  pagesBehind(number: number, limit: number): number;
  /** @throws PAGE001 when what was read is not what the API stated */
  reconcile(): void;
}

/** Counts what was read against the limits of the config and the statements of the API. */
function counter(pagination: Pagination, warn: (message: string) => void): Counter {
  const maxRecords = pagination.maxRecords ?? Number.POSITIVE_INFINITY;
  const maxPages = pagination.maxPages ?? Number.POSITIVE_INFINITY;
  let rows = 0;
  let pages = 0;
  let longest = 0;
  let total: number | undefined;
  let firstTotal: number | undefined;
  let isStatedEnd = false;
  let isCut = false;

  return {
    get longest() {
      return longest;
    },
    get isFull() {
      return rows >= maxRecords || pages >= maxPages;
    },
    get isBehindEnd() {
      return isStatedEnd || (total !== undefined && rows >= total);
    },
    add(page, scheme) {
      total = totalOf(pagination, page.number, page.envelope, page.headers) ?? total;
      firstTotal ??= total;
      isStatedEnd = scheme.statedEnd?.(page) ?? false;
      const take = Math.min(page.count, maxRecords - rows);
      isCut ||= take < page.count;
      rows += take;
      pages += 1;
      longest = Math.max(longest, page.count);
      return take;
    },
    pagesBehind(number, limit) {
      const allowed = Math.min(limit, maxPages - number);
      if (longest === 0) return Math.min(1, allowed);
      const stated = Math.ceil((total ?? rows + 2 * longest) / longest);
      const wanted = Math.ceil(Math.min(maxRecords, Number.MAX_SAFE_INTEGER) / longest);
      return Math.max(0, Math.min(allowed, stated - number, wanted - number));
    },
    reconcile() {
      const isLimited = isCut || rows >= maxRecords || (pages >= maxPages && total !== rows);
      if (total === undefined || isLimited) return;
      if (firstTotal !== total) {
        warn(
          `the API stated ${firstTotal} records at first and ${total} at last: they changed while they were read`,
        );
      }
      if (rows === total) return;
      const message = `the pages hold ${rows} records, and the API states ${total}`;
      if (pagination.onTotalMismatch === 'warn') warn(message);
      else {
        throw new FoundryError('PAGE001', message, {
          details: { records: rows, total, pages },
          hint: 'Run again, as records may have come in meanwhile. If the stated number is only an estimate, set pagination.on_total_mismatch: warn.',
        });
      }
    },
  };
}
