import { type InputFile, type ReadOptions, readText } from '../input.ts';
import { incompleteTail, isText } from '../text.ts';
import { type CsvDialect, checkDialect } from './dialect.ts';
import { scanRecords } from './record-scanner.ts';

export interface CsvScan {
  /** Records that are not blank lines, a header line included. */
  readonly records: number;
  /** Line end included. */
  readonly longestRecordBytes: number;
  /** Whether every reader of the format agrees about this text: one kind of line end, no quote in mid-cell. */
  readonly regular: boolean;
}

/**
 * Reads a delimited text file once, as fast as bytes can be looked at, without making any cell.
 * Undefined when it is not UTF-8 or holds NUL bytes.
 * @throws DATA001 for an unterminated quote or text behind a closing quote; whatever `readText` throws.
 */
export async function scanCsv(
  input: InputFile,
  dialect: CsvDialect,
  options: ReadOptions,
): Promise<CsvScan | undefined> {
  checkDialect(dialect);
  let records = 0;
  let longestRecordBytes = 0;
  let start = 0;
  let lineEnds = '';
  const scanner = scanRecords(dialect, input.path, (end, _line, lineEnd, blank) => {
    if (!blank) records += 1;
    if (end - start > longestRecordBytes) longestRecordBytes = end - start;
    start = end;
    if (lineEnd !== lineEnds && lineEnd !== '') lineEnds = lineEnds === '' ? lineEnd : 'mixed';
  });
  let carry = Buffer.alloc(0);
  for await (const chunk of readText(input, options)) {
    const joined = carry.length === 0 ? chunk : Buffer.concat([carry, chunk]);
    const whole = joined.length - incompleteTail(joined);
    const text = joined.subarray(0, whole);
    if (!isText(text)) return undefined;
    carry = Buffer.from(joined.subarray(whole));
    scanner.push(text);
  }
  if (carry.length > 0) return undefined;
  scanner.finish();
  return { records, longestRecordBytes, regular: lineEnds !== 'mixed' && !scanner.strayQuotes };
}
