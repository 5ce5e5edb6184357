import { FoundryError } from '../../core/errors.ts';

/** How delimited text is written; line ends may be LF, CRLF or CR. */
export interface CsvDialect {
  readonly delimiter: string;
  /** One ASCII character, or `''` for text without quoting. */
  readonly quote: string;
}

/** @throws CFG001 when delimiter and quote cannot tell cells apart. */
export function checkDialect({ delimiter, quote }: CsvDialect): void {
  const problem = (message: string): FoundryError => new FoundryError('CFG001', message);
  if (delimiter === '' || /[\r\n\0\ufeff]/.test(delimiter)) {
    throw problem(`the delimiter ${JSON.stringify(delimiter)} cannot separate cells`);
  }
  if (quote.length > 1 || /[\r\n\0\u0080-\uffff]/.test(quote)) {
    throw problem(`the quote ${JSON.stringify(quote)} is not one ASCII character`);
  }
  if (quote !== '' && delimiter.includes(quote)) {
    throw problem(`the delimiter ${JSON.stringify(delimiter)} holds the quote character`);
  }
  if (delimiter === '"') throw problem('the delimiter cannot be a double quote');
}
