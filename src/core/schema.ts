import { FoundryError, unreachable } from './errors.ts';

/**
 * The types that foundry keeps exactly, in Parquet and in every engine that reads it.
 *
 * Values in a `Batch`: string, uuid, json → string · boolean → boolean · int32, date (days since 1970-01-01)
 * → number · double → number · int64, time (µs since midnight), timestamp (µs since 1970-01-01T00:00:00),
 * decimal (unscaled) → bigint · binary → Uint8Array · NULL → null.
 *
 * In Parquet, uuid and json are plain UTF-8 strings (Spark and pandas read them as text).
 */
export type DataType =
  | {
      readonly kind:
        | 'string'
        | 'boolean'
        | 'int32'
        | 'int64'
        | 'double'
        | 'date'
        | 'time'
        | 'binary'
        | 'uuid'
        | 'json';
    }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }
  /** `utc: true` is an instant; `utc: false` is a wall-clock time without a zone. */
  | { readonly kind: 'timestamp'; readonly unit: 'micros'; readonly utc: boolean };

export interface Field {
  readonly name: string;
  readonly type: DataType;
}

export interface TableSchema {
  readonly fields: readonly Field[];
}

export const STRING: DataType = { kind: 'string' };

/**
 * @throws DATA001 on a repeated name, since two columns of one name read back as one; on an empty name, which
 * readers replace by one of their own; and on a name with a NUL character, at which readers written in C end it.
 */
export function tableSchema(fields: readonly Field[], origin: string): TableSchema {
  const seen = new Map<string, number>();
  fields.forEach((field, index) => {
    if (field.name === '') {
      throw new FoundryError('DATA001', `${origin}: the name of column ${index + 1} is empty`, {
        hint: 'Name the column at the source, or land the others with the option columns.',
      });
    }
    if (field.name.includes('\u0000')) {
      throw new FoundryError(
        'DATA001',
        `${origin}: the name of column ${index + 1}, ${JSON.stringify(field.name)}, holds a NUL character`,
        { hint: 'Rename the column at the source.' },
      );
    }
    const first = seen.get(field.name);
    if (first !== undefined) {
      throw new FoundryError(
        'DATA001',
        `${origin}: the column name "${field.name}" stands twice, at columns ${first + 1} and ${index + 1}`,
        { hint: 'Rename one of them at the source, or give all names with fieldnames.' },
      );
    }
    seen.set(field.name, index);
  });
  return { fields };
}

const SIMPLE = [
  'string',
  'boolean',
  'int32',
  'int64',
  'double',
  'date',
  'time',
  'binary',
  'uuid',
  'json',
] as const;

/** Spellings that config files may use beside the canonical names. */
const ALIASES: Readonly<Record<string, string>> = {
  text: 'string',
  varchar: 'string',
  str: 'string',
  bool: 'boolean',
  int: 'int64',
  integer: 'int64',
  bigint: 'int64',
  float: 'double',
  datetime: 'timestamp',
  timestamp_tz: 'timestamptz',
  bytes: 'binary',
};

/** The canonical names that `parseType` reads, for messages and schemas. */
export const TYPE_NAMES = [...SIMPLE, 'timestamp', 'timestamptz', 'decimal(p,s)'] as const;

/** `int64`, `decimal(38,10)`, `timestamp`, `timestamptz`: how configs and manifests write a type. */
export function formatType(type: DataType): string {
  switch (type.kind) {
    case 'decimal':
      return `decimal(${type.precision},${type.scale})`;
    case 'timestamp':
      return type.utc ? 'timestamptz' : 'timestamp';
    case 'string':
    case 'boolean':
    case 'int32':
    case 'int64':
    case 'double':
    case 'date':
    case 'time':
    case 'binary':
    case 'uuid':
    case 'json':
      return type.kind;
    default:
      return unreachable(type);
  }
}

/** The inverse of `formatType`, also for its aliases; undefined when the text names no type. */
export function parseType(text: string): DataType | undefined {
  const lower = text.trim().toLowerCase();
  const name = ALIASES[lower] ?? lower;
  const simple = SIMPLE.find((kind) => kind === name);
  if (simple !== undefined) return { kind: simple };
  if (name === 'timestamp') return { kind: 'timestamp', unit: 'micros', utc: false };
  if (name === 'timestamptz') return { kind: 'timestamp', unit: 'micros', utc: true };
  const decimal = /^(?:decimal|numeric)\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)$/.exec(name);
  if (decimal === null) return undefined;
  const precision = Number(decimal[1]);
  const scale = Number(decimal[2] ?? 0);
  if (precision < 1 || precision > 38 || scale > precision) return undefined;
  return { kind: 'decimal', precision, scale };
}

export function sameType(a: DataType, b: DataType): boolean {
  return formatType(a) === formatType(b);
}
