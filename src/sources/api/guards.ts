import { createHash } from 'node:crypto';
import type { Pagination } from '../../config/api/spec.ts';
import { atJsonPath } from '../../core/json-path.ts';
import type { ApiRequest } from './exchange.ts';
import { pageError, type SeenPage } from './paging/scheme.ts';

/** An API may lead through so many empty pages in a row; more is going round. */
const MAX_EMPTY_PAGES = 1000;

/** Finds out when pages go round in circles instead of on. */
export interface LoopGuard {
  /**
   * @param fingerprint of the page's records
   * @returns whether the page is to be left out, and the end is reached
   * @throws PAGE001 for records that were on an earlier page, unless the config allows that, and for endless empty pages
   */
  onPage(page: SeenPage, fingerprint: string): boolean;
  /** @throws PAGE001 for a page that was asked for before */
  onRequest(number: number, request: ApiRequest): void;
}

export function loopGuard({ onRepeatedPage }: Pagination): LoopGuard {
  const pages = new Map<bigint, number>();
  const requests = new Map<bigint, number>();
  let empty = 0;
  return {
    onPage(page, fingerprint) {
      empty = page.count === 0 ? empty + 1 : 0;
      if (empty > MAX_EMPTY_PAGES)
        throw pageError(page, `so are the ${empty - 1} before it empty, and more follow`);
      if (page.count === 0 || onRepeatedPage === 'allow') return false;
      const key = shortHash(fingerprint);
      const earlier = pages.get(key);
      if (earlier === undefined) {
        pages.set(key, page.number);
        return false;
      }
      if (onRepeatedPage === 'stop' && earlier === page.number - 1) return true;
      throw pageError(page, `it holds the records of page ${earlier} again`, hintOf(page, earlier));
    },
    onRequest(number, { method, url, body = '' }) {
      const key = shortHash(`${method} ${url}\n${body}`);
      const earlier = requests.get(key);
      if (earlier === undefined) requests.set(key, number);
      else {
        throw pageError(
          number,
          `it is page ${earlier} again: the API leads in a circle (${method} ${url})`,
          'Nothing was landed. Look at what page leads to which; the API may be at fault.',
        );
      }
    },
  };
}

/** 64 bits are enough to tell a million pages apart, and little to remember of each. */
function shortHash(text: string): bigint {
  return createHash('sha256').update(text).digest().readBigUInt64LE();
}

function hintOf(page: SeenPage, earlier: number): string {
  if (page.number === 2) {
    return 'The API seems not to look at the page parameters: correct their names, or set pagination.type: none if it gives all records at once.';
  }
  if (earlier === page.number - 1) {
    return 'If the API gives its last page again for any page behind it, set pagination.on_repeated_page: stop. If equal pages are right, set it to allow.';
  }
  return 'If pages with the same records are right, set pagination.on_repeated_page: allow.';
}

/** @throws PAGE001 where the configured path leads to no yes or no */
export function hasMoreOf(
  { hasMorePath }: Pagination,
  number: number,
  envelope: unknown,
): boolean | undefined {
  if (hasMorePath === undefined) return undefined;
  const value = atJsonPath(envelope, hasMorePath);
  if (typeof value === 'boolean') return value;
  const text = String(value).toLowerCase();
  if (value !== null && ['true', '1', 'yes', 'y'].includes(text)) return true;
  if (value !== null && ['false', '0', 'no', 'n'].includes(text)) return false;
  throw pageError(number, `has_more_path "${hasMorePath.join('.')}" leads to neither true nor false`);
}

/**
 * Some APIs state the total with the first page only.
 *
 * @throws PAGE001 where the API states no number of records although the config says where it does
 */
export function totalOf(
  { total }: Pagination,
  number: number,
  envelope: unknown,
  headers: Readonly<Record<string, string>>,
): number | undefined {
  if (total === undefined) return undefined;
  const value = 'header' in total ? headers[total.header.toLowerCase()] : atJsonPath(envelope, total.path);
  const where = 'header' in total ? `total_header ${total.header}` : `total_path "${total.path.join('.')}"`;
  if (number > 1 && (value === undefined || value === null)) return undefined;
  const stated = typeof value === 'string' || typeof value === 'number' ? Number(value) : Number.NaN;
  if (Number.isInteger(stated) && stated >= 0 && value !== '') return stated;
  throw pageError(number, `${where} leads to no number of records`);
}
