import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type Api, BASE, idsUpTo, type Paging, rowsUpTo, Status, walk } from '../../testing/api-walk.ts';

interface Shape {
  readonly rows: number;
  /** What is asked for at a time. */
  readonly size: number;
  /** What the API gives at most. */
  readonly cap: number;
}

/** A well-behaved API for each scheme, and how it is configured. */
const SCHEMES: Readonly<Record<string, (shape: Shape) => { readonly paging: Paging; readonly api: Api }>> = {
  offset: ({ rows, size, cap }) => ({
    paging: { type: 'offset', page_size: size },
    api: ({ offset, limit }) =>
      rowsUpTo(rows).slice(Number(offset), Number(offset) + Math.min(cap, Number(limit))),
  }),
  page: ({ rows, size, cap }) => ({
    paging: { type: 'page', page_size: size },
    api: ({ page, page_size: wanted }) => {
      const length = Math.min(cap, Number(wanted));
      return { items: rowsUpTo(rows).slice((Number(page) - 1) * length, Number(page) * length) };
    },
  }),
  'page from zero': ({ rows, size, cap }) => ({
    paging: { type: 'page', page_size: size, start_page: 0, page_param: 'p', page_size_param: 's' },
    api: ({ p, s }) => {
      const length = Math.min(cap, Number(s));
      return rowsUpTo(rows).slice(Number(p) * length, (Number(p) + 1) * length);
    },
  }),
  cursor: ({ rows, cap }) => ({
    paging: { type: 'cursor', cursor_path: 'meta.next' },
    api: ({ cursor = '0' }) => {
      const behind = Number(cursor) + cap;
      return {
        data: rowsUpTo(rows).slice(Number(cursor), behind),
        meta: { next: behind < rows ? String(behind) : null },
      };
    },
  }),
  'cursor in a header': ({ rows, cap }) => ({
    paging: { type: 'cursor', cursor_header: 'X-Next', cursor_param: 'c' },
    api: ({ c = '0' }) => {
      const behind = Number(c) + cap;
      const next: Record<string, string> = behind < rows ? { 'x-next': String(behind) } : {};
      return new Status(200, rowsUpTo(rows).slice(Number(c), behind), next);
    },
  }),
  link_header: ({ rows, cap }) => ({
    paging: { type: 'link_header' },
    api: ({ from = '0' }) => {
      const behind = Number(from) + cap;
      const last = `</rows?from=0>; rel="first"`;
      const link = behind < rows ? `${last}, <?from=${behind}>; title="a, b"; rel="next"` : last;
      return new Status(200, rowsUpTo(rows).slice(Number(from), behind), { link });
    },
  }),
  next_url: ({ rows, cap }) => ({
    paging: { type: 'next_url', next_url_path: '["@odata.nextLink"]' },
    api: ({ from = '0' }) => {
      const behind = Number(from) + cap;
      return {
        value: 1,
        items: rowsUpTo(rows).slice(Number(from), behind),
        ...(behind < rows && { '@odata.nextLink': `${BASE}?from=${behind}` }),
      };
    },
  }),
  keyset: ({ rows, cap }) => ({
    paging: { type: 'keyset', key_field: 'id', key_param: 'after' },
    api: ({ after = '0' }) => rowsUpTo(rows).slice(Number(after), Number(after) + cap),
  }),
};

const shapes = fc.record({
  rows: fc.integer({ min: 0, max: 40 }),
  size: fc.integer({ min: 1, max: 12 }),
  cap: fc.integer({ min: 1, max: 12 }),
});

describe('walkPages lands every record once, in order', () => {
  for (const [name, open] of Object.entries(SCHEMES)) {
    test(`by ${name}, whatever the API gives at most, one after the other and ahead of time`, async () => {
      await fc.assert(
        fc.asyncProperty(shapes, fc.boolean(), async (shape, isConcurrent) => {
          const { paging, api } = open(shape);
          const walked = await walk(paging, api, { async: isConcurrent });
          expect(walked.error).toBeUndefined();
          expect(walked.ids).toEqual(idsUpTo(shape.rows));
        }),
        { numRuns: 60 },
      );
    });

    test(`by ${name}, exactly max_records of them`, async () => {
      await fc.assert(
        fc.asyncProperty(shapes, fc.integer({ min: 1, max: 50 }), fc.boolean(), async (shape, max, async) => {
          const { paging, api } = open(shape);
          const walked = await walk({ ...paging, max_records: max }, api, { async });
          expect(walked.error).toBeUndefined();
          expect(walked.ids).toEqual(idsUpTo(Math.min(shape.rows, max)));
        }),
        { numRuns: 40 },
      );
    });

    test(`by ${name}, of max_pages pages and not one request more`, async () => {
      await fc.assert(
        fc.asyncProperty(shapes, fc.integer({ min: 1, max: 6 }), fc.boolean(), async (shape, max, async) => {
          const { paging, api } = open(shape);
          const walked = await walk({ ...paging, max_pages: max }, api, { async });
          const length =
            name.includes('page') || name === 'offset' ? Math.min(shape.size, shape.cap) : shape.cap;
          expect(walked.error).toBeUndefined();
          expect(walked.ids).toEqual(idsUpTo(Math.min(shape.rows, max * length)));
          expect(walked.requests.length).toBeLessThanOrEqual(max);
        }),
        { numRuns: 40 },
      );
    });
  }
});

