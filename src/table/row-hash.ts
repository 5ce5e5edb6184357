import { createHash } from 'node:crypto';
import type { Batch } from '../core/batch.ts';
import type { DataType, TableSchema } from '../core/schema.ts';
import { type TextFormat, textFormat } from './format.ts';
import { takeNumberApart } from './number-text.ts';

/** Hex digits kept of a row's SHA-256: 128 bits. */
const HEX_DIGITS = 32;

export type RowHash = (batch: Batch, row: number) => string;

/**
 * A hash that equal rows share, also when they were read by different runs: of the names and canonical texts of the
 * values that are not NULL, by name. So neither the columns' order, nor a new column that is NULL, nor another type for
 * numbers makes another row of it: 2, 2.0 and 2.00 are one number, whether integers, doubles or decimals hold them, and a text
 * that is this number as it is usually written, which is what a column becomes that turns out to hold other texts.
 */
export function rowHasher(schema: TableSchema): RowHash {
  const columns: readonly { name: string; index: number; text: TextFormat }[] = schema.fields
    .map(({ name, type }, index) => ({ name, index, text: plainText(type) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return (batch, row) => {
    const parts: string[] = [];
    for (const { name, index, text } of columns) {
      const value = batch.columns[index]?.[row];
      if (value !== null && value !== undefined) parts.push(name, text(value));
    }
    return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, HEX_DIGITS);
  };
}

function plainText(type: DataType): TextFormat {
  const format = textFormat(type);
  switch (type.kind) {
    case 'int32':
    case 'int64':
    case 'double':
    case 'decimal':
      return (value) => plainNumber(format(value));
    default:
      return format;
  }
}

/** Without an exponent and without zeros that say nothing; as it is where that would take more than a hundred digits. */
function plainNumber(text: string): string {
  const number = takeNumberApart(text);
  if (number === undefined || Math.abs(number.exponent) > 100) return text;
  const { negative, digits, exponent } = number;
  const whole = exponent >= 0 ? digits + '0'.repeat(exponent) : digits.slice(0, exponent);
  const fraction = exponent >= 0 ? '' : digits.slice(exponent).padStart(-exponent, '0');
  return `${negative ? '-' : ''}${whole === '' ? '0' : whole}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Hashes with how often each stands; `take` removes one and says whether it was there. */
export interface HashBag {
  take(hash: string): boolean;
}

export function hashBag(hashes: Iterable<string>): HashBag {
  const counts = new Map<string, number>();
  for (const hash of hashes) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  return {
    take(hash) {
      const count = counts.get(hash) ?? 0;
      if (count === 0) return false;
      counts.set(hash, count - 1);
      return true;
    },
  };
}
