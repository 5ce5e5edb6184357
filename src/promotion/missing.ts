import { FoundryError } from '../core/errors.ts';
import type { DataType } from '../core/schema.ts';
import { identifier, literal } from '../engine/sql.ts';
import type { Decision } from './decide.ts';
import { dateOf } from './order-type.ts';

/** A full snapshot among the parts that are read. */
export interface Snapshot {
  /** `YYYY-MM-DD` of its partition. */
  readonly date: string;
  /** Position of its first part among all parts, from 0; of the next part where it has none. */
  readonly firstPart: number;
  readonly parts: number;
}

/** Which of the parts that are read are full snapshots. */
export interface Snapshots {
  /** Oldest first, one a date. */
  readonly list: readonly Snapshot[];
  readonly partCount: number;
}

/** Full snapshots by which keys are found missing. */
export interface Missing extends Snapshots {
  /** Every row with a key as SQL, also those that are set aside: their snapshot holds the key all the same. */
  readonly rows: string;
  /** Each snapshot's date as SQL, in the type of the order column. */
  readonly dates: readonly string[];
}

/**
 * @param timezone of the dates, where the order column knows zones; absent: UTC.
 * @throws CFG001 for an order column in which a date has no place.
 */
export function missingOf(
  snapshots: Snapshots,
  rows: string,
  order: { readonly column: string; readonly type: DataType },
  timezone: string | undefined,
): Missing | undefined {
  if (snapshots.list.length === 0) return undefined;
  if (dateOf(order.type, '') === undefined) {
    throw new FoundryError(
      'CFG001',
      `detect_missing needs dates or timestamps, but "${order.column}" holds ${order.type.kind} values`,
      { hint: 'A key that a snapshot no longer holds is deleted at the date of that snapshot.' },
    );
  }
  return {
    ...snapshots,
    rows,
    dates: snapshots.list.map(({ date }) => dateSql(date, order.type, timezone ?? 'UTC')),
  };
}

function dateSql(date: string, type: DataType, timezone: string): string {
  if (type.kind === 'date') return `DATE ${literal(date)}`;
  const midnight = `TIMESTAMP ${literal(`${date} 00:00:00`)}`;
  return type.kind === 'timestamp' && type.utc ? `(${midnight} AT TIME ZONE ${literal(timezone)})` : midnight;
}

/**
 * The rows of `good`, and for each row the snapshots before the key's next row at which the key went missing or
 * came back: rows of their own with the snapshot's date as order value, whose columns are those of the row before.
 * A row of the snapshot itself stands behind them, so that it wins a tie. Adds `cf, cr`, the row whose columns
 * these are, and `w`, 1 for a row that was read.
 */
export function withMissing(missing: Missing, decision: Decision, good: string, keys: string): string {
  const { list: snapshots, dates } = missing;
  const owner = perPart(missing, (index) => (index === undefined ? 'NULL' : String(index + 1)));
  const keyColumns = decision.keys.map((key, index) => `${identifier(key)} AS k${index}`).join(', ');
  const hasKeys = decision.keys.map((key) => `${identifier(key)} IS NOT NULL`).join(' AND ');
  const dateOfX = `([${dates.join(', ')}])[x]`;
  const firstOfX = `([${snapshots.map(({ firstPart }) => firstPart).join(', ')}])[x]`;
  const all = `[${snapshots.map((_, index) => index + 1).join(', ')}]`;
  const isBetween = `(${dateOfX} > o OR (${dateOfX} = o AND s IS NULL AND f < ${firstOfX})) AND (n IS NULL OR ${dateOfX} < n)`;
  const order = decision.sequence === undefined ? 'o, f, r' : 'o, s NULLS FIRST, f, r';
  return (
    `WITH g AS (${good}), ` +
    `held AS (SELECT ${keys}, list(j) AS h FROM (SELECT ${keyColumns}, ${owner} AS j FROM (${missing.rows}) WHERE ${hasKeys}) WHERE j IS NOT NULL GROUP BY ALL), ` +
    `followed AS (SELECT *, lead(o) OVER (PARTITION BY ${keys} ORDER BY ${order}) AS n FROM g), ` +
    `between_rows AS (SELECT f.*, coalesce(h, []) AS h, list_filter(${all}, lambda x: ${isBetween}) AS js FROM followed f LEFT JOIN held USING (${keys}) WHERE NOT d AND n IS DISTINCT FROM o), ` +
    `turns AS (SELECT *, unnest(list_filter(js, lambda x, i: list_contains(h, x) <> (i = 1 OR list_contains(h, js[i - 1])))) AS x FROM between_rows) ` +
    `SELECT *, f AS cf, r AS cr, 1 AS w FROM g UNION ALL ` +
    `SELECT * EXCLUDE (n, h, js, x) REPLACE (${firstOfX} AS f, -1 AS r, ${dateOfX} AS o, NULL AS s, NOT list_contains(h, x) AS d), ` +
    `f AS cf, r AS cr, 0 AS w FROM turns`
  );
}

/** SQL of a row's value by the part that it is of: `of` gets the index of the part's snapshot, if it is of one. */
export function perPart(
  { list, partCount }: Snapshots,
  of: (snapshot: number | undefined) => string,
): string {
  const owners: (number | undefined)[] = Array.from({ length: partCount }, () => undefined);
  for (const [index, { firstPart, parts }] of list.entries()) {
    owners.fill(index, firstPart, firstPart + parts);
  }
  return `([${owners.map(of).join(', ')}])["__file" + 1]`;
}
