import type { PagingScheme } from '../../../config/api/spec.ts';
import { FoundryError, messageOf } from '../../../core/errors.ts';
import { atJsonPath } from '../../../core/json-path.ts';
import { nextLink } from './link-header.ts';
import { type Place, pageError, type Scheme, type SeenPage } from './scheme.ts';

/** One request. */
export const singleScheme: Scheme = {
  first: { params: {} },
  emptyLeadsOn: false,
  next: () => undefined,
};

/** Each answer holds the cursor of the next one, in its body or in a header. */
export function cursorScheme({ cursorParam, from }: Extract<PagingScheme, { type: 'cursor' }>): Scheme {
  return {
    first: { params: {} },
    emptyLeadsOn: true,
    next(place, page) {
      const found =
        'header' in from ? page.headers[from.header.toLowerCase()] : atJsonPath(page.envelope, from.path);
      const where = 'header' in from ? from.header : from.path.join('.');
      const cursor = positionOf(found, page, where);
      if (cursor === undefined || page.hasMore === false) return undefined;
      // Some APIs give the cursor of the end again with an empty page.
      if (page.count === 0 && 'params' in place && place.params[cursorParam] === cursor) return undefined;
      return { params: { [cursorParam]: cursor } };
    },
  };
}

/** Each answer has a `Link` header with the address of the next one (RFC 8288). */
export const linkHeaderScheme: Scheme = {
  first: { params: {} },
  emptyLeadsOn: true,
  next(_place, page) {
    if (page.headers.link === undefined || page.hasMore === false) return undefined;
    const { target, unread } = nextLink(page.headers.link);
    if (unread !== '') {
      throw pageError(
        page,
        `the Link header cannot be read from ${JSON.stringify(unread.slice(0, 200))} on, and may name the next page there`,
        'The API, or a proxy before it, writes no links of RFC 8288: <address>; rel="next". Read it by another pagination.type where it has one.',
      );
    }
    return addressed(target, page, 'the Link header');
  },
};

/** Each answer's body has the address of the next one. */
export function nextUrlScheme({ urlPath }: Extract<PagingScheme, { type: 'next_url' }>): Scheme {
  return {
    first: { params: {} },
    emptyLeadsOn: true,
    next(_place, page) {
      const url = positionOf(atJsonPath(page.envelope, urlPath), page, urlPath.join('.'));
      return page.hasMore === false ? undefined : addressed(url?.toString(), page, urlPath.join('.'));
    },
  };
}

/** Each request asks for what comes after the last record of the page before. */
export function keysetScheme({ keyField, keyParam }: Extract<PagingScheme, { type: 'keyset' }>): Scheme {
  return {
    first: { params: {} },
    emptyLeadsOn: false,
    next(place, page) {
      if (page.count === 0 || page.hasMore === false) return undefined;
      const name = keyField.join('.');
      const key = positionOf(atJsonPath(recordOf(page), keyField), page, name);
      if (key === undefined)
        throw pageError(page, `its last record has no ${name}, so that no page can follow it`);
      if ('params' in place && place.params[keyParam] === key) {
        throw pageError(
          page,
          `it ends with ${name} ${key}, after which it was to begin`,
          `${keyParam} has to mean "after this", and records have to come in the order of ${name}.`,
        );
      }
      return { params: { [keyParam]: key } };
    },
  };
}

/** Digits of numbers that JavaScript would change are kept, as text. */
function recordOf(page: SeenPage): unknown {
  let last = 'null';
  for (const text of page.records()) last = text;
  try {
    return JSON.parse(last, (_key, value: unknown, context?: { readonly source?: string }) =>
      typeof value === 'number' && String(value) !== context?.source ? (context?.source ?? value) : value,
    );
  } catch (error) {
    throw new FoundryError(
      'DATA001',
      `page ${page.number}, record ${page.count}: not a JSON value: ${messageOf(error)}`,
      { details: { page: page.number }, cause: error },
    );
  }
}

/** Undefined for null, absent and "", which mean that nothing follows. */
function positionOf(value: unknown, page: SeenPage, where: string): string | number | undefined {
  if (value === undefined || value === null || value === '' || value === false) return undefined;
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw pageError(page, `"${where}" is neither a text nor a number`, 'Correct the path of the next page.');
}

function addressed(link: string | undefined, page: SeenPage, where: string): Place | undefined {
  if (link === undefined) return undefined;
  const url = URL.parse(link, page.url);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw pageError(page, `${where} holds no web address of a next page`);
  }
  return { url: url.href };
}
