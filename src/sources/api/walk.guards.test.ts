import { describe, expect, test } from 'bun:test';
import {
  type Api,
  BASE,
  idsUpTo,
  openWalk,
  type Paging,
  rowsUpTo,
  Status,
  walk,
} from '../../testing/api-walk.ts';

const PAGES: Paging = { type: 'page', page_size: 2 };
const rows = rowsUpTo(40);

/** Pages by number, as listed; nothing behind them. */
const pages =
  (...listed: readonly (readonly number[])[]): Api =>
  ({ page }) =>
    (listed[Number(page) - 1] ?? []).map((id) => ({ id }));

/** Answers by cursor, each with the next cursor. */
const cursors =
  (answers: Readonly<Record<string, readonly [readonly number[], string | null]>>): Api =>
  ({ cursor = 'start' }) => {
    const [found = [], next = null] = answers[cursor] ?? [];
    return { items: found.map((id) => ({ id })), next_cursor: next };
  };

describe('the last page', () => {
  test('that is exactly full is followed by one request more, whose empty answer is the end', async () => {
    const { ids, requests } = await walk(PAGES, pages([1, 2], [3, 4]));
    expect([ids, requests.length]).toEqual([[1, 2, 3, 4], 3]);
  });

  test('that is shorter than the one before it needs no further request', async () => {
    const { ids, requests } = await walk(PAGES, pages([1, 2], [3]));
    expect([ids, requests.length]).toEqual([[1, 2, 3], 2]);
  });

  test('that is exactly full and given again for any page behind it is the end only where the total says so', async () => {
    const clamped: Api = ({ page }) => {
      const from = (Math.min(Number(page), 2) - 1) * 2;
      return new Status(200, rows.slice(from, from + 2), { 'x-total': '4' });
    };
    expect((await walk({ ...PAGES, total_header: 'X-Total' }, clamped)).ids).toEqual([1, 2, 3, 4]);
    expect((await walk({ ...PAGES, on_repeated_page: 'stop' }, clamped)).ids).toEqual([1, 2, 3, 4]);
    const { error } = await walk(PAGES, clamped);
    expect([error?.code, error?.message]).toEqual([
      'PAGE001',
      'page 3: it holds the records of page 2 again',
    ]);
    expect(error?.hint).toContain('on_repeated_page: stop');
  });

  test('may be followed by 404 where the API states that it was the last, and nowhere else', async () => {
    const missing: Api = ({ page }) => {
      const found = rows.slice((Number(page) - 1) * 2, Number(page) * 2);
      return Number(page) > 2
        ? new Status(404, { detail: 'Invalid page.' })
        : { items: found, total: 4, pages: 2 };
    };
    expect((await walk({ ...PAGES, total_path: 'total' }, missing)).ids).toEqual([1, 2, 3, 4]);
    expect((await walk({ ...PAGES, total_pages_path: 'pages' }, missing)).ids).toEqual([1, 2, 3, 4]);
    const { error } = await walk(PAGES, missing);
    expect(error?.toString()).toContain('[EXT001] page 3 (GET https://api.example/rows?page=3&page_size=2)');
  });

  test('is found by has_more, without a request behind it and without guessing from lengths', async () => {
    const told: Api = ({ page }) => ({
      items: pages([1], [2, 3], [4, 5])({ page: page ?? '' }, NONE),
      more: page !== '3',
    });
    const { ids, requests } = await walk({ ...PAGES, has_more_path: 'more' }, told);
    expect([ids, requests.length]).toEqual([[1, 2, 3, 4, 5], 3]);
  });
});

const NONE = { method: 'GET', url: BASE, headers: {} } as const;

