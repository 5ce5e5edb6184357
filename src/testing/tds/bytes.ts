/** Little-endian reading and writing, as MS-TDS 2.2.4 has it. */

export class ByteReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  take(length: number): Buffer {
    if (length > this.left) throw new Error(`the message ends ${length - this.left} bytes early`);
    this.#offset += length;
    return this.#bytes.subarray(this.#offset - length, this.#offset);
  }

  u8(): number {
    return this.take(1).readUInt8();
  }

  u16(): number {
    return this.take(2).readUInt16LE();
  }

  u32(): number {
    return this.take(4).readUInt32LE();
  }

  u64(): bigint {
    return this.take(8).readBigUInt64LE();
  }

  /** An unsigned integer of any width. */
  uint(length: number): bigint {
    return [...this.take(length)].reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
  }

  ucs2(characters: number): string {
    return this.take(characters * 2).toString('utf16le');
  }
}

export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafe(4096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written, which the writer then forgets. */
  flush(): Buffer {
    const written = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return written;
  }

  #room(length: number): number {
    const at = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    return at;
  }

  u8(value: number): this {
    const at = this.#room(1);
    this.#bytes.writeUInt8(value, at);
    return this;
  }

  u16(value: number): this {
    const at = this.#room(2);
    this.#bytes.writeUInt16LE(value, at);
    return this;
  }

  i32(value: number): this {
    const at = this.#room(4);
    this.#bytes.writeInt32LE(value | 0, at);
    return this;
  }

  u64(value: bigint): this {
    const at = this.#room(8);
    this.#bytes.writeBigUInt64LE(BigInt.asUintN(64, value), at);
    return this;
  }

  f32(value: number): this {
    const at = this.#room(4);
    this.#bytes.writeFloatLE(value, at);
    return this;
  }

  f64(value: number): this {
    const at = this.#room(8);
    this.#bytes.writeDoubleLE(value, at);
    return this;
  }

  /** An unsigned integer of any width. */
  uint(value: bigint, length: number): this {
    let rest = value;
    for (let byte = 0; byte < length; byte += 1) {
      this.u8(Number(rest & 255n));
      rest >>= 8n;
    }
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#room(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** B_VARCHAR: a byte of length in characters, then UTF-16. */
  shortText(text: string): this {
    return this.u8(text.length).bytes(Buffer.from(text, 'utf16le'));
  }

  /** US_VARCHAR: two bytes of length in characters, then UTF-16. */
  text(text: string): this {
    return this.u16(text.length).bytes(Buffer.from(text, 'utf16le'));
  }
}
