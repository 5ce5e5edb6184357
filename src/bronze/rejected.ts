import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorHandling } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { createPartFile, type PartFile } from '../formats/part-file.ts';
import type { SpooledPart } from '../lake/lake.ts';
import { isTooMany, QUARANTINE_FOLDER } from '../lake/quarantine.ts';
import type { RejectedRow } from '../sources/source.ts';

const BUFFER_CHARS = 256 * 1024;

export interface Rejected {
  readonly rows: number;
  readonly reasons: Readonly<Record<string, number>>;
  /** Absent when no row was rejected. */
  readonly part?: SpooledPart;
}

/** Rows that are kept aside, written as they come. */
export interface RejectedRows {
  add(row: RejectedRow): Promise<void>;
  /**
   * @param landed rows that were not rejected.
   * @throws QUAL001 with the count and the first row where there are more than error handling allows.
   */
  close(landed: number): Promise<Rejected>;
  /** Removes them. */
  abort(): Promise<void>;
}

/** JSON Lines in the shape of Silver's quarantine: cells as text, then `_reason`, `_source_file`, `_source_row`. */
export function rejectedRows(spool: string, allowed: ErrorHandling): RejectedRows {
  const file = join(spool, 'rejected.jsonl.tmp');
  const reasons = new Map<string, number>();
  let part: PartFile | undefined;
  let first: RejectedRow | undefined;
  let rows = 0;
  let buffer = '';

  const flush = async (): Promise<void> => {
    part ??= await createPartFile(file);
    await part.append(Buffer.from(buffer));
    buffer = '';
  };

  return {
    async add(row) {
      first ??= row;
      rows += 1;
      reasons.set(row.reason, (reasons.get(row.reason) ?? 0) + 1);
      buffer += `${jsonLine(row)}\n`;
      if (buffer.length >= BUFFER_CHARS) await flush();
    },
    async close(landed) {
      if (first === undefined) return { rows: 0, reasons: {} };
      if (isTooMany(allowed, rows, rows + landed)) throw tooMany(first, rows, rows + landed, allowed);
      await flush();
      const closed = await part?.close();
      if (closed === undefined) throw new Error('no file of rejected rows');
      return {
        rows,
        reasons: Object.fromEntries([...reasons].sort(([a], [b]) => (a < b ? -1 : 1))),
        part: {
          file,
          folder: QUARANTINE_FOLDER,
          stem: 'rejected',
          format: 'jsonl',
          rows,
          role: 'quarantine',
          ...closed,
        },
      };
    },
    async abort() {
      await part?.abort();
      await rm(file, { force: true }).catch(() => undefined);
    },
  };
}

function tooMany(
  { file, line, column, value, reason }: RejectedRow,
  rows: number,
  total: number,
  { maxBadRecords, maxBadPercent }: ErrorHandling,
): FoundryError {
  return new FoundryError(
    'QUAL001',
    `${rows} of ${total} rows cannot be landed; the first is ${file}:${line}: ${reason} (${column}: ${JSON.stringify(value)})`,
    {
      details: { bad_rows: rows, file, line, column, value },
      hint: `error_handling allows ${maxBadRecords} bad rows, and ${maxBadPercent} % beyond that. Mend the source, or allow more.`,
    },
  );
}

/** Members are written one by one: in an object, names that are numbers would come first, and `__proto__` not at all. */
function jsonLine({ names, cells, reason, file, line }: RejectedRow): string {
  const members = names.map((name, index): [string, unknown] => [name, cells[index] ?? null]);
  const taken = new Set(names.map((name) => name.toLowerCase()));
  const freeName = (name: string): string => (taken.has(name) ? freeName(`_${name}`) : name);
  members.push(
    [freeName('_reason'), reason],
    [freeName('_source_file'), file],
    [freeName('_source_row'), line],
  );
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}
