import { FoundryError } from '../../core/errors.ts';
import type { DataType } from '../../core/schema.ts';
import { type CursorKind, cursorKindOf } from '../../table/cursor-order.ts';
import type { TextForm } from '../engine-input.ts';
import type { ColumnOrder, ResultColumn, TypePolicy } from './driver.ts';

/** A column as `sp_describe_first_result_set` tells it. */
export interface MssqlColumn {
  readonly name: string;
  /** `decimal(38,10)`, `nvarchar(max)`; absent for CLR types. */
  readonly systemType: string | undefined;
  /** `geography`, `hierarchyid`, or a user's own CLR type. */
  readonly userType: string | undefined;
  /** Of texts. */
  readonly collation?: string | undefined;
}

interface Shape {
  readonly type: DataType;
  readonly form?: TextForm;
  readonly exact?: boolean;
  /** Where the driver's own value would lose digits. */
  readonly expression?: (column: string) => string;
}

/** Up to here a decimal is exact in the driver's double: 10^15 < 2^53. */
const EXACT_IN_DOUBLE = 15;
const NAIVE: DataType = { kind: 'timestamp', unit: 'micros', utc: false };
const INSTANT: DataType = { kind: 'timestamp', unit: 'micros', utc: true };

/**
 * How a column is selected so that the text that `mssql-cells.ts` makes of it is exact.
 * @param column the quoted column, as `q` has it
 * @throws EXT001 for types without a counterpart, unless the config declares one
 */
export function mssqlColumn(
  field: MssqlColumn,
  column: string,
  quoted: string,
  policy: TypePolicy,
): ResultColumn {
  const { name } = field;
  const sourceType = (field.systemType ?? field.userType ?? 'unknown').toLowerCase();
  const declared = Object.hasOwn(policy.types, name) ? policy.types[name] : undefined;
  const shape = shapeOf(name, sourceType, policy);
  const order = orderOf(field, sourceType, shape, column, policy);
  return {
    name,
    sourceType,
    type: declared ?? shape.type,
    form: declared === undefined || declared.kind === 'binary' ? (shape.form ?? 'plain') : 'plain',
    exact: declared === undefined ? (shape.exact ?? true) : declared.kind === 'string',
    select: `${shape.expression?.(column) ?? column} AS ${quoted}`,
    ...(order !== undefined && { order }),
  };
}

/** Types that SQL Server orders, but not by a rule that a cursor could follow, or not at all. */
const UNORDERED = /^(?:text|ntext|xml|json|geography|geometry|hierarchyid|sql_variant)\b/;

function orderOf(
  { name, collation }: MssqlColumn,
  sourceType: string,
  shape: Shape,
  column: string,
  policy: TypePolicy,
): ColumnOrder | undefined {
  const kind = cursorKindOf(shape.type);
  if (kind === undefined || UNORDERED.test(sourceType)) return undefined;
  const asked = policy.cursor?.column === name ? policy.cursor.kind : undefined;
  if (kind === 'text' && asked !== undefined && asked !== 'text') {
    const cast = CASTS[asked];
    return {
      kind: asked,
      expression: `CAST(${column} AS ${cast})`,
      bound: (place) => `CAST(${place} AS ${cast})`,
    };
  }
  // The column's own type, so that its index serves; a bound is nvarchar.
  return {
    kind,
    expression: column,
    bound: (place) => `CAST(${castable(place, sourceType, collation)} AS ${sourceType})`,
  };
}

/**
 * A bound as what a cast makes the column's own value of. Of a text, the older types of times take three digits of a
 * second at most; of a datetime2 the nearest time that they have. A char is in the code page of its collation, and else
 * would be in that of the database: what this has not would become `?`.
 */
function castable(place: string, sourceType: string, collation: string | undefined): string {
  if (/^(?:small)?datetime$/.test(sourceType)) return `CAST(${place} AS datetime2(7))`;
  const isCoded = /^(?:var)?char\b/.test(sourceType) && collation !== undefined && /^\w+$/.test(collation);
  return isCoded ? `${place} COLLATE ${collation}` : place;
}

