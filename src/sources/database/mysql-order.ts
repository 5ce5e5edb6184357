import { unreachable } from '../../core/errors.ts';
import type { CursorKind } from '../../table/cursor-order.ts';
import type { ColumnOrder } from './driver.ts';

/**
 * The comparison of a column with a bound of its own type: a text that meets a number would make doubles of both.
 * @param column as `q` has it
 */
export function mysqlOrder(column: string, kind: CursorKind, sourceType: string): ColumnOrder {
  return { kind, expression: column, bound: (place) => boundOf(place, kind, sourceType) };
}

/** Texts that the config orders as something else. */
export function mysqlTextOrder(column: string, kind: CursorKind): ColumnOrder {
  return {
    kind,
    expression: boundOf(column, kind, 'decimal(65,30)'),
    bound: (place) => boundOf(place, kind, 'decimal(65,30)'),
  };
}

function boundOf(text: string, kind: CursorKind, sourceType: string): string {
  switch (kind) {
    case 'number':
      return numberOf(text, sourceType);
    case 'date':
      return `CAST(${text} AS DATE)`;
    case 'time':
      return `CAST(${text} AS TIME(6))`;
    case 'timestamp':
    case 'timestamptz':
      // The session is in UTC.
      return `CAST(REPLACE(REPLACE(${text}, 'T', ' '), 'Z', '') AS DATETIME(6))`;
    case 'text':
      return text;
    default:
      return unreachable(kind);
  }
}

const MOST_DIGITS = 65;
const MOST_SCALE = 30;

function numberOf(text: string, sourceType: string): string {
  if (/^(?:float|double)/.test(sourceType)) return `(${text} + 0E0)`;
  const [, precision = '20', scale = '0'] = /^decimal\((\d+),(\d+)\)/.exec(sourceType) ?? [];
  // All digits of the column, and what is left of the server's for a bound between two values.
  const whole = Number(precision) - Number(scale);
  const room = Math.max(Number(scale), Math.min(MOST_SCALE, MOST_DIGITS - whole));
  return `CAST(${text} AS DECIMAL(${MOST_DIGITS},${room}))`;
}
