import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { statInput } from '../input.ts';
import { documentRequest, readJsonDocument } from './document-reader.ts';
import { scanDocument } from './document-scanner.ts';
import { jsonRecordParser } from './json-record.ts';
import { readJsonLines } from './jsonl-reader.ts';
import type { JsonText } from './record.ts';

const signal = new AbortController().signal;
let folder: string;
let files = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'json-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function gather(blocks: AsyncIterable<JsonText[]>): Promise<JsonText[]> {
  const found: JsonText[] = [];
  for await (const block of blocks) found.push(...block);
  return found;
}

async function put(content: string | Uint8Array, extension: string) {
  files += 1;
  const file = join(folder, `file-${files}.${extension}`);
  writeFileSync(file, content);
  return statInput(file);
}

const lines = async (content: string | Uint8Array, extension = 'jsonl') =>
  gather(readJsonLines(await put(content, extension), { signal }));
const document = async (content: string | Uint8Array, path?: string, extension = 'json') =>
  gather(readJsonDocument(await put(content, extension), path, { signal }));
const values = (texts: JsonText[]): unknown[] => texts.map(({ text }) => JSON.parse(text));

describe('a record', () => {
  const parseRecord = jsonRecordParser('f');
  const parse = (text: string) => {
    const { names, kinds, texts } = parseRecord({ text, line: 7 });
    return names.map((name, index) => [name, kinds[index], texts[index]]);
  };

  test('keeps names, kinds, digits and nested text', () => {
    expect(
      parse(' { "a" : 1.50, "b\\n":"x\\u00e9", "c":null,"d":true, "e": 12345678901234567890123, "f": -0 }\n'),
    ).toEqual([
      ['a', 'number', '1.50'],
      ['b\n', 'string', 'xé'],
      ['c', 'null', ''],
      ['d', 'boolean', 'true'],
      ['e', 'number', '12345678901234567890123'],
      ['f', 'number', '-0'],
    ]);
    expect(parse('{"n": {"x" : [1.10, "a b\\" ]", {}],\n "y":{}} }')).toEqual([
      ['n', 'json', '{"x":[1.10,"a b\\" ]",{}],"y":{}}'],
    ]);
  });

  test('that is no object has one member, "value"', () => {
    expect(parse('10')).toEqual([['value', 'number', '10']]);
    expect(parse(' "x" ')).toEqual([['value', 'string', 'x']]);
    expect(parse('[1, 2]')).toEqual([['value', 'json', '[1,2]']]);
    expect(parse('null')).toEqual([['value', 'null', '']]);
  });

  test('is refused with its line when it is no JSON or not Unicode', () => {
    for (const text of [
      '{"a":1,}',
      '{a:1}',
      '{"a":01}',
      '{"a":1} x',
      'NaN',
      '"\\ud800"',
      '{"\\udc00":1}',
      '{"a":"',
    ]) {
      expect(() => parse(text)).toThrow('f:7:');
    }
  });

  test('any object is taken apart as JSON.parse does', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()),
        fc.nat(3),
        (object, indent) => {
          const expected = JSON.parse(JSON.stringify(object)) as Record<string, unknown>;
          const found: Record<string, unknown> = Object.create(null);
          const { names, kinds, texts } = parseRecord({
            text: JSON.stringify(object, null, indent),
            line: 1,
          });
          names.forEach((name, index) => {
            const [kind, text = ''] = [kinds[index], texts[index]];
            found[name] = kind === 'null' ? null : kind === 'string' ? text : JSON.parse(text);
          });
          expect(Object.entries(found)).toEqual(Object.entries(expected));
        },
      ),
      { numRuns: 300 },
    );
  });
});

