import type { LastPageRule, PagingScheme } from '../../../config/api/spec.ts';
import type { FoundryError } from '../../../core/errors.ts';
import { atJsonPath } from '../../../core/json-path.ts';
import { numberAt, type Place, pageError, type Scheme, type SeenPage } from './scheme.ts';

/** Pages by their number: `page=1&page_size=100`, `page=2&…`. */
export function pageScheme(spec: Extract<PagingScheme, { type: 'page' }>): Scheme {
  const { pageParam, sizeParam, pageSize, startPage, totalPagesPath } = spec;
  const at = (page: number): Place => ({
    params: { [pageParam]: page, [sizeParam]: pageSize },
  });
  return {
    first: at(startPage),
    emptyLeadsOn: false,
    next(place, page) {
      const pages = totalPagesPath === undefined ? undefined : statedPages(page, totalPagesPath);
      const isBeforeLast = pages !== undefined && page.number < pages;
      if (isBeforeLast && page.count === 0) {
        throw pageError(page, `it is empty, and the API says that there are ${pages} pages`);
      }
      if (!isBeforeLast && isLast(page, pageSize, spec.lastPage)) return undefined;
      return at(numberAt(place, pageParam) + 1);
    },
    ...(totalPagesPath !== undefined && {
      statedEnd: (page) => page.number >= statedPages(page, totalPagesPath),
    }),
    ahead(place, _size, count) {
      const from = numberAt(place, pageParam);
      return Array.from({ length: count }, (_, index) => at(from + 1 + index));
    },
  };
}

function statedPages(page: SeenPage, path: readonly string[]): number {
  const stated = atJsonPath(page.envelope, path);
  const pages = typeof stated === 'string' || typeof stated === 'number' ? Number(stated) : Number.NaN;
  if (Number.isInteger(pages) && pages >= 0) return pages;
  throw pageError(page, `total_pages_path "${path.join('.')}" leads to no number of pages`);
}

/** Pages by the position of their first record: `offset=0&limit=100`, `offset=100&…`. */
export function offsetScheme(spec: Extract<PagingScheme, { type: 'offset' }>): Scheme {
  const { offsetParam, limitParam, pageSize, lastPage } = spec;
  const at = (offset: number): Place => ({
    params: { [offsetParam]: offset, [limitParam]: pageSize },
  });
  return {
    first: at(0),
    emptyLeadsOn: false,
    next(place, page) {
      if (isLast(page, pageSize, lastPage)) return undefined;
      return at(numberAt(place, offsetParam) + step(page, pageSize, lastPage));
    },
    checkSecond(second, first) {
      if (lastPage === 'empty' || first.count >= pageSize) return;
      const texts = new Set(first.records());
      for (const text of second.records()) if (texts.has(text)) throw overlapping(first, pageSize);
    },
    ahead(place, size, count) {
      const from = numberAt(place, offsetParam);
      return Array.from({ length: count }, (_, index) => at(from + size * (index + 1)));
    },
  };
}

/**
 * How far the next page begins behind this one. An API that gives fewer records than it was asked for either gives
 * so few at most, so that the next begins right behind them, or it leaves some out of each page. Pages of one length
 * tell the first; where lengths change, no offset can be right for sure.
 */
function step(page: SeenPage, pageSize: number, lastPage: LastPageRule): number {
  if (lastPage === 'empty') return pageSize;
  const isOneLength = page.number === 1 || page.count === page.longest;
  if (isOneLength || Math.min(page.count, page.longest) >= pageSize) return page.count;
  throw pageError(
    page,
    `it has ${page.count} records, where pages before it had ${page.longest} and ${pageSize} were asked for; the offset of the next page cannot be told`,
    'Ask for no more records at a time than the API gives (page_size), or read it by page or cursor.',
  );
}

function overlapping(first: SeenPage, pageSize: number): FoundryError {
  return pageError(
    2,
    `it begins right behind the ${first.count} records of page 1, and holds some of them again: the API left records out of page 1, of which ${pageSize} were asked for`,
    'If each page may have fewer records than positions, set pagination.stop_on_short_page: false; the offset then grows by the page size.',
  );
}

/** A first page that is short may be all there is, or all that the API gives at a time: only the next one tells. */
function isLast(page: SeenPage, pageSize: number, rule: LastPageRule): boolean {
  if (page.hasMore !== undefined) return !page.hasMore;
  if (page.count === 0) return true;
  if (rule === 'empty') return false;
  return page.count < (rule === 'asked' ? pageSize : Math.min(pageSize, page.longest));
}
