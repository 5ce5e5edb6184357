import { type DataType, STRING } from '../core/schema.ts';
import type { Engine } from '../engine/engine.ts';
import { identifier, sqlType } from '../engine/sql.ts';
import { exactText } from '../promotion/text-sql.ts';

/** Rows of one type of a column. */
export interface NumberScan {
  readonly type: DataType;
  /** What stands behind FROM. */
  readonly from: string;
}

const MAX_DIGITS = 38;
const BELOW_INT64 = '9223372036854775808';

/**
 * The one type for numbers of several kinds, by their values: double where each comes back from it as it was; else a
 * decimal where all fit; else text, in one spelling. Only the values decide, not their order or number.
 */
export async function numberType(
  engine: Engine,
  column: string,
  scans: readonly NumberScan[],
): Promise<DataType> {
  const name = identifier(column);
  let isDouble = scans.some(({ type }) => type.kind === 'double');
  let [whole, scale] = [0, 0];
  for (const { type, from } of scans) {
    const digits = `ltrim(${plainText(name, type)}, '-')`;
    const [found] = await engine.query(
      `SELECT count(*) FILTER (WHERE NOT coalesce(${comesBack(name, type)}, false)) AS lost, ` +
        `count(*) FILTER (WHERE ${plainText(name, type)} IS NULL) AS spelled, ` +
        `max(length(split_part(${digits}, '.', 1))) AS whole, max(length(split_part(${digits}, '.', 2))) AS scale ` +
        `FROM ${from} WHERE ${name} IS NOT NULL`,
    );
    if (Number(found?.lost) > 0) isDouble = false;
    whole = Number(found?.spelled) > 0 ? MAX_DIGITS + 1 : Math.max(whole, Number(found?.whole ?? 0));
    scale = Math.max(scale, Number(found?.scale ?? 0));
  }
  if (isDouble) return { kind: 'double' };
  return whole + scale > MAX_DIGITS
    ? STRING
    : { kind: 'decimal', precision: Math.max(1, whole + scale), scale };
}

/** SQL of a number in the type that `numberType` chose for its column. */
export function asNumber(column: string, from: DataType, to: DataType): string {
  if (to.kind === 'string') return numberText(column, from);
  const isByText = from.kind === 'decimal' || from.kind === 'double';
  const value = isByText ? `${own(column, from)}::VARCHAR` : column;
  return from.kind === to.kind && to.kind === 'double' ? own(column, from) : `${value}::${sqlType(to)}`;
}

/** True where a value comes back from a double as it was. */
function comesBack(column: string, type: DataType): string {
  if (type.kind === 'double') return 'true';
  // The engine divides an integer to make a double of a decimal; from text it takes the nearest.
  const double = type.kind === 'decimal' ? `${column}::VARCHAR::DOUBLE` : `${column}::DOUBLE`;
  const back = type.kind === 'decimal' ? `${double}::VARCHAR` : double;
  return `TRY_CAST(${back} AS ${sqlType(type)}) = ${column}`;
}

/**
 * One spelling for equal numbers, whatever their type: `9` for 9, 9.0 and 9.00. A double that has no such spelling
 * of 38 digits keeps its own.
 */
function numberText(column: string, type: DataType): string {
  return type.kind === 'double'
    ? `coalesce(${plainText(column, type)}, ${exactText(own(column, type), type)})`
    : plainText(column, type);
}

/** Digits alone, without zeros that say nothing; NULL for a double that 38 of them do not tell exactly. */
function plainText(column: string, type: DataType): string {
  if (type.kind === 'decimal')
    return type.scale === 0 ? `${column}::VARCHAR` : stripped(exactText(column, type));
  if (type.kind !== 'double') return `${column}::VARCHAR`;
  const double = own(column, type);
  const isWhole = `${double} = trunc(${double}) AND abs(${double}) < ${BELOW_INT64}`;
  const decimal = `TRY_CAST(${double}::VARCHAR AS DECIMAL(38,19))`;
  return (
    `CASE WHEN ${isWhole} THEN ${double}::BIGINT::VARCHAR ` +
    `WHEN TRY_CAST(${decimal}::VARCHAR AS DOUBLE) = ${double} THEN ${stripped(decimal)} END`
  );
}

function stripped(decimal: string): string {
  return `regexp_replace(regexp_replace(${decimal}::VARCHAR, '\\.?0+$', ''), '^(-?)\\.', '\\10.')`;
}

/** Singles become doubles before they become text. */
function own(column: string, { kind }: DataType): string {
  return kind === 'double' ? `${column}::DOUBLE` : column;
}