describe('pages that do not lead on', () => {
  test('a Link header that cannot be read is not taken for the last page', async () => {
    const linking =
      (header: string): Api =>
      ({ page = '1' }) =>
        new Status(200, [{ id: Number(page) }], page === '1' ? { link: header } : {});
    const { ids } = await walk({ type: 'link_header' }, linking(`, <${BASE}?page=2>; rel="next";`));
    expect(ids).toEqual([1, 2]);
    const { error } = await walk({ type: 'link_header' }, linking(`${BASE}?page=2; rel="next"`));
    expect(error?.code).toBe('PAGE001');
    expect(error?.message).toStartWith('page 1: the Link header cannot be read from "https://api.example');
  });

  test('an API that does not look at the page parameter is found out with the second page', async () => {
    const { error } = await walk(PAGES, () => rows.slice(0, 2));
    expect(error?.message).toBe('page 2: it holds the records of page 1 again');
    expect(error?.hint).toContain('seems not to look at the page parameters');
    const short = await walk({ type: 'page', page_size: 100 }, () => rows);
    expect(short.error?.code).toBe('PAGE001');
    const none = await walk({ type: 'none' }, () => rows);
    expect(none.ids).toEqual(idsUpTo(40));
  });

  test('cursors that go A, B, A, B are found out, and so is one that leads to itself', async () => {
    const circle = cursors({ start: [[1], 'a'], a: [[2], 'b'], b: [[3], 'a'] });
    const { error, ids } = await walk({ type: 'cursor' }, circle);
    expect([error?.code, ids]).toEqual(['PAGE001', [1, 2, 3]]);
    expect(error?.message).toContain('page 4: it is page 2 again: the API leads in a circle');
    const self = await walk({ type: 'cursor' }, cursors({ start: [[1], 'a'], a: [[2], 'a'] }));
    expect(self.error?.message).toContain('page 3: it is page 2 again');
    const changing: Api = ({ cursor = '0' }) => ({
      items: [{ id: Number(cursor) % 2 }],
      next_cursor: String(Number(cursor) + 1),
    });
    const { error: same } = await walk({ type: 'cursor' }, changing);
    expect(same?.message).toBe('page 3: it holds the records of page 1 again');
  });

  test('an empty page with another cursor leads on; with its own cursor, or for ever, it does not', async () => {
    const gap = cursors({ start: [[1], 'a'], a: [[], 'b'], b: [[2], null] });
    expect((await walk({ type: 'cursor' }, gap)).ids).toEqual([1, 2]);
    const end = cursors({ start: [[1], 'a'], a: [[], 'a'] });
    expect(await walk({ type: 'cursor' }, end)).toMatchObject({ ids: [1], requests: ['', '?cursor=a'] });
    const endless: Api = ({ cursor = '0' }) => ({ items: [], next_cursor: String(Number(cursor) + 1) });
    expect((await walk({ type: 'cursor' }, endless)).error?.code).toBe('PAGE001');
  });

  test.each(['', null, false, undefined])('a next cursor of %j is the end', async (next) => {
    const api: Api = ({ cursor }) => ({ items: [{ id: 1 }], next_cursor: cursor === undefined ? next : 'x' });
    expect((await walk({ type: 'cursor' }, api)).ids).toEqual([1]);
  });

  test('an early empty page is an error where the API says that there is more', async () => {
    const told: Api = ({ page }) => ({
      items: page === '1' ? [{ id: 1 }, { id: 2 }] : [],
      more: true,
      pages: 4,
    });
    const more = await walk({ ...PAGES, has_more_path: 'more' }, told);
    expect(more.error?.message).toBe('page 2: it is empty, and the API says that there is more');
    const stated = await walk({ ...PAGES, total_pages_path: 'pages' }, told);
    expect(stated.error?.message).toBe('page 2: it is empty, and the API says that there are 4 pages');
  });

  test('more that is promised without a cursor is an error', async () => {
    const api: Api = () => ({ items: [{ id: 1 }], more: true });
    const { error } = await walk({ type: 'cursor', has_more_path: 'more' }, api);
    expect(error?.message).toBe('page 1: the API says that there is more, and not where');
  });

  test('a page that changes its length leaves no offset to go on from, unless the config says which', async () => {
    const filtering: Api = ({ offset, limit }) => {
      const found = rows.slice(Number(offset), Number(offset) + Number(limit)).filter(({ id }) => id !== 5);
      return { items: found, more: Number(offset) + Number(limit) < 12 };
    };
    const paging: Paging = { type: 'offset', page_size: 4, has_more_path: 'more' };
    const { error } = await walk(paging, filtering);
    expect(error?.message).toStartWith(
      'page 2: it has 3 records, where pages before it had 4 and 4 were asked for',
    );
    const told = await walk({ ...paging, stop_on_short_page: false }, filtering);
    expect(told.ids).toEqual(idsUpTo(12).filter((id) => id !== 5));
  });

  test('a page size above what the API gives loses nothing', async () => {
    const capped: Api = ({ offset, limit }) =>
      rows.slice(Number(offset), Number(offset) + Math.min(7, Number(limit)));
    expect((await walk({ type: 'offset', page_size: 100 }, capped)).ids).toEqual(idsUpTo(40));
  });

  test('stop_on_short_page: true ends at the first short page, as the original did', async () => {
    const { ids, requests } = await walk({ ...PAGES, stop_on_short_page: true }, pages([1], [2]));
    expect([ids, requests.length]).toEqual([[1], 1]);
  });

  test('equal pages may be declared right', async () => {
    const same = pages([1, 1], [1, 1], [1]);
    expect((await walk(PAGES, same)).error?.code).toBe('PAGE001');
    expect((await walk({ ...PAGES, on_repeated_page: 'allow' }, same)).ids).toEqual([1, 1, 1, 1, 1]);
  });
});

