import type { JoinType } from '../config/join/spec.ts';
import type { Engine } from '../engine/engine.ts';
import { identifier, parquetRows } from '../engine/sql.ts';
import { condition, type JoinShape, typed } from './sql.ts';

/** What the keys of both sides say of the join, counted apart from it. */
export interface KeyStats {
  readonly left_rows: number;
  readonly right_rows: number;
  /** Different keys of the right side, without those that are NULL; versions in an as-of join. */
  readonly right_keys: number;
  readonly matched_right_keys: number;
  readonly matched_right_rows: number;
  /** Absent where the rows of the join tell it. */
  readonly matched_left_rows?: number;
  /** The most right rows that one left row finds. */
  readonly fan_out: number;
}

interface Counted {
  readonly rows: number;
  readonly uniqueBy: readonly string[];
  readonly sql: () => string;
}

/** Only key columns pass through these queries, so that they cost little beside the join. */
export async function keyStats(
  engine: Engine,
  shape: JoinShape,
  left: Counted,
  right: Counted,
): Promise<KeyStats> {
  const rows = { left_rows: left.rows, right_rows: right.rows };
  const stats =
    shape.times === undefined ? equalKeys(engine, shape, left, right) : asOfKeys(engine, shape, left, right);
  return { ...rows, ...(await stats) };
}

async function equalKeys(engine: Engine, shape: JoinShape, left: Counted, right: Counted) {
  return isUnique(shape, right)
    ? uniqueKeys(engine, shape, left, right)
    : anyKeys(engine, shape, left, right);
}

/** Whether each right row has a key of its own, so that no left row finds more than one. */
export function isUnique({ keys, times }: JoinShape, { uniqueBy }: Pick<Counted, 'uniqueBy'>): boolean {
  const names = keys.map((key) => key.right.name);
  return times === undefined && uniqueBy.length > 0 && uniqueBy.every((name) => names.includes(name));
}

/** Rows are counted instead of keys. */
async function uniqueKeys(engine: Engine, shape: JoinShape, left: Counted, right: Counted) {
  const [l, r] = [left.sql(), right.sql()];
  const hit = await one(
    engine,
    `SELECT count(*) AS n FROM (${r}) r SEMI JOIN (${l}) l ON ${condition(shape)}`,
  );
  const matched = tellsMatches(shape.joinType, 1)
    ? undefined
    : await one(engine, `SELECT count(*) AS n FROM (${l}) l SEMI JOIN (${r}) r ON ${condition(shape)}`);
  return {
    ...uniqueHits(await rowsWithKey(engine, shape, right), Number(hit.n)),
    ...(matched !== undefined && { matched_left_rows: Number(matched.n) }),
  };
}

function uniqueHits(keys: number, hits: number) {
  return {
    right_keys: keys,
    matched_right_keys: hits,
    matched_right_rows: hits,
    fan_out: hits > 0 ? 1 : 0,
  };
}

async function rowsWithKey(engine: Engine, { keys }: JoinShape, right: Counted): Promise<number> {
  const others = keys.filter((key) => !right.uniqueBy.includes(key.right.name));
  if (others.length === 0) return right.rows;
  const hasKey = others.map((key) => `${identifier(key.right.name)} IS NOT NULL`).join(' AND ');
  const all = await one(engine, `SELECT count(*) AS n FROM (${right.sql()}) WHERE ${hasKey}`);
  return Number(all.n);
}

/**
 * The keys of joined rows as columns of theirs, where these rows are all that is needed to count keys: each right
 * row has its own, and whichever is matched comes out. Undefined where both sides must be looked at.
 */
export function tellingKeys(
  shape: JoinShape,
  right: Pick<Counted, 'uniqueBy'>,
): readonly string[] | undefined {
  const isOfMatches = shape.joinType === 'inner' || shape.joinType === 'semi';
  if (!isOfMatches || !isUnique(shape, right)) return undefined;
  const columns = shape.keys.flatMap(({ left, right: other, type }) => {
    const ofLeft = shape.columns.find((column) => column.left === left.name);
    if (ofLeft !== undefined) return typed(identifier(ofLeft.name), left.type, type);
    const ofRight = shape.columns.find((column) => column.right === other.name);
    return ofRight === undefined ? [] : typed(identifier(ofRight.name), other.type, type);
  });
  return columns.length === shape.keys.length ? columns : undefined;
}

/** Whole numbers of a range up to 4 million are counted in an array of so many places, in a third of the time. */
const DIRECT_KEY_BITS = 22;

/**
 * As `keyStats`, from the rows of the join: half of what it costs from both sides.
 * @param keys of `tellingKeys`
 * @param files local Parquet with all joined rows
 */