test('a record is refused exactly where JSON.parse refuses it, however its text was spoilt', () => {
  const parts = [
    '{',
    '}',
    '[',
    ']',
    '"',
    ',',
    ':',
    '0',
    '1',
    '-',
    '.',
    'e',
    '+',
    'true',
    'null',
    'a',
    ' ',
    '\\',
    '\n',
    '\u0001',
    'é',
  ];
  const texts = fc.oneof(
    fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map((found) => `{"a":${found.join('')}}`),
    fc
      .tuple(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(), fc.constantFrom('', ...parts), fc.nat(2))
      .map(([value, place, put, cut]) => {
        const text = JSON.stringify(value);
        const at = place % (text.length + 1);
        return text.slice(0, at) + put + text.slice(at + cut);
      }),
  );
  fc.assert(
    fc.property(fc.array(texts, { minLength: 1, maxLength: 3 }), (all) => {
      const parse = jsonRecordParser('f');
      for (const text of all) {
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(() => parse({ text, line: 1 })).toThrow('f:1: ');
          continue;
        }
        if (typeof expected !== 'object' || expected === null || !text.isWellFormed()) continue;
        const { names, kinds, texts: found } = parse({ text, line: 1 });
        const members = new Map(names.map((name, index) => [name, [kinds[index], found[index]]]));
        for (const [name, value] of Object.entries(
          Array.isArray(expected) ? { value: expected } : expected,
        )) {
          const [kind, member] = members.get(name) ?? [];
          if (value === null) expect(kind).toBe('null');
          else if (typeof value === 'string') expect([kind, member]).toEqual(['string', value]);
          else expect(JSON.parse(member ?? '')).toEqual(value);
        }
      }
    }),
    { numRuns: 3000 },
  );
});

describe('JSON Lines', () => {
  test('scenario 45: blank lines are passed over, and lines keep their number', async () => {
    expect(await lines('{"a":1}\n\n \t\r\n{"a":2}\r\n3')).toEqual([
      { text: '{"a":1}', line: 1 },
      { text: '{"a":2}\r', line: 4 },
      { text: '3', line: 5 },
    ]);
    expect(await lines('')).toEqual([]);
    expect(await lines('\ufeff1\n')).toEqual([{ text: '1', line: 1 }]);
    expect(await lines(gzipSync('1\n2\n'), 'jsonl.gz')).toHaveLength(2);
  });

  test('bytes that are not UTF-8 and gzip that ends early are errors', async () => {
    await expect(lines(Buffer.from('1\n2\n"\xff"\n', 'latin1'))).rejects.toThrow(
      ':3: holds bytes that are not UTF-8',
    );
    await expect(lines(gzipSync('1\n2\n').subarray(0, 15), 'jsonl.gz')).rejects.toThrow('ends early');
  });

  test('lines longer than a chunk', async () => {
    const long = JSON.stringify('é'.repeat(1_200_000));
    expect(await lines(`1\n${long}\n${long}\n2`)).toEqual([
      { text: '1', line: 1 },
      { text: long, line: 2 },
      { text: long, line: 3 },
      { text: '2', line: 4 },
    ]);
  });
});

