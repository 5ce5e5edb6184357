import { FoundryError } from '../core/errors.ts';
import type { DataType } from '../core/schema.ts';
import { identifier, literal } from '../engine/sql.ts';
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

/** What of a decision says which rows are of one key, and in which order. */
interface RowOrder {
  readonly keys: readonly string[];
  readonly sequence?: string;
}

/** So many snapshots are marked in one number. */
const BITS = 60;

/**
 * The rows of `good`, and for each row the snapshots before the key's next row at which the key went missing or
 * came back: rows of their own with the snapshot's date as order value, whose columns are those of the row before.
 * A row of the snapshot itself stands behind them, so that it wins a tie. Adds `cf, cr`, the row whose columns
 * these are, and `w`, 1 for a row that was read.
 *
 * The snapshots after a row and before the next are a span `[lo, hi)` of all. Which of them hold the key is a bit
 * each, so that rows whose key is never missing, nearly all, cost no more than a comparison.
 */
export function withMissing(missing: Missing, decision: RowOrder, good: string, keys: string): string {
  const { list: snapshots, dates } = missing;
  const owner = perPart(missing, (index) => (index === undefined ? 'NULL' : String(index)));
  const keyColumns = decision.keys.map((key, index) => `${identifier(key)} AS k${index}`).join(', ');
  const hasKeys = decision.keys.map((key) => `${identifier(key)} IS NOT NULL`).join(' AND ');
  const at = (values: readonly (string | number)[], index: string): string =>
    `([${values.join(', ')}])[${index} + 1]`;
  const firstParts = snapshots.map(({ firstPart }) => firstPart);
  const isLater = `(${at(dates, 'b')} = o AND NOT (s IS NULL AND f < ${at(firstParts, 'b')}))`;
  const order = decision.sequence === undefined ? 'o, f, r' : 'o, s NULLS FIRST, f, r';
  const words = Array.from({ length: Math.ceil(snapshots.length / BITS) }, (_, word) => word);
  const marks = words.map(
    (word) =>
      `coalesce(bit_or(CASE WHEN j // ${BITS} = ${word} THEN 1::BIGINT << (j % ${BITS})::BIGINT END), 0) AS m${word}`,
  );
  const holds = (x: string): string =>
    `(([${words.map((word) => `coalesce(m${word}, 0)`).join(', ')}])[${x} // ${BITS} + 1] >> (${x} % ${BITS})) & 1 = 1`;
  return (
    `WITH g AS (${good}), ` +
    `held AS (SELECT ${keys}, ${marks.join(', ')} FROM (SELECT ${keyColumns}, (${owner})::BIGINT AS j FROM (${missing.rows}) WHERE ${hasKeys}) WHERE j IS NOT NULL GROUP BY ${keys}), ` +
    `followed AS (SELECT *, lead(o) OVER (PARTITION BY ${keys} ORDER BY ${order}) AS n FROM g), ` +
    `placed AS (SELECT *, ${countBefore(dates, 'o')} AS b, CASE WHEN n IS NULL THEN ${dates.length} ELSE ${countBefore(dates, 'n')} END AS hi FROM followed WHERE NOT d AND n IS DISTINCT FROM o), ` +
    `spans AS (SELECT * EXCLUDE (b), (b + coalesce(${isLater}, false)::INTEGER)::BIGINT AS lo FROM placed), ` +
    `gaps AS (SELECT * FROM (SELECT * FROM spans WHERE lo < hi) LEFT JOIN held USING (${keys}) WHERE NOT (${words.map(holdsAll).join(' AND ')})), ` +
    `turns AS (SELECT *, unnest(list_filter(range(lo, hi), lambda x: (${holds('x')}) <> (x = lo OR ${holds('(x - 1)')}))) AS x FROM gaps) ` +
    `SELECT *, f AS cf, r AS cr, 1 AS w FROM g UNION ALL ` +
    `SELECT * EXCLUDE (n, lo, hi, x, ${words.map((word) => `m${word}`).join(', ')}) ` +
    `REPLACE (${at(firstParts, 'x')} AS f, -1 AS r, ${at(dates, 'x')} AS o, NULL AS s, NOT (${holds('x')}) AS d), ` +
    `f AS cf, r AS cr, 0 AS w FROM turns`
  );
}

/** Whether the key is held by all snapshots of its span that this number marks. */
function holdsAll(word: number): string {
  const [from, to] = [`greatest(lo, ${word * BITS})`, `least(hi, ${(word + 1) * BITS})`];
  const bits = `(((1::BIGINT << greatest(0, ${to} - ${from})) - 1) << greatest(0, ${from} - ${word * BITS}) % ${BITS})`;
  return `coalesce(m${word}, 0) & ${bits} = ${bits}`;
}

/** How many of the dates, which ascend, are before a value: by halves, since it is asked of every row. */
function countBefore(dates: readonly string[], value: string, from = 0): string {
  if (dates.length === 0) return String(from);
  const middle = dates.length >> 1;
  const [low, high] = [dates.slice(0, middle), dates.slice(middle + 1)];
  return (
    `CASE WHEN ${dates[middle]} < ${value} THEN ${countBefore(high, value, from + middle + 1)} ` +
    `ELSE ${countBefore(low, value, from)} END`
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
