import { FoundryError } from '../core/errors.ts';

/** Top folder of a local base that holds locks and half-written files; no key may begin with it. */
export const PRIVATE_FOLDER = '.foundry';

/**
 * A key that cannot leave its storage: relative, `/`-separated, no empty, `.` or `..` segment, no control
 * character, no backslash (a separator on Windows).
 */
export function isSafeKey(key: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (key === '' || /[\u0000-\u001f\u007f\\]/.test(key) || !key.isWellFormed()) return false;
  const segments = key.split('/');
  if (segments[0] === PRIVATE_FOLDER) return false;
  return segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}

/** @throws STG001 when the key could leave the storage or names foundry's own folder. */
export function checkKey(key: string, storage: string): string {
  if (!isSafeKey(key)) {
    throw new FoundryError('STG001', `${JSON.stringify(key)} is no key of ${storage}`, {
      hint: 'Keys are relative paths without empty, "." or ".." segments, backslashes or control characters.',
    });
  }
  return key;
}

/** Order of keys in every listing: by their UTF-8 bytes, as object stores sort. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