describe('a keyset', () => {
  test('keeps the digits of its keys, and refuses an API that gives the last record again', async () => {
    const asked: string[] = [];
    const api: Api = ({ since_id: since = '' }) => {
      asked.push(since);
      return new Status(200, since === '' ? RAW : []);
    };
    const RAW = [{ id: (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('9007199254740993') }];
    await walk({ type: 'keyset' }, api);
    expect(asked).toEqual(['', '9007199254740993']);
    const inclusive: Api = ({ since_id: since = '1' }) => rows.slice(Number(since) - 1, Number(since) + 1);
    const { error } = await walk({ type: 'keyset', max_pages: 50 }, inclusive);
    expect(error?.message).toBe('page 40: it ends with id 40, after which it was to begin');
  });

  test('needs the key in the last record', async () => {
    const { error } = await walk({ type: 'keyset', key_field: 'meta.id' }, () => rows.slice(0, 2));
    expect(error?.message).toBe('page 1: its last record has no meta.id, so that no page can follow it');
  });
});

describe('an address of a next page', () => {
  const leading =
    (next: string): Api =>
    ({ page }) => ({ items: [{ id: page === undefined ? 1 : 2 }], next: page === undefined ? next : null });

  test('may be relative, and is followed without the credentials that it repeats', async () => {
    const auth = { type: 'api_key', key_env: 'K', key_param: 'key' } as const;
    const paging: Paging = { type: 'next_url' };
    const { requests, ids } = await walk(paging, leading('/rows?page=2&key=secret-1'), { auth });
    expect([ids, requests]).toEqual([
      [1, 2],
      ['', '?page=2'],
    ]);
  });

  test('on another host is followed only where no credentials are around', async () => {
    const other = leading('https://other.example/rows?page=2');
    expect((await walk({ type: 'next_url' }, other)).ids).toEqual([1, 2]);
    const { error } = await walk({ type: 'next_url' }, other, { auth_type: 'bearer', auth_token_env: 'T' });
    expect(error?.message).toContain(
      'the next page is on another host, other.example instead of api.example',
    );
    const headers = { 'X-Token': 'abcdef' };
    expect((await walk({ type: 'next_url' }, other, { headers })).error?.code).toBe('PAGE001');
  });

  test('that lost its encryption behind a proxy gets it back', async () => {
    const plain = leading('http://api.example/rows?page=2');
    const { requests } = await walk({ type: 'next_url' }, plain, {
      auth_type: 'bearer',
      auth_token_env: 'T',
    });
    expect(requests).toEqual(['', '?page=2']);
  });
});

describe('what an answer holds', () => {
  const one = (body: unknown, options: Parameters<typeof walk>[2] = {}) =>
    walk({ type: 'none' }, () => body, options);

  test('scenario 34: a list, an object, and nothing else is a page of records', async () => {
    const nested = { response: { items: [{ id: 1 }, { id: 2 }] } };
    expect((await one(nested, { data_path: 'response.items' })).ids).toEqual([1, 2]);
    expect((await one(nested, { data_path: 'response' })).ids).toEqual([1, 2]);
    expect((await one({ id: 7 })).ids).toEqual([7]);
    expect((await one({ pages: [{ rows: [{ id: 3 }] }] }, { records_path: 'pages[0].rows' })).ids).toEqual([
      3,
    ]);
    expect((await one({ items: [] })).error).toBeUndefined();
    for (const [body, path, message] of [
      [{ a: 1 }, 'b', 'has nothing at data_path "b"'],
      [{ a: 5 }, 'a', 'what stands at "a" is neither a list nor an object'],
      [{ a: null }, 'a', 'what stands at "a" is neither a list nor an object'],
      [5, undefined, 'the answer is neither a list nor an object'],
    ] as const) {
      const { error } = await one(body, path === undefined ? {} : { data_path: path });
      expect([error?.code, error?.message]).toEqual(['DATA001', expect.stringContaining(message)]);
    }
  });

  test('an answer of 200 that is an error envelope is an error', async () => {
    const options = { error_path: 'error.message' };
    const { error } = await one({ error: { message: 'quota exceeded' }, items: [] }, options);
    expect([error?.code, error?.message]).toEqual([
      'EXT001',
      'page 1 (GET https://api.example/rows): the answer is an error: quota exceeded',
    ]);
    for (const fine of [null, '', false, 0, {}, []]) {
      expect((await one({ error: { message: fine }, items: [{ id: 1 }] }, options)).ids).toEqual([1]);
    }
  });

  test.each([
    [401, 'AUTH001'],
    [403, 'AUTH001'],
    [404, 'EXT001'],
    [302, 'EXT001'],
  ])('status %d is %s, with what the API says', async (status, code) => {
    const { error } = await one(new Status(status, { message: 'no\nentry' }));
    expect([error?.code, error?.message]).toEqual([
      code,
      `page 1 (GET https://api.example/rows): the API answered ${status}: {"message":"no\\nentry"}`,
    ]);
  });

  test('a page for people and an empty body are not taken for JSON', async () => {
    const html = await one(
      new Status(200, '<html>login</html>', { 'content-type': 'text/html; charset=utf-8' }),
    );
    expect(html.error?.message).toContain('the answer is not JSON but text/html: "<html>login</html>"');
    expect((await one(new Status(204))).ids).toEqual([]);
  });
});

describe('requests', () => {
  test('of POST carry the page parameters in the body, as numbers in JSON and as texts in a form', async () => {
    const bodies: (string | undefined)[] = [];
    const api: Api = (_query, { body }) => {
      bodies.push(body);
      return bodies.length > 1 ? [] : [{ id: 1 }];
    };
    const paging: Paging = { type: 'page', page_size: 2, parameters_in: 'body' };
    const options = { method: 'post', body: { filter: { a: [1] } } } as const;
    const { requests } = await walk(paging, api, options);
    expect(requests).toEqual(['', '']);
    expect(bodies.map((body) => JSON.parse(body ?? ''))).toEqual([
      { filter: { a: [1] }, page: 1, page_size: 2 },
      { filter: { a: [1] }, page: 2, page_size: 2 },
    ]);
    bodies.length = 0;
    await walk(paging, api, { method: 'post', body_format: 'form', body: { q: 'a b' } });
    expect(bodies[0]).toBe('q=a+b&page=1&page_size=2');
  });

  test('carry a cursor in a JSON body as what it was: a number, or a text of digits', async () => {
    const bodies: unknown[] = [];
    const api: Api = (_query, { body }) => {
      bodies.push(JSON.parse(body ?? '').cursor);
      return { items: [{ id: bodies.length }], next_cursor: [7, '8', null][bodies.length - 1] };
    };
    await walk({ type: 'cursor', parameters_in: 'body' }, api, { method: 'post' });
    expect(bodies).toEqual([undefined, 7, '8']);
  });

  test('carry the parameters of the config and of the endpoint, and of the page above both', async () => {
    const { requests } = await walk({ type: 'page', page_size: 5, max_pages: 1 }, () => rows.slice(0, 5), {
      params: { state: 'all', deep: true, n: 3, page: 9 },
    });
    expect(requests).toEqual(['?state=all&deep=true&n=3&page=1&page_size=5']);
  });
});

describe('asking ahead', () => {
  test('the next page is under way while the last one is worked on, and no more than one', async () => {
    for (const paging of [PAGES, { type: 'keyset', key_param: 'after' }] as const) {
      const api: Api = ({ page, after = '0' }) => {
        const from = page === undefined ? Number(after) : (Number(page) - 1) * 2;
        return rows.slice(from, from + 2);
      };
      const { pages: found, requests } = openWalk(paging, api);
      await found.next();
      await Bun.sleep(5);
      expect(requests).toHaveLength(2);
      await found.next();
      await Bun.sleep(5);
      expect(requests).toHaveLength(3);
      await found.return(undefined);
    }
  });

  test('asks for at most one page too many where the end is not known', async () => {
    for (const size of [3, 7]) {
      const api: Api = ({ page, page_size: wanted }) =>
        rowsUpTo(7).slice((Number(page) - 1) * Number(wanted), Number(page) * Number(wanted));
      const paging: Paging = { type: 'page', page_size: size };
      const plain = await walk(paging, api);
      const ahead = await walk(paging, api, { async: true });
      expect(ahead.ids).toEqual(idsUpTo(7));
      expect(ahead.requests.length - plain.requests.length).toBeLessThanOrEqual(1);
    }
  });

  test('has max_concurrency pages under way where the total is known, and none behind it', async () => {
    let underWay = 0;
    let most = 0;
    const api: Api = ({ offset, limit }) => ({
      items: rows.slice(Number(offset), Number(offset) + Number(limit)),
      total: 40,
    });
    const paging: Paging = { type: 'offset', page_size: 3, total_path: 'total' };
    const counted: Api = (query, request) => {
      most = Math.max(most, underWay);
      return api(query, request);
    };
    const { ids, requests } = await walk(paging, counted, { async: true, max_concurrency: 4 }, (started) => {
      underWay += started ? 1 : -1;
      most = Math.max(most, underWay);
    });
    expect(ids).toEqual(idsUpTo(40));
    expect(most).toBe(4);
    expect(requests.length).toBe(14);
  });
});
