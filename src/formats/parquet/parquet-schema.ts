import type { SchemaElement } from 'hyparquet';
import { unreachable } from '../../core/errors.ts';
import type { Field, TableSchema } from '../../core/schema.ts';

/** A flat Parquet schema; every column is optional. */
export function parquetSchema(schema: TableSchema): SchemaElement[] {
  return [{ name: 'schema', num_children: schema.fields.length }, ...schema.fields.map(element)];
}

function element({ name, type }: Field): SchemaElement {
  const base = { name, repetition_type: 'OPTIONAL' } as const;
  switch (type.kind) {
    case 'string':
    case 'uuid':
    case 'json':
      return { ...base, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } };
    case 'binary':
      return { ...base, type: 'BYTE_ARRAY' };
    case 'boolean':
      return { ...base, type: 'BOOLEAN' };
    case 'int32':
      return { ...base, type: 'INT32' };
    case 'int64':
      return { ...base, type: 'INT64' };
    case 'double':
      return { ...base, type: 'DOUBLE' };
    case 'date':
      return { ...base, type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } };
    case 'time':
      // No converted type: TIME_MICROS would mean "adjusted to UTC", which a wall-clock time is not.
      return {
        ...base,
        type: 'INT64',
        logical_type: { type: 'TIME', isAdjustedToUTC: false, unit: 'MICROS' },
      };
    case 'timestamp': {
      const logical_type = { type: 'TIMESTAMP', isAdjustedToUTC: type.utc, unit: 'MICROS' } as const;
      const converted = type.utc ? ({ converted_type: 'TIMESTAMP_MICROS' } as const) : {};
      return { ...base, type: 'INT64', ...converted, logical_type };
    }
    case 'decimal': {
      const { precision, scale } = type;
      const decimal = {
        ...base,
        converted_type: 'DECIMAL',
        precision,
        scale,
        logical_type: { type: 'DECIMAL', precision, scale },
      } as const;
      if (precision <= 9) return { ...decimal, type: 'INT32' };
      if (precision <= 18) return { ...decimal, type: 'INT64' };
      return { ...decimal, type: 'FIXED_LEN_BYTE_ARRAY', type_length: 16 };
    }
    default:
      return unreachable(type);
  }
}
