import { describe, expect, test } from 'bun:test';
import { singerReader } from './singer.ts';

const read = (stream: string | undefined, ...lines: string[]) => {
  const reader = singerReader('tap', stream);
  return lines.map((text, index) => reader({ text, line: index + 1 }));
};
const record = (stream: string, json: string) => `{"type":"RECORD","stream":"${stream}","record":${json}}`;

describe('the messages of a Singer tap', () => {
  test('give the records of a stream with their digits, and the last state', () => {
    const messages = read(
      undefined,
      '{"type":"SCHEMA","stream":"a","schema":{},"key_properties":[]}',
      record('a', '{"id":12345678901234567890,"amount":1.10}'),
      '{"type":"STATE","value":{"bookmarks":{"a":7}}}',
      '{"type":"ACTIVATE_VERSION","stream":"a","version":1}',
    );
    expect(messages).toEqual([
      { type: 'other' },
      { type: 'record', record: { text: '{"id":12345678901234567890,"amount":1.10}', line: 2 } },
      { type: 'state', state: { value: { bookmarks: { a: 7 } } } },
      { type: 'other' },
    ]);
  });

  test('give a state whose numbers JavaScript cannot hold letter by letter too', () => {
    const [, , exact] = read(
      undefined,
      '{"type":"STATE","value":{"id":7}}',
      '{"type":"STATE","value":"a\\u00e9"}',
      '{"type":"STATE","value":{"since": 9007199254740993, "top": 1e400}}',
    );
    expect(exact).toEqual({
      type: 'state',
      state: {
        value: { since: 9007199254740992, top: Number.POSITIVE_INFINITY },
        text: '{"since":9007199254740993,"top":1e400}',
      },
    });
    expect(read(undefined, '{"type":"STATE","value":"a\\u00e9"}', '{"type":"STATE","value":1.50}')).toEqual([
      { type: 'state', state: { value: 'aé' } },
      { type: 'state', state: { value: 1.5, text: '1.50' } },
    ]);
    expect(read(undefined, '{"type":"STATE"}')).toEqual([{ type: 'state', state: { value: null } }]);
  });

  test('of other streams are left out where one was chosen, and refused where none was', () => {
    expect(read('b', record('a', '{}'), record('b', '{}')).map(({ type }) => type)).toEqual([
      'other',
      'record',
    ]);
    expect(() => read(undefined, record('a', '{}'), record('b', '{}'))).toThrow(
      'tap: line 2 is of the stream b',
    );
  });

  test('that are none are refused with their line', () => {
    expect(() => read(undefined, '{"id":1}')).toThrow('tap: line 1 is no Singer message');
    expect(() => read(undefined, 'hello')).toThrow('tap: line 1');
    expect(() => read(undefined, '{"type":"BATCH","stream":"a"}')).toThrow('is a BATCH');
    expect(() => read(undefined, '{"type":"RECORD","stream":"a"}')).toThrow('without a stream or a record');
  });
});
