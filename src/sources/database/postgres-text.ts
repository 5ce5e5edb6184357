import type { CsvBlock } from '../engine-input.ts';
import type { TextRow } from './driver.ts';

const BLOCK_ROWS = 1000;
const BLOCK_BYTES = 256 * 1024;

/** Rows of COPY's text format, one a message: tabs between cells, `\N` for NULL, backslash escapes. */
export async function* textRows(messages: AsyncIterable<Uint8Array>): AsyncGenerator<readonly TextRow[]> {
  const decoder = new TextDecoder();
  let rows: TextRow[] = [];
  let bytes = 0;
  for await (const message of messages) {
    rows.push(cellsOf(decoder.decode(message)));
    bytes += message.length;
    if (rows.length >= BLOCK_ROWS || bytes >= BLOCK_BYTES) {
      yield rows;
      rows = [];
      bytes = 0;
    }
  }
  if (rows.length > 0) yield rows;
}

function cellsOf(line: string): TextRow {
  const text = line.endsWith('\n') ? line.slice(0, -1) : line;
  return text
    .split('\t')
    .map((cell) => (cell === '\\N' ? null : cell.includes('\\') ? unescaped(cell) : cell));
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v' };

function unescaped(cell: string): string {
  return cell.replaceAll(/\\(.)/gs, (_, char: string) => ESCAPES[char] ?? char);
}

/** Messages of COPY's CSV format, one a record, gathered into blocks. */
export async function* csvBlocks(messages: AsyncIterable<Uint8Array>): AsyncGenerator<CsvBlock> {
  let block = Buffer.allocUnsafe(BLOCK_BYTES);
  let used = 0;
  let rows = 0;
  let longest = 0;
  for await (const message of messages) {
    if (used > 0 && used + message.length > block.length) {
      yield { bytes: block.subarray(0, used), rows, longest };
      block = Buffer.allocUnsafe(BLOCK_BYTES);
      used = 0;
      rows = 0;
      longest = 0;
    }
    if (message.length > block.length) {
      yield { bytes: message, rows: 1, longest: message.length };
      continue;
    }
    block.set(message, used);
    used += message.length;
    rows += 1;
    if (message.length > longest) longest = message.length;
  }
  if (rows > 0) yield { bytes: block.subarray(0, used), rows, longest };
}
