import type { ApiOptions } from '../config/api/schema.ts';
import { apiSource } from '../config/api/source.ts';
import { FoundryError } from '../core/errors.ts';
import type { ApiRequest, ApiResponse, Exchange } from '../sources/api/exchange.ts';
import { requestBuilder } from '../sources/api/requests.ts';
import { walkPages } from '../sources/api/walk.ts';

export type Paging = NonNullable<ApiOptions['pagination']>;

/** An API in memory: an answer for a query. */
export type Api = (query: Readonly<Record<string, string>>, request: ApiRequest) => unknown;

export interface Walked {
  readonly ids: number[];
  readonly requests: string[];
  readonly warnings: string[];
  readonly error?: FoundryError;
}

export const BASE = 'https://api.example/rows';

/** What a status other than 200 is given by. */
export class Status {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  constructor(status: number, body: unknown = {}, headers: Readonly<Record<string, string>> = {}) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }
}

/** The pages of an API in memory, and what is asked for them. */
export function openWalk(
  pagination: Paging,
  api: Api,
  options: Partial<ApiOptions> = {},
  onFlight: (started: boolean) => void = () => {},
) {
  const spec = apiSource({ base_url: 'https://api.example', endpoint: '/rows', pagination, ...options }, {});
  const requests: string[] = [];
  const warnings: string[] = [];
  const exchange: Exchange = async (request): Promise<ApiResponse> => {
    requests.push(request.url.slice(BASE.length));
    onFlight(true);
    await Bun.sleep(0);
    onFlight(false);
    const given = api(Object.fromEntries(new URL(request.url).searchParams), request);
    const { status, body, headers } = given instanceof Status ? given : new Status(200, given);
    return {
      url: request.url,
      status,
      headers: { 'content-type': 'application/json', ...headers },
      body: Buffer.from(JSON.stringify(body)),
    };
  };
  const pages = walkPages(spec, exchange, {
    requests: requestBuilder(spec, new URL(BASE)),
    signal: new AbortController().signal,
    isConcurrent: spec.isConcurrent ?? false,
    warn: (message) => warnings.push(message),
    redact: (text) => text,
  });
  return { pages, requests, warnings };
}

/** Walks the pages of an API in memory to their end. */
export async function walk(...given: Parameters<typeof openWalk>): Promise<Walked> {
  const { pages, requests, warnings } = openWalk(...given);
  const ids: number[] = [];
  try {
    for await (const { page, take } of pages) {
      const texts = [...page.records()].flat().slice(0, take);
      for (const { text } of texts) ids.push(JSON.parse(text).id);
    }
  } catch (error) {
    if (!(error instanceof FoundryError)) throw error;
    return { ids, requests, warnings, error };
  }
  return { ids, requests, warnings };
}

export const rowsUpTo = (count: number) => Array.from({ length: count }, (_, index) => ({ id: index + 1 }));
export const idsUpTo = (count: number) => rowsUpTo(count).map(({ id }) => id);
