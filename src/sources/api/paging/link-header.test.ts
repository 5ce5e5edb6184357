import { describe, expect, test } from 'bun:test';
import { nextLink } from './link-header.ts';

const U = 'https://x.example/a?page=2,3';

describe('the next page of a Link header', () => {
  test.each([
    `<${U}>; rel="next"`,
    `<${U}>;rel=next`,
    `<https://x.example/>; rel="prev", <${U}>; title="a, <b>; rel=\\"x\\""; rel="last next"`,
    `<${U}>; rel="next";`,
    `<${U}>; ; rel="next" ; `,
    `<${U}>; rel="next",`,
    `, <${U}>; rel="next"`,
    `<https://x.example/>; rel="prev",, <${U}>; rel="next"`,
    `<${U}>; rel='next'`,
    `<${U}>; rel="next"; title="never closed`.replace('; title', ', <b>; title'),
  ])('is found in %s', (header) => {
    expect(nextLink(header)).toEqual({ target: U, unread: '' });
  });

  test.each(['', ' , ', '<a>; rel="prev"', '<a>; rel="prev"; rel="next"', '<a>', '<a>; rel="nextpage"'])(
    'is not in %j',
    (header) => {
      expect(nextLink(header)).toEqual({ unread: '' });
    },
  );

  test.each([
    [`${U}; rel="next"`, `${U}; rel="next"`],
    [`<${U}>; title="a; rel="next"`, `<${U}>; title="a; rel="next"`],
    [`<a>; rel="prev", <${U}>; title=a b; rel="next"`, `<${U}>; title=a b; rel="next"`],
    ['<a', '<a'],
  ])('is not said to be absent from %s, which cannot be read', (header, unread) => {
    expect(nextLink(header)).toEqual({ unread });
  });
});
