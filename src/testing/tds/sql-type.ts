import type { ByteWriter } from './bytes.ts';

/** A type of SQL Server as one writes it: `decimal(38,10)`, `nvarchar(max)`, `datetime2(7)`. */
export interface SqlType {
  readonly name: string;
  /** Characters or bytes; 'max' is partially length-prefixed (MS-TDS 2.2.5.2.3). */
  readonly length: number | 'max';
  readonly precision: number;
  readonly scale: number;
}

export interface Column {
  readonly name: string;
  readonly type: SqlType;
  readonly nullable: boolean;
}

/** SQL_Latin1_General_CP1_CI_AS: LCID 0x0409, ignores case, kana and width, sort order 52. */
export const COLLATION = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]);

const DEFAULT_SCALE: Readonly<Record<string, number>> = { time: 7, datetime2: 7, datetimeoffset: 7 };

export function sqlType(text: string): SqlType {
  const match = /^(\w+)\s*(?:\(\s*(max|\d+)\s*(?:,\s*(\d+)\s*)?\))?$/i.exec(text.trim());
  if (match === null) throw new Error(`no type of SQL Server: ${text}`);
  const name = (match[1] ?? '').toLowerCase();
  const first = match[2]?.toLowerCase();
  const number = first === undefined ? undefined : Number(first);
  const decimal = name === 'decimal' || name === 'numeric';
  const timed = name in DEFAULT_SCALE;
  return {
    name: name === 'rowversion' ? 'timestamp' : name,
    length: first === 'max' ? 'max' : decimal || timed ? 0 : (number ?? 1),
    precision: decimal ? (number ?? 18) : 0,
    scale: decimal ? Number(match[3] ?? 0) : timed ? (number ?? DEFAULT_SCALE[name] ?? 0) : 0,
  };
}

/** `decimal(38,10)` again, as sp_describe_first_result_set says it. */
export function sqlTypeName(type: SqlType): string {
  if (type.name === 'decimal' || type.name === 'numeric')
    return `${type.name}(${type.precision},${type.scale})`;
  if (type.name in DEFAULT_SCALE) return `${type.name}(${type.scale})`;
  if (/char$|binary$/.test(type.name)) return `${type.name}(${type.length})`;
  return type.name;
}

/** Bytes that a column of the type takes at most; 0xFFFF is (max). */
export function byteLength(type: SqlType): number {
  if (type.length === 'max') return 0xffff;
  return /^n(?:var)?char$/.test(type.name) ? type.length * 2 : type.length;
}

/** Types of one fixed width: their NULL-able token and width, and the token of their NOT NULL form. */
const FIXED: Readonly<Record<string, readonly [nullable: number, width: number, fixed: number]>> = {
  bit: [0x68, 1, 0x32],
  tinyint: [0x26, 1, 0x30],
  smallint: [0x26, 2, 0x34],
  int: [0x26, 4, 0x38],
  bigint: [0x26, 8, 0x7f],
  real: [0x6d, 4, 0x3b],
  float: [0x6d, 8, 0x3e],
  smallmoney: [0x6e, 4, 0x7a],
  money: [0x6e, 8, 0x3c],
  smalldatetime: [0x6f, 4, 0x3a],
  datetime: [0x6f, 8, 0x3d],
};

const SIZED: Readonly<Record<string, number>> = {
  char: 0xaf,
  varchar: 0xa7,
  nchar: 0xef,
  nvarchar: 0xe7,
  binary: 0xad,
  varbinary: 0xa5,
  timestamp: 0xad,
};

const LONG: Readonly<Record<string, number>> = { text: 0x23, ntext: 0x63, image: 0x22 };
const TIMED: Readonly<Record<string, number>> = { time: 0x29, datetime2: 0x2a, datetimeoffset: 0x2b };

/** Whether a NOT NULL column is sent without a length before each value. */
export function isFixed(type: SqlType): boolean {
  return type.name in FIXED;
}

/** TYPE_INFO (MS-TDS 2.2.5.6), and the table name that COLMETADATA has for text, ntext and image. */
export function writeTypeInfo(out: ByteWriter, { type, nullable }: Column): void {
  const fixed = FIXED[type.name];
  const sized = SIZED[type.name];
  const long = LONG[type.name];
  const timed = TIMED[type.name];
  if (fixed !== undefined) {
    if (nullable) out.u8(fixed[0]).u8(fixed[1]);
    else out.u8(fixed[2]);
  } else if (sized !== undefined) {
    out.u8(sized).u16(type.name === 'timestamp' ? 8 : byteLength(type));
    if (/char$/.test(type.name)) out.bytes(COLLATION);
  } else if (long !== undefined) {
    out.u8(long).i32(0x7fffffff);
    if (type.name !== 'image') out.bytes(COLLATION);
    out.u8(1).text('t');
  } else if (timed !== undefined) {
    out.u8(timed).u8(type.scale);
  } else if (type.name === 'decimal' || type.name === 'numeric') {
    out
      .u8(type.name === 'decimal' ? 0x6a : 0x6c)
      .u8(decimalBytes(type.precision) + 1)
      .u8(type.precision)
      .u8(type.scale);
  } else if (type.name === 'date') {
    out.u8(0x28);
  } else if (type.name === 'uniqueidentifier') {
    out.u8(0x24).u8(16);
  } else if (type.name === 'xml') {
    out.u8(0xf1).u8(0);
  } else if (type.name === 'sql_variant') {
    out.u8(0x62).i32(8009);
  } else {
    throw new Error(`no TYPE_INFO for ${type.name}`);
  }
}

/** MS-TDS 2.2.5.5.1.6: bytes of the digits of a decimal. */
export function decimalBytes(precision: number): number {
  return precision <= 9 ? 4 : precision <= 19 ? 8 : precision <= 28 ? 12 : 16;
}
