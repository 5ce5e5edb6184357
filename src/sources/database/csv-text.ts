import type { CsvBlock } from '../engine-input.ts';
import type { TextRow } from './driver.ts';

const NEEDS_QUOTES = /[",\n\r]/;

/** Text rows as records for the engine; see `CsvBlock`. */
export function encodeCsv(rows: readonly TextRow[]): CsvBlock {
  let text = '';
  let longest = 0;
  for (const row of rows) {
    const record = `${row.map((cell) => encodeCell(cell, row.length)).join(',')}\n`;
    // At most three bytes a character; only bounds the engine's buffers.
    longest = Math.max(longest, record.length * 3);
    text += record;
  }
  return { bytes: Buffer.from(text, 'utf8'), rows: rows.length, longest };
}

function encodeCell(cell: string | null, columns: number): string {
  if (cell === null) return '\\N';
  const isQuoted = NEEDS_QUOTES.test(cell) || cell === '\\N' || (cell === '' && columns === 1);
  return isQuoted ? `"${cell.replaceAll('"', '""')}"` : cell;
}
