import { daysFromCivil } from '../../table/temporal.ts';
import type { ByteWriter } from './bytes.ts';
import { COLLATION, type Column, decimalBytes, isFixed, type SqlType, sqlType } from './sql-type.ts';

/**
 * How tests write a value: numbers, decimals and money as digits; bit as 0 or 1; dates and times as
 * `YYYY-MM-DD HH:MM:SS.fffffff`, with ` +HH:MM` for datetimeoffset; binary as bytes; a sql_variant with its type.
 */
export type TdsValue = string | Uint8Array | { readonly type: string; readonly value: string } | null;

const DAYS_TO_1970 = 719_162;
const DAYS_1900_TO_1970 = 25_567;
const TICKS_PER_DAY = 864_000_000_000n;
/** What of windows-1252 is not at the place that ISO 8859-1 has it. */
const WINDOWS_1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

/** The value as ROW carries it (MS-TDS 2.2.5.5). @throws Error on a value that is not of the type. */
export function writeValue(out: ByteWriter, column: Column, value: TdsValue): void {
  const { type } = column;
  if (value === null) writeNull(out, type);
  else if (type.length === 'max' || type.name === 'xml') writePartial(out, bytesOf(type, value));
  else if (/^n?text$|^image$/.test(type.name)) {
    const bytes = bytesOf(type, value);
    out.u8(16).bytes(Buffer.alloc(16)).bytes(Buffer.alloc(8)).i32(bytes.length).bytes(bytes);
  } else if (type.name === 'sql_variant') writeVariant(out, value);
  else {
    const bytes = bytesOf(type, value);
    if (/char$|binary$|^timestamp$/.test(type.name)) out.u16(bytes.length);
    else if (!(isFixed(type) && !column.nullable)) out.u8(bytes.length);
    out.bytes(bytes);
  }
}

function writeNull(out: ByteWriter, type: SqlType): void {
  if (type.length === 'max' || type.name === 'xml') out.u64(0xffff_ffff_ffff_ffffn);
  else if (/char$|binary$|^timestamp$/.test(type.name)) out.u16(0xffff);
  else if (type.name === 'sql_variant') out.i32(0);
  else out.u8(0);
}

/** In chunks, the way the server sends what it does not hold at once. */
function writePartial(out: ByteWriter, bytes: Uint8Array): void {
  out.u64(BigInt(bytes.length));
  for (let at = 0; at < bytes.length; at += 8000) {
    const piece = bytes.subarray(at, at + 8000);
    out.i32(piece.length).bytes(piece);
  }
  out.i32(0);
}

/** SSVARIANT_INSTANCE (MS-TDS 2.2.5.5.4): base type, its properties, the value. */
function writeVariant(out: ByteWriter, value: TdsValue): void {
  if (value === null || typeof value === 'string' || value instanceof Uint8Array) {
    throw new Error('a sql_variant needs its type');
  }
  const type = sqlType(value.type);
  const bytes = bytesOf(type, value.value);
  const [token, properties] = variantHead(type, bytes.length);
  out
    .i32(2 + properties.length + bytes.length)
    .u8(token)
    .u8(properties.length)
    .bytes(properties)
    .bytes(bytes);
}

function variantHead(type: SqlType, length: number): readonly [number, Uint8Array] {
  switch (type.name) {
    case 'int':
      return [0x38, new Uint8Array()];
    case 'bigint':
      return [0x7f, new Uint8Array()];
    case 'float':
      return [0x3e, new Uint8Array()];
    case 'datetime2':
      return [0x2a, Uint8Array.of(type.scale)];
    case 'decimal':
      return [0x6a, Uint8Array.of(type.precision, type.scale)];
    case 'nvarchar':
      return [0xe7, Buffer.concat([COLLATION, Uint8Array.of(length & 255, length >> 8)])];
    default:
      throw new Error(`no sql_variant of ${type.name} here`);
  }
}

