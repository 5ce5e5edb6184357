import { createHash } from 'node:crypto';
import type { Batch } from '../core/batch.ts';
import type { TableSchema } from '../core/schema.ts';
import { type TextFormat, textFormat } from './format.ts';

/** Hex digits kept of a row's SHA-256: 128 bits. */
const HEX_DIGITS = 32;

export type RowHash = (batch: Batch, row: number) => string;

/**
 * A hash that equal rows share, also when they were read by different runs: of the names and canonical texts of the
 * values that are not NULL, by name. So neither the columns' order, nor a new column that is NULL, nor a type that was
 * widened makes another row of it.
 */
export function rowHasher(schema: TableSchema): RowHash {
  const columns: readonly { name: string; index: number; text: TextFormat }[] = schema.fields
    .map(({ name, type }, index) => ({ name, index, text: textFormat(type) }))
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
