import type { DataType, Field } from '../core/schema.ts';
import { identifier, literal } from '../engine/sql.ts';
import { type Decision, goodRows } from './decide.ts';
import { withMissing } from './missing.ts';
import { dateOf } from './order-type.ts';

/** Behind the last of equal order values stands the next greater one. */
const REPEATED = 'n IS NOT DISTINCT FROM o';

const TWO_TO_40 = 2 ** 40;
const TWO_TO_63 = '9223372036854775808::HUGEINT';
const MAX_INT64 = '9223372036854775807';

/** One of several parts of all keys, so that the windows of each fit in memory. */
export interface Share {
  readonly index: number;
  readonly of: number;
}

/**
 * A query for `__file, __row, __order, __next, __deleted, __status, __rows` of every row that has keys and a place
 * in the order; for `changes` also `__change`, and `__changed0, …`, of which `changedNames` makes names. Only narrow columns pass through its windows, so that its
 * memory does not follow the width of the rows. `__rows` is 1, or how many rows of a key the last one stands for
 * where no other is asked for, or 0 for a row that was never read: a key that a snapshot no longer holds, or holds
 * again.
 */
export function decideSql(decision: Decision, share?: Share): string {
  const { missing } = decision;
  const deletes = decision.deleted !== undefined || missing !== undefined;
  const keys = decision.keys.map((_, index) => `k${index}`).join(', ');
  const good = `SELECT ${narrowColumns(decision)} FROM bronze_rows WHERE ${goodRows(decision)}${inShare(decision, share)}`;
  if (decision.latestOnly && !deletes) return latestSql(good, keys, decision);
  const rows = missing === undefined ? good : withMissing(missing, decision, good, keys);
  const [file, row, weight] = missing === undefined ? ['f', 'r', '1'] : ['cf', 'cr', 'w'];
  const decided =
    `${file} AS "__file", ${row} AS "__row", o AS "__order", n AS "__next", ` +
    `d AS "__deleted", ${weight} AS "__rows"`;
  const ordered = `SELECT *, lead(o) OVER (PARTITION BY ${keys} ORDER BY ${tieOrder(decision)}) AS n FROM (${rows})`;

  const drops = decision.kind === 'versions' && decision.deleteMode === 'ignore';
  const hard = decision.deleteMode === 'hard_delete';
  const again =
    decision.daily ||
    decision.kind === 'changes' ||
    decision.attributes !== undefined ||
    (deletes && (drops || hard));
  if (!again) {
    return `SELECT ${decided}, CASE WHEN ${REPEATED} THEN 'duplicate' ELSE ${lasting(decision)} END AS "__status" FROM (${ordered})`;
  }
  const lastDelete = `max(o) FILTER (WHERE d AND NOT (${REPEATED})) OVER (PARTITION BY ${keys})`;
  const dropped =
    `SELECT * EXCLUDE (n), CASE WHEN ${REPEATED} THEN 'duplicate'` +
    (deletes && drops ? ` WHEN d THEN 'deleted'` : '') +
    (deletes && hard ? ` WHEN o <= ${lastDelete} THEN 'deleted'` : '') +
    ` END AS x FROM (${ordered})`;
  const window = `WINDOW kept AS (PARTITION BY ${keys}, x IS NULL ORDER BY o)`;
  if (decision.kind === 'changes') return changesSql(decision, decided, dropped, window);
  const further = furtherDropped(decision, dropped, window);
  const day = dateOf(decision.order.type, 'o');
  const superseded = decision.daily ? `lead(${day}) OVER kept IS NOT DISTINCT FROM ${day}` : 'false';
  const numbered = `SELECT *, lead(o) OVER kept AS n, ${superseded} AS u FROM (${further}) ${window}`;
  return (
    `SELECT ${decided}, coalesce(x, CASE WHEN u THEN 'superseded' ELSE ${lasting(decision)} END) AS "__status" ` +
    `FROM (${numbered})`
  );
}

function inShare({ keys }: Decision, share: Share | undefined): string {
  return share === undefined || share.of === 1
    ? ''
    : ` AND hash(${keys.map(identifier).join(', ')}) % ${share.of} = ${share.index}`;
}

function narrowColumns(decision: Decision): string {
  return [
    `"__file" AS f, "__row" AS r`,
    ...decision.keys.map((key, index) => `${identifier(key)} AS k${index}`),
    `${decision.order.sql} AS o`,
    `${decision.sequence ?? 'NULL'} AS s`,
    `${decision.deleted ?? 'false'} AS d`,
    ...(decision.attributes === undefined ? [] : [`${fingerprint(decision.attributes)} AS a`]),
    ...decision.compared.map((field, index) => `${comparable(field)} AS a${index}`),
  ].join(', ');
}

/** The total order of a key's rows. */
function tieOrder(decision: Decision): string {
  return decision.sequence === undefined ? 'o, f, r' : 'o, s NULLS FIRST, f, r';
}

/**
 * Order value and place of a row in one number of 128 bits, or undefined for an order of other types: an aggregate of
 * numbers stays within the engine's memory limit, one of structs does not.
 */
function packed({ order, sequence }: Decision): string | undefined {
  const whole = wholeNumber(order.type);
  return whole === undefined || sequence !== undefined
    ? undefined
    : `${whole}::HUGEINT * ${TWO_TO_63} + (f * ${TWO_TO_40} + r)`;
}

function wholeNumber(type: DataType): string | undefined {
  switch (type.kind) {
    case 'int32':
    case 'int64':
      return 'o';
    // Infinite times have no number: those stand before and behind all others.
    case 'timestamp':
      return `CASE WHEN isfinite(o) THEN epoch_us(o) WHEN o > epoch_ms(0) THEN ${MAX_INT64} ELSE -${MAX_INT64} END`;
    default:
      return undefined;
  }
}

