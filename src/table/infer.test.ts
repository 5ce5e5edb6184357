import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { formatType } from '../core/schema.ts';
import { textCast } from './cast.ts';
import { formatDecimal } from './format.ts';
import { inferText } from './infer.ts';
import { inferJson } from './infer-json.ts';
import { jsonCast } from './json-cast.ts';

function inferred(texts: readonly string[]): string {
  const inference = inferText();
  for (const text of texts) inference.add(text);
  return formatType(inference.type());
}

const TEXTS: readonly [string, string[]][] = [
  ['string', []],
  ['int64', ['1', '-20', '9223372036854775807']],
  ['string', ['1', '007']],
  ['string', ['+1']],
  ['string', ['1e5', '1']],
  ['string', [' 1']],
  ['string', ['-0', '1']],
  ['string', ['9223372036854775808']],
  ['double', ['1.5', '2', '-0.25']],
  ['string', ['9007199254740993', '1.5']],
  ['decimal(4,2)', ['10.50', '10.25']],
  ['decimal(2,2)', ['0.50', '0.10']],
  ['string', ['10.50', '10.5']],
  ['string', ['-0.00', '1.00']],
  ['string', ['010.50']],
  ['boolean', ['true', 'false']],
  ['string', ['True', 'false']],
  ['string', ['NaN']],
  ['string', ['NaN', '1.5']],
  ['string', ['Infinity']],
  ['date', ['2024-01-01', '1969-12-31']],
  ['string', ['2024-01-01', '2024-02-30']],
  ['timestamp', ['2024-01-01 10:00:00', '2024-01-02 10:00:00']],
  ['timestamptz', ['2024-01-01T10:00:00.123Z', '2024-01-02T10:00:00.000Z']],
  ['string', ['2024-01-01 10:00:00', '2024-01-02T10:00:00']],
  ['string', ['2024-01-01T10:00:00.12', '2024-01-01T10:00:00.120']],
  ['string', ['2024-01-01T10:00:00+02:00']],
  ['string', ['2024-01-01T10:00:00.1234567']],
  ['string', ['2024-01-01', '2024-01-01 10:00:00']],
];

describe('a column of text gets a type only where no digit is lost', () => {
  for (const [type, texts] of TEXTS) {
    test(`${JSON.stringify(texts)} is ${type}`, () => expect(inferred(texts)).toBe(type));
  }

  test('every value of an inferred column is castable, and numbers come back as they were written', () => {
    const digits = fc.stringMatching(/^-?\d{1,21}(\.\d{1,20})?$/);
    fc.assert(
      fc.property(fc.array(digits, { minLength: 1, maxLength: 4 }), (texts) => {
        const inference = inferText();
        for (const text of texts) inference.add(text);
        const type = inference.type();
        for (const text of texts) {
          const value = textCast(type)(text);
          expect(value).toBeDefined();
          const back = type.kind === 'decimal' ? formatDecimal(value as bigint, type.scale) : String(value);
          expect(back).toBe(text);
        }
      }),
      { numRuns: 500 },
    );
  });
});

type Kind = 'string' | 'boolean' | 'number' | 'json';
const JSONS: readonly [string, [Kind, string][]][] = [
  ['string', []],
  [
    'int64',
    [
      ['number', '1'],
      ['number', '-9223372036854775808'],
    ],
  ],
  ['decimal(19,0)', [['number', '9223372036854775808']]],
  ['decimal(38,0)', [['number', '1'.repeat(38)]]],
  ['string', [['number', '1'.repeat(39)]]],
  [
    'double',
    [
      ['number', '1.5'],
      ['number', '2'],
    ],
  ],
  ['double', [['number', '1.50']]],
  ['double', [['number', '1e5']]],
  ['double', [['number', '-0']]],
  [
    'decimal(19,3)',
    [
      ['number', '9007199254740993'],
      ['number', '0.125'],
    ],
  ],
  ['decimal(20,20)', [['number', '0.12345678901234567891']]],
  ['string', [['number', '1e400']]],
  [
    'string',
    [
      ['number', '-0'],
      ['number', '9007199254740993'],
    ],
  ],
  ['boolean', [['boolean', 'true']]],
  [
    'json',
    [
      ['json', '[1]'],
      ['json', '{}'],
    ],
  ],
  [
    'string',
    [
      ['number', '1'],
      ['string', 'x'],
    ],
  ],
  [
    'string',
    [
      ['json', '[1]'],
      ['number', '1'],
    ],
  ],
];

describe('a column of JSON values gets the type that keeps them all', () => {
  for (const [type, values] of JSONS) {
    test(`${JSON.stringify(values.map(([, text]) => text))} is ${type}`, () => {
      const inference = inferJson();
      for (const [kind, text] of values) inference.add(kind, text);
      expect(formatType(inference.type())).toBe(type);
    });
  }

  test('numbers keep their value, digit by digit', () => {
    const numbers = fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,2})?$/);
    fc.assert(
      fc.property(fc.array(numbers, { minLength: 1, maxLength: 4 }), (texts) => {
        const inference = inferJson();
        for (const text of texts) inference.add('number', text);
        const type = inference.type();
        for (const text of texts) {
          const value = jsonCast(type)('number', text);
          if (type.kind === 'string') expect(value).toBe(text);
          else if (type.kind === 'decimal')
            expect(exact(formatDecimal(value as bigint, type.scale))).toBe(exact(text));
          else expect(exact(String(value))).toBe(exact(text));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

/** The number times 10^140, as an integer: an oracle that knows nothing of doubles. */
function exact(text: string): bigint {
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  return BigInt(whole + fraction) * 10n ** BigInt(140 + Number(exponent) - fraction.length);
}
