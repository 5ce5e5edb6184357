import { join } from 'node:path';
import type { SilverSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { TableSchema } from '../core/schema.ts';
import type { Engine } from '../engine/engine.ts';
import { sparing } from '../engine/heavy.ts';
import { copyToPart, hashFile } from '../engine/parts.ts';
import { identifier, literal, literalList } from '../engine/sql.ts';
import type { SpooledPart } from '../lake/lake.ts';
import { isTooMany, QUARANTINE_FOLDER } from '../lake/quarantine.ts';
import { type Decision, goodRows, refusalReason, refusedColumn } from './decide.ts';
import type { InputPart } from './relation.ts';
import { type Fault, MISFITS, SOURCE } from './shape.ts';

export interface Quarantined {
  readonly rows: number;
  readonly reasons: Readonly<Record<string, number>>;
}

export interface QuarantineRequest {
  readonly engine: Engine;
  readonly spec: SilverSpec;
  /** What the numbers in `bronze_misfits` mean; empty where there is no such row. */
  readonly faults: readonly Fault[];
  /** Absent for models that take rows as they are. */
  readonly decision?: Decision;
  readonly parts: readonly InputPart[];
  readonly totalRows: number;
}

/**
 * Counts the rows with a value that does not fit, without keys or without a place in the order.
 * @throws QUAL001 with the count and the first such row when there are any and error handling is off, or more than
 * it allows.
 */
export async function countRefused(request: QuarantineRequest): Promise<Quarantined> {
  const groups = await request.engine.query(
    `SELECT reason, count(*) AS n FROM (${refusedSql(request)}) GROUP BY 1 ORDER BY 1`,
  );
  const reasons = Object.fromEntries(groups.map((group) => [String(group.reason), Number(group.n)]));
  const rows = Object.values(reasons).reduce((sum, count) => sum + count, 0);
  if (isTooMany(request.spec.errorHandling, rows, request.totalRows)) await refuse(request, rows);
  return { rows, reasons };
}

/** `file, n` (from 0), `reason`, `culprit` (a column of `relation`) of every row that is refused. */
function refusedSql({ faults, decision, spec }: QuarantineRequest): string {
  const selects: string[] = [];
  if (faults.length > 0) {
    const choose = (of: (fault: Fault) => string): string =>
      `CASE "__fault" ${faults.map((fault, index) => `WHEN ${index} THEN ${literal(of(fault))}`).join(' ')} END`;
    selects.push(
      `SELECT "__file" AS file, "__row" AS n, ${choose(({ reason }) => reason)} AS reason, ` +
        `${choose(({ column }) => column)} AS culprit, '${SOURCE}' AS relation FROM ${MISFITS}`,
    );
  }
  if (decision !== undefined) {
    const order = spec.orderColumn ?? '';
    // A NULL key shows nothing; the order value says which of the rows it is.
    const shown = (column: string): string => literal(decision.keys.includes(column) ? order : column);
    selects.push(
      `SELECT "__file" AS file, "__row" AS n, ${refusalReason(decision, order)} AS reason, ` +
        `${refusedColumn(decision, order, shown)} AS culprit, 'bronze_rows' AS relation ` +
        `FROM bronze_rows WHERE NOT (${goodRows(decision)})`,
    );
  }
  return selects.join(' UNION ALL ');
}

/** Codes differ from system to system, so a code that is not known is more often missing in the config than wrong. */
function codeHint({ cdc }: SilverSpec, culprit: unknown, code: string | undefined): string | undefined {
  if (cdc === undefined || culprit !== cdc.operationColumn || code === undefined) return undefined;
  const known = [...cdc.live, ...cdc.deleted].map((each) => JSON.stringify(each)).join(', ');
  return `The codes that are known are ${known}: if this is one of the source's, name it in cdc (insert, update, delete or read).`;
}

async function refuse(request: QuarantineRequest, rows: number): Promise<never> {
  const { engine, parts, spec } = request;
  const [first] = await engine.query(`SELECT * FROM (${refusedSql(request)}) ORDER BY file, n LIMIT 1`);
  const file = parts[Number(first?.file)]?.name ?? '';
  const row = Number(first?.n) + 1;
  const [cell] = await engine.query(
    `SELECT ${identifier(String(first?.culprit))}::VARCHAR AS value FROM ${first?.relation} ` +
      `WHERE "__file" = ${first?.file} AND "__row" = ${first?.n}`,
  );
  const value = typeof cell?.value === 'string' ? cell.value : undefined;
  const shown = value === undefined ? '' : ` (${first?.culprit}: ${JSON.stringify(value)})`;
  const because =
    first?.relation === SOURCE
      ? request.faults.find(({ reason }) => reason === first.reason)?.hint
      : codeHint(spec, first?.culprit, value);
  const { enabled, maxBadRecords, maxBadPercent } = spec.errorHandling;
  const usual = enabled
    ? `error_handling allows ${maxBadRecords} bad rows, and ${maxBadPercent} % beyond that. Mend the source, or allow more.`
    : 'Mend the source, or set error_handling.enabled to keep such rows aside.';
  throw new FoundryError(
    'QUAL001',
    `${rows} of ${request.totalRows} rows cannot be promoted; the first is row ${row} of ${file}: ${first?.reason}${shown}`,
    {
      details: { bad_rows: rows, file, row, column: String(first?.culprit), value },
      hint: because === undefined ? usual : `${because} ${usual}`,
    },
  );
}

/** The refused rows as they landed, every value as text, with why and where from. */
export async function writeQuarantine(
  request: QuarantineRequest,
  { reasons }: Quarantined,
  source: TableSchema,
  spool: string,
): Promise<SpooledPart> {
  const { engine, parts } = request;
  // As a number, a reason takes one byte of memory a row, however many rows there are.
  const numbered = `reason::ENUM(${Object.keys(reasons).map(literal).join(', ')}) AS reason`;
  const refused = `SELECT file, n, ${numbered} FROM (${refusedSql(request)})`;
  const values = source.fields.map(({ name }) => `s.${identifier(name)}::VARCHAR AS ${identifier(name)}`);
  const added = [
    ['_reason', 'r.reason::VARCHAR'],
    ['_source_file', `(${literalList(parts.map((part) => part.name))})[r.file + 1]`],
    ['_source_row', 'r.n + 1'],
  ] as const;
  const named = added.map(([name, sql]) => `${sql} AS ${identifier(freeName(name, source))}`);
  const file = join(spool, 'rejected.jsonl.tmp');
  const select =
    `SELECT ${[...values, ...named].join(', ')} FROM ${SOURCE} s JOIN (${refused}) r ` +
    `ON s."__file" = r.file AND s."__row" = r.n ORDER BY r.file, r.n`;
  const { rows } = await sparing(engine, () =>
    copyToPart(engine, select, file, { format: 'jsonl', compression: 'none' }),
  );
  return {
    file,
    folder: QUARANTINE_FOLDER,
    stem: 'rejected',
    format: 'jsonl',
    rows,
    role: 'quarantine',
    ...(await hashFile(file)),
  };
}

/** Bronze may have a column of that name itself, such as rows that came out of a quarantine. */
function freeName(name: string, { fields }: TableSchema): string {
  const isTaken = fields.some((field) => field.name.toLowerCase() === name);
  return isTaken ? freeName(`_${name}`, { fields }) : name;
}
