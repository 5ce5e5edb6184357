import type { CsvBlock } from '../engine-input.ts';

/** Rows of the text protocol turned to CSV byte by byte: no value becomes a string of JavaScript on the way. */

const COMMA = 0x2c;
const QUOTE = 0x22;
const NEWLINE = 0x0a;
const BACKSLASH = 0x5c;
const CAPITAL_N = 0x4e;
const NULL_VALUE = 0xfb;
const MOST_FREE = 4;
const DIGITS = Buffer.from('0123456789abcdef');

/** Digits, signs, points, colons, letters: what needs no quotes wherever it stands. */
const PLAIN = new Uint8Array(256).fill(1, 0x20);
for (const byte of [COMMA, QUOTE, BACKSLASH, 0x7f]) PLAIN[byte] = 0;

export interface CsvRows {
  /** Takes the row whose values (Protocol::LengthEncodedString each, 0xFB for NULL) stand from `start` to `end`. */
  add(bytes: Uint8Array, start: number, end: number): void;
  /** Bytes that `take` would give. */
  readonly length: number;
  /** The rows so far, which are forgotten. */
  take(): CsvBlock;
  /** Takes back the bytes of a block that nobody looks at any more. */
  reuse(block: CsvBlock): void;
}

/**
 * CSV as `CsvBlock` says.
 * @param hex the columns whose bytes are written as hexadecimal digits: the server's own HEX() would give NULL for
 * those that are longer than half of its max_allowed_packet
 * @throws Error on a row that is not of so many columns
 */
export function csvRows(hex: readonly boolean[]): CsvRows {
  const columns = hex.length;
  let out = new Uint8Array(1024);
  let at = 0;
  let rows = 0;
  let longest = 0;
  // Buffers that wait to be collected would be most of the memory of a long read.
  const free: Uint8Array<ArrayBuffer>[] = [];

  const makeRoom = (room: number): void => {
    const grown = new Uint8Array(Math.max(out.length * 2, room));
    grown.set(out.subarray(0, at));
    out = grown;
  };

  return {
    add(bytes, start, end) {
      // At worst every byte is a quote, which is written twice; two quotes and a comma around each value.
      const room = at + (end - start) * 2 + columns * 3 + 1;
      if (room > out.length) makeRoom(room);
      const rowStart = at;
      let from = start;
      for (let column = 0; column < columns; column += 1) {
        if (column > 0) out[at++] = COMMA;
        let length = bytes[from++] as number;
        if (length === NULL_VALUE) {
          out[at++] = BACKSLASH;
          out[at++] = CAPITAL_N;
          continue;
        }
        if (length > NULL_VALUE) {
          const width = length === 0xfc ? 2 : length === 0xfd ? 3 : 8;
          length = integer(bytes, from, width);
          from += width;
        }
        const to = from + length;
        if (to > end) throw new Error('a row of the server ends early');
        if (hex[column] === true && length > 0) {
          for (; from < to; from += 1) {
            const byte = bytes[from] as number;
            out[at++] = DIGITS[byte >> 4] as number;
            out[at++] = DIGITS[byte & 15] as number;
          }
          continue;
        }
        const valueStart = at;
        let plain = 1;
        for (let index = from; index < to; index += 1) {
          const byte = bytes[index] as number;
          plain &= PLAIN[byte] as number;
          out[at++] = byte;
        }
        if (plain === 0 || length === 0) at = quote(out, valueStart, bytes, from, to);
        from = to;
      }
      if (from !== end) throw new Error('a row of the server is longer than its columns');
      out[at++] = NEWLINE;
      rows += 1;
      if (at - rowStart > longest) longest = at - rowStart;
    },
    get length() {
      return at;
    },
    take() {
      const block = { bytes: out.subarray(0, at), rows, longest };
      out = free.pop() ?? new Uint8Array(out.length);
      at = 0;
      rows = 0;
      longest = 0;
      return block;
    },
    reuse({ bytes }) {
      if (bytes.buffer instanceof ArrayBuffer && free.length < MOST_FREE)
        free.push(new Uint8Array(bytes.buffer));
    },
  };
}

/** Writes a value once more, with quotes. @returns where it ends */
function quote(out: Uint8Array, start: number, bytes: Uint8Array, from: number, to: number): number {
  let at = start;
  out[at++] = QUOTE;
  for (let index = from; index < to; index += 1) {
    const byte = bytes[index] as number;
    if (byte === QUOTE) out[at++] = QUOTE;
    out[at++] = byte;
  }
  out[at++] = QUOTE;
  return at;
}

function integer(bytes: Uint8Array, at: number, width: number): number {
  let value = 0;
  for (let index = width - 1; index >= 0; index -= 1) value = value * 256 + (bytes[at + index] as number);
  return value;
}
