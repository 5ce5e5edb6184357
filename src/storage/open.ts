import { fileURLToPath } from 'node:url';
import { FoundryError } from '../core/errors.ts';
import { localStorage } from './local.ts';
import type { Storage } from './storage.ts';

/**
 * The storage of a base: a folder of a local disk, absolute or relative to the working directory, or `file:///…`.
 * Opens nothing yet. @throws CFG010 for another scheme.
 */
export function openStorage(base: string): Storage {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(base)?.[1]?.toLowerCase();
  if (scheme === undefined) return localStorage(base);
  if (scheme === 'file') return localStorage(fileURLToPath(base));
  throw new FoundryError('CFG010', `${base}: this version cannot store on ${scheme}:// yet`);
}
