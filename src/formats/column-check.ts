import type { Column } from '../core/batch.ts';
import { FoundryError } from '../core/errors.ts';
import type { Field } from '../core/schema.ts';

const WIDTHS = {
  boolean: 1,
  int32: 4,
  date: 4,
  int64: 8,
  double: 8,
  time: 8,
  timestamp: 8,
  decimal: 16,
} as const;

/**
 * Bytes of `column[from, to)` as Parquet stores it plainly. Also refuses what an encoder would change
 * without a word: text with half a surrogate pair, and decimals beyond their precision.
 * @param firstRow rows of the part before `from`, for the message.
 * @throws DATA001
 */
export function checkedBytes(
  field: Field,
  column: Column,
  from: number,
  to: number,
  firstRow: number,
): number {
  const refuse = (row: number, problem: string): FoundryError =>
    new FoundryError('DATA001', `row ${firstRow + row - from + 1}, column "${field.name}": ${problem}`, {
      details: { row: firstRow + row - from + 1, column: field.name },
    });
  switch (field.type.kind) {
    case 'string':
    case 'uuid':
    case 'json': {
      let bytes = 0;
      for (let row = from; row < to; row += 1) {
        const value = column[row];
        if (typeof value !== 'string') continue;
        if (!value.isWellFormed())
          throw refuse(row, 'the text holds half of a surrogate pair, which UTF-8 cannot');
        bytes += 4 + Buffer.byteLength(value);
      }
      return bytes;
    }
    case 'binary': {
      let bytes = 0;
      for (let row = from; row < to; row += 1) {
        const value = column[row];
        if (value instanceof Uint8Array) bytes += 4 + value.length;
      }
      return bytes;
    }
    case 'decimal': {
      const limit = 10n ** BigInt(field.type.precision);
      for (let row = from; row < to; row += 1) {
        const value = column[row];
        if (typeof value === 'bigint' && (value >= limit || value <= -limit)) {
          throw refuse(row, `the unscaled decimal ${value} has more than ${field.type.precision} digits`);
        }
      }
      return WIDTHS.decimal * (to - from);
    }
    default:
      return WIDTHS[field.type.kind] * (to - from);
  }
}
