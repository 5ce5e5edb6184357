import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, inflateRaw, zstdDecompress } from 'node:zlib';
import { FoundryError } from '../../core/errors.ts';
import { TransportError } from './transport-error.ts';

/** More than any page should hold; what unpacks to more is a mistake, or an attack. */
const MAX_BYTES = 2 ** 31;

type Unpack = (bytes: Uint8Array) => Promise<Uint8Array>;
const limits = { maxOutputLength: MAX_BYTES };
const unpackGzip: Unpack = (bytes) => promisify(gunzip)(bytes, limits);

/** By the names of RFC 9110, section 8.4.1. */
const CODINGS: Readonly<Record<string, Unpack>> = {
  gzip: unpackGzip,
  'x-gzip': unpackGzip,
  // The RFC means zlib's format; some servers send the bare stream.
  deflate: (bytes) => promisify(isZlib(bytes) ? inflate : inflateRaw)(bytes, limits),
  br: (bytes) => promisify(brotliDecompress)(bytes, limits),
  zstd: (bytes) => promisify(zstdDecompress)(bytes, limits),
};

export const ACCEPTED_CODINGS = 'gzip, deflate, br, zstd';

/**
 * A body unpacked by its `content-encoding` and in UTF-8 by the charset of its `content-type`.
 *
 * @throws TransportError where it is damaged; EXT001 for a coding or charset that is not known
 */
export async function unpackBody(
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>>,
): Promise<Uint8Array> {
  const names = (headers['content-encoding'] ?? '').toLowerCase().split(',');
  let body = bytes;
  for (const name of names.map((coding) => coding.trim()).reverse()) {
    if (name === '' || name === 'identity' || body.length === 0) continue;
    const unpack = CODINGS[name];
    if (unpack === undefined) {
      throw new FoundryError('EXT001', `the body is packed as ${name}, which foundry cannot unpack`, {
        hint: `foundry asked for ${ACCEPTED_CODINGS}. Look at what stands between it and the API.`,
      });
    }
    try {
      body = await unpack(body);
    } catch (error) {
      throw new TransportError(`the body is said to be packed as ${name}, and is damaged or something else`, {
        cause: error,
      });
    }
  }
  return inUtf8(body, headers['content-type'] ?? '');
}

function inUtf8(bytes: Uint8Array, contentType: string): Uint8Array {
  const charset = /;\s*charset\s*=\s*"?([^";,\s]+)/i.exec(contentType)?.[1]?.toLowerCase();
  if (charset === undefined || charset === 'utf-8' || charset === 'utf8' || charset === 'us-ascii')
    return bytes;
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(charset as Bun.Encoding, { fatal: true });
  } catch (error) {
    throw new FoundryError('EXT001', `the charset ${charset} of the answer is not known`, { cause: error });
  }
  try {
    return Buffer.from(decoder.decode(bytes));
  } catch (error) {
    throw new FoundryError('DATA001', `the answer is not the ${charset} that it says it is`, {
      cause: error,
    });
  }
}

function isZlib(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes;
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