const FAULTS = ['repeat', 'earlier', 'empty', 'short', 'swallow'] as const;

describe('an API that misbehaves', () => {
  test('is never believed: the records are all there once, or the run fails with PAGE001', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('offset', 'page', 'cursor', 'link_header', 'next_url', 'keyset'),
        fc.record({
          rows: fc.integer({ min: 0, max: 40 }),
          size: fc.integer({ min: 1, max: 8 }),
          cap: fc.constant(8),
        }),
        fc.constantFrom(...FAULTS),
        fc.integer({ min: 1, max: 7 }),
        fc.boolean(),
        async (scheme, shape, fault, at, isConcurrent) => {
          const { paging, api } = SCHEMES[scheme]?.(shape) ?? never();
          const walked = await walk(
            { ...paging, total_header: 'x-total' },
            misbehaving(api, fault, at, shape.rows),
            { async: isConcurrent },
          );
          if (walked.error === undefined) expect(walked.ids).toEqual(idsUpTo(shape.rows));
          else expect(walked.error.code).toBe('PAGE001');
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('whose stated total is wrong is not believed either', async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.integer({ min: 0, max: 60 }), fc.boolean(), async (shape, total, async) => {
        const { paging, api } = SCHEMES.page?.(shape) ?? never();
        const lying: Api = (query, request) =>
          new Status(200, api(query, request), { 'x-total': String(total) });
        const walked = await walk({ ...paging, total_header: 'X-Total' }, lying, { async });
        if (total === shape.rows) expect(walked.error).toBeUndefined();
        else {
          expect(walked.error?.code).toBe('PAGE001');
          expect(walked.error?.message).toBe(
            `the pages hold ${shape.rows} records, and the API states ${total}`,
          );
        }
        expect(walked.ids).toEqual(idsUpTo(shape.rows));
        const warned = await walk({ ...paging, total_header: 'X-Total', on_total_mismatch: 'warn' }, lying);
        expect([warned.error, warned.warnings.length]).toEqual([undefined, total === shape.rows ? 0 : 1]);
      }),
      { numRuns: 60 },
    );
  });
});

function never(): never {
  throw new Error('no such scheme');
}

/** The API with one thing wrong at its answer number `at`. */
function misbehaving(api: Api, fault: (typeof FAULTS)[number], at: number, total: number): Api {
  const given: { body: unknown; headers: Readonly<Record<string, string>> }[] = [];
  return (query, request) => {
    const right = api(query, request);
    const { body, headers } = right instanceof Status ? right : new Status(200, right);
    given.push({ body, headers });
    const number = given.length;
    const wrong = number === at ? misdone(fault, given) : undefined;
    const answer = wrong ?? { body, headers };
    return new Status(200, answer.body, { ...answer.headers, 'x-total': String(total) });
  };
}

function misdone(
  fault: (typeof FAULTS)[number],
  given: readonly { readonly body: unknown; readonly headers: Readonly<Record<string, string>> }[],
): { body: unknown; headers: Readonly<Record<string, string>> } | undefined {
  const right = given.at(-1);
  if (right === undefined) return undefined;
  const cut = (keep: (rows: readonly unknown[]) => readonly unknown[]) => ({
    ...right,
    body: Array.isArray(right.body) ? keep(right.body) : changed(right.body, keep),
  });
  switch (fault) {
    case 'repeat':
      return given.at(-2);
    case 'earlier':
      return given.at(-3);
    case 'empty':
      return cut(() => []);
    case 'short':
      return cut((rows) => rows.slice(1));
    case 'swallow':
      return cut((rows) => rows.slice(0, -1));
  }
}

function changed(body: unknown, keep: (rows: readonly unknown[]) => readonly unknown[]): unknown {
  const entries = Object.entries(body as object);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, Array.isArray(value) ? keep(value) : value]),
  );
}
