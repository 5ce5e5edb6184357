import type { BronzePathKeys } from '../config/spec.ts';
import { isBronzeSegment } from '../lake/layout.ts';

/**
 * Where the original would have written a Bronze partition: below `pattern=LoadPattern.FULL`, as some versions of it
 * named the load pattern, or below no pattern folder.
 * @param path of the partition as foundry names it, with its `pattern=` folder.
 * @param ownName the folder is named by the config, so that the original wrote it alike.
 */
export function originalsPaths(
  path: string,
  keys: BronzePathKeys | undefined,
  ownName: boolean,
): readonly string[] {
  const segments = path.split('/');
  const at = segments.findIndex((segment) => isBronzeSegment(segment, ['pattern'], keys));
  const [key, pattern] = segments[at]?.split('=') ?? [];
  if (key === undefined || pattern === undefined) return [];
  const enumerated = segments.with(at, `${key}=LoadPattern.${pattern.toUpperCase()}`);
  return [...(ownName ? [] : [enumerated]), segments.toSpliced(at, 1)].map((parts) => parts.join('/'));
}
