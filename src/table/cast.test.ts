import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { type DataType, parseType } from '../core/schema.ts';
import { textCast } from './cast.ts';
import { textFormat } from './format.ts';
import { formatTimestamp, parseTimestamp } from './temporal.ts';

const type = (text: string): DataType => parseType(text)!;
const cast = (name: string, text: string): unknown => textCast(type(name))(text);

const FITS: readonly [string, string, unknown][] = [
  ['int64', '9223372036854775807', 9223372036854775807n],
  ['int64', '-9223372036854775808', -9223372036854775808n],
  ['int64', '0', 0n],
  ['int32', '-2147483648', -2147483648],
  ['decimal(10,2)', '12.5', 1250n],
  ['decimal(10,2)', '-0.05', -5n],
  ['decimal(10,2)', '12.5000', 1250n],
  ['decimal(38,10)', '9999999999999999999999999999.9999999999', 10n ** 38n - 1n],
  ['decimal(2,2)', '0.25', 25n],
  ['double', '1e5', 100000],
  ['double', '.5', 0.5],
  ['double', '-inf', Number.NEGATIVE_INFINITY],
  ['double', 'NaN', Number.NaN],
  ['boolean', 'TRUE', true],
  ['boolean', 'false', false],
  ['date', '1969-12-31', -1],
  ['date', '2024-02-29', 19782],
  ['date', '0001-01-01', -719162],
  ['date', '9999-12-31', 2932896],
  ['time', '23:59:59.999999', 86399999999n],
  ['time', '00:01', 60000000n],
  ['timestamp', '1970-01-01 00:00:01.5', 1500000n],
  ['timestamp', '1969-12-31T23:59:59.999999', -1n],
  ['timestamp', '2024-01-01T00:00:00.1234560', 1704067200123456n],
  ['timestamptz', '1970-01-01T02:00:00+02:00', 0n],
  ['timestamptz', '1969-12-31T19:30-0430', 0n],
  ['timestamptz', '1970-01-01T00:00:00Z', 0n],
  ['uuid', '123E4567-e89b-12d3-a456-426614174000', '123E4567-e89b-12d3-a456-426614174000'],
  ['json', '{"a": 1}', '{"a": 1}'],
  ['binary', 'AP8=', new Uint8Array([0, 255])],
];

const REFUSED: readonly [string, string][] = [
  ...['007', '+1', '1e5', ' 1', '1 ', '-0', '', '1.0', '0x10', '9223372036854775808'].map(
    (text): [string, string] => ['int64', text],
  ),
  ['int32', '2147483648'],
  ['decimal(10,2)', '12.345'],
  ['decimal(10,2)', '123456789.00'],
  ['decimal(10,2)', '1e2'],
  ['decimal(10,2)', '1.'],
  ...['', '0x10', ' 1', '1,5', '1e999', 'Infinit', '1_000'].map((text): [string, string] => ['double', text]),
  ['boolean', '1'],
  ['boolean', 'yes'],
  ...['2024-02-30', '2023-02-29', '2024-13-01', '0000-01-01', '24-01-01', '2024-1-1', '2024-01-00'].map(
    (text): [string, string] => ['date', text],
  ),
  ['time', '24:00:00'],
  ['time', '00:00:60'],
  ['timestamp', '2024-01-01'],
  ['timestamp', '2024-01-01T00:00:00Z'],
  ['timestamp', '2024-01-01T00:00:00.1234567'],
  ['timestamptz', '2024-01-01T00:00:00'],
  ['timestamptz', '2024-01-01T00:00:00+24:00'],
  ['uuid', '123e4567'],
  ['json', '{'],
  ['binary', 'AP8'],
];

describe('text becomes a value exactly or not at all', () => {
  for (const [name, text, value] of FITS) {
    test(`${JSON.stringify(text)} is the ${name} ${value}`, () => expect(cast(name, text)).toEqual(value));
  }
  for (const [name, text] of REFUSED) {
    test(`${JSON.stringify(text)} is no ${name}`, () => expect(cast(name, text)).toBeUndefined());
  }
});

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const VALUES: readonly [string, fc.Arbitrary<unknown>][] = [
  ['int64', int64],
  ['int32', fc.integer()],
  ['double', fc.double()],
  ['decimal(38,10)', fc.bigInt({ min: -(10n ** 38n) + 1n, max: 10n ** 38n - 1n })],
  ['decimal(5,5)', fc.bigInt({ min: -99999n, max: 99999n })],
  ['boolean', fc.boolean()],
  ['date', fc.integer({ min: -719162, max: 2932896 })],
  ['time', fc.bigInt({ min: 0n, max: 86_399_999_999n })],
  ['timestamp', fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })],
  ['timestamptz', fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })],
  ['binary', fc.uint8Array()],
  ['string', fc.string({ unit: 'binary' })],
];

describe('the canonical text of a value is read back as that value', () => {
  for (const [name, values] of VALUES) {
    test(name, () => {
      const [format, parse] = [textFormat(type(name)), textCast(type(name))];
      fc.assert(fc.property(values, (value) => expect(parse(format(value))).toEqual(value)));
    });
  }
});

test('timestamps agree with the calendar of Date', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
      (date) => {
        const text = formatTimestamp(BigInt(date.getTime()) * 1000n, true);
        expect(text).toBe(date.toISOString().replace('Z', '000Z'));
        expect(parseTimestamp(text, true)).toBe(BigInt(date.getTime()) * 1000n);
      },
    ),
  );
});

test('timestamps beyond the year 9999 and before year 1 are written with a sign', () => {
  expect(formatTimestamp(2n ** 63n - 1n, false)).toBe('+294247-01-10T04:00:54.775807');
  expect(formatTimestamp(-62_167_219_200_000_001n, false)).toBe('-000001-12-31T23:59:59.999999');
});
