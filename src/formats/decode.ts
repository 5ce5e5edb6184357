import type { TextEncoding } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';

const LF = 10;
const CR = 13;

type Utf16 = 'utf-16le' | 'utf-16be';
type OtherEncoding = Exclude<TextEncoding, 'utf-8'>;

const MARKS: readonly { readonly bytes: readonly number[]; readonly encoding: TextEncoding }[] = [
  { bytes: [0xef, 0xbb, 0xbf], encoding: 'utf-8' },
  { bytes: [0xff, 0xfe], encoding: 'utf-16le' },
  { bytes: [0xfe, 0xff], encoding: 'utf-16be' },
];
const LONGEST_MARK = 3;
/** The bytes that windows-1252 leaves without a character, as the decoder gives them. */
const UNDEFINED_1252 = /[\x81\x8d\x8f\x90\x9d]/;

/**
 * Text of another encoding as UTF-8; a byte order mark stays, as that of UTF-8. `utf-16` needs a mark, which tells
 * its byte order.
 * @throws DATA001 naming the line of bytes that are no character of the encoding, or when the file begins with the
 * mark of another encoding, or ends within a character.
 */
export async function* toUtf8(
  chunks: AsyncIterable<Buffer>,
  encoding: OtherEncoding,
  file: string,
): AsyncGenerator<Buffer> {
  let decode: Decoder | undefined;
  let head: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    if (decode !== undefined) {
      yield* filled(decode.push(chunk));
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < LONGEST_MARK) continue;
    decode = decoderOf(encoding, head, file);
    yield* filled(decode.push(head));
  }
  if (decode === undefined && head.length > 0) {
    decode = decoderOf(encoding, head, file);
    yield* filled(decode.push(head));
  }
  decode?.finish();
}

interface Decoder {
  push(bytes: Buffer): Buffer;
  /** @throws DATA001 when a character is incomplete. */
  finish(): void;
}

function* filled(bytes: Buffer): Generator<Buffer> {
  if (bytes.length > 0) yield bytes;
}

function decoderOf(encoding: OtherEncoding, head: Buffer, file: string): Decoder {
  const mark = MARKS.find(({ bytes }) => bytes.every((byte, index) => head[index] === byte))?.encoding;
  const found = encoding === 'utf-16' && mark !== undefined && mark !== 'utf-8' ? mark : encoding;
  if (encoding === 'utf-16' && mark === undefined) {
    throw new FoundryError(
      'DATA001',
      `${file} has no byte order mark, so that its UTF-16 can be read two ways`,
      {
        hint: 'Set the file option "encoding" to utf-16le (usual on Windows) or utf-16be.',
      },
    );
  }
  if (mark !== undefined && mark !== found) {
    throw new FoundryError(
      'DATA001',
      `${file} begins with the byte order mark of ${mark}, but the file option "encoding" says ${encoding}`,
      { hint: `Set the file option "encoding" to ${mark}.` },
    );
  }
  return found === 'utf-16le' || found === 'utf-16be'
    ? utf16Decoder(found, file)
    : singleByteDecoder(found === 'latin1' ? 'latin1' : 'windows-1252', file);
}

function utf16Decoder(encoding: Utf16, file: string): Decoder {
  const lines = lineCounter();
  let carry: Buffer = Buffer.alloc(0);

  const decode = (bytes: Buffer): Buffer => {
    const text = bytes.toString('utf16le');
    if (!text.isWellFormed()) {
      const before = /^(?:[^\ud800-\udfff]|[\ud800-\udbff][\udc00-\udfff])*/.exec(text)?.[0] ?? '';
      throw refused(file, lines.after(Buffer.from(before)), 'holds half of a surrogate pair');
    }
    const decoded = Buffer.from(text);
    lines.add(decoded);
    return decoded;
  };

  return {
    push(chunk) {
      const bytes = Buffer.concat([carry, chunk]);
      const even = bytes.subarray(0, bytes.length - (bytes.length % 2));
      if (encoding === 'utf-16be') even.swap16();
      const last = even.length === 0 ? 0 : even.readUInt16LE(even.length - 2);
      const whole = even.subarray(0, even.length - (last >= 0xd800 && last <= 0xdbff ? 2 : 0));
      carry = Buffer.from(bytes.subarray(whole.length));
      if (encoding === 'utf-16be') carry.subarray(0, even.length - whole.length).swap16();
      return decode(whole);
    },
    finish() {
      if (carry.length % 2 === 1) {
        throw refused(
          file,
          lines.line,
          `ends within a character: its ${encoding} has an odd number of bytes`,
        );
      }
      if (carry.length > 0) throw refused(file, lines.line, 'ends within a surrogate pair');
    },
  };
}

function singleByteDecoder(encoding: 'latin1' | 'windows-1252', file: string): Decoder {
  const windows = new TextDecoder('windows-1252');
  const lines = lineCounter();
  return {
    push(chunk) {
      if (encoding === 'latin1') return Buffer.from(chunk.toString('latin1'));
      const text = windows.decode(chunk);
      const undefinedAt = text.search(UNDEFINED_1252);
      if (undefinedAt !== -1) {
        const byte = text.charCodeAt(undefinedAt).toString(16);
        throw refused(
          file,
          lines.after(Buffer.from(text.slice(0, undefinedAt))),
          `holds the byte 0x${byte}, which windows-1252 has no character for`,
        );
      }
      const decoded = Buffer.from(text);
      lines.add(decoded);
      return decoded;
    },
    finish() {},
  };
}

/** Lines end with LF, CRLF or CR, as `checkText` counts them. */
function lineCounter() {
  let line = 1;
  let last = 0;
  const count = (bytes: Buffer): number => {
    let ends = 0;
    let previous = last;
    for (let i = 0; i < bytes.length; i += 1) {
      const byte = bytes[i] as number;
      if (byte === CR || (byte === LF && previous !== CR)) ends += 1;
      previous = byte;
    }
    return line + ends;
  };
  return {
    get line() {
      return line;
    },
    add(bytes: Buffer): void {
      line = count(bytes);
      last = bytes.at(-1) ?? last;
    },
    /** The line on which the text behind `bytes` begins. */
    after: count,
  };
}

function refused(file: string, line: number, problem: string): FoundryError {
  return new FoundryError('DATA001', `${file}:${line}: ${problem}`, {
    details: { file, line },
    hint: 'Correct the file option "encoding", or convert the file to UTF-8.',
  });
}
