import { FoundryError } from '../../core/errors.ts';
import { type DataType, formatType, STRING } from '../../core/schema.ts';
import { type CursorKind, cursorKindOf } from '../../table/cursor-order.ts';
import type { TextForm } from '../engine-input.ts';
import type { ColumnOrder, ResultColumn, TypePolicy } from './driver.ts';
import { postgresDialect } from './postgres-dialect.ts';

/** What the catalog says of a result's column. */
export interface CatalogColumn {
  readonly name: string;
  readonly schema: string;
  /** `pg_type.typname`, of a domain its base type. */
  readonly typname: string;
  /** `pg_type.typtype`: b, c(omposite), e(num), r(ange), m(ultirange), p(seudo). */
  readonly typtype: string;
  /** `A` for arrays. */
  readonly category: string;
  /**
   * `format_type`, of the type without its modifier: what a bound is cast to. Of -1, since of NULL it would be `character`
   * and `bit`, which a cast takes for types of one place: bounds would be cut.
   */
  readonly cast: string;
  /** `format_type` with the modifier. */
  readonly display: string;
  /** -1: none, or not known. */
  readonly typmod: number;
  /** Digits behind the point of `money` in this database. */
  readonly moneyScale: number;
}

interface Mapped {
  readonly type: DataType;
  /** How `q.column` is selected. */
  readonly select?: string;
  readonly form?: TextForm;
  readonly order?: CursorKind;
}

const INT32: DataType = { kind: 'int32' };
const INT64: DataType = { kind: 'int64' };
const DOUBLE: DataType = { kind: 'double' };
const MOST_DIGITS = 38;

/**
 * How a column lands. Numbers, times, uuid and json keep their kind; what has no type of its own (interval, timetz,
 * ranges, inet, bit strings, enum, xml, …) lands as the text that PostgreSQL writes; arrays and composites as JSON.
 *
 * @throws DATA001 for a column that the policy refuses
 */
export function resultColumn(column: CatalogColumn, policy: TypePolicy): ResultColumn {
  const quoted = `q.${postgresDialect.identifier(column.name)}`;
  const own = mapped(column, quoted, policy);
  const declared = Object.hasOwn(policy.types, column.name) ? policy.types[column.name] : undefined;
  const chosen = declared === undefined ? own : overridden(own, declared);
  const order = orderOf(column, quoted, own, policy);
  return {
    name: column.name,
    sourceType: column.display,
    type: chosen.type,
    form: chosen.form ?? 'plain',
    exact: declared === undefined || declared.kind === 'string',
    select: `${chosen.select ?? quoted} AS ${postgresDialect.identifier(column.name)}`,
    ...(order !== undefined && { order }),
  };
}

/** Text is the database's own; any other type is read from the text that the column's own type would land from. */
function overridden(own: Mapped, declared: DataType): Mapped {
  if (formatType(own.type) === formatType(declared)) return own;
  if (declared.kind === 'string') return { type: STRING };
  return { ...own, type: declared, form: declared.kind === 'binary' ? (own.form ?? 'plain') : 'plain' };
}

function mapped(column: CatalogColumn, quoted: string, policy: TypePolicy): Mapped {
  if (column.category === 'A') return { type: { kind: 'json' }, select: arrayText(quoted) };
  if (column.typtype === 'c' || column.typname === 'record') {
    return { type: { kind: 'json' }, select: `to_json(${quoted})::text` };
  }
  if (column.typname === 'geometry' || column.typname === 'geography')
    return geometry(column, quoted, policy);
  // Enums are ordered as they were declared; other types of users as they say.
  if (column.schema !== 'pg_catalog') return { type: STRING, order: 'text' };
  switch (column.typname) {
    case 'bool':
      return { type: { kind: 'boolean' }, select: `${quoted}::text` };
    case 'int2':
    case 'int4':
      return { type: INT32, order: 'number' };
    case 'int8':
    case 'oid':
      return { type: INT64, order: 'number' };
    case 'float4':
      // Widened as a number: its shortest text would be another number in 64 bits.
      return { type: DOUBLE, select: `${quoted}::float8`, order: 'number' };
    case 'float8':
      return { type: DOUBLE, order: 'number' };
    case 'numeric':
      return numeric(column, policy);
    case 'money':
      return {
        type: { kind: 'decimal', precision: 19, scale: column.moneyScale },
        select: `${quoted}::numeric`,
        order: 'number',
      };
    case 'date':
    case 'time':
      return { type: { kind: column.typname }, order: column.typname };
    case 'timestamp':
      return policy.timezone === undefined
        ? { type: { kind: 'timestamp', unit: 'micros', utc: false }, order: 'timestamp' }
        : {
            type: { kind: 'timestamp', unit: 'micros', utc: true },
            select: inZone(quoted, policy.timezone),
            order: 'timestamptz',
          };
    case 'timestamptz':
      return { type: { kind: 'timestamp', unit: 'micros', utc: true }, order: 'timestamptz' };
    case 'uuid':
      return { type: { kind: 'uuid' }, order: 'text' };
    case 'json':
    case 'jsonb':
      return { type: { kind: 'json' } };
    case 'bytea':
      return { type: { kind: 'binary' }, select: `encode(${quoted}, 'hex')`, form: 'hex' };
    default:
      return { type: STRING, order: 'text' };
  }
}

