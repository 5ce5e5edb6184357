import type { SilverSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { Field } from '../core/schema.ts';
import { identifier } from '../engine/sql.ts';
import { dateOf, type OrderExpression } from './order-type.ts';

/** What decides about a row, all of it SQL over `bronze_rows`. */
export interface Decision {
  readonly keys: readonly string[];
  readonly order: OrderExpression;
  readonly sequence?: string;
  /** True for delete rows; absent where nothing says so. */
  readonly deleted?: string;
  /** Columns that make two versions equal, where unchanged ones are collapsed. */
  readonly attributes?: readonly string[];
  /** One row per key and day. */
  readonly daily: boolean;
  readonly kind: 'versions' | 'events';
  /** Only the last row per key comes out. */
  readonly latestOnly: boolean;
  readonly deleteMode: SilverSpec['deleteMode'];
}

/** @throws CFG001 when `replace_daily` meets an order column that has no days. */
export function decisionOf(
  spec: SilverSpec,
  kind: Decision['kind'],
  kept: readonly Field[],
  order: OrderExpression,
  sequence: OrderExpression | undefined,
): Decision {
  const daily = kind === 'events' && spec.inputMode === 'replace_daily';
  if (daily && dateOf(order.type, '') === undefined) {
    throw new FoundryError(
      'CFG001',
      `input_mode: replace_daily needs timestamps, but "${spec.orderColumn}" holds ${order.type.kind} values`,
    );
  }
  const deleted = deletedSql(spec, kept);
  const collapse = spec.collapseUnchanged && keepsHistory(spec);
  return {
    keys: spec.keys,
    order,
    ...(sequence === undefined ? {} : { sequence: sequence.sql }),
    ...(deleted === undefined ? {} : { deleted }),
    ...(collapse ? { attributes: payload(spec, kept) } : {}),
    daily,
    kind,
    latestOnly: kind === 'versions' && !keepsHistory(spec),
    deleteMode: spec.deleteMode,
  };
}

function keepsHistory({ model }: SilverSpec): boolean {
  return model === 'scd_type_2' || model === 'state_scd2';
}

function payload(spec: SilverSpec, kept: readonly Field[]): readonly string[] {
  const fixed = new Set([...spec.keys, spec.orderColumn, spec.sequenceColumn]);
  return (spec.attributes ?? kept.map((field) => field.name)).filter((name) => !fixed.has(name));
}

/**
 * True where `is_deleted` or `deleted_flag` says deleted. In a classic config, which has no delete modes unless one
 * is set, these are columns like any other.
 */
function deletedSql(spec: SilverSpec, kept: readonly Field[]): string | undefined {
  if (spec.attributes === undefined && spec.deleteMode === 'ignore') return undefined;
  const flags = kept
    .filter((field) => field.name === 'is_deleted' || field.name === 'deleted_flag')
    .map(truthy);
  return flags.length === 0 ? undefined : flags.join(' OR ');
}

function truthy({ name, type }: Field): string {
  const column = identifier(name);
  switch (type.kind) {
    case 'boolean':
      return `coalesce(${column}, false)`;
    case 'int32':
    case 'int64':
    case 'double':
    case 'decimal':
      return `coalesce(${column} = 1, false)`;
    default:
      return `coalesce(lower(trim(${column}::VARCHAR)) IN ('true', 't', 'yes', 'y', '1', '1.0'), false)`;
  }
}

/**
 * A query for `__file, __row, __order, __next, __deleted, __status, __rows` of every row that has keys and a place in the
 * order. Only narrow columns pass through its windows, so that its memory does not follow the width of the rows. `__rows` is 1, or how many rows
 * of a key the last one stands for, where no other is asked for.
 */
export function decideSql(decision: Decision): string {
  const deletes = decision.deleted !== undefined;
  const keyNames = decision.keys.map((_, index) => `k${index}`);
  const keys = keyNames.join(', ');
  const narrow = [
    `SELECT "__file" AS f, "__row" AS r, ${decision.keys.map((key, index) => `${identifier(key)} AS k${index}`).join(', ')}`,
    `${decision.order.sql} AS o`,
    `${decision.sequence ?? 'NULL'} AS s`,
    `${decision.deleted ?? 'false'} AS d`,
    ...(decision.attributes === undefined ? [] : [`${fingerprint(decision.attributes)} AS a`]),
  ].join(', ');
  const good = `${narrow} FROM bronze_rows WHERE ${goodRows(decision)}`;
  if (decision.latestOnly && !deletes) return latestSql(good, keys, decision.sequence !== undefined);
  // Behind the last of equal order values stands the next greater one: the same window finds both.
  const ordered = `SELECT *, lead(o) OVER (PARTITION BY ${keys} ORDER BY o, ${decision.sequence === undefined ? '' : 's NULLS FIRST, '}f, r) AS n FROM (${good})`;
  const repeated = 'n IS NOT DISTINCT FROM o';
  const dropsDeletes = decision.kind === 'versions' && decision.deleteMode === 'ignore';
  const hard = decision.deleteMode === 'hard_delete';
  const again = decision.daily || decision.attributes !== undefined || (deletes && (dropsDeletes || hard));
  if (!again) {
    return `SELECT f AS "__file", r AS "__row", o AS "__order", n AS "__next", d AS "__deleted", CASE WHEN ${repeated} THEN 'duplicate' ELSE ${lasting(decision)} END AS "__status", 1 AS "__rows" FROM (${ordered})`;
  }
  const lastDelete = `max(o) FILTER (WHERE d AND NOT (${repeated})) OVER (PARTITION BY ${keys})`;
  const dropped =
    `SELECT * EXCLUDE (n), CASE WHEN ${repeated} THEN 'duplicate'` +
    (deletes && dropsDeletes ? ` WHEN d THEN 'deleted'` : '') +
    (deletes && hard ? ` WHEN o <= ${lastDelete} THEN 'deleted'` : '') +
    ` END AS x FROM (${ordered})`;
  const kept = `PARTITION BY ${keys}, x IS NULL ORDER BY o`;
  const further = furtherDropped(decision, kept, dropped);
  const day = dateOf(decision.order.type, 'o');
  const superseded = decision.daily ? `lead(${day}) OVER (${kept}) IS NOT DISTINCT FROM ${day}` : 'false';
  const numbered = `SELECT *, lead(o) OVER (${kept}) AS n, ${superseded} AS u FROM (${further})`;
  return (
    `SELECT f AS "__file", r AS "__row", o AS "__order", n AS "__next", d AS "__deleted", ` +
    `coalesce(x, CASE WHEN u THEN 'superseded' ELSE ${lasting(decision)} END) AS "__status", 1 AS "__rows" FROM (${numbered})`
  );
}

/** An aggregate is cheaper than a window. A NULL sequence comes before all others, as in the windows. */
function latestSql(good: string, keys: string, hasSequence: boolean): string {
  const sequence = hasSequence ? "'p': s IS NOT NULL, 's': s, " : '';
  return (
    `SELECT w.f AS "__file", w.r AS "__row", w.o AS "__order", NULL AS "__next", false AS "__deleted", ` +
    `'live' AS "__status", c AS "__rows" FROM ` +
    `(SELECT max({'o': o, ${sequence}'f': f, 'r': r}) AS w, count(*) AS c FROM (${good}) GROUP BY ${keys})`
  );
}

function furtherDropped(decision: Decision, kept: string, dropped: string): string {
  if (decision.attributes === undefined) return dropped;
  const unchanged = `lag(a) OVER (${kept}) IS NOT DISTINCT FROM a AND lag(d) OVER (${kept}) IS NOT DISTINCT FROM d`;
  return `SELECT * REPLACE (CASE WHEN x IS NULL AND ${unchanged} THEN 'unchanged' ELSE x END AS x) FROM (${dropped})`;
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

export function goodRows(decision: Pick<Decision, 'keys' | 'order'>): string {
  return [
    ...decision.keys.map((key) => `${identifier(key)} IS NOT NULL`),
    `(${decision.order.sql}) IS NOT NULL`,
  ].join(' AND ');
}

/** Why a row that is not good is refused, as SQL text. */
export function refusalReason(decision: Pick<Decision, 'keys' | 'order'>, orderColumn: string): string {
  const keys = decision.keys.map(
    (key) => `WHEN ${identifier(key)} IS NULL THEN ${quote(`null value in key column ${key}`)}`,
  );
  return (
    `CASE ${keys.join(' ')} WHEN ${identifier(orderColumn)} IS NULL THEN ` +
    `${quote(`null value in order column ${orderColumn}`)} ELSE ${quote(`unparseable value in order column ${orderColumn}`)} END`
  );
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
