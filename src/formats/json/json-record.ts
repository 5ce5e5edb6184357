import { type Details, FoundryError, messageOf } from '../../core/errors.ts';
import {
  BLANK,
  CLOSE_OBJECT,
  COMMA,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  OPEN_LIST,
  OPEN_OBJECT,
  QUOTE,
  skipBlanks,
  stringEnd,
  valueEnd,
  withoutBlanks,
} from './json-tokens.ts';
import { type KnownName, readPlainRecord } from './plain-record.ts';
import type { JsonRecord, JsonText } from './record.ts';

/** The column of records that are not objects. */
export const VALUE_COLUMN = 'value';

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
  let known: readonly KnownName[] = [];

  return ({ text, line }) => {
    const plain = readPlainRecord(text, line, known);
    if (plain !== undefined) {
      known = plain.known;
      return plain.record;
    }
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
      let names: KnownName[] | undefined;
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
