import Papa from 'papaparse';
import { FoundryError } from '../../core/errors.ts';
import { type InputFile, type ReadOptions, readText } from '../input.ts';
import { checkText } from '../text.ts';
import { type CsvDialect, checkDialect } from './dialect.ts';
import { type LineEnd, scanRecords } from './record-scanner.ts';

const MAX_RECORD_BYTES = 256 * 1024 * 1024;

/** Consecutive records; `lines[i]` is the line (from 1) on which `rows[i]` starts. */
export interface CsvRows {
  readonly rows: readonly (readonly string[])[];
  readonly lines: readonly number[];
}

/** Whole records with one kind of line end. */
interface Block {
  readonly bytes: Buffer;
  readonly lineEnd: LineEnd;
  readonly quoted: boolean;
  readonly lines: readonly number[];
  readonly blank: readonly boolean[];
}

/**
 * The records of a delimited text file, header included, blank lines left out, in bounded memory. A byte order
 * mark is dropped. Quoted or not, an empty cell is `''`.
 * @throws DATA001 naming file and line: invalid UTF-8, NUL bytes, an unterminated quote, text behind a closing
 * quote, a record over 256 MB; whatever `readText` throws; CFG001 for an impossible dialect.
 */
export async function* readCsv(
  input: InputFile,
  dialect: CsvDialect,
  options: ReadOptions,
): AsyncGenerator<CsvRows> {
  checkDialect(dialect);
  for await (const block of readBlocks(input, dialect, options)) {
    checkText(block.bytes, block.lines[0] ?? 1, input.path);
    const rows = parse(block, dialect, input.path);
    const kept = rows.flatMap((_, index) => (block.blank[index] ? [] : [index]));
    if (kept.length === rows.length) yield { rows, lines: block.lines };
    else if (kept.length > 0) {
      yield {
        rows: kept.map((index) => rows[index] ?? []),
        lines: kept.map((index) => block.lines[index] ?? 0),
      };
    }
  }
}

async function* readBlocks(
  input: InputFile,
  dialect: CsvDialect,
  options: ReadOptions,
): AsyncGenerator<Block> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let consumed = 0;
  const { quote } = dialect;
  const blocks: { end: number; lineEnd: LineEnd; lines: number[]; blank: boolean[] }[] = [];
  const scanner = scanRecords(dialect, input.path, (end, line, lineEnd, blank) => {
    const last = blocks.at(-1);
    if (last !== undefined && (last.lineEnd === lineEnd || lineEnd === '')) {
      last.end = end;
      last.lines.push(line);
      last.blank.push(blank);
    } else blocks.push({ end, lineEnd, lines: [line], blank: [blank] });
  });

  const take = function* (): Generator<Block> {
    if (blocks.length === 0) return;
    const bytes = pending.length === 1 && pending[0] !== undefined ? pending[0] : Buffer.concat(pending);
    let from = 0;
    for (const { end, ...block } of blocks) {
      const to = end - consumed;
      const part = bytes.subarray(from, to);
      yield { ...block, bytes: part, quoted: quote !== '' && part.includes(quote) };
      from = to;
    }
    blocks.length = 0;
    consumed += from;
    pending = from === bytes.length ? [] : [bytes.subarray(from)];
    pendingBytes = bytes.length - from;
  };

  for await (const chunk of readText(input, options)) {
    pending.push(chunk);
    pendingBytes += chunk.length;
    scanner.push(chunk);
    yield* take();
    if (pendingBytes > MAX_RECORD_BYTES) {
      throw new FoundryError('DATA001', `${input.path}: a record is longer than 256 MB`, {
        hint: 'A quote that is never closed looks like this; check the file option "quote".',
      });
    }
  }
  scanner.finish();
  yield* take();
}

function parse(block: Block, dialect: CsvDialect, file: string): string[][] {
  const end = block.bytes.length;
  const unterminated = block.lineEnd === '' || !endsWith(block.bytes, block.lineEnd);
  const text = block.bytes.toString('utf8', 0, unterminated ? end : end - block.lineEnd.length);
  const parser = new Papa.Parser({
    delimiter: dialect.delimiter,
    newline: block.lineEnd === '' ? '\n' : block.lineEnd,
    quoteChar: dialect.quote,
    fastMode: !block.quoted,
  });
  const result = parser.parse(text, 0, false) as {
    data: string[][];
    errors: { row: number; message: string }[];
  };
  const [error] = result.errors;
  if (error !== undefined) {
    const line = block.lines[error.row] ?? block.lines[0] ?? 1;
    throw new FoundryError('DATA001', `${file}:${line}: ${error.message}`, { details: { file, line } });
  }
  const rows = text === '' ? [['']] : result.data;
  if (rows.length !== block.lines.length) {
    throw new Error(
      `${file}: the parser found ${rows.length} records where the scanner found ${block.lines.length}`,
    );
  }
  return rows;
}

function endsWith(bytes: Buffer, lineEnd: LineEnd): boolean {
  return (
    bytes.length >= lineEnd.length && bytes.toString('latin1', bytes.length - lineEnd.length) === lineEnd
  );
}
