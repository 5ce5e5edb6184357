import { parseJsonPath } from '../../core/json-path.ts';
import { didYouMean } from '../../core/nearest.ts';
import type { PathReached } from './document-scanner.ts';

/** The segments of a path: names of members and, in lists, indexes from 0. Absent or empty: none. */
export function pathSegments(path: string | undefined): readonly string[] {
  return path === undefined || path === '' ? [] : (parseJsonPath(path) ?? path.split('.'));
}

/** Why a path led to nothing, and what there is instead. */
export function nothingAtPath(
  path: readonly string[],
  option: string,
  reached: PathReached,
): { readonly problem: string; readonly hint: string } {
  const wanted = path[reached.segments] ?? '';
  const place = reached.segments === 0 ? 'the document' : `"${path.slice(0, reached.segments).join('.')}"`;
  const where = `has nothing at ${option} "${path.join('.')}"`;
  switch (reached.kind) {
    case 'object':
      return {
        problem: `${where}${didYouMean(wanted, reached.names)}`,
        hint: `Names at that level: ${reached.names.join(', ') || 'none'}.`,
      };
    case 'list':
      return {
        problem: `${where}: ${place} is a list without an element "${wanted}"`,
        hint: `Elements of a list are named by their index, from 0.`,
      };
    case 'scalar':
      return { problem: `${where}: ${place} is not an object`, hint: `Correct ${option}.` };
  }
}
