import type { DataType } from '../core/schema.ts';

/** SQL for the text of a value that foundry's own readers give the same value for (`table/format.ts`). */
export function exactText(column: string, type: DataType): string {
  switch (type.kind) {
    case 'timestamp':
      return type.utc
        ? `strftime(${column} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')`
        : `strftime(${column}, '%Y-%m-%dT%H:%M:%S.%f')`;
    case 'time':
      return `strftime(DATE '2000-01-01' + ${column}, '%H:%M:%S.%f')`;
    case 'binary':
      return `to_base64(${column})`;
    case 'double':
      return `CASE WHEN isnan(${column}) THEN 'NaN' WHEN isinf(${column}) THEN CASE WHEN ${column} > 0 THEN 'Infinity' ELSE '-Infinity' END ELSE ${column}::VARCHAR END`;
    case 'decimal':
      // Without digits before the point the engine writes `.50`.
      return type.scale === type.precision
        ? `regexp_replace(${column}::VARCHAR, '^(-?)\\.', '\\10.')`
        : `${column}::VARCHAR`;
    case 'string':
    case 'uuid':
    case 'json':
      return column;
    default:
      return `${column}::VARCHAR`;
  }
}
