import type { TableSchema } from '../core/schema.ts';
import type { EngineCsvInput } from '../sources/engine-input.ts';
import type { Engine } from './engine.ts';

/**
 * How the text columns of a staged file are typed: undefined when they stay text, `declined` when the engine
 * cannot promise the values that the other lane would give.
 */
export async function typedSelect(
  _engine: Engine,
  _staged: string,
  schema: TableSchema,
  types: EngineCsvInput['types'],
): Promise<{ readonly columnsSql: string; readonly schema: TableSchema } | undefined | 'declined'> {
  if (types === 'text') return undefined;
  if (types === 'infer') return 'declined';
  const typed = schema.fields.some(
    (field) => types[field.name] !== undefined && types[field.name]?.kind !== 'string',
  );
  return typed ? 'declined' : undefined;
}
