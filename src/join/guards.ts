import type { GuardSpec, JoinType } from '../config/join/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import type { Engine } from '../engine/engine.ts';
import { identifier, parquetRows } from '../engine/sql.ts';
import { type KeyStats, matchedLeftRows } from './stats.ts';

/** What one guard found. */
export interface GuardResult {
  /** `row_count_range`, `null_ratio:<column>`, `unique_keys:<a+b>`, `match_rate` or `fan_out`. */
  readonly name: string;
  readonly status: 'passed' | 'failed';
  readonly details: Readonly<Record<string, number | string | readonly string[]>>;
}

/** @throws SCHEMA001 for a guard over a column that the output does not have. */
export function checkGuardColumns({ nullRatio, uniqueKeys }: GuardSpec, columns: readonly string[]): void {
  const wanted = [...nullRatio.map(({ column }) => column), ...uniqueKeys.flatMap((guard) => guard.columns)];
  const unknown = wanted.find((column) => !columns.includes(column));
  if (unknown === undefined) return;
  throw new FoundryError(
    'SCHEMA001',
    `quality_guards names the column "${unknown}", which the output does not have${didYouMean(unknown, columns)}`,
    { details: { column: unknown }, hint: `The output has: ${columns.join(', ')}.` },
  );
}

/**
 * Evaluates every guard over the joined rows, whatever the others found.
 * @param files local Parquet with all rows
 */
export async function evaluateGuards(
  engine: Engine,
  spec: GuardSpec,
  files: readonly string[],
  facts: { readonly rows: number; readonly stats: KeyStats; readonly joinType: JoinType },
): Promise<readonly GuardResult[]> {
  const results: GuardResult[] = [];
  const add = (name: string, passed: boolean, details: GuardResult['details']): void =>
    void results.push({ name, status: passed ? 'passed' : 'failed', details });
  const from = parquetRows(...files);
  if (spec.rowCount !== undefined) {
    const { max, min } = spec.rowCount;
    const passed = facts.rows >= (min ?? 0) && facts.rows <= (max ?? Number.POSITIVE_INFINITY);
    add('row_count_range', passed, {
      rows: facts.rows,
      ...(min !== undefined && { min }),
      ...(max !== undefined && { max }),
    });
  }
  for (const { column, maxRatio } of spec.nullRatio) {
    const [found] = await engine.query(`SELECT count(*) - count(${identifier(column)}) AS n FROM ${from}`);
    const nulls = Number(found?.n ?? 0);
    const ratio = facts.rows === 0 ? 0 : nulls / facts.rows;
    add(`null_ratio:${column}`, ratio <= maxRatio, { nulls, ratio, max_ratio: maxRatio });
  }
  for (const { columns } of spec.uniqueKeys) {
    const names = columns.map(identifier);
    const groups = `SELECT ${names.join(', ')}, count(*) AS "__n" FROM ${from} GROUP BY ALL HAVING count(*) > 1`;
    const [found] = await engine.query(
      `SELECT count(*) AS keys, coalesce(sum("__n"), 0)::BIGINT AS n FROM (${groups})`,
    );
    const keys = Number(found?.keys ?? 0);
    const details = { repeated_keys: keys, rows: Number(found?.n ?? 0) };
    add(`unique_keys:${columns.join('+')}`, keys === 0, details);
  }
  if (spec.matchRate !== undefined) {
    const matched = matchedLeftRows(facts.stats, facts.joinType, facts.rows);
    const all = facts.stats.left_rows;
    const rate = all === 0 ? 1 : matched / all;
    add('match_rate', rate >= spec.matchRate.min, {
      rate,
      min: spec.matchRate.min,
      matched_left_rows: matched,
      left_rows: all,
    });
  }
  if (spec.fanOut !== undefined) {
    const most = facts.stats.fan_out;
    add('fan_out', most <= spec.fanOut.max, { fan_out: most, max: spec.fanOut.max });
  }
  return results;
}

/** @throws QUAL001 naming every guard that failed, and what it found. */
export function refuseFailed(join: string, results: readonly GuardResult[]): void {
  const failed = results.filter(({ status }) => status === 'failed');
  if (failed.length === 0) return;
  const shown = failed.map(({ details, name }) => `${name} (${facts(details)})`).join('; ');
  throw new FoundryError(
    'QUAL001',
    `${join}: ${failed.length} of ${results.length} quality guards failed: ${shown}`,
    {
      details: {
        failed: failed.map(({ name }) => name).join(', '),
        passed:
          results.flatMap(({ name, status }) => (status === 'passed' ? [name] : [])).join(', ') || 'none',
      },
      hint: 'Nothing was written. Look at the inputs, or change quality_guards if this is right.',
    },
  );
}

export function facts(details: GuardResult['details']): string {
  return Object.entries(details)
    .map(([key, value]) => `${key} ${typeof value === 'number' ? Number(value.toFixed(6)) : value}`)
    .join(', ');
}
