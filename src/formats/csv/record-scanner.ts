import { FoundryError } from '../../core/errors.ts';
import type { CsvDialect } from './dialect.ts';

const LF = 10;
const CR = 13;

const CELL_START = 0;
const UNQUOTED = 1;
const QUOTED = 2;
/** After a quote within a quoted cell: it ended the cell, or it escapes the next one. */
const QUOTE_SEEN = 3;
const CR_SEEN = 4;

export type LineEnd = '' | '\n' | '\r\n' | '\r';

/**
 * A record was found. `end` is the offset behind its line end, from the start of the text; `line` is the line
 * (from 1) on which it starts; a blank record has no bytes before its line end.
 */
export type OnRecord = (end: number, line: number, lineEnd: LineEnd, blank: boolean) => void;

export interface RecordScanner {
  push(bytes: Uint8Array): void;
  /** The text is complete. @throws DATA001 when a quoted cell is still open. */
  finish(): void;
  /** A quote stands within an unquoted cell, where readers differ about it. */
  readonly strayQuotes: boolean;
}

/**
 * Finds where the records of delimited text begin and end, byte by byte, in constant memory. It knows nothing
 * of cells' values; `csv-reader` checks its count against that of the parser.
 * @throws DATA001 (from `push`) on text behind a closing quote.
 */
export function scanRecords(dialect: CsvDialect, file: string, onRecord: OnRecord): RecordScanner {
  const delimiter = new TextEncoder().encode(dialect.delimiter);
  const firstOfDelimiter = delimiter[0];
  const single = delimiter.length === 1;
  const quote = dialect.quote === '' ? -1 : dialect.quote.charCodeAt(0);
  let state = CELL_START;
  let matched = 0;
  let offset = 0;
  let recordStart = 0;
  let recordLine = 1;
  let line = 1;
  let quoteLine = 1;
  let previous = 0;
  let strayQuotes = false;

  const emit = (end: number, lineEnd: LineEnd): void => {
    line += 1;
    onRecord(end, recordLine, lineEnd, end - recordStart === lineEnd.length);
    recordStart = end;
    recordLine = line;
    state = CELL_START;
    matched = 0;
  };

  return {
    get strayQuotes() {
      return strayQuotes;
    },
    push(bytes) {
      const length = bytes.length;
      for (let i = 0; i < length; i += 1) {
        const byte = bytes[i] as number;
        if (state === QUOTED) {
          if (byte === quote) state = QUOTE_SEEN;
          else if (byte === CR || (byte === LF && previous !== CR)) line += 1;
          previous = byte;
          continue;
        }
        if (state === CR_SEEN) {
          if (byte === LF) {
            emit(offset + i + 1, '\r\n');
            continue;
          }
          emit(offset + i, '\r');
        }
        if (byte === quote) {
          if (state === CELL_START && matched === 0) {
            state = QUOTED;
            previous = 0;
            quoteLine = line;
          } else if (state === QUOTE_SEEN && matched === 0) {
            state = QUOTED;
          } else {
            strayQuotes = true;
            if (state === QUOTE_SEEN) throw behindQuote(file, line);
            state = UNQUOTED;
            matched = 0;
          }
        } else if (byte === LF) {
          if (state === QUOTE_SEEN && matched > 0) throw behindQuote(file, line);
          emit(offset + i + 1, '\n');
        } else if (byte === CR) {
          if (state === QUOTE_SEEN && matched > 0) throw behindQuote(file, line);
          state = CR_SEEN;
        } else if (single) {
          if (byte === firstOfDelimiter) state = CELL_START;
          else if (state === QUOTE_SEEN) throw behindQuote(file, line);
          else state = UNQUOTED;
        } else if (byte === delimiter[matched]) {
          matched += 1;
          if (matched === delimiter.length) {
            matched = 0;
            state = CELL_START;
          } else if (state === CELL_START) state = UNQUOTED;
        } else if (state === QUOTE_SEEN) {
          throw behindQuote(file, line);
        } else {
          matched = byte === firstOfDelimiter ? 1 : 0;
          state = UNQUOTED;
        }
      }
      offset += length;
    },
    finish() {
      if (state === QUOTED) {
        throw new FoundryError(
          'DATA001',
          `${file}:${quoteLine}: the file ends within the quoted cell opened here`,
          {
            details: { file, line: quoteLine },
          },
        );
      }
      if (state === CR_SEEN) emit(offset, '\r');
      if (offset > recordStart) emit(offset, '');
    },
  };
}

function behindQuote(file: string, line: number): FoundryError {
  return new FoundryError('DATA001', `${file}:${line}: text follows the closing quote of a cell`, {
    details: { file, line },
    hint: 'Double the quotes within quoted cells, or set the file option "quote".',
  });
}