function bytesOf(type: SqlType, value: TdsValue): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== 'string') throw new Error(`${type.name} cannot be ${JSON.stringify(value)}`);
  const number = () => Number(value);
  switch (type.name) {
    case 'bit':
    case 'tinyint':
      return Uint8Array.of(number());
    case 'smallint':
      return integer(BigInt(value), 2);
    case 'int':
      return integer(BigInt(value), 4);
    case 'bigint':
      return integer(BigInt(value), 8);
    case 'real':
      return new Uint8Array(new Float32Array([number()]).buffer);
    case 'float':
      return new Uint8Array(new Float64Array([number()]).buffer);
    case 'smallmoney':
      return integer(unscaled(value, 4), 4);
    case 'money': {
      const units = BigInt.asUintN(64, unscaled(value, 4));
      return Buffer.concat([integer(units >> 32n, 4), integer(units & 0xffff_ffffn, 4)]);
    }
    case 'decimal':
    case 'numeric': {
      const digits = unscaled(value, type.scale);
      const magnitude = integer(digits < 0n ? -digits : digits, decimalBytes(type.precision));
      return Buffer.concat([Uint8Array.of(digits < 0n ? 0 : 1), magnitude]);
    }
    case 'char':
    case 'varchar':
    case 'text':
      return windows1252(value);
    case 'nchar':
    case 'nvarchar':
    case 'ntext':
    case 'xml':
      return Buffer.from(value, 'utf16le');
    case 'uniqueidentifier':
      return guid(value);
    default:
      return temporal(type, value);
  }
}

function temporal(type: SqlType, value: string): Uint8Array {
  const { days, ticks, offsetMinutes } = takeApart(value);
  switch (type.name) {
    case 'date':
      return integer(BigInt(days + DAYS_TO_1970), 3);
    case 'time':
      return timeOfDay(ticks, type.scale);
    case 'datetime2':
      return Buffer.concat([timeOfDay(ticks, type.scale), integer(BigInt(days + DAYS_TO_1970), 3)]);
    case 'datetimeoffset': {
      const utc = BigInt(days) * TICKS_PER_DAY + ticks - BigInt(offsetMinutes) * 600_000_000n;
      const rest = ((utc % TICKS_PER_DAY) + TICKS_PER_DAY) % TICKS_PER_DAY;
      const day = (utc - rest) / TICKS_PER_DAY + BigInt(DAYS_TO_1970);
      return Buffer.concat([timeOfDay(rest, type.scale), integer(day, 3), integer(BigInt(offsetMinutes), 2)]);
    }
    case 'smalldatetime':
      return Buffer.concat([integer(BigInt(days + DAYS_1900_TO_1970), 2), integer(ticks / 600_000_000n, 2)]);
    case 'datetime':
      return Buffer.concat([
        integer(BigInt(days + DAYS_1900_TO_1970), 4),
        integer(BigInt(Math.round((Number(ticks) / 10_000_000) * 300)), 4),
      ]);
    default:
      throw new Error(`no value of ${type.name}`);
  }
}

function takeApart(text: string): { days: number; ticks: bigint; offsetMinutes: number } {
  const match =
    /^(?:(\d{4})-(\d\d)-(\d\d))?[T ]?(?:(\d\d):(\d\d):(\d\d)(?:\.(\d{1,7}))?)?(?:Z| ?([+-])(\d\d):(\d\d))?$/.exec(
      text,
    );
  if (match === null) throw new Error(`no date or time: ${text}`);
  const [, year = '1970', month = '1', day = '1', hour = '0', minute = '0', second = '0', fraction = ''] =
    match;
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  const offset = Number(match[9] ?? 0) * 60 + Number(match[10] ?? 0);
  return {
    days: daysFromCivil(Number(year), Number(month), Number(day)),
    ticks: BigInt(seconds) * 10_000_000n + BigInt(fraction.padEnd(7, '0')),
    offsetMinutes: match[8] === '-' ? -offset : offset,
  };
}

/** 3 bytes to a scale of 2, 4 to 4, 5 to 7. */
function timeOfDay(ticks: bigint, scale: number): Uint8Array {
  return integer(ticks / 10n ** BigInt(7 - scale), scale <= 2 ? 3 : scale <= 4 ? 4 : 5);
}

function integer(value: bigint, width: number): Uint8Array {
  const bytes = new Uint8Array(width);
  let rest = BigInt.asUintN(width * 8, value);
  for (let at = 0; at < width; at += 1) {
    bytes[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

function unscaled(text: string, scale: number): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null || (match[3] ?? '').length > scale) throw new Error(`not of scale ${scale}: ${text}`);
  const digits = BigInt(`${match[2]}${(match[3] ?? '').padEnd(scale, '0')}`);
  return match[1] === '-' ? -digits : digits;
}

/** The first three groups are little-endian (MS-TDS 2.2.5.5.1.5). */
function guid(text: string): Uint8Array {
  const hex = Buffer.from(text.replaceAll('-', ''), 'hex');
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return Uint8Array.from(order, (at) => hex[at] ?? 0);
}

function windows1252(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const place = WINDOWS_1252.indexOf(character);
    if (place >= 0) return 0x80 + place;
    return code < 256 ? code : 0x3f;
  });
}
