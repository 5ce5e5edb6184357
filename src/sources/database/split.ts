import type { SplitSpec } from '../../config/database/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import { type Condition, selectFrom } from './base-query.ts';
import type { ChunkWish, ResultColumn } from './driver.ts';
import { countRows, type QuerySite } from './query-site.ts';

/**
 * Conditions that split a read into chunks whose rows together are exactly the rows: by a column's ranges where one is
 * named (bounds are found on the way, so that a chunk has about as many rows as asked for, however they are spread),
 * else by where the rows of a table lie, else by its primary key.
 *
 * @param conditions on the rows of the whole read
 * @throws CFG001 where there is nothing to split by
 */
export async function splitRead(
  site: QuerySite,
  split: SplitSpec,
  conditions: readonly Condition[],
): Promise<readonly (readonly Condition[])[]> {
  if (split.workers <= 1 && split.chunkRows === undefined) return [conditions];
  const wish: ChunkWish =
    split.chunkRows === undefined ? { chunks: split.workers } : { rows: split.chunkRows };
  const { table } = site.base;
  if (split.column === undefined && split.consistency === 'snapshot' && table !== undefined) {
    const ranges = await site.session.physicalRanges?.(table, wish);
    if (ranges !== undefined) return ranges.map((sql) => [...conditions, { sql: () => sql }]);
  }
  const name = split.column ?? (table === undefined ? undefined : await site.session.primaryKey(table));
  const column = site.columns.find((candidate) => candidate.name === name);
  if (column?.order === undefined) throw nothingToSplitBy(name);
  return keyRanges(site, column, wish, conditions);
}

function nothingToSplitBy(name: string | undefined): FoundryError {
  const problem =
    name === undefined
      ? 'a query, or a table without a primary key of one column, can only be read in chunks by a column that is named'
      : `the column ${name} is not among the columns that are read, or has no order`;
  return new FoundryError('CFG001', problem, {
    hint: 'Set partition_on in the db section: a column of the query that is indexed and never changes, such as its key.',
  });
}

async function keyRanges(
  site: QuerySite,
  column: ResultColumn,
  wish: ChunkWish,
  conditions: readonly Condition[],
): Promise<readonly (readonly Condition[])[]> {
  const { order } = column;
  if (order === undefined) return [conditions];
  const rows = 'rows' in wish ? wish.rows : Math.ceil((await countRows(site, conditions)) / wish.chunks);
  const bounds = await boundsOf(site, column, Math.max(1, rows), conditions);
  const from = (value: string): Condition => ({
    sql: (place) => `${order.expression} >= ${order.bound(place)}`,
    param: value,
  });
  const below = (value: string): Condition => ({
    sql: (place) => `${order.expression} < ${order.bound(place)}`,
    param: value,
  });
  const ranges = [undefined, ...bounds].map((low, index) => {
    const high = bounds[index];
    return [
      ...conditions,
      ...(low === undefined ? [] : [from(low)]),
      ...(high === undefined ? [] : [below(high)]),
      ...(low === undefined && high === undefined ? [{ sql: () => `${order.expression} IS NOT NULL` }] : []),
    ];
  });
  const nulls: Condition = { sql: () => `${order.expression} IS NULL` };
  const hasNulls = (await countRows(site, [...conditions, nulls])) > 0;
  return hasNulls ? [...ranges, [...conditions, nulls]] : ranges;
}

/**
 * The first values of all chunks but the first: each is the value that many rows after the one before. Values that
 * repeat more often than a chunk has rows make a longer chunk.
 */
async function boundsOf(
  site: QuerySite,
  column: ResultColumn,
  rows: number,
  conditions: readonly Condition[],
): Promise<readonly string[]> {
  const { order } = column;
  if (order === undefined) return [];
  const bounds: string[] = [];
  for (;;) {
    const last = bounds.at(-1);
    const beyond: Condition =
      last === undefined
        ? { sql: () => `${order.expression} IS NOT NULL` }
        : { sql: (place) => `${order.expression} >= ${order.bound(place)}`, param: last };
    const next = await nthValue(site, column, rows, [...conditions, beyond], last);
    if (next === undefined) return bounds;
    bounds.push(next);
  }
}

/** The first value that is larger than `last` and has at least `rows` rows before it; undefined where none has. */
async function nthValue(
  { session, dialect, base }: QuerySite,
  column: ResultColumn,
  rows: number,
  conditions: readonly Condition[],
  last: string | undefined,
): Promise<string | undefined> {
  const { order } = column;
  if (order === undefined) return undefined;
  const valueAt = async (at: number, wanted = conditions): Promise<string | undefined> => {
    const [row] = await session.query(
      selectFrom(base, dialect, column.select, wanted, { orderBy: order.expression, nth: at }),
    );
    return row?.[0] ?? undefined;
  };
  const compared = (operator: '=' | '>', param: string): Condition => ({
    sql: (place) => `${order.expression} ${operator} ${order.bound(place)}`,
    param,
  });
  const value = await valueAt(rows);
  const first = last ?? (await valueAt(0));
  if (value === undefined || first === undefined) return undefined;
  // Texts that are not the same may be equal to the database: `a` and `A`.
  const isFirst =
    value === first ||
    (order.kind === 'text' &&
      (await valueAt(0, [...conditions, compared('=', value), compared('=', first)])) !== undefined);
  return isFirst ? valueAt(0, [...conditions, compared('>', value)]) : value;
}