const CASTS: Readonly<Record<CursorKind, string>> = {
  number: 'decimal(38,10)',
  date: 'date',
  time: 'time(7)',
  timestamp: 'datetime2(7)',
  timestamptz: 'datetimeoffset(7)',
  text: 'nvarchar(max)',
};

function shapeOf(name: string, sourceType: string, policy: TypePolicy): Shape {
  const match = /^([a-z_0-9 ]+?)\s*(?:\(\s*(\w+)\s*(?:,\s*(\d+)\s*)?\))?$/.exec(sourceType);
  const size = match?.[2];
  switch (match?.[1] ?? sourceType) {
    case 'bit':
      return { type: { kind: 'boolean' } };
    case 'tinyint':
    case 'smallint':
    case 'int':
      return { type: { kind: 'int32' } };
    case 'bigint':
      return { type: { kind: 'int64' } };
    case 'real':
    case 'float':
      return { type: { kind: 'double' } };
    case 'decimal':
    case 'numeric':
      return decimal(Number(size ?? 18), Number(match?.[3] ?? 0));
    case 'money':
      return decimal(19, 4);
    case 'smallmoney':
      return decimal(10, 4);
    case 'char':
    case 'varchar':
    case 'text':
    case 'nchar':
    case 'nvarchar':
    case 'ntext':
    case 'sysname':
    case 'xml':
      return { type: { kind: 'string' } };
    case 'json':
      return { type: { kind: 'json' }, expression: (c) => `CAST(${c} AS nvarchar(max))` };
    case 'binary':
    case 'varbinary':
    case 'image':
    case 'timestamp':
    case 'rowversion':
      return { type: { kind: 'binary' }, form: 'hex' };
    case 'date':
      return { type: { kind: 'date' } };
    case 'time':
      return { type: { kind: 'time' }, exact: Number(size ?? 7) <= 6 };
    case 'datetime':
    case 'smalldatetime':
      return naive(name, true, policy);
    case 'datetime2':
      return naive(name, Number(size ?? 7) <= 6, policy);
    case 'datetimeoffset':
      return { type: INSTANT, exact: Number(size ?? 7) <= 6 };
    case 'uniqueidentifier':
      return { type: { kind: 'uuid' } };
    case 'geography':
    case 'geometry':
      return policy.geometry === 'wkb'
        ? { type: { kind: 'binary' }, form: 'hex', expression: (c) => `${c}.STAsBinary()` }
        : { type: { kind: 'string' }, expression: (c) => `${c}.ToString()` };
    case 'hierarchyid':
      return { type: { kind: 'string' }, expression: (c) => `${c}.ToString()` };
    default:
      return other(name, sourceType, policy);
  }
}

function decimal(precision: number, scale: number): Shape {
  const type: DataType = { kind: 'decimal', precision, scale };
  if (precision <= EXACT_IN_DOUBLE) return { type };
  // Money on its own would be cut to two digits.
  return {
    type,
    expression: (column) => `CAST(CAST(${column} AS decimal(${precision},${scale})) AS varchar(41))`,
  };
}

function naive(name: string, exact: boolean, policy: TypePolicy): Shape {
  if (policy.timezone === undefined || Object.hasOwn(policy.types, name)) return { type: NAIVE, exact };
  throw new FoundryError('EXT001', `the column "${name}": SQL Server knows no time zone ${policy.timezone}`, {
    details: { column: name },
    hint: "It has Windows' names only. Leave timezone out, and write column AT TIME ZONE 'W. Europe Standard Time' in the query.",
  });
}

function other(name: string, sourceType: string, policy: TypePolicy): Shape {
  if (policy.types[name]?.kind === 'string') {
    return { type: { kind: 'string' }, expression: (column) => `CAST(${column} AS nvarchar(4000))` };
  }
  throw new FoundryError(
    'EXT001',
    `the column "${name}" is a ${sourceType}, which has no type of its own here`,
    {
      details: { column: name },
      hint: 'Convert it in the query, or set db.types: {column: string} for what CAST AS nvarchar makes of it.',
    },
  );
}
