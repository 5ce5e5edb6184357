import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { importsOf } from './layers.ts';

/**
 * Files that import each other, in a round or more, lazily or for types only: they have one job between them, or one of
 * them has two. Tests are left out.
 *
 * @param sources text by path
 * @returns one line a circle, each named once: `a.ts → b.ts → a.ts`
 */
export function circlesIn(sources: ReadonlyMap<string, string>): readonly string[] {
  const targets = new Map([...sources].map(([file, text]) => [file, targetsOf(file, text, sources)]));
  const circles: string[] = [];
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const seenAt = path.indexOf(file);
    if (seenAt >= 0) circles.push([...path.slice(seenAt), file].join(' → '));
    if (seenAt >= 0 || done.has(file)) return;
    for (const target of targets.get(file) ?? []) walk(target, [...path, file]);
    done.add(file);
  };
  for (const file of [...sources.keys()].sort()) walk(file, []);
  return circles;
}

function targetsOf(file: string, text: string, sources: ReadonlyMap<string, string>): readonly string[] {
  const relative = importsOf(text).filter(({ specifier }) => specifier.startsWith('.'));
  const paths = relative.map(({ specifier }) => normalize(join(dirname(file), specifier)));
  return [...new Set(paths)].filter((path) => sources.has(path)).sort();
}

/** The circles of src/. */
export async function checkCircles(root: string): Promise<readonly string[]> {
  const sources = new Map<string, string>();
  for await (const file of new Bun.Glob('**/*.ts').scan(join(root, 'src'))) {
    if (/\.(?:test|bench|soak)\.ts$/.test(file)) continue;
    sources.set(file.replaceAll('\\', '/'), readFileSync(join(root, 'src', file), 'utf8'));
  }
  return circlesIn(sources);
}
