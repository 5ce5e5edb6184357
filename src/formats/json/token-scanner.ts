import type { FoundryError } from '../../core/errors.ts';
import { BACKSLASH, CLOSE_LIST, CLOSE_OBJECT, COMMA, OPEN_LIST, OPEN_OBJECT, QUOTE } from './json-tokens.ts';

const LINE_FEED = 10;

/** A string, a number or word, or a value with all that is in it. */
export type TokenKind = 'string' | 'scalar' | 'element';

/** Finds where a token ends that may go on over chunks. */
export interface TokenScanner {
  /** A string begins behind its first quote, the others with their first byte. */
  begin(kind: TokenKind): void;
  /** Offset behind the last byte of the token that was begun, or the end of the chunk. Throws what `refuse` gives. */
  scan(bytes: Buffer, from: number): number;
  /** Whether the last scan found the end. */
  readonly ended: boolean;
  /** Line feeds outside strings that the last scan passed; in an element only, nothing else may hold any. */
  readonly lines: number;
}

/** @param refuse the error for a control character in a string; those within elements are their reader's to find */
export function tokenScanner(refuse: () => FoundryError): TokenScanner {
  let scanKind = scanString;
  let escaped = false;
  let inString = false;
  let depth = 0;
  let ended = false;
  let lines = 0;

  function scanString(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) {
        ended = true;
        return at + 1;
      } else if (byte < 32) throw refuse();
    }
    return bytes.length;
  }

  function scanScalar(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length && !isMark(bytes[at] as number)) at += 1;
    ended = at < bytes.length;
    return at;
  }

  function scanElement(bytes: Buffer, from: number): number {
    for (let at = from; at < bytes.length; at += 1) {
      const byte = bytes[at] as number;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
        if (inString || depth > 0) continue;
        ended = true;
        return at + 1;
      }
      if (byte === QUOTE) inString = true;
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth += 1;
      else if (depth === 0 && isMark(byte)) {
        ended = true;
        return at;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        depth -= 1;
        if (depth > 0) continue;
        ended = true;
        return at + 1;
      } else if (byte === LINE_FEED) lines += 1;
    }
    return bytes.length;
  }

  return {
    begin(kind) {
      scanKind = kind === 'string' ? scanString : kind === 'scalar' ? scanScalar : scanElement;
      escaped = false;
      inString = false;
      depth = 0;
    },
    scan(bytes, from) {
      ended = false;
      lines = 0;
      return scanKind(bytes, from);
    },
    get ended() {
      return ended;
    },
    get lines() {
      return lines;
    },
  };
}

/** What ends a number or a word. */
export function isMark(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_LIST || byte === CLOSE_OBJECT || byte <= 32;
}