describe('a JSON document', () => {
  test('scenario 45: json_path leads to a list, whose elements are the records', async () => {
    const text = '{"meta": {"items": [1]}, "envelope": {"n": 2, "items": [10, 20], "rest": []}}';
    expect(values(await document(text, 'envelope.items'))).toEqual([10, 20]);
  });

  test('the document itself may be the list, or the only record', async () => {
    expect(await document('[\n {"a": 1},\n\n {"a": [2, "]}"]}\n]\n')).toEqual([
      { text: '{"a": 1}', line: 2 },
      { text: '{"a": [2, "]}"]}', line: 4 },
    ]);
    expect(values(await document('\ufeff {"a": {"b": 1}} '))).toEqual([{ a: { b: 1 } }]);
    expect(values(await document('{"a": {"b": 1}}', 'a'))).toEqual([{ b: 1 }]);
    expect(values(await document('[1.50,"x",null,true,[],{},-2e3]'))).toEqual([
      1.5,
      'x',
      null,
      true,
      [],
      {},
      -2000,
    ]);
    expect(await document('[]')).toEqual([]);
    expect(await document('{"a":[ ]}', 'a')).toEqual([]);
    expect(values(await document(gzipSync('[1,2]'), undefined, 'json.gz'))).toEqual([1, 2]);
  });

  test('escaped names are found', async () => {
    expect(values(await document('{"\\u0061\\"": [1]}', 'a"'))).toEqual([1]);
  });

  const BAD: readonly [string, string, string | undefined, string][] = [
    ['json_path is absent', '{"data": {"item": [1]}}', 'data.items', 'did you mean "item"'],
    ['json_path leads through a scalar', '{"data": 5}', 'data.items', '"data" is not an object'],
    [
      'json_path leads into a list without an index',
      '[{"items": []}]',
      'items',
      'the document is a list without an',
    ],
    [
      'json_path names an element that a list lacks',
      '{"a": [[1]]}',
      'a.1',
      '"a" is a list without an element "1"',
    ],
    ['a scalar is at json_path', '{"items": 5}', 'items', 'neither a list nor an object'],
    ['the document is a scalar', '5', undefined, 'neither a list nor an object'],
    ['json_path stands twice', '{"items": [1], "items": [2]}', 'items', 'stands twice'],
    ['the file is empty', '', undefined, 'ends before'],
    ['the list is cut short', '[1, 2', undefined, 'ends before'],
    ['an element is cut short', '[1, {"a": "x', undefined, 'ends before'],
    ['the rest is cut short', '{"items": [1], "more": {"x": 1}', 'items', 'ends before'],
    ['something follows', '[1]\n[2]', undefined, ':2: something follows the end'],
    ['a comma is too many', '[1,]', undefined, 'expected value'],
    ['a comma is missing', '[1 2]', undefined, 'expected , or end'],
    ['brackets do not match', '{"items": [1}}', 'items', 'brackets do not match'],
    ['a name is no string', '{1: 2}', 'items', 'expected name'],
    ['a comma ends an object', '{"x": 1,}', 'items', 'expected name'],
    ['a colon is missing', '{"x" 1}', 'items', 'expected :'],
    ['a skipped scalar is none', '{"x": tru, "items": []}', 'items', 'not JSON: tru'],
    ['a skipped string spans lines', '{"x": "a\nb", "items": []}', 'items', 'control character'],
  ];
  for (const [name, text, path, message] of BAD) {
    test(`is refused when ${name}`, () => expect(document(text, path)).rejects.toThrow(message));
  }

  const documents = fc.array(fc.jsonValue(), { maxLength: 6 });

  test('any list, anywhere, indented or not, cut into any chunks, gives its elements', () => {
    fc.assert(
      fc.property(
        documents,
        fc.jsonValue(),
        fc.nat(2),
        fc.infiniteStream(fc.integer({ min: 1, max: 7 })),
        (list, other, indent, sizes) => {
          const text = JSON.stringify(
            { before: other, a: { x: [other], b: list, y: 1 }, after: [other] },
            null,
            indent,
          );
          const bytes = Buffer.from(text);
          const scan = (cuts: Iterable<number>): JsonText[] => {
            const found: JsonText[] = [];
            const scanner = scanDocument(documentRequest(['a', 'b'], 'f', (element) => found.push(element)));
            let from = 0;
            for (const size of cuts) {
              scanner.push(bytes.subarray(from, from + size));
              from += size;
              if (from >= bytes.length) break;
            }
            scanner.finish();
            return found;
          };
          const whole = scan([bytes.length]);
          expect(values(whole)).toEqual(JSON.parse(JSON.stringify(list)) as unknown[]);
          expect(scan(sizes)).toEqual(whole);
          for (const { text: element, line } of whole) {
            expect(
              text
                .split('\n')
                .slice(line - 1)
                .join('\n'),
            ).toContain(element);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a document that is cut anywhere is refused', () => {
    fc.assert(
      fc.property(documents, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (list, part) => {
        const bytes = Buffer.from(JSON.stringify({ a: list }));
        const scanner = scanDocument(documentRequest(['a'], 'f', () => undefined));
        expect(() => {
          scanner.push(bytes.subarray(0, Math.floor(bytes.length * part)));
          scanner.finish();
        }).toThrow();
      }),
    );
  });
});
