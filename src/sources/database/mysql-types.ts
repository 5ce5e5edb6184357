import type { DataType } from '../../core/schema.ts';
import { cursorKindOf } from '../../table/cursor-order.ts';
import type { TextForm } from '../engine-input.ts';
import type { ColumnOrder, ResultColumn, TypePolicy } from './driver.ts';
import { mysqlOrder, mysqlTextOrder } from './mysql-order.ts';
import { instantText, inUtc } from './mysql-zones.ts';
import { wideDecimal } from './wide-decimal.ts';

/** What the protocol says of a column of a result (Protocol::ColumnDefinition41). */
export interface MysqlField {
  readonly name: string;
  readonly columnType?: number | undefined;
  readonly flags?: number | readonly string[] | undefined;
  readonly characterSet?: number | undefined;
  readonly columnLength?: number | undefined;
  readonly decimals?: number | undefined;
  /** MariaDB's extended metadata: `uuid`, `inet6`, `point`. */
  readonly extendedTypeName?: string | undefined;
  /** MariaDB: `json`. */
  readonly extendedFormat?: string | undefined;
}

const BINARY_CHARSET = 63;
const FLAG = { unsigned: 32, zerofill: 64, enum: 256, set: 2048 } as const;

/** Integers by the number of their type. */
const INTEGERS: Readonly<Record<number, string>> = {
  1: 'tinyint',
  2: 'smallint',
  9: 'mediumint',
  3: 'int',
  8: 'bigint',
};

interface Shape {
  readonly sourceType: string;
  readonly type: DataType;
  readonly form?: TextForm;
  /** Where the value's own text would lose something, or is none. */
  readonly expression?: (column: string) => string;
  /** What is compared instead of the column: enums and sets are ordered as numbers otherwise. */
  readonly compared?: (column: string) => string;
  /** Values without an order. */
  readonly unordered?: true;
}

/**
 * How a column is selected so that its text is exact.
 * @param column the quoted column, as `q` has it
 * @throws DATA001 for a decimal that the policy refuses
 */
export function mysqlColumn(
  field: MysqlField,
  column: string,
  quoted: string,
  policy: TypePolicy,
): ResultColumn {
  const { name } = field;
  const shape = shapeOf(field, policy);
  const expression = shape.expression?.(column) ?? column;
  const declared = Object.hasOwn(policy.types, name) ? policy.types[name] : undefined;
  const order = orderOf(name, shape, column, policy);
  return {
    name,
    sourceType: shape.sourceType,
    type: declared ?? shape.type,
    form: declared === undefined || declared.kind === 'binary' ? (shape.form ?? 'plain') : 'plain',
    exact: declared === undefined || declared.kind === 'string',
    select: `${expression} AS ${quoted}`,
    ...(order !== undefined && { order }),
  };
}

function orderOf(name: string, shape: Shape, column: string, policy: TypePolicy): ColumnOrder | undefined {
  const { sourceType } = shape;
  const kind = sourceType.startsWith('decimal') ? 'number' : cursorKindOf(shape.type);
  if (kind === undefined || shape.unordered === true) return undefined;
  const asked = policy.cursor?.column === name ? policy.cursor.kind : undefined;
  if (kind === 'text' && asked !== undefined && asked !== 'text') return mysqlTextOrder(column, asked);
  return mysqlOrder(shape.compared?.(column) ?? column, kind, sourceType);
}

function shapeOf(field: MysqlField, policy: TypePolicy): Shape {
  const number = field.columnType ?? -1;
  const flags = typeof field.flags === 'number' ? field.flags : 0;
  const unsigned = (flags & FLAG.unsigned) !== 0;
  const integer = INTEGERS[number];
  if (integer !== undefined) return integerShape(integer, unsigned, (flags & FLAG.zerofill) !== 0);
  switch (number) {
    case 0:
    case 246:
      return decimal(field, unsigned, policy);
    case 4:
      // A float's text has six digits; times a double it is the very value.
      return { sourceType: 'float', type: { kind: 'double' }, expression: (c) => `${c} * 1E0` };
    case 5:
      return { sourceType: 'double', type: { kind: 'double' } };
    case 7:
      return timestamp(field);
    case 10:
    case 14:
      return { sourceType: 'date', type: { kind: 'date' } };
    case 11:
      return { sourceType: timed('time', field), type: { kind: 'time' } };
    case 12:
      return datetime(field, policy);
    case 13:
      return { sourceType: 'year', type: { kind: 'int32' }, expression: (c) => `${c} + 0` };
    case 16:
      return bits(field.columnLength ?? 1);
    case 242:
      return bytes('vector');
    case 245:
      return { sourceType: 'json', type: { kind: 'json' } };
    case 255:
      return geometry(field, policy);
    default:
      return text(field, number, flags);
  }
}

