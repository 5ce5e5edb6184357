import { describe, expect, test } from 'bun:test';
import { failure } from '../../testing/refusal.ts';
import type { ApiRequest } from './exchange.ts';
import { followRedirects } from './redirects.ts';

const SEARCH: ApiRequest = {
  method: 'POST',
  url: 'https://api.example/search',
  headers: { 'content-type': 'application/json' },
  body: '{"state":"open"}',
};

/** What was asked for behind a redirect to `/search/`, which answers anything. */
async function followed(status: number, request = SEARCH, location = '/search/'): Promise<ApiRequest> {
  const asked: ApiRequest[] = [];
  await followRedirects(request, async (hop) => {
    asked.push(hop);
    const isFirst = asked.length === 1;
    return {
      url: hop.url,
      status: isFirst ? status : 200,
      headers: isFirst ? { location } : {},
      body: new Uint8Array(),
    };
  });
  return asked[1] ?? request;
}

describe('a POST that is redirected', () => {
  test.each([301, 302])('by %i is refused where its body would be lost', async (status) => {
    for (const location of ['/search/', 'https://other.example/search']) {
      const error = await failure(followed(status, SEARCH, location));
      expect([error.code, error.message]).toEqual(['EXT001', expect.stringContaining('loses the body')]);
    }
  });

  test.each([307, 308])('by %i keeps its body', async (status) => {
    expect(await followed(status)).toEqual({ ...SEARCH, url: 'https://api.example/search/' });
  });

  test('by 303, or without a body, becomes a GET', async () => {
    const { body: _, ...bare } = SEARCH;
    for (const [status, request] of [
      [303, SEARCH],
      [301, bare],
    ] as const) {
      const { method, body } = await followed(status, request);
      expect([method, body]).toEqual(['GET', undefined]);
    }
  });
});
