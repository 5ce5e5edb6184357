import type { SilverSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { Field } from '../core/schema.ts';
import { identifier, literal, literalList } from '../engine/sql.ts';
import { type Missing, perPart, type Snapshots } from './missing.ts';
import { CHANGE_COLUMNS } from './models/model.ts';
import { dateOf, type OrderExpression } from './order-type.ts';

const DELETE_FLAGS: readonly string[] = ['is_deleted', 'deleted_flag'];

/** What decides about a row, all of it SQL over `bronze_rows`. */
export interface Decision {
  readonly keys: readonly string[];
  readonly order: OrderExpression;
  readonly sequence?: string;
  /** True for delete rows; absent where nothing says so. */
  readonly deleted?: string;
  /** The operation column, where codes say what a row does. */
  readonly operation?: Operation;
  /** Columns that make two versions equal, where unchanged ones are collapsed. */
  readonly attributes?: readonly string[];
  /** For `changes`: the columns whose changes are told, in this order. */
  readonly compared: readonly Field[];
  /** One row per key and day. */
  readonly daily: boolean;
  readonly kind: 'versions' | 'events' | 'changes';
  /** Only the last row per key comes out. */
  readonly latestOnly: boolean;
  readonly deleteMode: SilverSpec['deleteMode'];
  /** Snapshots whose gaps are deletes. */
  readonly missing?: Missing;
}

interface Operation {
  readonly column: string;
  /** Its code, trimmed. */
  readonly code: string;
  readonly known: readonly string[];
  /** True for rows of snapshots: without a code, they were read and are there. */
  readonly read?: string;
}

/** @throws CFG001 when `replace_daily` meets an order column that has no days. */
export function decisionOf(
  spec: SilverSpec,
  kind: Decision['kind'],
  kept: readonly Field[],
  order: OrderExpression,
  sequence: OrderExpression | undefined,
  bronze: { readonly snapshots?: Snapshots; readonly missing?: Missing } = {},
): Decision {
  const daily = kind === 'events' && spec.inputMode === 'replace_daily';
  if (daily && dateOf(order.type, '') === undefined) {
    throw new FoundryError(
      'CFG001',
      `input_mode: replace_daily needs timestamps, but "${spec.orderColumn}" holds ${order.type.kind} values`,
    );
  }
  // A delete that is ignored is a row like any other to those who tell changes.
  const ignoresDeletes = kind === 'changes' && spec.deleteMode === 'ignore';
  const deleted = ignoresDeletes ? undefined : deletedSql(spec, kept);
  const collapse = spec.collapseUnchanged && keepsHistory(spec);
  return {
    keys: spec.keys,
    order,
    ...(sequence === undefined ? {} : { sequence: sequence.sql }),
    ...(deleted === undefined ? {} : { deleted }),
    ...(spec.cdc === undefined ? {} : { operation: operationOf(spec.cdc, bronze.snapshots) }),
    ...(collapse ? { attributes: withoutFlags(spec, payload(spec, kept)) } : {}),
    compared: kind === 'changes' ? comparedFields(spec, kept) : [],
    daily,
    kind,
    latestOnly: kind === 'versions' && !keepsHistory(spec),
    deleteMode: spec.deleteMode,
    ...(bronze.missing === undefined || spec.deleteMode === 'ignore' || kind === 'events'
      ? {}
      : { missing: bronze.missing }),
  };
}

function keepsHistory({ model }: SilverSpec): boolean {
  return model === 'scd_type_2' || model === 'state_scd2';
}

function payload(spec: SilverSpec, kept: readonly Field[]): readonly string[] {
  const fixed = new Set([...spec.keys, spec.orderColumn, spec.sequenceColumn]);
  return (spec.attributes ?? kept.map((field) => field.name)).filter((name) => !fixed.has(name));
}

/** Columns that only say *deleted* are no change in themselves: there is more than one way to write "no". */
function withoutFlags(spec: SilverSpec, columns: readonly string[]): readonly string[] {
  const rewritten = spec.deleteMode === 'tombstone_state' ? ['is_deleted'] : [];
  const flags = spec.attributes === undefined && readsFlags(spec) ? DELETE_FLAGS : rewritten;
  return columns.filter((name) => !flags.includes(name));
}

/** In a classic config, which has no delete modes unless one is set, the flags are columns like any other. */
function readsFlags({ attributes, deleteMode, readsDeleteFlags = false }: SilverSpec): boolean {
  return attributes !== undefined || deleteMode !== 'ignore' || readsDeleteFlags;
}

function comparedFields(spec: SilverSpec, kept: readonly Field[]): readonly Field[] {
  return payload(spec, kept).flatMap((name) => {
    const field = kept.find((candidate) => candidate.name === name);
    return field === undefined || CHANGE_COLUMNS.includes(name) ? [] : [field];
  });
}

function operationOf(
  cdc: NonNullable<SilverSpec['cdc']>,
  snapshots: Snapshots = { list: [], partCount: 0 },
): Operation {
  return {
    column: cdc.operationColumn,
    code: codeSql(cdc.operationColumn),
    known: [...cdc.live, ...cdc.deleted],
    ...(snapshots.list.length > 0 && {
      read: perPart(snapshots, (snapshot) => String(snapshot !== undefined)),
    }),
  };
}

function codeSql(column: string): string {
  return `trim(${identifier(column)}::VARCHAR, ${literal(' \t\r\n')})`;
}

function isOneOf(sql: string, codes: readonly string[]): string {
  return codes.length === 0 ? 'false' : `list_contains(${literalList(codes)}, ${sql})`;
}

/** True where `is_deleted`, `deleted_flag` or the operation code says deleted. */
function deletedSql(spec: SilverSpec, kept: readonly Field[]): string | undefined {
  const { cdc } = spec;
  const byCode =
    cdc === undefined ? [] : [`coalesce(${isOneOf(codeSql(cdc.operationColumn), cdc.deleted)}, false)`];
  const byFlag = kept.filter((field) => readsFlags(spec) && DELETE_FLAGS.includes(field.name)).map(truthy);
  const says = [...byCode, ...byFlag];
  return says.length === 0 ? undefined : says.join(' OR ');
}

/**
 * What to tell whoever sets a delete mode while nothing says which rows are deleted: none is then, and records
 * that are gone would stay for good without a word.
 * @param columns all that Bronze has, also those that are left out.
 */
export function uselessDeleteMode(
  spec: SilverSpec,
  columns: readonly Field[],
  decision: Decision | undefined,
): string | undefined {
  if (decision === undefined || spec.deleteMode === 'ignore') return;
  if (decision.deleted !== undefined || spec.detectMissing === true) return;
  const alike = columns.find(({ name }) => /delet/i.test(name))?.name;
  const advice =
    alike === undefined
      ? 'name the column that does with schema.rename_map, or set cdc'
      : `for "${alike}" to say it, set schema.rename_map: {${JSON.stringify(alike)}: is_deleted}`;
  return `delete_mode is ${spec.deleteMode}, but no column ${DELETE_FLAGS.join(' or ')} says which rows are deleted, so none is; ${advice}`;
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

type Refusal = Pick<Decision, 'keys' | 'order' | 'operation'>;

/** True for rows that have keys, a place in the order and a known operation. */
export function goodRows({ keys, order, operation }: Refusal): string {
  const known =
    operation === undefined
      ? []
      : [`coalesce(${isOneOf(operation.code, operation.known)}, ${operation.read ?? 'false'})`];
  return [
    ...keys.map((key) => `${identifier(key)} IS NOT NULL`),
    `(${order.sql}) IS NOT NULL`,
    ...known,
  ].join(' AND ');
}

/** Why a row that is not good is refused, as SQL text. */
export function refusalReason(refusal: Refusal, orderColumn: string): string {
  const { operation } = refusal;
  const reason = (condition: string, text: string): string => `WHEN ${condition} THEN ${literal(text)}`;
  const whens = [
    ...refusal.keys.map((key) => reason(`${identifier(key)} IS NULL`, `null value in key column ${key}`)),
    reason(`${identifier(orderColumn)} IS NULL`, `null value in order column ${orderColumn}`),
    reason(`(${refusal.order.sql}) IS NULL`, `unparseable value in order column ${orderColumn}`),
    ...(operation === undefined
      ? []
      : [
          reason(`${operation.code} IS NULL`, `null operation code in column ${operation.column}`),
          reason('true', `unknown operation code in column ${operation.column}`),
        ]),
  ];
  return `CASE ${whens.join(' ')} END`;
}

/** The column that `refusalReason` complains of, as SQL: its name, or its value as text. */
export function refusedColumn(
  refusal: Refusal,
  orderColumn: string,
  show: (column: string) => string,
): string {
  const isWithoutOrder = `(${refusal.order.sql}) IS NULL`;
  const whens = [
    ...refusal.keys.map((key) => `WHEN ${identifier(key)} IS NULL THEN ${show(key)}`),
    `WHEN ${isWithoutOrder} THEN ${show(orderColumn)}`,
  ];
  const last = refusal.operation === undefined ? '' : ` ELSE ${show(refusal.operation.column)}`;
  return `CASE ${whens.join(' ')}${last} END`;
}
