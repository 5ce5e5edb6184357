import type { SilverSpec } from '../config/spec.ts';
import { type DataType, type Field, STRING } from '../core/schema.ts';
import type { Engine } from '../engine/engine.ts';
import { identifier } from '../engine/sql.ts';
import { type OrderExpression, type OrderRole, orderExpression } from './order-type.ts';

/** What a promotion has to know of the data itself. */
export interface Probe {
  /** How a column of `bronze_rows` orders its rows; its role is for messages. */
  order(field: Field, role?: OrderRole): Promise<OrderExpression>;
  /** The first row of a query over `bronze_rows`. */
  first(sql: string): Promise<Record<string, unknown> | undefined>;
}

export function dataProbe(engine: Engine, spec: SilverSpec): Probe {
  return {
    order: async (field, role = 'order') =>
      declaredText(spec, field) ?? orderExpression(engine, 'bronze_rows', field, spec.timezone, role),
    first: async (sql) => (await engine.query(sql))[0],
  };
}

/** For `--dry-run`, which looks at no row: text that orders rows is shown as timestamps. */
export function schemaProbe(spec: SilverSpec): Probe {
  return {
    order: async (field) => {
      const text = declaredText(spec, field);
      if (text !== undefined) return text;
      const type: DataType =
        field.type.kind === 'string' ? { kind: 'timestamp', unit: 'micros', utc: false } : field.type;
      const column = identifier(field.name);
      return { type, sql: field.type.kind === 'string' ? `TRY_CAST(${column} AS TIMESTAMP)` : column };
    },
    first: async () => undefined,
  };
}

/** Text orders rows as text only where the config says that it is no more, as of sortable ids. */
function declaredText({ shaping }: SilverSpec, { name }: Field): OrderExpression | undefined {
  const isText = shaping !== undefined && Object.hasOwn(shaping.types, name);
  return isText && shaping.types[name]?.kind === 'string'
    ? { type: STRING, sql: identifier(name) }
    : undefined;
}