export async function joinedKeyStats(
  engine: Engine,
  shape: JoinShape,
  { left, right }: { readonly left: Counted; readonly right: Counted },
  keys: readonly string[],
  files: readonly string[],
): Promise<KeyStats> {
  // Of a scan of several files the engine does not know the range of a column.
  const from = files.map((file) => `SELECT * FROM ${parquetRows(file)}`);
  await engine.execute(`SET perfect_ht_threshold = ${DIRECT_KEY_BITS}`);
  const hit = await one(
    engine,
    `SELECT count(*) AS n FROM (SELECT 1 FROM (${from.join(' UNION ALL ')}) GROUP BY ${keys.join(', ')})`,
  );
  await engine.execute('RESET perfect_ht_threshold');
  return {
    left_rows: left.rows,
    right_rows: right.rows,
    ...uniqueHits(await rowsWithKey(engine, shape, right), Number(hit.n)),
  };
}

async function anyKeys(engine: Engine, shape: JoinShape, left: Counted, right: Counted) {
  const names = [...new Set(shape.keys.map((key) => identifier(key.right.name)))];
  const hasKey = names.map((name) => `${name} IS NOT NULL`).join(' AND ');
  await engine.execute(
    `CREATE OR REPLACE TEMP TABLE right_keys AS SELECT ${names.join(', ')}, count(*) AS "__n" FROM (${right.sql()}) WHERE ${hasKey} GROUP BY ALL`,
  );
  const all = await one(engine, 'SELECT count(*) AS keys, coalesce(max("__n"), 0) AS most FROM right_keys');
  const hit = await one(
    engine,
    `SELECT count(*) AS keys, coalesce(sum("__n"), 0)::BIGINT AS n, coalesce(max("__n"), 0) AS most FROM right_keys r SEMI JOIN (${left.sql()}) l ON ${condition(shape)}`,
  );
  const isTold = tellsMatches(shape.joinType, Number(all.most));
  const matched = isTold
    ? undefined
    : await one(
        engine,
        `SELECT count(*) AS n FROM (${left.sql()}) l SEMI JOIN right_keys r ON ${condition(shape)}`,
      );
  await engine.execute('DROP TABLE right_keys');
  return {
    right_keys: Number(all.keys),
    matched_right_keys: Number(hit.keys),
    matched_right_rows: Number(hit.n),
    ...(matched !== undefined && { matched_left_rows: Number(matched.n) }),
    fan_out: Number(hit.most),
  };
}

async function asOfKeys(engine: Engine, shape: JoinShape, left: Counted, right: Counted) {
  const names = shape.keys.map((key) => identifier(key.right.name));
  const hasKey = names.map((name) => `${name} IS NOT NULL`).join(' AND ');
  const [l, r] = [left.sql(), right.sql()];
  const all = await one(engine, `SELECT count(*) AS keys FROM (${r}) WHERE ${hasKey}`);
  const hit = await one(
    engine,
    `SELECT count(*) AS n FROM (${r}) r SEMI JOIN (${l}) l ON ${condition(shape)}`,
  );
  const found = await one(
    engine,
    `SELECT count(*) AS n, coalesce(max(c), 0) AS most FROM (SELECT count(*) AS c FROM (${l}) l JOIN (${r}) r ON ${condition(shape)} GROUP BY l."__id")`,
  );
  return {
    right_keys: Number(all.keys),
    matched_right_keys: Number(hit.n),
    matched_right_rows: Number(hit.n),
    matched_left_rows: Number(found.n),
    fan_out: Number(found.most),
  };
}

/** Whether the number of joined rows is that of the left rows with a match, or its complement. */
function tellsMatches(joinType: JoinType, mostRightRows: number): boolean {
  return joinType === 'semi' || joinType === 'anti' || (joinType === 'inner' && mostRightRows <= 1);
}

/** Left rows that found a match. @param rows of the join */
export function matchedLeftRows(stats: KeyStats, joinType: JoinType, rows: number): number {
  return stats.matched_left_rows ?? (joinType === 'anti' ? stats.left_rows - rows : rows);
}

/** Rows of the right side that come out alone. */
export function rightOnlyRows(stats: KeyStats, joinType: JoinType): number {
  return joinType === 'right' || joinType === 'outer' ? stats.right_rows - stats.matched_right_rows : 0;
}

/** How many rows the join must have, where the keys tell it. */
export function expectedRows(stats: KeyStats, joinType: JoinType): number | undefined {
  const { fan_out: most, left_rows: left, matched_left_rows: matched } = stats;
  const alone = rightOnlyRows(stats, joinType);
  if (most > 1) return undefined;
  if (joinType === 'left' || joinType === 'outer') return left + alone;
  if (matched === undefined || joinType === 'semi' || joinType === 'anti') return undefined;
  return matched + alone;
}

async function one(engine: Engine, sql: string): Promise<Record<string, unknown>> {
  const [row] = await engine.query(sql);
  return row ?? {};
}