function integerShape(word: string, unsigned: boolean, zerofill: boolean): Shape {
  const sourceType = `${word}${unsigned ? ' unsigned' : ''}`;
  const small = word !== 'bigint' && !(word === 'int' && unsigned);
  const type: DataType = small
    ? { kind: 'int32' }
    : word === 'bigint' && unsigned
      ? { kind: 'decimal', precision: 20, scale: 0 }
      : { kind: 'int64' };
  // ZEROFILL pads the text.
  return { sourceType, type, ...(zerofill && { expression: (c: string) => `${c} + 0` }) };
}

/** The length that the protocol tells counts the point and the sign. */
function decimal(field: MysqlField, unsigned: boolean, policy: TypePolicy): Shape {
  const scale = field.decimals ?? 0;
  const precision = Math.max(1, (field.columnLength ?? 0) - (scale > 0 ? 1 : 0) - (unsigned ? 0 : 1));
  const sourceType = `decimal(${precision},${scale})${unsigned ? ' unsigned' : ''}`;
  return { sourceType, type: wideDecimal({ name: field.name, sourceType, precision, scale }, policy) };
}

/** Instants: the session's time zone is UTC. */
function timestamp(field: MysqlField): Shape {
  return {
    sourceType: timed('timestamp', field),
    type: { kind: 'timestamp', unit: 'micros', utc: true },
    expression: (column) => `CONCAT(${column}, 'Z')`,
  };
}

function datetime(field: MysqlField, { timezone }: TypePolicy): Shape {
  const sourceType = timed('datetime', field);
  if (timezone === undefined) return { sourceType, type: { kind: 'timestamp', unit: 'micros', utc: false } };
  return {
    sourceType,
    type: { kind: 'timestamp', unit: 'micros', utc: true },
    expression: (column) => instantText(column, timezone),
    compared: (column) => inUtc(column, timezone),
  };
}

/** Bits are sent as bytes, of which text makes nothing. */
function bits(width: number): Shape {
  const sourceType = `bit(${width})`;
  if (width === 1) {
    return { sourceType, type: { kind: 'boolean' }, expression: (c) => `ELT(${c} + 1, 'false', 'true')` };
  }
  const type: DataType = width < 64 ? { kind: 'int64' } : { kind: 'decimal', precision: 20, scale: 0 };
  return { sourceType, type, expression: (column) => `CAST(${column} AS UNSIGNED)` };
}

function geometry(field: MysqlField, policy: TypePolicy): Shape {
  const sourceType = field.extendedTypeName || 'geometry';
  return policy.geometry === 'wkb'
    ? { sourceType, type: { kind: 'binary' }, form: 'hex', expression: (c) => `ST_AsBinary(${c})` }
    : { sourceType, type: { kind: 'string' }, expression: (c) => `ST_AsText(${c})`, unordered: true };
}

function text(field: MysqlField, number: number, flags: number): Shape {
  if (field.extendedTypeName === 'uuid') return { sourceType: 'uuid', type: { kind: 'uuid' } };
  if (field.extendedFormat === 'json') return { sourceType: 'json', type: { kind: 'json' } };
  const string: DataType = { kind: 'string' };
  if (field.extendedTypeName) return { sourceType: field.extendedTypeName, type: string };
  const asText = { type: string, compared: (column: string) => `CAST(${column} AS CHAR)` };
  if ((flags & FLAG.enum) !== 0) return { sourceType: 'enum', ...asText };
  if ((flags & FLAG.set) !== 0) return { sourceType: 'set', ...asText };
  const long = number >= 249 && number <= 252;
  const fixed = number === 254;
  if (field.characterSet === BINARY_CHARSET) return bytes(long ? 'blob' : fixed ? 'binary' : 'varbinary');
  return { sourceType: long ? 'text' : fixed ? 'char' : 'varchar', type: string };
}

function bytes(sourceType: string): Shape {
  return { sourceType, type: { kind: 'binary' }, form: 'hex' };
}

/** Types whose values are bytes where their character set is `binary`. */
const BYTES = new Set([15, 242, 249, 250, 251, 252, 253, 254, 255]);

/** Whether the values of a result's column are bytes that are no text. */
export function isBinary({ columnType, characterSet }: MysqlField): boolean {
  return characterSet === BINARY_CHARSET && BYTES.has(columnType ?? -1);
}

/** `datetime(6)`; without digits of a second the bare word. */
function timed(word: string, { decimals = 0 }: MysqlField): string {
  return decimals > 0 && decimals <= 6 ? `${word}(${decimals})` : word;
}
