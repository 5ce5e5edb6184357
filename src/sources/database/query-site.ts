import { type BaseQuery, type Condition, selectFrom } from './base-query.ts';
import type { Dialect } from './dialect.ts';
import type { ResultColumn, Session } from './driver.ts';

/** A query, and the session in which questions about its rows are asked before they are read. */
export interface QuerySite {
  readonly session: Session;
  readonly dialect: Dialect;
  readonly base: BaseQuery;
  readonly columns: readonly ResultColumn[];
  readonly origin: string;
}

export async function countRows(
  { session, base, dialect }: QuerySite,
  conditions: readonly Condition[],
): Promise<number> {
  const [row] = await session.query(selectFrom(base, dialect, dialect.rowCount, conditions));
  return Number(row?.[0] ?? 0);
}
