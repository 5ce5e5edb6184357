import { FoundryError } from '../../core/errors.ts';
import { oneLine } from './meaning.ts';
import type { Statement } from './statement.ts';

/** The columns of a statement that gives rows. @throws EXT001 for one that gives none: CALL, UPDATE, CREATE, … */
export function rowGiving<T>(columns: readonly T[], { sql }: Statement): readonly T[] {
  if (columns.length > 0) return columns;
  throw new FoundryError('EXT001', 'the statement gives no columns', {
    details: { query: oneLine(sql) },
    hint: 'Write a SELECT. Procedures, and statements that change something, are no queries here.',
  });
}
