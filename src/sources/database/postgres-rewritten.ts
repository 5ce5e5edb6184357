import { FoundryError } from '../../core/errors.ts';
import type { TextRow } from './driver.ts';
import type { Statement } from './statement.ts';

/**
 * Relations that this transaction has read and that are not what its snapshot knows. TRUNCATE, and an ALTER TABLE that
 * writes the table anew, put other files in the place of those that the snapshot could see into: to it the table is
 * empty. It happens to whoever took the snapshot and then waited for the lock. `pg_class` is read through the snapshot,
 * `pg_relation_filenode` is not; what lies below 16384 is the server's own, and a new index hides
 * no rows.
 */
const REWRITTEN = `SELECT l.relation::regclass::text FROM pg_catalog.pg_locks l
LEFT JOIN pg_catalog.pg_class c ON c.oid = l.relation
WHERE l.locktype = 'relation' AND l.pid = pg_catalog.pg_backend_pid() AND l.relation >= 16384
AND pg_catalog.pg_relation_filenode(l.relation) IS DISTINCT FROM nullif(c.relfilenode, 0)
AND pg_catalog.pg_get_indexdef(l.relation) IS NULL
ORDER BY l.relation LIMIT 1`;

/** @throws RETRY001 where rows of a relation cannot be seen, so that what was read is not all */
export async function refuseRewritten(
  where: string,
  query: (statement: Statement) => Promise<readonly TextRow[]>,
): Promise<void> {
  const [row] = await query({ sql: REWRITTEN, params: [] });
  const table = row?.[0];
  if (table === undefined || table === null) return;
  throw new FoundryError(
    'RETRY001',
    `${where}: ${table} was made anew (TRUNCATE, ALTER TABLE, CREATE) when its reading had begun, so that not all of its rows could be seen`,
    { details: { rewritten: table }, hint: 'Nothing was committed. Run again.' },
  );
}

/** Whether only another snapshot can help. */
export function isRewritten(error: unknown): boolean {
  return error instanceof FoundryError && 'rewritten' in error.details;
}
