import { FoundryError } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import type { JsonText } from './json-record.ts';

const MAX_ELEMENT_BYTES = 256 * 1024 * 1024;
const MAX_NAMES_IN_MESSAGE = 50;

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

type Expect = 'value' | 'value or ]' | 'name' | 'name or }' | ':' | ', or end' | 'nothing more';

/** What the bytes at hand belong to: blanks and marks, or a token that may go on in the next chunk. */
type Mode = 'between' | 'string' | 'scalar' | 'element';

export interface DocumentScanner {
  push(bytes: Buffer): void;
  /** The document is complete. @throws DATA001 when it ends early, or has nothing at the path. */
  finish(): void;
}

/**
 * Walks one JSON document chunk by chunk, holding nothing but its nesting and one element at a time, and hands
 * over the elements of the list at `path`, or the object at `path` as the only element. The structure around the
 * elements is checked here; the text of an element itself is its reader's to check.
 * @throws DATA001 (from `push`) naming file and line.
 */
export function scanDocument(
  path: readonly string[],
  file: string,
  onElement: (element: JsonText) => void,
): DocumentScanner {
  const stack: number[] = [];
  /** Containers of the stack, from the root, that lie on the path. */
  let onPath = 0;
  let nextOnPath = true;
  let found = false;
  /** Stack height within the target list; elements are its direct values. */
  let listHeight = 0;
  /** Names of the deepest object on the path, for the message when the path leads nowhere. */
  const namesSeen: string[] = [];
  let namesDepth = 0;

  let expect: Expect = 'value';
  let mode: Mode = 'between';
  let line = 1;

  let parts: Buffer[] = [];
  let partBytes = 0;
  let tokenLine = 1;
  let isName = false;
  let escaped = false;
  let inString = false;
  let depth = 0;

  const fail = (problem: string, at = line): FoundryError =>
    new FoundryError('DATA001', `${file}:${at}: ${problem}`, { details: { file, line: at } });

  const where = (): string => (path.length === 0 ? 'the document' : `json_path "${path.join('.')}"`);

  const afterValue = (): void => {
    expect = stack.length === 0 ? 'nothing more' : ', or end';
    mode = 'between';
  };

  const keep = (bytes: Buffer): void => {
    parts.push(bytes);
    partBytes += bytes.length;
    if (partBytes > MAX_ELEMENT_BYTES) throw fail('an element is longer than 256 MB', tokenLine);
  };

  const takeToken = (): string => {
    const text = Buffer.concat(parts).toString();
    parts = [];
    partBytes = 0;
    return text;
  };

  const endElement = (): void => {
    onElement({ text: takeToken(), line: tokenLine });
    afterValue();
  };

  const endName = (): void => {
    const token = takeToken();
    expect = ':';
    mode = 'between';
    if (!isName || onPath !== stack.length) return;
    let name: unknown;
    try {
      name = JSON.parse(token);
    } catch {
      throw fail('not JSON: a name that is no string', tokenLine);
    }
    if (typeof name === 'string' && namesSeen.length < MAX_NAMES_IN_MESSAGE) namesSeen.push(name);
    nextOnPath = name === path[onPath - 1];
    if (nextOnPath && found) throw fail(`${where()} stands twice in the document`);
  };

  const endScalar = (): void => {
    const token = takeToken();
    try {
      JSON.parse(token);
    } catch {
      throw fail(`not JSON: ${token.slice(0, 40)}`, tokenLine);
    }
    afterValue();
  };

  const open = (byte: number): void => {
    stack.push(byte);
    expect = byte === OPEN_OBJECT ? 'name or }' : 'value or ]';
  };

  const close = (byte: number): void => {
    const opened = stack.pop();
    if (opened !== (byte === CLOSE_OBJECT ? OPEN_OBJECT : OPEN_LIST))
      throw fail('not JSON: brackets do not match');
    if (listHeight > stack.length) listHeight = 0;
    if (onPath > stack.length) onPath = stack.length;
    afterValue();
  };

  /** The first byte of a value. Returns whether the byte belongs to a token that goes on. */
  const beginValue = (byte: number): boolean => {
    tokenLine = line;
    const isElement = listHeight > 0 && stack.length === listHeight;
    const target = nextOnPath && onPath === path.length;
    if (isElement || (target && byte === OPEN_OBJECT)) {
      found = true;
      nextOnPath = false;
      mode = 'element';
      depth = 0;
      inString = false;
      escaped = false;
      return true;
    }
    if (target) {
      if (byte !== OPEN_LIST) throw fail(`${where()} is neither a list nor an object`);
      found = true;
      nextOnPath = false;
      open(byte);
      listHeight = stack.length;
      return false;
    }
    if (nextOnPath) {
      nextOnPath = false;
      if (byte !== OPEN_OBJECT) throw fail(`${where()}: ${place(path, onPath)} is not an object`);
      open(byte);
      onPath = stack.length;
      namesSeen.length = 0;
      namesDepth = onPath - 1;
      return false;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      open(byte);
      return false;
    }
    mode = byte === QUOTE ? 'string' : 'scalar';
    isName = false;
    escaped = false;
    return true;
  };

  /** One byte between tokens. Returns whether it starts a token. */
  const between = (byte: number): boolean => {
    if (byte === 10) line += 1;
    if (byte === 32 || byte === 10 || byte === 13 || byte === 9) return false;
    if (byte === CLOSE_LIST && expect === 'value or ]') close(byte);
    else if (byte === CLOSE_OBJECT && expect === 'name or }') close(byte);
    else if ((byte === CLOSE_LIST || byte === CLOSE_OBJECT) && expect === ', or end') close(byte);
    else if (byte === COMMA && expect === ', or end')
      expect = stack.at(-1) === OPEN_OBJECT ? 'name' : 'value';
    else if (byte === COLON && expect === ':') expect = 'value';
    else if (byte === QUOTE && (expect === 'name' || expect === 'name or }')) {
      mode = 'string';
      isName = true;
      escaped = false;
      tokenLine = line;
      return true;
    } else if ((expect === 'value' || expect === 'value or ]') && !isMark(byte) && byte !== COLON) {
      return beginValue(byte);
    } else if (expect === 'nothing more') throw fail('something follows the end of the JSON document');
    else throw fail(`not JSON: expected ${expect}, found ${JSON.stringify(String.fromCharCode(byte))}`);
    return false;
  };

  /** Offset behind the last byte of the string, or the end of the chunk. */
  const scanString = (bytes: Buffer, from: number): number => {
    for (let i = from; i < bytes.length; i += 1) {
      const byte = bytes[i] as number;
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) {
        mode = 'between';
        return i + 1;
      } else if (byte < 32) throw fail('not JSON: a string holds a control character', tokenLine);
    }
    return bytes.length;
  };

  const isMark = (byte: number): boolean =>
    byte === COMMA || byte === CLOSE_LIST || byte === CLOSE_OBJECT || byte <= 32;

  const scanScalar = (bytes: Buffer, from: number): number => {
    let i = from;
    while (i < bytes.length && !isMark(bytes[i] as number)) i += 1;
    if (i < bytes.length) mode = 'between';
    return i;
  };

  const scanElement = (bytes: Buffer, from: number): number => {
    for (let i = from; i < bytes.length; i += 1) {
      const byte = bytes[i] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        if (inString || depth > 0) continue;
        mode = 'between';
        return i + 1;
      }
      if (byte === QUOTE) inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth += 1;
      else if (depth === 0 && isMark(byte)) {
        mode = 'between';
        return i;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        depth -= 1;
        if (depth > 0) continue;
        mode = 'between';
        return i + 1;
      } else if (byte === 10) line += 1;
    }
    return bytes.length;
  };

  return {
    push(bytes) {
      let i = 0;
      while (i < bytes.length) {
        if (mode === 'between') {
          const starts = between(bytes[i] as number);
          if (!starts) {
            i += 1;
            continue;
          }
          if ((mode as Mode) === 'string') {
            keep(bytes.subarray(i, i + 1));
            i += 1;
            continue;
          }
        }
        const current = mode as Mode;
        const scan = current === 'string' ? scanString : current === 'scalar' ? scanScalar : scanElement;
        const end = scan(bytes, i);
        const needed = current === 'element' || current === 'scalar' || (isName && onPath === stack.length);
        if (needed) keep(bytes.subarray(i, end));
        i = end;
        if ((mode as Mode) !== 'between') continue;
        if (current === 'element') endElement();
        else if (current === 'scalar') endScalar();
        else if (isName) endName();
        else {
          takeToken();
          afterValue();
        }
      }
    },
    finish() {
      if (mode === 'scalar') endScalar();
      if (expect !== 'nothing more' || mode !== 'between') {
        throw fail('the file ends before its JSON document does');
      }
      if (!found) {
        const wanted = path[namesDepth] ?? '';
        throw new FoundryError(
          'DATA001',
          `${file} has nothing at ${where()}${didYouMean(wanted, namesSeen)}`,
          {
            details: { file },
            hint: `Names at that level: ${namesSeen.join(', ') || 'none'}.`,
          },
        );
      }
    },
  };
}

function place(path: readonly string[], depth: number): string {
  return depth === 0 ? 'the document' : `"${path.slice(0, depth).join('.')}"`;
}
