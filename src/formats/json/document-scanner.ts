import type { FoundryError } from '../../core/errors.ts';
import { CLOSE_LIST, CLOSE_OBJECT, COLON, COMMA, OPEN_LIST, OPEN_OBJECT, QUOTE } from './json-tokens.ts';
import { isMark, type TokenKind, tokenScanner } from './token-scanner.ts';

const MAX_ELEMENT_BYTES = 256 * 1024 * 1024;
const MAX_NAMES_IN_MESSAGE = 50;

type Expect = 'value' | 'value or ]' | 'name' | 'name or }' | ':' | ', or end' | 'nothing more';

export type TargetKind = 'list' | 'object' | 'scalar';

/** A value of the document, as it lies there. */
export interface ScannedValue {
  readonly bytes: Buffer;
  /** Line (from 1) of its start. */
  readonly line: number;
}

/** Whoever has the document at hand wants no more than places in it: bytes `[from, to)`. */
export interface Places {
  /** An element of the list, or a member of the object, at the path. */
  readonly onElement: (from: number, to: number, name: string | undefined) => void;
  /** The byte behind that list or object. */
  readonly onTargetEnd: (end: number) => void;
}

export interface ScanRequest {
  /** Names of objects' members and, in lists, indexes from 0. */
  readonly path: readonly string[];
  /** The error for what is no JSON. */
  readonly refuse: (problem: string, line: number, byte: number) => FoundryError;
  /** Begins what stands at the path, first byte included. Throws where that kind will not do. */
  readonly onTarget: (kind: TargetKind, at: number) => void;
  /** The elements of the list at the path, or the object there as the only one. */
  readonly wanted: ((element: ScannedValue) => void) | Places;
}

/** How far the path led. */
export interface PathReached {
  readonly found: boolean;
  /** The segments that lead to the deepest value on the path, and what that is. */
  readonly segments: number;
  readonly kind: TargetKind;
  /** The names of that object (at most 50). */
  readonly names: readonly string[];
}

export interface DocumentScanner {
  push(bytes: Buffer): void;
  /** The document is complete. Throws when it ends early. */
  finish(): PathReached;
}

/**
 * Walks one JSON document chunk by chunk, holding nothing but its nesting and one element at a time, and hands
 * over the elements of the list at a path, or the object there. The structure around the elements is checked here;
 * the text of an element itself is its reader's to check.
 * @throws (from `push` and `finish`) what `refuse` gives.
 */
