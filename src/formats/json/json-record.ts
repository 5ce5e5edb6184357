import { type Details, FoundryError, messageOf } from '../../core/errors.ts';

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

/** The column of records that are not objects. */
export const VALUE_COLUMN = 'value';

const QUOTE = 34;
const COMMA = 44;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const LOWER_F = 102;
const LOWER_N = 110;
const LOWER_T = 116;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

const BLANK = /[ \t\r\n]/;
const BLANKS_AND_STRINGS = /"(?:[^"\\]|\\.)*"|\s+/g;

/**
 * Gives a reader of the JSON values of one file: an object gives its members, anything else one member named
 * `value`. Numbers keep their digits. A name that stands twice is given twice. A name at the same place as in the
 * record before is the same string object, so that comparing names is cheap.
 * @param placeOf how messages name a record's place.
 * @throws DATA001 (the reader) naming the place when it is not JSON, or escapes half of a surrogate pair.
 */
export function jsonRecordParser(
  file: string,
  placeOf: (line: number) => string = (line) => `${file}:${line}`,
): (source: JsonText) => JsonRecord {
  let known: readonly { readonly quoted: string; readonly name: string }[] = [];

  return ({ text, line }) => {
    try {
      JSON.parse(text);
    } catch (error) {
      throw refused(placeOf(line), `not a JSON value: ${messageOf(error)}`, { file, line }, error);
    }
    const record: JsonRecord = { names: [], kinds: [], texts: [], line };
    // The text is known to be valid from here on, so that only ends of tokens have to be found.
    let at = skipBlanks(text, 0);
    if (text.charCodeAt(at) !== OPEN_OBJECT) {
      record.names.push(VALUE_COLUMN);
      addValue(record, text, at);
    } else {
      let names: { quoted: string; name: string }[] | undefined;
      at = skipBlanks(text, at + 1);
      for (let index = 0; text.charCodeAt(at) !== CLOSE_OBJECT; index += 1) {
        let member = known[index];
        if (member === undefined || !text.startsWith(member.quoted, at)) {
          const quoted = text.slice(at, stringEnd(text, at));
          member = { quoted, name: decodeString(quoted) };
          names ??= known.slice(0, index);
        }
        names?.push(member);
        record.names.push(member.name);
        at = skipBlanks(text, at + member.quoted.length);
        at = addValue(record, text, skipBlanks(text, at + 1));
        at = skipBlanks(text, at);
        if (text.charCodeAt(at) === COMMA) at = skipBlanks(text, at + 1);
      }
      if (names !== undefined) known = names;
    }
    if (text.includes('\\') && ![...record.names, ...record.texts].every((part) => part.isWellFormed())) {
      throw refused(placeOf(line), 'a string escapes half of a surrogate pair', { file, line });
    }
    return record;
  };
}

function refused(place: string, problem: string, details: Details, cause?: unknown): FoundryError {
  return new FoundryError('DATA001', `${place}: ${problem}`, { details, cause });
}

/** Returns the offset behind the value that starts at `at`. */
function addValue({ kinds, texts }: JsonRecord, text: string, at: number): number {
  const end = valueEnd(text, at);
  switch (text.charCodeAt(at)) {
    case QUOTE:
      kinds.push('string');
      texts.push(decodeString(text.slice(at, end)));
      break;
    case LOWER_T:
    case LOWER_F:
      kinds.push('boolean');
      texts.push(text.slice(at, end));
      break;
    case LOWER_N:
      kinds.push('null');
      texts.push('');
      break;
    case OPEN_OBJECT:
    case OPEN_LIST: {
      const source = text.slice(at, end);
      kinds.push('json');
      texts.push(BLANK.test(source) ? withoutBlanks(source) : source);
      break;
    }
    default:
      kinds.push('number');
      texts.push(text.slice(at, end));
  }
  return end;
}

function decodeString(source: string): string {
  return source.includes('\\') ? (JSON.parse(source) as string) : source.slice(1, -1);
}

function withoutBlanks(source: string): string {
  return source.replace(BLANKS_AND_STRINGS, (token) => (token.startsWith('"') ? token : ''));
}

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) <= 32) at += 1;
  return at;
}

/** Offset behind the string that starts at `from`. */
function stringEnd(text: string, from: number): number {
  let at = text.indexOf('"', from + 1);
  while (at !== -1) {
    let slashes = 0;
    while (text.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return at + 1;
    at = text.indexOf('"', at + 1);
  }
  return text.length;
}

function valueEnd(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === QUOTE) return stringEnd(text, from);
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = stringEnd(text, at) - 1;
    else if (code === OPEN_OBJECT || code === OPEN_LIST) depth += 1;
    else if (code === CLOSE_OBJECT || code === CLOSE_LIST) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (code === COMMA || code <= 32)) return at;
  }
  return text.length;
}
