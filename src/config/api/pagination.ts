import { parseJsonPath } from '../../core/json-path.ts';
import type { ConfigPath } from '../yaml/problems.ts';
import type { Report } from '../yaml/report.ts';
import type { Partly } from '../yaml/validate.ts';
import type { ApiOptions } from './schema.ts';
import type { Pagination, PagingScheme } from './spec.ts';

type PagingOptions = NonNullable<ApiOptions['pagination']>;
type PagingKey = keyof PagingOptions;

const PARAMETERS = ['parameters_in'] as const;
const SIZED = ['page_size', 'stop_on_short_page', ...PARAMETERS] as const;
/** Keys that each scheme reads, beside those that all but `none` read. */
const READS: Readonly<Record<PagingScheme['type'], readonly PagingKey[]>> = {
  none: [],
  offset: ['offset_param', 'limit_param', ...SIZED],
  page: ['page_param', 'page_size_param', 'start_page', 'total_pages_path', ...SIZED],
  cursor: ['cursor_param', 'cursor_path', 'next_token_path', 'cursor_header', ...PARAMETERS],
  link_header: [],
  next_url: ['next_url_path'],
  keyset: ['key_field', 'key_param', ...PARAMETERS],
};
const COMMON: readonly PagingKey[] = [
  'type',
  'max_records',
  'max_pages',
  'has_more_path',
  'total_path',
  'total_header',
  'on_total_mismatch',
  'on_repeated_page',
];
const ONE_PAGE: readonly PagingKey[] = [
  'type',
  'max_records',
  'total_path',
  'total_header',
  'on_total_mismatch',
];
const PATHS = [
  'key_field',
  'cursor_path',
  'next_token_path',
  'next_url_path',
  'has_more_path',
  'total_path',
  'total_pages_path',
] as const;
const NAMES = [
  'offset_param',
  'limit_param',
  'page_param',
  'page_size_param',
  'cursor_param',
  'cursor_header',
  'key_param',
  'total_header',
] as const;

export function checkPagination(
  paging: Partly<PagingOptions>,
  method: 'get' | 'post',
  at: ConfigPath,
  report: Report,
): void {
  const key = (name: PagingKey): ConfigPath => [...at, name];
  const either = (a: PagingKey, b: PagingKey): void => {
    if (paging[a] !== undefined && paging[b] !== undefined) {
      report.invalid(key(b), `${a} says this already; keep one of them`, 'key');
    }
  };
  for (const name of PATHS) checkJsonPath(paging[name], key(name), report);
  for (const name of NAMES) {
    if (paging[name]?.trim() === '') report.invalid(key(name), `${name} must not be empty`);
  }
  either('cursor_path', 'next_token_path');
  either('cursor_path', 'cursor_header');
  either('next_token_path', 'cursor_header');
  either('total_path', 'total_header');
  if (paging.parameters_in === 'body' && method !== 'post') {
    report.invalid(key('parameters_in'), 'parameters go into a body only where the method is POST');
  }
  if (paging.on_total_mismatch !== undefined && (paging.total_path ?? paging.total_header) === undefined) {
    report.warn(
      key('on_total_mismatch'),
      "'on_total_mismatch' has no effect without total_path or total_header",
    );
  }
  if (report.isMuted(key('type'))) return;
  const type = paging.type ?? 'none';
  const known = [...(type === 'none' ? ONE_PAGE : COMMON), ...READS[type]];
  for (const name of Object.keys(paging) as PagingKey[]) {
    if (paging[name] === undefined || known.includes(name)) continue;
    report.warn(key(name), `'${name}' has no effect on pagination of type ${type}`);
  }
}

export function checkJsonPath(path: string | undefined, at: ConfigPath, report: Report): void {
  if (path === undefined || parseJsonPath(path) !== undefined) return;
  report.invalid(
    at,
    `${at.at(-1)} must be a path such as result.items, pages[0].rows or ["a.b"], got ${report.show(at, path)}`,
  );
}

/** The pagination of options that `checkPagination` found no problem in. */
export function apiPagination(paging: PagingOptions = {}): Pagination {
  const { total_path: path, total_header: header, has_more_path: more } = paging;
  return {
    ...scheme(paging),
    parametersIn: paging.parameters_in ?? 'query',
    ...limit('maxRecords', paging.max_records),
    ...limit('maxPages', paging.max_pages),
    ...(more !== undefined && { hasMorePath: jsonPath(more) }),
    ...(path !== undefined && { total: { path: jsonPath(path) } }),
    ...(header !== undefined && { total: { header } }),
    onTotalMismatch: paging.on_total_mismatch ?? 'error',
    onRepeatedPage: paging.on_repeated_page ?? 'error',
  };
}

function limit<const K extends string>(name: K, value: number | undefined): { [key in K]?: number } {
  return value === undefined || value === 0 ? {} : ({ [name]: value } as { [key in K]?: number });
}

function scheme(paging: PagingOptions): PagingScheme {
  const pageSize = paging.page_size ?? 100;
  const { stop_on_short_page: stop, total_pages_path: pages } = paging;
  const lastPage = stop === undefined ? 'shorter' : stop ? 'asked' : 'empty';
  const type = paging.type ?? 'none';
  switch (type) {
    case 'none':
    case 'link_header':
      return { type };
    case 'offset':
      return {
        type,
        offsetParam: paging.offset_param ?? 'offset',
        limitParam: paging.limit_param ?? 'limit',
        pageSize,
        lastPage,
      };
    case 'page':
      return {
        type,
        pageParam: paging.page_param ?? 'page',
        sizeParam: paging.page_size_param ?? 'page_size',
        pageSize,
        startPage: paging.start_page ?? 1,
        ...(pages !== undefined && { totalPagesPath: jsonPath(pages) }),
        lastPage,
      };
    case 'cursor':
      return {
        type,
        cursorParam: paging.cursor_param ?? 'cursor',
        from:
          paging.cursor_header === undefined
            ? { path: jsonPath(paging.cursor_path ?? paging.next_token_path ?? 'next_cursor') }
            : { header: paging.cursor_header },
      };
    case 'next_url':
      return { type, urlPath: jsonPath(paging.next_url_path ?? 'next') };
    case 'keyset':
      return { type, keyField: jsonPath(paging.key_field ?? 'id'), keyParam: paging.key_param ?? 'since_id' };
  }
}

/** Of a path that was checked; the attempts of `config show` use any text. */
export function jsonPath(text: string): readonly string[] {
  return parseJsonPath(text) ?? [text];
}
