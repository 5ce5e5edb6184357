import { describe, expect, test } from 'bun:test';
import { type Api, type Paging, rowsUpTo, walk } from '../../testing/api-walk.ts';

const PAGES: Paging = { type: 'page', page_size: 2 };
const rows = rowsUpTo(40);

describe('pages that have not the shape of the first', () => {
  test('an object in the place of a list of records is no record, and no end', async () => {
    const failing =
      (give: (list: readonly unknown[]) => unknown, failure: unknown): Api =>
      ({ page }) =>
        page === '2' ? failure : give(rows.slice((Number(page) - 1) * 2, Number(page) * 2));
    const named = (list: readonly unknown[]) => ({ items: list });
    const bare = (list: readonly unknown[]) => list;
    const message = { message: 'internal error' };
    const one = 'page 2: it is one object without a list of records, and page 1';
    for (const [give, failure, said] of [
      [named, message, `${one} has its records in "items": {"message":"internal error"}`],
      [bare, message, `${one} is a list of records: {"message":"internal error"}`],
      [
        named,
        { data: [] },
        'page 2: it has its records in "data", and page 1 has its records in "items": {"data":[]}',
      ],
      [
        bare,
        { data: [] },
        'page 2: it has its records in "data", and page 1 is a list of records: {"data":[]}',
      ],
    ] as const) {
      const { error, ids } = await walk(PAGES, failing(give, failure));
      expect([error?.code, error?.message, ids]).toEqual(['PAGE001', said, [1, 2]]);
    }
  });

  test('objects are pages of one record each, up to an empty list, and behind a stated end they are none', async () => {
    const each: Api = ({ page }) => (Number(page) < 4 ? { id: Number(page) } : []);
    expect((await walk({ type: 'page', page_size: 1 }, each)).ids).toEqual([1, 2, 3]);
    const ended: Api = ({ page }) =>
      Number(page) < 3
        ? { items: rows.slice(Number(page) * 2 - 2, Number(page) * 2), n: 4 }
        : { message: 'no more', n: 4 };
    expect((await walk({ ...PAGES, total_path: 'n' }, ended)).ids).toEqual([1, 2, 3, 4]);
  });

  test('a list of one record that came as that record is one, where the config says where it is', async () => {
    const was: Api = ({ page }) => ({ rows: page === '1' ? rows.slice(0, 2) : rows[2] });
    expect((await walk(PAGES, was, { data_path: 'rows' })).ids).toEqual([1, 2, 3]);
    const inner: Api = ({ page }) => ({ rows: page === '1' ? { items: rows.slice(0, 2) } : { error: 'x' } });
    expect((await walk(PAGES, inner, { data_path: 'rows' })).error?.code).toBe('PAGE001');
  });

  test('null in the place of the list is neither a record nor an empty list', async () => {
    const nulls: Api = ({ page }) => ({
      items: page === '3' ? null : rows.slice(Number(page) * 2 - 2, Number(page) * 2),
    });
    const { error } = await walk(PAGES, nulls);
    expect([error?.code, error?.message]).toEqual([
      'PAGE001',
      'page 3: its "items" is null, and only an empty list says that there are no records',
    ]);
    const none = await walk({ type: 'cursor' }, () => ({ data: null, next_cursor: null }));
    expect([none.error?.code, none.ids]).toEqual(['PAGE001', []]);
    expect((await walk({ type: 'none' }, () => ({ id: 7, data: null }))).ids).toEqual([7]);
  });
});
