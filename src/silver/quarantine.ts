import { join } from 'node:path';
import type { SilverSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { Field } from '../core/schema.ts';
import type { Engine } from '../engine/engine.ts';
import { copyToPart, hashFile } from '../engine/parts.ts';
import { identifier, literalList } from '../engine/sql.ts';
import type { SpooledPart } from '../lake/lake.ts';
import { type Decision, goodRows, refusalReason } from './decide.ts';
import type { InputPart } from './relation.ts';

export interface Quarantined {
  readonly rows: number;
  readonly reasons: Readonly<Record<string, number>>;
}

export interface QuarantineRequest {
  readonly engine: Engine;
  readonly spec: SilverSpec;
  readonly decision: Decision;
  readonly orderColumn: string;
  readonly parts: readonly InputPart[];
  readonly totalRows: number;
}

/**
 * Counts the rows without keys or without a place in the order.
 * @throws QUAL001 with the count and the first such row when there are any and error handling is off, or more than
 * it allows.
 */
export async function countRefused(request: QuarantineRequest): Promise<Quarantined> {
  const { engine, decision, orderColumn, spec } = request;
  const groups = await engine.query(
    `SELECT ${refusalReason(decision, orderColumn)} AS reason, count(*) AS n FROM bronze_rows ` +
      `WHERE NOT (${goodRows(decision)}) GROUP BY 1 ORDER BY 1`,
  );
  const reasons = Object.fromEntries(groups.map((group) => [String(group.reason), Number(group.n)]));
  const rows = Object.values(reasons).reduce((sum, count) => sum + count, 0);
  if (rows > 0 && isTooMany(spec, rows, request.totalRows)) await refuse(request, rows);
  return { rows, reasons };
}

function isTooMany({ errorHandling }: SilverSpec, bad: number, total: number): boolean {
  if (!errorHandling.enabled || errorHandling.maxBadRecords === 0) return true;
  return bad > errorHandling.maxBadRecords && (bad / total) * 100 > errorHandling.maxBadPercent;
}

async function refuse(request: QuarantineRequest, rows: number): Promise<never> {
  const { engine, decision, orderColumn, parts, spec } = request;
  const [first] = await engine.query(
    `SELECT "__file" AS file, "__row" AS n, ${refusalReason(decision, orderColumn)} AS reason, ` +
      `${identifier(orderColumn)}::VARCHAR AS value FROM bronze_rows WHERE NOT (${goodRows(decision)}) ORDER BY 1, 2 LIMIT 1`,
  );
  const file = parts[Number(first?.file)]?.name ?? '';
  const row = Number(first?.n) + 1;
  const value = first?.value === null ? undefined : String(first?.value);
  const shown = value === undefined ? '' : ` (${orderColumn}: ${JSON.stringify(value)})`;
  const { enabled, maxBadRecords, maxBadPercent } = spec.errorHandling;
  throw new FoundryError(
    'QUAL001',
    `${rows} of ${request.totalRows} rows cannot be promoted; the first is row ${row} of ${file}: ${first?.reason}${shown}`,
    {
      details: { bad_rows: rows, file, row, value },
      hint: enabled
        ? `error_handling allows ${maxBadRecords} bad rows, and ${maxBadPercent} % beyond that. Mend the source, or allow more.`
        : 'Mend the source, or set error_handling.enabled to keep such rows aside.',
    },
  );
}

/** The refused rows as they were, every value as text, with why and where from; undefined when there are none. */
export async function writeQuarantine(
  request: QuarantineRequest,
  columns: readonly Field[],
  spool: string,
): Promise<SpooledPart | undefined> {
  const { engine, decision, orderColumn, parts } = request;
  const values = columns.map(({ name }) => `${identifier(name)}::VARCHAR AS ${identifier(name)}`);
  const file = join(spool, 'rejected.jsonl.tmp');
  const { rows } = await copyToPart(
    engine,
    `SELECT ${values.join(', ')}, ${refusalReason(decision, orderColumn)} AS _reason, ` +
      `(${literalList(parts.map((part) => part.name))})["__file" + 1] AS _source_file, "__row" + 1 AS _source_row ` +
      `FROM bronze_rows WHERE NOT (${goodRows(decision)}) ORDER BY "__file", "__row"`,
    file,
    { format: 'jsonl', compression: 'none' },
  );
  return {
    file,
    folder: '_quarantine/',
    stem: 'rejected',
    format: 'jsonl',
    rows,
    role: 'quarantine',
    ...(await hashFile(file)),
  };
}
