import { FoundryError, messageOf } from '../../core/errors.ts';

export type JsonKind = 'null' | 'string' | 'boolean' | 'number' | 'json';

/** One JSON value as it was found. */
export interface JsonText {
  readonly text: string;
  /** Line (from 1) on which it starts. */
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
const BACKSLASH = 92;
const BLANKS_AND_STRINGS = /"(?:[^"\\]|\\.)*"|\s+/g;

/**
 * Reads one JSON value: an object gives its members, anything else one member named `value`. Numbers keep their
 * digits. A name that stands twice is given twice.
 * @throws DATA001 naming file and line when it is not JSON, or escapes half of a surrogate pair.
 */
export function parseJsonRecord({ text, line }: JsonText, file: string): JsonRecord {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new FoundryError('DATA001', `${file}:${line}: not a JSON value: ${messageOf(error)}`, {
      details: { file, line },
      cause: error,
    });
  }
  const record: JsonRecord = { names: [], kinds: [], texts: [], line };
  // The text is known to be valid from here on, so that only ends of tokens have to be found.
  let at = skipBlanks(text, 0);
  if (text[at] !== '{') {
    addCell(record, VALUE_COLUMN, text, at);
  } else {
    at = skipBlanks(text, at + 1);
    while (text[at] !== '}') {
      const nameEnd = stringEnd(text, at);
      const name = decodeString(text.slice(at, nameEnd));
      at = skipBlanks(text, nameEnd);
      at = addCell(record, name, text, skipBlanks(text, at + 1));
      at = skipBlanks(text, at);
      if (text[at] === ',') at = skipBlanks(text, at + 1);
    }
  }
  for (const part of [record.names, record.texts]) {
    for (const value of part) {
      if (value.isWellFormed()) continue;
      throw new FoundryError('DATA001', `${file}:${line}: a string escapes half of a surrogate pair`, {
        details: { file, line },
      });
    }
  }
  return record;
}

function addCell(record: JsonRecord, name: string, text: string, at: number): number {
  record.names.push(name);
  const end = valueEnd(text, at);
  const source = text.slice(at, end);
  switch (source.charCodeAt(0)) {
    case QUOTE:
      record.kinds.push('string');
      record.texts.push(decodeString(source));
      break;
    case 116: // true
    case 102: // false
      record.kinds.push('boolean');
      record.texts.push(source);
      break;
    case 110: // null
      record.kinds.push('null');
      record.texts.push('');
      break;
    case 123: // {
    case 91: // [
      record.kinds.push('json');
      record.texts.push(withoutBlanks(source));
      break;
    default:
      record.kinds.push('number');
      record.texts.push(source);
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
  const first = text[from];
  if (first === '"') return stringEnd(text, from);
  if (first !== '{' && first !== '[') {
    let at = from;
    while (at < text.length && !', \t\r\n]}'.includes(text[at] ?? ' ')) at += 1;
    return at;
  }
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === '"') at = stringEnd(text, at) - 1;
    else if (char === '{' || char === '[') depth += 1;
    else if (char === '}' || char === ']') {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return text.length;
}
