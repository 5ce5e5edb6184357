import { describe, expect, test } from 'bun:test';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { FoundryError } from '../../core/errors.ts';
import { type Page, parsePage } from './page.ts';

const page = (text: string, path?: string): Page =>
  parsePage(Buffer.from(text), path?.split('.') ?? [], 'GET /x');
const texts = ({ records }: Page): string[] => [...records()].flat().map(({ text }) => text);
const refusal = (text: string | Uint8Array, path?: string): FoundryError => {
  try {
    parsePage(Buffer.from(text), path?.split('.') ?? [], 'GET /x');
  } catch (error) {
    if (error instanceof FoundryError) return error;
  }
  throw new Error('not refused');
};

describe('the records of a page', () => {
  test('are the list at the path, through objects and lists, with their exact digits', () => {
    expect(texts(page('{"a":{"b":[{"n":1.50},{"n":12345678901234567890}]}}', 'a.b'))).toEqual([
      '{"n":1.50}',
      '{"n":12345678901234567890}',
    ]);
    expect(texts(page('[[0],{"r":[1,2]},[3]]', '1.r'))).toEqual(['1', '2']);
    expect(texts(page('{"a":[[1],[2,[3]]]}', 'a.1.1'))).toEqual(['3']);
    expect(texts(page('{"a":{"1":[7]}}', 'a.1'))).toEqual(['7']);
    expect(texts(page(' [ {"a" : 1} , null,[2]] '))).toEqual(['{"a" : 1}', 'null', '[2]']);
    expect(texts(page('\ufeff[1]'))).toEqual(['1']);
  });

  test('are counted from 1', () => {
    const [block = []] = page('[{},{}]').records();
    expect(block.map(({ line }) => line)).toEqual([1, 2]);
  });

  test('are the first of items, data, results, records that is a list, wherever it stands', () => {
    expect(texts(page('{"records":[1],"data":{"x":[9]},"results":[2,3]}'))).toEqual(['2', '3']);
    expect(texts(page('{"a":{"data":[1],"items":[2]}}', 'a'))).toEqual(['2']);
    expect(texts(page('{"x":{"items":[1]},"data":[]}'))).toEqual([]);
    expect(page('{"x":{"items":[1]},"data":[]}').found).toBe('list');
    expect(texts(page('{"\\u0069tems":[5]}'))).toEqual(['5']);
  });

  test('are the object itself where it has no such list', () => {
    const single = page('{"a": {"id": 1, "data": {"x": 1}}, "next": "c"}', 'a');
    expect(single.found).toBe('object');
    expect(texts(single)).toEqual(['{"id": 1, "data": {"x": 1}}']);
    expect(texts(page('{}'))).toEqual(['{}']);
  });

  test('are none where a scalar or nothing stands at the path, and what is there is told', () => {
    expect(page('{"items": 5}', 'items')).toMatchObject({ found: 'scalar', count: 0 });
    expect(page('null')).toMatchObject({ found: 'null', count: 0 });
    expect(page('{"itms": [1]}', 'items').absence).toEqual({
      problem: 'has nothing at records_path "items" (did you mean "itms"?)',
      hint: 'Names at that level: itms.',
    });
    expect(page('{"a": [1]}', 'a.b').absence?.problem).toContain('"a" is a list without an element "b"');
    expect(page('{"a": 1}', 'a.b').absence?.problem).toContain('"a" is not an object');
    expect(page('{"error": "no"}', 'items').envelope()).toEqual({ error: 'no' });
  });

  test('are any list, anywhere, beside anything', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue()),
        fc.jsonValue(),
        fc.constantFrom(undefined, 2),
        (list, other, indent) => {
          const text = JSON.stringify({ before: other, a: [other, { b: list, z: other }] }, null, indent);
          const found = page(text, 'a.1.b');
          expect(texts(found).map((record) => JSON.parse(record) as unknown)).toEqual(
            JSON.parse(JSON.stringify(list)) as unknown[],
          );
          expect(found.count).toBe(list.length);
          expect(JSON.stringify(found.envelope())).toBe(
            JSON.stringify({ before: other, a: [other, { b: [], z: other }] }).replace(/.*/s, (all) => all),
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the envelope', () => {
  test('is all but the records, and keeps the digits of numbers', () => {
    const text = '{"next":9007199254740993,"total":2,"ratio":1.50,"items":[{"id":1},{"id":2}],"more":false}';
    expect(page(text).envelope()).toEqual({
      next: '9007199254740993',
      total: 2,
      ratio: '1.50',
      items: [],
      more: false,
    });
  });

  test('of a single record is the record', () => {
    expect(page('{"id":1,"next":"x"}').envelope()).toEqual({ id: 1, next: 'x' });
  });
});

describe('a page that is not whole JSON is refused with the byte and what was expected', () => {
  const CASES: readonly [string, string | Uint8Array, string][] = [
    ['nothing at all', '', 'byte 0: it ends before its JSON document does: expected value'],
    ['a list cut between records', '{"items":[{"id":1},', 'byte 19: it ends before'],
    ['a record cut short', '{"items":[{"id":1},{"id"', 'expected the end of a value'],
    [
      'an envelope cut short',
      '{"items":[{"id":1}],"next":"a"',
      'byte 30: it ends before its JSON document does: expected , or end',
    ],
    ['a comma is missing', '{"items":[1 2]}', 'byte 12: not JSON: expected , or end, found "2"'],
    ['HTML', '<html>', 'byte 6: not JSON: <html>'],
    ['two documents', '{"items":[]}{"items":[]}', 'byte 12: something follows the end of the JSON document'],
    ['the list twice', '{"items":[1],"items":[2]}', '"items" stands twice in one object'],
    ['Latin-1', Buffer.from('["é"]', 'latin1'), 'byte 2: it holds bytes that are not UTF-8'],
  ];
  for (const [name, text, message] of CASES) {
    test(name, () => {
      const error = refusal(text);
      expect(error.code).toBe('DATA001');
      expect(error.message).toContain(`GET /x, ${message.startsWith('byte') ? message : 'byte'}`);
      expect(error.message).toContain(message);
    });
  }

  test('wherever it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue()),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (list, part) => {
          const bytes = Buffer.from(JSON.stringify({ items: list, next: 'é' }));
          expect(() => parsePage(bytes.subarray(0, Math.floor(bytes.length * part)), [], 'GET /x')).toThrow();
        },
      ),
    );
  });
});

test('a page of 100 MB is walked through within 450 MB', async () => {
  const script = resolve(import.meta.dir, '../../testing/measure-page.ts');
  const child = Bun.spawn([process.execPath, script, '100000000'], { stdout: 'pipe', stderr: 'inherit' });
  const measured = (await new Response(child.stdout).json()) as { records: number; peakBytes: number };
  expect(measured.records).toBeGreaterThan(500_000);
  expect(measured.peakBytes).toBeLessThan(450_000_000);
}, 60_000);