export function scanDocument(request: ScanRequest): DocumentScanner {
  const { path, refuse, wanted } = request;
  const places = typeof wanted === 'function' ? undefined : wanted;
  const stack: number[] = [];
  /** Bytes before the chunk, and place in the chunk. */
  let base = 0;
  let i = 0;
  /** Containers of the stack, from the root, that lie on the path. */
  let onPath = 0;
  let nextOnPath = true;
  let found = false;
  /** Stack height within the target; elements are its direct values. */
  let targetHeight = 0;
  /** Values so far of the deepest list on the path; endless once one of them was walked into. */
  let listIndex = 0;
  /** Names of the deepest object on the path, for the message when the path leads nowhere. */
  const namesSeen: string[] = [];
  let reached: Pick<PathReached, 'segments' | 'kind'> = { segments: 0, kind: 'scalar' };

  let expect: Expect = 'value';
  /** What the bytes at hand belong to, and may go on in the next chunk; undefined between tokens. */
  let token: TokenKind | undefined;
  let line = 1;

  let parts: Buffer[] = [];
  let partBytes = 0;
  let tokenLine = 1;
  let tokenFrom = 0;
  let memberName: string | undefined;
  let isName = false;

  const fail = (problem: string, at = line): FoundryError => refuse(problem, at, base + i);
  const scanner = tokenScanner(() => fail('not JSON: a string holds a control character', tokenLine));

  const afterValue = (): void => {
    expect = stack.length === 0 ? 'nothing more' : ', or end';
    token = undefined;
  };

  const keep = (bytes: Buffer): void => {
    parts.push(bytes);
    partBytes += bytes.length;
    if (partBytes > MAX_ELEMENT_BYTES) throw fail('an element is longer than 256 MB', tokenLine);
  };

  const takeToken = (): Buffer => {
    const [only] = parts;
    const bytes = parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
    parts = [];
    partBytes = 0;
    return bytes;
  };

  const endElement = (): void => {
    if (typeof wanted === 'function') wanted({ bytes: takeToken(), line: tokenLine });
    else wanted.onElement(tokenFrom, base + i, memberName);
    afterValue();
  };

  const endName = (): void => {
    const quoted = takeToken().toString();
    expect = ':';
    token = undefined;
    const isMember = stack.length === targetHeight;
    if (!isMember && onPath !== stack.length) return;
    let name: unknown;
    try {
      name = JSON.parse(quoted);
    } catch {
      throw fail('not JSON: a name that is no string', tokenLine);
    }
    if (isMember) {
      memberName = String(name);
      return;
    }
    if (namesSeen.length < MAX_NAMES_IN_MESSAGE) namesSeen.push(String(name));
    nextOnPath = name === path[onPath - 1];
    if (nextOnPath && found) throw fail(`"${path.join('.')}" stands twice in the document`);
  };

  const endScalar = (): void => {
    const text = takeToken().toString();
    try {
      JSON.parse(text);
    } catch {
      throw fail(`not JSON: ${text.slice(0, 40)}`, tokenLine);
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
    if (targetHeight > stack.length) {
      targetHeight = 0;
      places?.onTargetEnd(base + i + 1);
    }
    if (onPath > stack.length) {
      onPath = stack.length;
      listIndex = Number.POSITIVE_INFINITY;
    }
    afterValue();
  };

  const begin = (kind: TokenKind): true => {
    token = kind;
    isName = false;
    scanner.begin(kind);
    return true;
  };

  /** Returns whether the byte belongs to a token that goes on. */
  const beginTarget = (byte: number): boolean => {
    found = true;
    nextOnPath = false;
    const kind = kindOf(byte);
    request.onTarget(kind, base + i);
    if (kind === 'scalar') return beginToken(byte);
    if (kind === 'object' && places === undefined) return begin('element');
    open(byte);
    targetHeight = stack.length;
    return false;
  };

  const beginToken = (byte: number): true => begin(byte === QUOTE ? 'string' : 'scalar');

  /** The first byte of a value. Returns whether the byte belongs to a token that goes on. */
  const beginValue = (byte: number): boolean => {
    tokenLine = line;
    tokenFrom = base + i;
    if (targetHeight > 0 && stack.length === targetHeight) return begin('element');
    if (onPath > 0 && onPath === stack.length && stack.at(-1) === OPEN_LIST) {
      nextOnPath = String(listIndex) === path[onPath - 1];
      listIndex += 1;
    }
    if (nextOnPath && onPath === path.length) return beginTarget(byte);
    const container = byte === OPEN_OBJECT || byte === OPEN_LIST;
    if (nextOnPath) {
      nextOnPath = false;
      reached = { segments: onPath, kind: kindOf(byte) };
      namesSeen.length = 0;
      if (container) {
        open(byte);
        onPath = stack.length;
        listIndex = 0;
        return false;
      }
    }
    if (container) {
      open(byte);
      return false;
    }
    return beginToken(byte);
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
      beginToken(byte);
      isName = true;
      tokenLine = line;
      return true;
    } else if ((expect === 'value' || expect === 'value or ]') && !isMark(byte) && byte !== COLON) {
      return beginValue(byte);
    } else if (expect === 'nothing more') throw fail('something follows the end of the JSON document');
    else throw fail(`not JSON: expected ${expect}, found ${JSON.stringify(String.fromCharCode(byte))}`);
    return false;
  };

  return {
    push(bytes) {
      for (i = 0; i < bytes.length; ) {
        if (token === undefined) {
          const starts = between(bytes[i] as number);
          if (!starts) {
            i += 1;
            continue;
          }
          if ((token as TokenKind | undefined) === 'string') {
            keep(bytes.subarray(i, i + 1));
            i += 1;
            continue;
          }
        }
        const current = token as TokenKind | undefined;
        const end = scanner.scan(bytes, i);
        line += scanner.lines;
        const onTheWay = stack.length === onPath || stack.length === targetHeight;
        const needed =
          (current === 'element' && places === undefined) || current === 'scalar' || (isName && onTheWay);
        if (needed) keep(bytes.subarray(i, end));
        i = end;
        if (!scanner.ended) continue;
        if (current === 'element') endElement();
        else if (current === 'scalar') endScalar();
        else if (isName) endName();
        else {
          takeToken();
          afterValue();
        }
      }
      base += bytes.length;
      i = 0;
    },
    finish() {
      if (token === 'scalar') endScalar();
      if (expect !== 'nothing more' || token !== undefined) {
        const wanted = token === undefined ? expect : 'the end of a value';
        throw fail(`it ends before its JSON document does: expected ${wanted}`);
      }
      return { found, ...reached, names: namesSeen };
    },
  };
}

function kindOf(firstByte: number): TargetKind {
  return firstByte === OPEN_LIST ? 'list' : firstByte === OPEN_OBJECT ? 'object' : 'scalar';
}
