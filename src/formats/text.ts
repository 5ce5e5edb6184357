import { isUtf8 } from 'node:buffer';
import { FoundryError } from '../core/errors.ts';

const LF = 10;
const CR = 13;

/** Drops a UTF-8 byte order mark. */
export async function* withoutMark(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length < 3) continue;
    const marked = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
    const rest: Buffer = marked ? head.subarray(3) : head;
    head = undefined;
    if (rest.length > 0) yield rest;
  }
  if (head !== undefined && head.length > 0) yield head;
}

/**
 * Cuts chunks where characters end.
 * @throws DATA001 with the line of the first byte that is not UTF-8, or is NUL.
 */
export async function* utf8Chunks(chunks: AsyncIterable<Buffer>, file: string): AsyncGenerator<Buffer> {
  let carry = Buffer.alloc(0);
  let line = 1;
  for await (const chunk of chunks) {
    const joined = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    const whole = joined.subarray(0, joined.length - incompleteTail(joined));
    line = checkText(whole, line, file);
    carry = Buffer.from(joined.subarray(whole.length));
    if (whole.length > 0) yield whole;
  }
  checkText(carry, line, file);
}

/** Bytes at the end that begin a UTF-8 character without completing it: 0 to 3. */
export function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? back : 0;
  }
  return 0;
}

/** Whether the bytes are UTF-8 without a NUL. */
export function isText(bytes: Buffer): boolean {
  return bytes.indexOf(0) === -1 && isUtf8(bytes);
}

/**
 * Returns the line on which the text behind `bytes` begins, given the line of their start.
 * @throws DATA001 with the line of the first byte that is not UTF-8, or is NUL.
 */
export function checkText(bytes: Buffer, firstLine: number, file: string): number {
  const valid = isText(bytes);
  let line = firstLine;
  let from = 0;
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i];
    if (byte !== LF && (byte !== CR || bytes[i + 1] === LF)) continue;
    if (!valid && !isText(bytes.subarray(from, i))) break;
    from = i + 1;
    line += 1;
  }
  if (valid) return line;
  const until = bytes.indexOf(LF, from);
  const nul = isUtf8(bytes.subarray(from, until === -1 ? bytes.length : until));
  throw new FoundryError(
    'DATA001',
    `${file}:${line}: ${nul ? 'holds a NUL byte' : 'holds bytes that are not UTF-8'}`,
    {
      details: { file, line },
      hint: 'Convert the file to UTF-8, or set the file option "encoding".',
    },
  );
}
