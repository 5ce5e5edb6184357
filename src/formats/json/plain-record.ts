import {
  BLANK,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  MINUS,
  NINE,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  SPACE,
  skipBlanks,
  valueEnd,
  withoutBlanks,
  ZERO,
} from './json-tokens.ts';
import type { JsonRecord } from './record.ts';

/** A name as it stands in the text, and what it is. */
export interface KnownName {
  readonly quoted: string;
  readonly name: string;
}

/** Escapes, and what may stand in no string. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const SPECIAL = /[\\\u0000-\u001f]/;
/** RFC 8259, section 6. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * The usual record, an object on one line without escapes, read and checked in one go, which saves making an object of
 * it. Undefined for anything else, and for what is no JSON.
 * @param known the names of the record before, in their order.
 */
export function readPlainRecord(
  text: string,
  line: number,
  known: readonly KnownName[],
): { readonly record: JsonRecord; readonly known: readonly KnownName[] } | undefined {
  if (SPECIAL.test(text)) return undefined;
  const record: JsonRecord = { names: [], kinds: [], texts: [], line };
  let names: KnownName[] | undefined;
  let at = skipBlanks(text, 0);
  if (text.charCodeAt(at) !== OPEN_OBJECT) return undefined;
  at = skipBlanks(text, at + 1);
  for (let index = 0; ; index += 1) {
    let member = known[index];
    if (member === undefined || !text.startsWith(member.quoted, at)) {
      const end = text.charCodeAt(at) === QUOTE ? text.indexOf('"', at + 1) : -1;
      if (end === -1) return undefined;
      member = { quoted: text.slice(at, end + 1), name: text.slice(at + 1, end) };
      names ??= known.slice(0, index);
    }
    names?.push(member);
    record.names.push(member.name);
    at = skipBlanks(text, at + member.quoted.length);
    if (text.charCodeAt(at) !== COLON) return undefined;
    at = addValue(record, text, skipBlanks(text, at + 1));
    if (at === -1) return undefined;
    at = skipBlanks(text, at);
    const mark = text.charCodeAt(at);
    at = skipBlanks(text, at + 1);
    if (mark === CLOSE_OBJECT) break;
    if (mark !== COMMA) return undefined;
  }
  return at === text.length ? { record, known: names ?? known } : undefined;
}

/** Returns the offset behind the value that starts at `at`, or -1 where there is none. */
function addValue({ kinds, texts }: JsonRecord, text: string, at: number): number {
  const first = text.charCodeAt(at);
  if (first === QUOTE) {
    const end = text.indexOf('"', at + 1);
    if (end === -1) return -1;
    kinds.push('string');
    texts.push(text.slice(at + 1, end));
    return end + 1;
  }
  if (first === MINUS || (first >= ZERO && first <= NINE)) return addNumber(kinds, texts, text, at);
  if (first === OPEN_OBJECT || first === OPEN_LIST) return addNested(kinds, texts, text, at);
  const word = first === LOWER_T ? 'true' : first === LOWER_F ? 'false' : first === LOWER_N ? 'null' : '';
  if (word === '' || !text.startsWith(word, at)) return -1;
  kinds.push(word === 'null' ? 'null' : 'boolean');
  texts.push(word === 'null' ? '' : word);
  return at + word.length;
}

type Kinds = JsonRecord['kinds'];

function addNumber(kinds: Kinds, texts: string[], text: string, at: number): number {
  const first = text.charCodeAt(at);
  let isInteger = first > ZERO;
  let end = at + 1;
  for (; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (code >= ZERO && code <= NINE) continue;
    if (code === COMMA || code === CLOSE_OBJECT || code === SPACE) break;
    isInteger = false;
  }
  const number = text.slice(at, end);
  if (!isInteger && !NUMBER.test(number)) return -1;
  kinds.push('number');
  texts.push(number);
  return end;
}

function addNested(kinds: Kinds, texts: string[], text: string, at: number): number {
  const end = valueEnd(text, at);
  const source = text.slice(at, end);
  try {
    JSON.parse(source);
  } catch {
    return -1;
  }
  kinds.push('json');
  texts.push(BLANK.test(source) ? withoutBlanks(source) : source);
  return end;
}
