import type { DataType, TableSchema } from '../core/schema.ts';
import type { Engine } from './engine.ts';
import { inferTypes } from './infer.ts';
import { identifier } from './sql.ts';
import { textCastSql } from './text-cast.ts';

export interface TypedColumns {
  /** A select list over the text columns. A value that is not of its type fails the query. */
  readonly columnsSql: string;
  readonly schema: TableSchema;
}

/**
 * Text columns in the types that the config gives them.
 * @returns undefined when they all stay text, `declined` when the engine cannot promise the values of the other lane.
 */
export function declaredColumns(
  schema: TableSchema,
  types: Readonly<Record<string, DataType>>,
): TypedColumns | undefined | 'declined' {
  const declared = new Map(Object.entries(types));
  const found = schema.fields.map(({ name }) => {
    const type = declared.get(name) ?? ({ kind: 'string' } as const);
    return { field: { name, type }, sql: columnSql(name, type) };
  });
  if (found.every(({ field }) => field.type.kind === 'string')) return undefined;
  if (found.some(({ sql }) => sql === undefined)) return 'declined';
  return {
    columnsSql: found.map(({ sql }) => sql).join(', '),
    schema: { fields: found.map(({ field }) => field) },
  };
}

/**
 * Text columns in the types that keep every value as it is written.
 * @param from a FROM clause over all rows.
 */
export async function inferredColumns(
  engine: Engine,
  from: string,
  schema: TableSchema,
): Promise<TypedColumns | undefined | 'declined'> {
  const names = schema.fields.map((field) => field.name);
  const types = await inferTypes(engine, from, names);
  return types === 'declined' ? types : declaredColumns(schema, Object.fromEntries(types));
}

function columnSql(name: string, type: DataType): string | undefined {
  const text = identifier(name);
  if (type.kind === 'string') return text;
  const cast = textCastSql(type, text);
  if (cast === undefined) return undefined;
  // Which row it is, the other lane tells.
  return `CASE WHEN ${text} IS NULL THEN NULL WHEN ${cast.valid} THEN ${cast.value} ELSE error('misfit: ' || ${text}) END AS ${text}`;
}
