/** Packets (MS-TDS 2.2.3): an 8-byte header, then a piece of a message. */

export const PACKET = {
  sqlBatch: 0x01,
  rpc: 0x03,
  response: 0x04,
  attention: 0x06,
  transaction: 0x0e,
  login7: 0x10,
  prelogin: 0x12,
} as const;

const HEADER = 8;
const END_OF_MESSAGE = 0x01;

export interface Message {
  readonly type: number;
  readonly body: Buffer;
}

/** Puts the packets of a connection together to messages. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0);
  #pieces: Buffer[] = [];

  *push(chunk: Uint8Array): Generator<Message> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEADER) {
      const length = this.#rest.readUInt16BE(2);
      if (this.#rest.length < length) return;
      const [type, status] = [this.#rest.readUInt8(0), this.#rest.readUInt8(1)];
      this.#pieces.push(this.#rest.subarray(HEADER, length));
      this.#rest = this.#rest.subarray(length);
      if ((status & END_OF_MESSAGE) === 0) continue;
      const body = Buffer.concat(this.#pieces);
      this.#pieces = [];
      yield { type, body };
    }
  }
}

/** Cuts the body into packets of the size that was agreed on; `last` marks the end of the message. */
export function packets(type: number, body: Uint8Array, packetSize: number, last: boolean): Buffer {
  const room = packetSize - HEADER;
  const count = Math.max(1, Math.ceil(body.length / room));
  const out = Buffer.allocUnsafe(body.length + count * HEADER);
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    const piece = body.subarray(index * room, (index + 1) * room);
    out.writeUInt8(type, at);
    out.writeUInt8(last && index === count - 1 ? END_OF_MESSAGE : 0, at + 1);
    out.writeUInt16BE(piece.length + HEADER, at + 2);
    out.writeUInt16BE(51, at + 4);
    out.writeUInt8((index + 1) & 255, at + 6);
    out.writeUInt8(0, at + 7);
    out.set(piece, at + HEADER);
    at += piece.length + HEADER;
  }
  return out;
}
