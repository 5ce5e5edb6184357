import type { CsvBlock } from '../engine-input.ts';
import type { TextRow } from './driver.ts';
import type { Gatherer } from './postgres-copy.ts';

const BLOCK_ROWS = 1000;
const BLOCK_BYTES = 256 * 1024;

/** Of COPY's text format: tabs between cells, `\N` for NULL, backslash escapes. */
export function gatherRows(give: (block: readonly TextRow[]) => void): Gatherer<readonly TextRow[]> {
  const decoder = new TextDecoder();
  let rows: TextRow[] = [];
  let bytes = 0;
  const end = (): void => {
    if (rows.length > 0) give(rows);
    rows = [];
    bytes = 0;
  };
  return {
    row(message) {
      rows.push(cellsOf(decoder.decode(message)));
      bytes += message.length;
      if (rows.length >= BLOCK_ROWS || bytes >= BLOCK_BYTES) end();
    },
    end,
  };
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

/** Of COPY's CSV format, one message a record; the buffers of blocks that have been used are filled again. */
export function gatherCsv(give: (block: CsvBlock) => void): Gatherer<CsvBlock> {
  const free: Uint8Array[] = [];
  let buffer: Uint8Array | undefined;
  let used = 0;
  let rows = 0;
  let longest = 0;
  const end = (): void => {
    if (buffer !== undefined) give({ bytes: buffer.subarray(0, used), rows, longest });
    buffer = undefined;
    used = 0;
    rows = 0;
    longest = 0;
  };
  return {
    row(message) {
      const { length } = message;
      if (used + length > BLOCK_BYTES) end();
      if (length > BLOCK_BYTES) {
        give({ bytes: message, rows: 1, longest: length });
        return;
      }
      buffer ??= free.pop() ?? new Uint8Array(BLOCK_BYTES);
      buffer.set(message, used);
      used += length;
      rows += 1;
      if (length > longest) longest = length;
    },
    end,
    used({ bytes }) {
      if (bytes.buffer.byteLength === BLOCK_BYTES) free.push(new Uint8Array(bytes.buffer));
    },
  };
}
