export type JsonKind = 'null' | 'string' | 'boolean' | 'number' | 'json';

/** One JSON value as it was found. */
export interface JsonText {
  readonly text: string;
  /** Line (from 1) on which it starts; on a page, its number (from 1). */
  readonly line: number;
}

/**
 * The members of one record, in their order. `texts[i]` is the decoded string, `true` or `false`, the number as
 * it was written, or the nested value's own text without blanks between its tokens.
 */
export interface JsonRecord {
  readonly names: string[];
  readonly kinds: JsonKind[];
  readonly texts: string[];
  readonly line: number;
}
