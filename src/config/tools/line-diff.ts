/** A line that both texts have, or only the old one, or only the new one; indexes count from 0. */
export type DiffLine =
  | { readonly kind: 'same'; readonly before: number; readonly after: number }
  | { readonly kind: 'gone'; readonly before: number }
  | { readonly kind: 'new'; readonly after: number };

/** Beyond this many changed lines a shortest script is not worth its memory: everything between counts as changed. */
const MAX_CHANGES = 1000;

/** The fewest changes (Myers) that make `after` of `before`; lines are the same when `same` says so. */
export function diffLines(
  before: readonly string[],
  after: readonly string[],
  same: (a: string, b: string) => boolean = (a, b) => a === b,
): readonly DiffLine[] {
  const equal = (i: number, j: number): boolean => same(before[i] ?? '', after[j] ?? '');
  let start = 0;
  while (start < before.length && start < after.length && equal(start, start)) start++;
  let endBefore = before.length;
  let endAfter = after.length;
  while (endBefore > start && endAfter > start && equal(endBefore - 1, endAfter - 1)) {
    endBefore--;
    endAfter--;
  }
  const head = Array.from({ length: start }, (_, i): DiffLine => ({ kind: 'same', before: i, after: i }));
  const tail = Array.from(
    { length: before.length - endBefore },
    (_, i): DiffLine => ({ kind: 'same', before: endBefore + i, after: endAfter + i }),
  );
  return [...head, ...middle(start, endBefore, endAfter, equal), ...tail];
}

function middle(
  start: number,
  endBefore: number,
  endAfter: number,
  equal: (i: number, j: number) => boolean,
): readonly DiffLine[] {
  const [n, m] = [endBefore - start, endAfter - start];
  const reached = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  for (let changes = 0; changes <= Math.min(n + m, MAX_CHANGES); changes++) {
    trace.push(new Map(reached));
    for (let k = -changes; k <= changes; k += 2) {
      let x = goesDown(reached, k, changes) ? at(reached, k + 1) : at(reached, k - 1) + 1;
      while (x < n && x - k < m && equal(start + x, start + x - k)) x++;
      reached.set(k, x);
      if (x >= n && x - k >= m) return walkBack(trace, n, m, start);
    }
  }
  return [
    ...Array.from({ length: n }, (_, i): DiffLine => ({ kind: 'gone', before: start + i })),
    ...Array.from({ length: m }, (_, i): DiffLine => ({ kind: 'new', after: start + i })),
  ];
}

function at(reached: ReadonlyMap<number, number>, k: number): number {
  return reached.get(k) ?? -1;
}

function goesDown(reached: ReadonlyMap<number, number>, k: number, changes: number): boolean {
  return k === -changes || (k !== changes && at(reached, k - 1) < at(reached, k + 1));
}

function walkBack(
  trace: readonly ReadonlyMap<number, number>[],
  n: number,
  m: number,
  start: number,
): readonly DiffLine[] {
  const lines: DiffLine[] = [];
  let [x, y] = [n, m];
  const keepTo = (toX: number, toY: number): void => {
    while (x > toX && y > toY) {
      x--;
      y--;
      lines.push({ kind: 'same', before: start + x, after: start + y });
    }
  };
  for (const [changes, reached] of [...trace.entries()].reverse()) {
    if (changes === 0) break;
    const k = x - y;
    const down = goesDown(reached, k, changes);
    const fromX = at(reached, down ? k + 1 : k - 1);
    const fromY = fromX - (down ? k + 1 : k - 1);
    keepTo(down ? fromX : fromX + 1, down ? fromY + 1 : fromY);
    if (down) lines.push({ kind: 'new', after: start + fromY });
    else lines.push({ kind: 'gone', before: start + fromX });
    [x, y] = [fromX, fromY];
  }
  keepTo(0, 0);
  return lines.reverse();
}

/** A unified diff with three lines of context, or the empty text where nothing differs. */
export function unifiedDiff(
  before: string,
  after: string,
  names: { readonly before: string; readonly after: string },
): string {
  if (before === after) return '';
  const [old, fresh] = [linesOf(before), linesOf(after)];
  const lines = diffLines(old, fresh);
  const changed = lines.flatMap((line, index) => (line.kind === 'same' ? [] : [index]));
  const hunks: [number, number][] = [];
  for (const index of changed) {
    const [from, to] = [Math.max(0, index - 3), Math.min(lines.length, index + 4)];
    const last = hunks.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = to;
    else hunks.push([from, to]);
  }
  const text = (line: DiffLine): string => {
    if (line.kind === 'new') return `+${fresh[line.after] ?? ''}`;
    return `${line.kind === 'gone' ? '-' : ' '}${old[line.before] ?? ''}`;
  };
  const body = hunks.flatMap(([from, to]) => {
    const count = (kind: 'gone' | 'new', upTo: number, since = 0): number =>
      lines.slice(since, upTo).filter((line) => line.kind === 'same' || line.kind === kind).length;
    const range = (kind: 'gone' | 'new'): string => {
      const length = count(kind, to, from);
      return `${count(kind, from) + (length === 0 ? 0 : 1)},${length}`;
    };
    return [`@@ -${range('gone')} +${range('new')} @@`, ...lines.slice(from, to).map(text)];
  });
  return [`--- ${names.before}`, `+++ ${names.after}`, ...body].join('\n');
}

export function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}
