import type { JoinType } from '../config/join/spec.ts';
import { sameType, type TableSchema } from '../core/schema.ts';
import { identifier, sqlType } from '../engine/sql.ts';
import type { OutputColumn } from './columns.ts';
import type { JoinKey, JoinTimes } from './keys.ts';

/** Everything that the SQL of a join needs but the rows. */
export interface JoinShape {
  readonly joinType: JoinType;
  readonly keys: readonly JoinKey[];
  readonly times?: JoinTimes;
  readonly columns: readonly OutputColumn[];
}

export type BuildSide = 'left' | 'right';

const WORDS: Readonly<Record<JoinType, string>> = {
  inner: 'INNER JOIN',
  left: 'LEFT JOIN',
  right: 'RIGHT JOIN',
  outer: 'FULL JOIN',
  semi: 'SEMI JOIN',
  anti: 'ANTI JOIN',
};
/** The same join with the sides written the other way round: the engine builds on the one that stands last. */
const SWAPPED: Readonly<Partial<Record<JoinType, string>>> = {
  inner: 'INNER JOIN',
  left: 'RIGHT JOIN',
  right: 'LEFT JOIN',
  outer: 'FULL JOIN',
};

/**
 * A query for the joined rows, by the left row's place and then the right one's; rows of the right side alone come
 * last. NULL never equals NULL.
 * @param left, right queries with the sides' columns and `__id`
 * @param isOneMatch no left row finds more than one right row, so that its place alone is an order, cheaper to sort by
 */
export function joinSql(
  shape: JoinShape,
  left: string,
  right: string,
  build: BuildSide,
  isOneMatch = false,
): string {
  const columns = shape.columns.map(({ name, sql }) => `${sql} AS ${identifier(name)}`).join(', ');
  const swapped = build === 'left' ? SWAPPED[shape.joinType] : undefined;
  const from =
    swapped === undefined
      ? `(${left}) l ${WORDS[shape.joinType]} (${right}) r`
      : `(${right}) r ${swapped} (${left}) l`;
  const order = ORDERS[shape.joinType](isOneMatch);
  return `SELECT ${columns} FROM ${from} ON ${condition(shape)} ORDER BY ${order}`;
}

const BY_LEFT = 'l."__id"';
const BY_BOTH = 'l."__id" NULLS LAST, r."__id" NULLS LAST';

const ORDERS: Readonly<Record<JoinType, (isOneMatch: boolean) => string>> = {
  inner: (isOneMatch) => (isOneMatch ? BY_LEFT : BY_BOTH),
  left: (isOneMatch) => (isOneMatch ? BY_LEFT : BY_BOTH),
  right: () => BY_BOTH,
  outer: () => BY_BOTH,
  semi: () => BY_LEFT,
  anti: () => BY_LEFT,
};

/** The right rows that no left row matches, as `joinSql` gives them in a right or outer join. */
export function rightOnlySql(shape: JoinShape, left: string, right: string, leftSchema: TableSchema): string {
  const nothing = leftSchema.fields.map(({ name, type }) => `NULL::${sqlType(type)} AS ${identifier(name)}`);
  const columns = shape.columns.map(({ name, sql }) => `${sql} AS ${identifier(name)}`).join(', ');
  const alone = `SELECT * FROM (${right}) r ANTI JOIN (${left}) l ON ${condition(shape)}`;
  return `SELECT ${columns} FROM (${alone}) r CROSS JOIN (SELECT ${nothing.join(', ')}) l ORDER BY r."__id"`;
}

/** When a left and a right row belong together. */
export function condition({ keys, times }: JoinShape): string {
  const equal = keys.map(({ left, right, type }) => {
    const [a, b] = [
      typed(`l.${identifier(left.name)}`, left.type, type),
      typed(`r.${identifier(right.name)}`, right.type, type),
    ];
    return `${a} = ${b}`;
  });
  return [...equal, ...(times === undefined ? [] : during(times))].join(' AND ');
}

/** Begin inclusive, end exclusive and open where it is NULL. Two comparisons, which the engine's hash join takes. */
function during({ from, left, to }: JoinTimes): readonly string[] {
  const time = `l.${identifier(left.name)}`;
  const end = `r.${identifier(to.name)}`;
  const isWhole = left.type.kind === 'int32' || left.type.kind === 'int64';
  const before = isWhole
    ? `${time}::HUGEINT < coalesce(${end}::HUGEINT, ${AFTER_ALL})`
    : `${time} < coalesce(${end}, 'infinity'::${sqlType(to.type)})`;
  return [`${time} >= r.${identifier(from.name)}`, before];
}

/** Greater than every 64-bit integer. */
const AFTER_ALL = '9223372036854775808::HUGEINT';

export function typed(sql: string, from: JoinKey['type'], to: JoinKey['type']): string {
  return sameType(from, to) || sqlType(from) === sqlType(to) ? sql : `${sql}::${sqlType(to)}`;
}

/** Columns of one side that the output, the keys and the times are made of. */
export function usedColumns(
  { columns, keys, times }: JoinShape,
  side: 'left' | 'right',
): ReadonlySet<string> {
  const used = new Set(columns.flatMap((column) => column[side] ?? []));
  for (const key of keys) used.add(key[side].name);
  if (times === undefined) return used;
  for (const field of side === 'left' ? [times.left] : [times.from, times.to]) used.add(field.name);
  return used;
}
