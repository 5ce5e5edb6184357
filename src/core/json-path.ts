const STEP = /\.?([^.[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/y;

/**
 * The steps of a dotted path into JSON: `a.b[0].c`, also `a.b.0.c`, and `["a.b"]` for a name that holds a dot.
 * On a list, a step of digits is an index.
 *
 * @returns undefined where the text is no path
 */
export function parseJsonPath(text: string): readonly string[] | undefined {
  const steps: string[] = [];
  STEP.lastIndex = 0;
  let at = 0;
  while (at < text.length) {
    STEP.lastIndex = at;
    const match = STEP.exec(text);
    const isFirst = at === 0;
    if (match === null || (match[1] !== undefined && isFirst === text.startsWith('.', at))) return undefined;
    const [whole, name, index, quoted] = match;
    steps.push(name ?? index ?? plainName(quoted ?? ''));
    at += whole.length;
  }
  return steps.length === 0 ? undefined : steps;
}

/** What stands at the path; undefined where the path leads nowhere. */
export function atJsonPath(root: unknown, steps: readonly string[]): unknown {
  let at = root;
  for (const step of steps) {
    if (typeof at !== 'object' || at === null) return undefined;
    if (Array.isArray(at)) at = /^\d+$/.test(step) ? at[Number(step)] : undefined;
    else at = Object.hasOwn(at, step) ? (at as Record<string, unknown>)[step] : undefined;
  }
  return at;
}

function plainName(quoted: string): string {
  return quoted.replaceAll(/\\(.)/g, '$1');
}
