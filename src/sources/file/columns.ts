import type { FileSourceSpec } from '../../config/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { type DataType, type Field, STRING, type TableSchema, tableSchema } from '../../core/schema.ts';

/** Names in the order of their first appearance. */
export function unionNames(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())];
}

/** The type that the config gives a column, if it does; `__proto__` and `constructor` are names like others. */
export function declaredType(types: FileSourceSpec['types'], name: string): DataType | undefined {
  return typeof types !== 'string' && Object.hasOwn(types, name) ? types[name] : undefined;
}

/** @throws DATA001 when `types` names a column that the files do not have. */
export function checkTypedColumns(
  types: FileSourceSpec['types'],
  names: readonly string[],
  origin: string,
): void {
  if (typeof types === 'string') return;
  for (const name of Object.keys(types)) {
    if (names.includes(name)) continue;
    throw new FoundryError(
      'DATA001',
      `${origin} has no column "${name}", which the file option "types" names${didYouMean(name, names)}`,
      {
        hint: `Its columns: ${names.slice(0, 50).join(', ') || 'none'}.`,
      },
    );
  }
}

/**
 * The columns to land: all of `names`, or the projection in its order. A projected name that the files lack
 * becomes a string column of NULLs, with a warning.
 */
export function projectedSchema(
  spec: FileSourceSpec,
  names: readonly string[],
  typeOf: (name: string) => DataType,
  warn: (message: string) => void,
): TableSchema {
  const known = new Set(names);
  const fields = (spec.columns ?? names).map((name): Field => {
    if (known.has(name)) return { name, type: typeOf(name) };
    warn(`${spec.path} has no column "${name}"${didYouMean(name, names)}: it lands as NULLs`);
    return { name, type: STRING };
  });
  return tableSchema(fields, spec.path);
}