/** The zone is a name that the config checked; in SQL it is a literal. */
function inZone(expression: string, zone: string): string {
  return `(${expression} AT TIME ZONE '${zone.replaceAll("'", "''")}')`;
}

/** As `numeric_out` has it: with a precision, always as many digits behind the point as the scale says. */
function numeric({ name, typmod, display }: CatalogColumn, policy: TypePolicy): Mapped {
  const packed = typmod - 4;
  const precision = (packed >> 16) & 0xffff;
  const scale = ((packed & 0x7ff) ^ 0x400) - 0x400;
  // A negative scale rounds to tens and more: whole numbers of more digits. A scale above the precision: 0.000…digits.
  const digits = Math.max(precision - Math.min(scale, 0), scale);
  if (typmod >= 4 && digits <= MOST_DIGITS) {
    return { type: { kind: 'decimal', precision: digits, scale: Math.max(scale, 0) }, order: 'number' };
  }
  if (policy.wideDecimals === 'fail' && !Object.hasOwn(policy.types, name)) {
    const what =
      typmod < 4 ? 'has no declared precision' : `is ${display}, of more than ${MOST_DIGITS} digits`;
    throw new FoundryError('DATA001', `the column ${name} ${what}, which no decimal type holds`, {
      details: { column: name },
      hint: `Set wide_decimals: text, or a type of db.types: ${name}: string, or ${name}: decimal(38,9).`,
    });
  }
  return { type: STRING, order: 'number' };
}

/**
 * JSON where that is the whole of the value. An array whose indexes do not begin at 1 is one string of JSON, as
 * PostgreSQL writes it: `"[0:1]={a,b}"`.
 */
function arrayText(quoted: string): string {
  const dimensions = [1, 2, 3, 4, 5, 6];
  const regular = dimensions.map((n) => `coalesce(array_lower(${quoted}, ${n}), 1) = 1`).join(' AND ');
  return `CASE WHEN ${regular} THEN to_json(${quoted})::text ELSE to_json(${quoted}::text)::text END`;
}

/** PostGIS writes its values as hexadecimal EWKB: well-known binary with the reference system. */
function geometry({ schema, typname }: CatalogColumn, quoted: string, policy: TypePolicy): Mapped {
  if (policy.geometry === 'wkb') return { type: { kind: 'binary' }, form: 'hex' };
  const cast = typname === 'geography' ? `${quoted}::${postgresDialect.identifier(schema)}.geometry` : quoted;
  return { type: STRING, select: `${postgresDialect.identifier(schema)}.ST_AsEWKT(${cast})` };
}

/** The comparison is of the column's own type, unless it holds texts that the config orders as something else. */
function orderOf(
  column: CatalogColumn,
  quoted: string,
  own: Mapped,
  policy: TypePolicy,
): ColumnOrder | undefined {
  if (own.order === undefined) return undefined;
  const asked = policy.cursor?.column === column.name ? policy.cursor.kind : undefined;
  if (own.order === 'text' && asked !== undefined && asked !== 'text' && cursorKindOf(own.type) === 'text') {
    const cast = CASTS[asked];
    return {
      kind: asked,
      expression: `(${quoted})::text::${cast}`,
      bound: (place) => `${place}::text::${cast}`,
    };
  }
  if (column.typname === 'timestamp' && policy.timezone !== undefined) {
    return {
      kind: 'timestamptz',
      expression: inZone(quoted, policy.timezone),
      bound: (place) => `${place}::text::timestamptz`,
    };
  }
  const cast = column.typname === 'money' ? 'numeric::money' : column.cast;
  return { kind: own.order, expression: quoted, bound: (place) => `${place}::text::${cast}` };
}

const CASTS: Readonly<Record<CursorKind, string>> = {
  number: 'numeric',
  date: 'date',
  time: 'time',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
  text: 'text',
};