/** The last row per key: by an aggregate, which is cheaper than a window, where the order is a number. */
function latestSql(good: string, keys: string, decision: Decision): string {
  const number = packed(decision);
  const rows = `PARTITION BY ${keys} ORDER BY ${tieOrder(decision)}`;
  const last =
    number === undefined
      ? `SELECT f, r, o, count(*) OVER (${rows} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS c FROM (${good}) QUALIFY lead(r) OVER (${rows}) IS NULL`
      : `SELECT w >> 40 AS f, w & ${TWO_TO_40 - 1} AS r, o, c FROM (SELECT max(${number}) & ${MAX_INT64} AS w, max(o) AS o, count(*) AS c FROM (${good}) GROUP BY ${keys})`;
  return (
    `SELECT f::BIGINT AS "__file", r::BIGINT AS "__row", o AS "__order", NULL AS "__next", false AS "__deleted", ` +
    `c AS "__rows", 'live' AS "__status" FROM (${last})`
  );
}

/** What became of each row against the one before: the first after nothing, or after a delete, is new. */
function changesSql(decision: Decision, decided: string, dropped: string, window: string): string {
  const masks = masksOf(decision).map((mask) => ({
    ...mask,
    all: mask.columns.reduce((sum, { bit }) => sum + bit, 0n),
    differing: mask.columns
      .map(
        ({ index, bit }) =>
          `CASE WHEN a${index} IS DISTINCT FROM lag(a${index}) OVER kept THEN ${bit} ELSE 0 END`,
      )
      .join(' + '),
  }));
  const differing = masks.map(({ name, differing: sql }) => `, (${sql})::BIGINT AS ${name}`).join('');
  const compared =
    `SELECT *, lead(o) OVER kept AS n, lag(o) OVER kept IS NULL OR lag(d) OVER kept AS b${differing} ` +
    `FROM (${dropped}) ${window}`;
  const same = masks.map(({ name }) => `${name} = 0`).join(' AND ') || 'true';
  const told =
    `SELECT *, CASE WHEN d THEN 'delete' WHEN b THEN 'upsert' WHEN ${same} THEN 'noop' ELSE 'update' END AS e ` +
    `FROM (${compared})`;
  const skipped =
    decision.deleteMode === 'ignore' ? `CASE WHEN e = 'noop' THEN 'unchanged' ELSE 'live' END` : `'live'`;
  const changed = masks.map(
    ({ name, all }) => `, CASE e WHEN 'upsert' THEN ${all} WHEN 'update' THEN ${name} ELSE 0 END AS ${name}`,
  );
  return `SELECT ${decided}, coalesce(x, ${skipped}) AS "__status", e AS "__change"${changed.join('')} FROM (${told})`;
}

/** Columns of one number whose bits tell which of them changed. */
interface Mask {
  readonly name: string;
  readonly columns: readonly { readonly index: number; readonly column: string; readonly bit: bigint }[];
}

/** Of a 64-bit integer, without its sign. */
const MASK_BITS = 63;

function masksOf({ compared }: Pick<Decision, 'compared'>): readonly Mask[] {
  return Array.from({ length: Math.ceil(compared.length / MASK_BITS) }, (_, word) => ({
    name: `"__changed${word}"`,
    columns: compared
      .slice(word * MASK_BITS, (word + 1) * MASK_BITS)
      .map(({ name }, bit) => ({ index: word * MASK_BITS + bit, column: name, bit: 1n << BigInt(bit) })),
  }));
}

/** The names of the columns that changed, made of the masks that `decideSql` gives for `changes`. */
export function changedNames(decision: Pick<Decision, 'compared'>): {
  readonly sql: string;
  readonly madeOf: readonly string[];
} {
  const masks = masksOf(decision);
  const names = masks.flatMap(({ name, columns }) =>
    columns.map(({ column, bit }) => `CASE WHEN ${name} & ${bit} <> 0 THEN ${literal(column)} END`),
  );
  return {
    sql: names.length === 0 ? `''` : `concat_ws(',', ${names.join(', ')})`,
    madeOf: masks.map(({ name }) => name),
  };
}

function furtherDropped(decision: Decision, dropped: string, window: string): string {
  if (decision.attributes === undefined) return dropped;
  const unchanged = `lag(a) OVER kept IS NOT DISTINCT FROM a AND lag(d) OVER kept IS NOT DISTINCT FROM d`;
  return `SELECT * REPLACE (CASE WHEN x IS NULL AND ${unchanged} THEN 'unchanged' ELSE x END AS x) FROM (${dropped}) ${window}`;
}

function lasting(decision: Decision): string {
  if (decision.kind === 'events') return `'live'`;
  const tombstone = decision.deleteMode === 'tombstone_state' ? `WHEN d THEN 'tombstone' ` : '';
  return `CASE ${tombstone}WHEN n IS NULL THEN 'live' ELSE 'superseded' END`;
}

/** A row's attributes in 128 bits: equal exactly when they are, NULLs included. */
function fingerprint(attributes: readonly string[]): string {
  if (attributes.length === 0) return '0::UHUGEINT';
  const members = attributes.map((name, index) => `a${index} := ${identifier(name)}`).join(', ');
  return `md5_number(to_json(struct_pack(${members}))::VARCHAR)`;
}

/** A value to compare, of 16 bytes at most: texts by their fingerprint. */
function comparable({ name, type }: Field): string {
  const column = identifier(name);
  switch (type.kind) {
    case 'string':
    case 'json':
    case 'uuid':
      return `md5_number(${column}::VARCHAR)`;
    case 'binary':
      return `md5_number(hex(${column}))`;
    default:
      return column;
  }
}
