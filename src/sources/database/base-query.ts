import type { DATE_PLACEHOLDERS } from '../../config/database/source.ts';
import type { DatabaseSourceSpec } from '../../config/database/spec.ts';
import { replacePlaceholders, singleStatement } from '../../config/database/sql-text.ts';
import { FoundryError } from '../../core/errors.ts';
import type { RunDate } from '../../core/run-date.ts';
import type { Dialect } from './dialect.ts';
import type { ResultColumn } from './driver.ts';
import type { Statement } from './statement.ts';

/** What is read, as something that further queries select from by the name `q`. */
export interface BaseQuery {
  /** As the user wrote it, with parameters in place of the placeholders: what a server's complaints point into. */
  readonly described: Statement;
  readonly before: string;
  readonly from: string;
  readonly params: readonly string[];
  /** The table, where the config names one instead of a query. */
  readonly table?: readonly string[];
}

/** A condition on `q`, with at most one parameter. */
export interface Condition {
  readonly sql: (place: string) => string;
  readonly param?: string;
}

/** Values of placeholders; undefined: known, without a value in this run. */
export type PlaceholderValues = Readonly<Record<string, string | undefined>>;

/** @throws CFG001 for a placeholder without a value, and for what is no single statement. */
export function baseQuery(spec: DatabaseSourceSpec, dialect: Dialect, values: PlaceholderValues): BaseQuery {
  const { query } = spec;
  if (query.kind === 'table') {
    const name = query.names.map((part) => dialect.identifier(part)).join('.');
    const list = query.columns?.map((column) => `q.${dialect.identifier(column)}`).join(', ') ?? 'q.*';
    const from = `${name} q`;
    return {
      described: { sql: `SELECT ${list} FROM ${from}`, params: [] },
      before: '',
      from,
      params: [],
      table: query.names,
    };
  }
  const statement = singleStatement(query.sql, dialect.lexis);
  if (statement === undefined) {
    throw new FoundryError('CFG001', 'the query must be one statement', {
      hint: 'Remove what follows the first semicolon.',
    });
  }
  const params: string[] = [];
  const sql = replacePlaceholders(statement, dialect.lexis, ({ name, text }) => {
    if (!Object.hasOwn(values, name)) return undefined;
    const value = values[name];
    if (value === undefined) throw noValue(text);
    params.push(value);
    return dialect.placeholder(params.length);
  });
  return { described: { sql, params }, params, ...dialect.wrap(sql) };
}

function noValue(text: string): FoundryError {
  return new FoundryError(
    'CFG001',
    `the placeholder ${text} has no value: no earlier run has landed anything`,
    {
      hint: 'Set incremental.initial_value, where the first run begins.',
    },
  );
}

/** `run_date`; `start_date` and `end_date` are that day's beginning and the next day's. */
export function datePlaceholders({ date }: RunDate): PlaceholderValues {
  const next = new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
  const values = { run_date: date, start_date: date, end_date: next };
  return values satisfies Record<(typeof DATE_PLACEHOLDERS)[number], string>;
}

/**
 * @param list what is selected from `q`
 * @param options `nth`: the one row behind so many, in an order; `limit`: no more rows than that
 */
export function selectFrom(
  base: BaseQuery,
  dialect: Dialect,
  list: string,
  conditions: readonly Condition[],
  options: { readonly orderBy?: string; readonly limit?: number; readonly nth?: number } = {},
): Statement {
  const params = [...base.params];
  const where = conditions.map(({ sql, param }) => {
    if (param === undefined) return sql('');
    params.push(param);
    return sql(dialect.placeholder(params.length));
  });
  const filter = where.length === 0 ? '' : ` WHERE ${where.map((text) => `(${text})`).join(' AND ')}`;
  const order = options.orderBy === undefined ? '' : ` ORDER BY ${options.orderBy}`;
  const rest = `FROM ${base.from}${filter}${order}`;
  const { limit, nth } = options;
  const select =
    nth !== undefined
      ? dialect.nth(list, rest, nth)
      : limit !== undefined
        ? dialect.limit(list, rest, limit)
        : `SELECT ${list} ${rest}`;
  return { sql: `${base.before}${select}`, params };
}

export function selectList(columns: readonly ResultColumn[]): string {
  return columns.map(({ select }) => select).join(', ');
}
