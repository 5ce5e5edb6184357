import { unreachable } from '../core/errors.ts';
import type { DataType } from '../core/schema.ts';
import { type EngineTextColumn, NOT_TYPED_BY_ENGINE } from '../sources/engine-input.ts';
import { fileLiteral, identifier, literal, sqlType } from './sql.ts';
import { textCastSql } from './text-cast.ts';

const SHORTEST_LINE_LIMIT = 256 * 1024;
const LONGEST_LINE_LIMIT = 4 * 1024 * 1024;
/** How much longer than the longest of the first records any later one may be. */
const LINE_RESERVE = 16;

/** Of a record; a longer one is for the row lane. The engine's buffers are twice as large, and it holds several. */
export function lineLimit(longestOfFirst: number): number {
  return Math.min(LONGEST_LINE_LIMIT, Math.max(SHORTEST_LINE_LIMIT, longestOfFirst * LINE_RESERVE));
}

/**
 * A query for the records of a pipe, each value as its column's type has it. What a type does not hold fails the query.
 * Undefined where the engine does not read one of the types by the rules of `table/cast.ts`.
 */
export function textScanSql(
  columns: readonly EngineTextColumn[],
  path: string,
  longestRecord = LONGEST_LINE_LIMIT,
): string | undefined {
  const found = columns.map(columnSql);
  if (found.includes(undefined)) return undefined;
  const read = found.map((column, index) => `${literal(`c${index}`)}: ${literal(column?.read ?? 'VARCHAR')}`);
  const options = [
    'auto_detect=false',
    'header=false',
    `delim=','`,
    `quote='"'`,
    `escape='"'`,
    `new_line='\\n'`,
    `nullstr='\\N'`,
    'allow_quoted_nulls=false',
    'strict_mode=true',
    'null_padding=false',
    'ignore_errors=false',
    `compression='none'`,
    'hive_partitioning=false',
    `columns={${read.join(', ')}}`,
    `max_line_size=${longestRecord}`,
    `buffer_size=${longestRecord * 2}`,
  ];
  const values = found.map((column, index) => `${column?.select(`c${index}`)} AS c${index}`);
  const checked = found.map(
    (column, index) =>
      `${column?.check?.(`c${index}`) ?? `c${index}`} AS ${identifier(columns[index]?.name ?? '')}`,
  );
  // Two steps: a cast that stands in its own check is made twice, which is most of what a timestamp costs.
  return `SELECT ${checked.join(', ')} FROM (SELECT ${values.join(', ')} FROM read_csv(${fileLiteral(path)}, ${options.join(', ')}))`;
}

interface ColumnSql {
  /** Type that the reader gives the cells. */
  readonly read: string;
  readonly select: (cell: string) => string;
  /** The selected value, or an error where it is none of the type; absent: it always is one. */
  readonly check?: (value: string) => string;
}

function columnSql({ type, form, exact }: EngineTextColumn): ColumnSql | undefined {
  if (form === 'hex') return { read: 'VARCHAR', select: (cell) => `unhex(${cell})` };
  if (!exact) return checkedColumn(type);
  const direct = { read: sqlType(type), select: (cell: string): string => cell };
  switch (type.kind) {
    case 'string':
    case 'uuid':
    case 'json':
    case 'boolean':
    case 'int32':
    case 'int64':
    case 'double':
      return direct;
    case 'decimal':
      return type.precision <= NARROW_DIGITS || type.scale > NARROW_DIGITS
        ? direct
        : { read: 'VARCHAR', select: (cell) => wideDecimal(cell, type) };
    case 'date':
      return temporal(
        type,
        "DATE '0001-01-01'",
        "DATE '9999-12-31'",
        (cell) => `CASE WHEN ${cell} IS NULL OR strlen(${cell}) = 10 THEN ${cell} ELSE error('misfit') END`,
      );
    case 'time':
      return temporal(type, "TIME '00:00:00'", "TIME '23:59:59.999999'");
    case 'timestamp': {
      const kind = sqlType(type);
      const zone = type.utc ? '+00' : '';
      return temporal(
        type,
        `${kind} '0001-01-01 00:00:00${zone}'`,
        `${kind} '9999-12-31 23:59:59.999999${zone}'`,
      );
    }
    case 'binary':
      return undefined;
    default:
      return unreachable(type);
  }
}

/** Of a decimal in 64 bits. */
const NARROW_DIGITS = 18;

/**
 * Whole digits and fraction apart: the engine's own cast to a decimal of more than 64 bits takes 20 µs a value, a
 * hundred times as long. The text has no digits beyond the scale.
 */
function wideDecimal(cell: string, { precision, scale }: { precision: number; scale: number }): string {
  const target = `DECIMAL(${precision},${scale})`;
  if (scale === 0) return `${cell}::HUGEINT::${target}`;
  const whole = `split_part(${cell}, '.', 1)::HUGEINT::${target}`;
  const fraction = `('0.' || split_part(${cell}, '.', 2))::DECIMAL(${NARROW_DIGITS},${scale})`;
  // The whole digits of -0.5 are 0, without a sign.
  return `(${whole} + CASE WHEN starts_with(${cell}, '-') THEN -${fraction} ELSE ${fraction} END)::${target}`;
}

/** Digits, and whatever else the text may hold, are looked at; see `text-cast.ts`. */
function checkedColumn(type: DataType): ColumnSql | undefined {
  if (NOT_TYPED_BY_ENGINE.has(type.kind)) return undefined;
  return {
    read: 'VARCHAR',
    select: (cell) => {
      const cast = textCastSql(type, cell);
      return cast === undefined
        ? cell
        : `CASE WHEN ${cell} IS NULL THEN NULL WHEN ${cast.valid} THEN ${cast.value} ELSE error('misfit') END`;
    },
  };
}

/**
 * Read as text and cast: the engine's reader of CSV takes `0044-03-15 BC` for the year 44 of our era, and its casts take
 * a date with something behind it. Infinities, years beyond 9999 and 24:00:00 are values to the engine, but to few
 * readers of files.
 */
function temporal(
  type: DataType,
  least: string,
  most: string,
  text: (cell: string) => string = (cell) => cell,
): ColumnSql {
  return {
    read: 'VARCHAR',
    select: (cell) => `(${text(cell)})::${sqlType(type)}`,
    check: (value) =>
      `CASE WHEN ${value} IS NULL OR ${value} BETWEEN ${least} AND ${most} THEN ${value} ELSE error('misfit') END`,
  };
}
