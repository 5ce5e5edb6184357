/** What a stream of bytes is missing to be whole zstd frames, or why it is not zstd. */
export interface ZstdFrames {
  /** Bytes of the file in order. Returns the problem once there is one. */
  push(bytes: Uint8Array): 'damaged' | undefined;
  /** The file is complete. `contentBytes` is known where every frame states its size. */
  finish(): 'cut short' | { readonly contentBytes: bigint | undefined };
}

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
const MAGIC_BYTES = 4;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;

type Part = 'magic' | 'descriptor' | 'frame header' | 'block header' | 'skippable size';

/**
 * Follows the frames of zstd data (RFC 8878) from header to header, without unpacking anything. The runtime's
 * decoder ends without an error where its input ends within a frame or goes on with something else, so that a file
 * cut short would pass for a shorter one.
 */
export function followZstdFrames(): ZstdFrames {
  const header = Buffer.alloc(16);
  let have = 0;
  let need = MAGIC_BYTES;
  let part: Part = 'magic';
  let skip = 0;
  let descriptor = 0;
  let lastBlock = false;
  let contentBytes: bigint | undefined = 0n;
  let damaged = false;

  const expect = (next: Part, bytes: number): void => {
    part = next;
    need = bytes;
    have = 0;
  };
  const expectMagic = (): void => expect('magic', MAGIC_BYTES);

  const readHeader = (): void => {
    switch (part) {
      case 'magic': {
        const magic = header.readUInt32LE(0);
        if (magic === FRAME_MAGIC) expect('descriptor', 1);
        else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) expect('skippable size', 4);
        else damaged = true;
        return;
      }
      case 'skippable size':
        skip = header.readUInt32LE(0);
        expectMagic();
        return;
      case 'descriptor':
        descriptor = header[0] ?? 0;
        damaged = (descriptor & 0b1000) !== 0;
        expect('frame header', windowBytes(descriptor) + dictionaryBytes(descriptor) + sizeBytes(descriptor));
        if (need === 0) readHeader();
        return;
      case 'frame header': {
        const stated = contentSize(header.subarray(need - sizeBytes(descriptor), need));
        contentBytes = stated === undefined || contentBytes === undefined ? undefined : contentBytes + stated;
        expect('block header', BLOCK_HEADER_BYTES);
        return;
      }
      case 'block header': {
        const block = header.readUIntLE(0, BLOCK_HEADER_BYTES);
        const type = (block >> 1) & 3;
        damaged = type === RESERVED_BLOCK;
        skip = type === RLE_BLOCK ? 1 : block >> 3;
        lastBlock = (block & 1) === 1;
        if (lastBlock) {
          if ((descriptor & 0b100) !== 0) skip += CHECKSUM_BYTES;
          expectMagic();
        } else expect('block header', BLOCK_HEADER_BYTES);
      }
    }
  };

  return {
    push(bytes) {
      let at = 0;
      while (at < bytes.length && !damaged) {
        if (skip > 0) {
          const passed = Math.min(skip, bytes.length - at);
          skip -= passed;
          at += passed;
          continue;
        }
        header[have] = bytes[at] ?? 0;
        have += 1;
        at += 1;
        if (have === need) readHeader();
      }
      return damaged ? 'damaged' : undefined;
    },
    finish: () => (part === 'magic' && have === 0 && skip === 0 ? { contentBytes } : 'cut short'),
  };
}

function isSingleSegment(descriptor: number): boolean {
  return (descriptor & 0b100000) !== 0;
}

function windowBytes(descriptor: number): number {
  return isSingleSegment(descriptor) ? 0 : 1;
}

function dictionaryBytes(descriptor: number): number {
  return DICTIONARY_BYTES[descriptor & 3] ?? 0;
}

function sizeBytes(descriptor: number): number {
  const flag = descriptor >> 6;
  return flag === 0 && isSingleSegment(descriptor) ? 1 : (CONTENT_SIZE_BYTES[flag] ?? 0);
}

function contentSize(bytes: Buffer): bigint | undefined {
  switch (bytes.length) {
    case 0:
      return undefined;
    case 8:
      return bytes.readBigUInt64LE(0);
    case 2:
      return BigInt(bytes.readUInt16LE(0) + 256);
    default:
      return BigInt(bytes.readUIntLE(0, bytes.length));
  }
}
