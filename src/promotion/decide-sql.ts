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

/**
 * A query for `__file, __row, __order, __next, __deleted, __status, __rows` of every row that has keys and a place
 * in the order; for `changes` also `__change, __changed`. Only narrow columns pass through its windows, so that its
 * memory does not follow the width of the rows. `__rows` is 1, or how many rows of a key the last one stands for
 * where no other is asked for, or 0 for a row that was never read: a key that a snapshot no longer holds, or holds
 * again.
 */
export function decideSql(decision: Decision): string {
  const { missing } = decision;
  const deletes = decision.deleted !== undefined || missing !== undefined;
  const keys = decision.keys.map((_, index) => `k${index}`).join(', ');
  const good = `SELECT ${narrowColumns(decision)} FROM bronze_rows WHERE ${goodRows(decision)}`;
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
  const names = decision.compared.map((field) => field.name);
  const differs = names.map(
    (name, index) =>
      `CASE WHEN a${index} IS DISTINCT FROM lag(a${index}) OVER kept THEN ${literal(name)} END`,
  );
  const changed = differs.length === 0 ? `''` : `concat_ws(',', ${differs.join(', ')})`;
  const compared =
    `SELECT *, lead(o) OVER kept AS n, lag(o) OVER kept IS NULL OR lag(d) OVER kept AS b, ${changed} AS c ` +
    `FROM (${dropped}) ${window}`;
  const told =
    `SELECT *, CASE WHEN d THEN 'delete' WHEN b THEN 'upsert' WHEN c = '' THEN 'noop' ELSE 'update' END AS e ` +
    `FROM (${compared})`;
  const skipped =
    decision.deleteMode === 'ignore' ? `CASE WHEN e = 'noop' THEN 'unchanged' ELSE 'live' END` : `'live'`;
  return (
    `SELECT ${decided}, coalesce(x, ${skipped}) AS "__status", e AS "__change", ` +
    `CASE e WHEN 'upsert' THEN ${literal(names.join(','))} WHEN 'update' THEN c ELSE '' END AS "__changed" FROM (${told})`
  );
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
