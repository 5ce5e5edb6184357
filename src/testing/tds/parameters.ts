import { formatDate } from '../../table/temporal.ts';
import type { ByteReader } from './bytes.ts';

/** A parameter of an RPC, its value as text; NULL is null. */
export interface Parameter {
  readonly name: string;
  readonly value: string | null;
}

/** Reads ParameterData (MS-TDS 2.2.6.6) up to the end of the message. */
export function readParameters(input: ByteReader): readonly Parameter[] {
  const parameters: Parameter[] = [];
  while (input.left > 0) {
    const name = input.ucs2(input.u8());
    input.u8();
    parameters.push({ name, value: readTyped(input) });
  }
  return parameters;
}

function readTyped(input: ByteReader): string | null {
  const token = input.u8();
  switch (token) {
    case 0x26: {
      input.u8();
      const width = input.u8();
      return width === 0 ? null : String(BigInt.asIntN(width * 8, input.uint(width)));
    }
    case 0x68: {
      input.u8();
      return input.u8() === 0 ? null : String(input.u8());
    }
    case 0x6d: {
      input.u8();
      const width = input.u8();
      if (width === 0) return null;
      const bytes = input.take(width);
      return String(width === 4 ? bytes.readFloatLE() : bytes.readDoubleLE());
    }
    case 0xe7:
    case 0xef: {
      const length = input.u16();
      input.take(5);
      return readSized(input, length, 'utf16le');
    }
    case 0xa7:
    case 0xaf: {
      const length = input.u16();
      input.take(5);
      return readSized(input, length, 'latin1');
    }
    case 0xa5:
    case 0xad:
      return readSized(input, input.u16(), 'hex');
    case 0x2a: {
      const scale = input.u8();
      const width = input.u8();
      if (width === 0) return null;
      const ticks = input.uint(width - 3) * 10n ** BigInt(7 - scale);
      return `${formatDate(Number(input.uint(3)) - 719_162)}T${timeText(ticks)}`;
    }
    default:
      throw new Error(`a parameter of type 0x${token.toString(16)} is not read here`);
  }
}

function readSized(
  input: ByteReader,
  declared: number,
  encoding: 'utf16le' | 'latin1' | 'hex',
): string | null {
  if (declared !== 0xffff) {
    const length = input.u16();
    return length === 0xffff ? null : input.take(length).toString(encoding);
  }
  if (input.u64() === 0xffff_ffff_ffff_ffffn) return null;
  const pieces: Buffer[] = [];
  for (let length = input.u32(); length > 0; length = input.u32()) pieces.push(input.take(length));
  return Buffer.concat(pieces).toString(encoding);
}

function timeText(ticks: bigint): string {
  const seconds = Number(ticks / 10_000_000n);
  const two = (value: number) => String(value).padStart(2, '0');
  const fraction = String(ticks % 10_000_000n).padStart(7, '0');
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}.${fraction}`;
}
