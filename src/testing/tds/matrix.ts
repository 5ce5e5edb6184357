import { type Column, sqlType } from './sql-type.ts';
import type { TdsValue } from './values.ts';

/** Every type with values at its extremes; `shown` is what FreeTDS prints where that is not the value's own text. */
export interface MatrixEntry {
  readonly type: string;
  readonly values: readonly (readonly [value: TdsValue, shown?: string])[];
}

const LONG_TEXT = `ä€𝄞${'x'.repeat(20_000)}`;
const BYTES = Uint8Array.from({ length: 256 }, (_, index) => index);
const HEX = Buffer.from(BYTES).toString('hex');

export const MATRIX: readonly MatrixEntry[] = [
  { type: 'bit', values: [['0'], ['1']] },
  { type: 'tinyint', values: [['0'], ['255']] },
  { type: 'smallint', values: [['-32768'], ['32767']] },
  { type: 'int', values: [['-2147483648'], ['2147483647']] },
  { type: 'bigint', values: [['-9223372036854775808'], ['9223372036854775807']] },
  {
    type: 'real',
    values: [
      ['3.4028235e+38', '3.40282347e+38'],
      ['0.1', '0.100000001'],
    ],
  },
  {
    type: 'float',
    values: [
      ['1.7976931348623157e+308'],
      ['0.1', '0.10000000000000001'],
      ['5e-324', '4.9406564584124654e-324'],
    ],
  },
  {
    type: 'decimal(38,0)',
    values: [['99999999999999999999999999999999999999'], ['-99999999999999999999999999999999999999']],
  },
  {
    type: 'decimal(38,38)',
    values: [['0.00000000000000000000000000000000000001'], ['-0.99999999999999999999999999999999999999']],
  },
  { type: 'numeric(19,4)', values: [['-922337203685477.5808'], ['0.0001']] },
  { type: 'decimal(15,2)', values: [['9999999999999.99'], ['-0.01']] },
  { type: 'decimal(9,9)', values: [['0.123456789'], ['-0.999999999']] },
  { type: 'money', values: [['922337203685477.5807'], ['-922337203685477.5808'], ['0.0001']] },
  { type: 'smallmoney', values: [['214748.3647'], ['-214748.3648']] },
  { type: 'char(5)', values: [['ab   '], ['€äöü ']] },
  { type: 'varchar(20)', values: [[''], ['Grüße – “€”']] },
  { type: 'varchar(max)', values: [['x'.repeat(9000)], ['']] },
  { type: 'text', values: [['old text'], ['y'.repeat(5000)]] },
  { type: 'nchar(4)', values: [['日本  '], ['𝄞ab']] },
  { type: 'nvarchar(30)', values: [['naïve 日本 𝄞'], ['NULL']] },
  { type: 'nvarchar(max)', values: [[LONG_TEXT], ['']] },
  { type: 'ntext', values: [['Ω old'], ['ñ']] },
  {
    type: 'binary(4)',
    values: [
      [Uint8Array.of(0, 1, 254, 255), '0001feff'],
      [new Uint8Array(4), '00000000'],
    ],
  },
  {
    type: 'varbinary(256)',
    values: [
      [BYTES, HEX],
      [Uint8Array.of(9), '09'],
    ],
  },
  {
    type: 'varbinary(max)',
    values: [
      [BYTES, HEX],
      [Uint8Array.of(1), '01'],
    ],
  },
  {
    type: 'image',
    values: [
      [BYTES, HEX],
      [Uint8Array.of(7), '07'],
    ],
  },
  {
    type: 'rowversion',
    values: [
      [Uint8Array.of(0, 0, 0, 0, 0, 0, 7, 209), '00000000000007d1'],
      [Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255), 'ffffffffffffffff'],
    ],
  },
  { type: 'date', values: [['0001-01-01'], ['9999-12-31']] },
  { type: 'time(7)', values: [['00:00:00.0000000'], ['23:59:59.9999999']] },
  { type: 'time(0)', values: [['23:59:59'], ['00:00:01']] },
  { type: 'datetime', values: [['1753-01-01 00:00:00.000'], ['9999-12-31 23:59:59.997']] },
  { type: 'smalldatetime', values: [['1900-01-01 00:00:00'], ['2079-06-06 23:59:00']] },
  { type: 'datetime2(7)', values: [['0001-01-01 00:00:00.0000000'], ['9999-12-31 23:59:59.9999999']] },
  { type: 'datetime2(3)', values: [['2024-02-29 12:34:56.789'], ['1582-10-15 00:00:00.001']] },
  {
    type: 'datetimeoffset(7)',
    values: [['2024-03-10 02:30:00.1234567 +05:30'], ['1969-12-31 23:59:59.9999999 -14:00']],
  },
  {
    type: 'uniqueidentifier',
    values: [['6F9619FF-8B86-D011-B42D-00C04FC964FF'], ['00000000-0000-0000-0000-000000000000']],
  },
  { type: 'xml', values: [['<a>ä</a>'], ['<b/>']] },
  {
    type: 'sql_variant',
    values: [
      [{ type: 'decimal(10,2)', value: '12.34' }, '12.34'],
      [{ type: 'nvarchar(20)', value: 'text' }, 'text'],
    ],
  },
];

/** One NULL-able column for each entry, named after its place. */
export function matrixColumns(
  entries: readonly MatrixEntry[] = MATRIX,
  nameOf = (index: number) => `c${index}`,
): readonly Column[] {
  return entries.map(({ type }, index) => ({ name: nameOf(index), type: sqlType(type), nullable: true }));
}

/** Row n has each entry's value n (the last where there are fewer); the last row is NULL throughout. */
export function matrixRows(entries: readonly MatrixEntry[] = MATRIX): readonly (readonly TdsValue[])[] {
  const most = Math.max(...entries.map(({ values }) => values.length));
  const rows = Array.from({ length: most }, (_, row) =>
    entries.map(({ values }) => (values[row] ?? values.at(-1))?.[0] ?? null),
  );
  return [...rows, entries.map(() => null)];
}
