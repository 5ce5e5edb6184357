import { type DataType, type Field, STRING, type TableSchema } from '../core/schema.ts';

const DOUBLE: DataType = { kind: 'double' };
const INT64: DataType = { kind: 'int64' };

/** One file of samples (or two, one a format): its rows can be made in any order, and again. */
export interface SamplePart {
  /** `full-part-0001` */
  readonly stem: string;
  readonly schema: TableSchema;
  readonly rows: number;
  /** The values of one row, as a `Batch` holds them. */
  readonly row: (index: number) => readonly unknown[];
}

/** `name` is text, `name:double` and `name:int64` are numbers. */
export function columns(...names: readonly string[]): TableSchema {
  return {
    fields: names.map((entry): Field => {
      const [name = '', kind] = entry.split(':');
      return { name, type: kind === 'double' ? DOUBLE : kind === 'int64' ? INT64 : STRING };
    }),
  };
}

export function money(unit: number, from: number, to: number): number {
  return Math.round((from + unit * (to - from)) * 100) / 100;
}

export function orderId(number: number): string {
  return `ORD-${String(number).padStart(5, '0')}`;
}
