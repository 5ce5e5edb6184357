import { isDeepStrictEqual } from 'node:util';
import { type Document, parseDocument } from 'yaml';
import { diffLines, linesOf } from './line-diff.ts';

/**
 * Changes a YAML text and keeps every line that the change does not touch, byte for byte: comments, order,
 * quotes, alignment.
 *
 * @param edit changes the document in place.
 * @returns undefined when the text is no YAML document.
 */
export function editYaml(text: string, edit: (document: Document) => void): string | undefined {
  const document = parse(text);
  if (document.errors.length > 0) return undefined;
  const style = styleOf(text);
  const print = isJson(text)
    ? (): string => `${JSON.stringify(document.toJS(), undefined, /^\{\r?\n( +)/.exec(text)?.[1])}\n`
    : (): string => document.toString(style);
  const before = print();
  edit(document);
  const after = print();
  if (after === before) return text;
  const merged = keepOriginalLines(text, before, after);
  const meant = parse(after).toJS({ maxAliasCount: 100 });
  const kept = parse(merged);
  return kept.errors.length === 0 && isDeepStrictEqual(kept.toJS({ maxAliasCount: 100 }), meant)
    ? merged
    : after;
}

function parse(text: string): Document {
  return parseDocument(text, { merge: true, logLevel: 'silent' });
}

/** A config may be JSON, and other programs may read it as JSON. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** New lines should look like their neighbours. */
function styleOf(text: string) {
  const indent = /^[^\s#-][^\n]*:\s*(?:#[^\n]*)?\n(?:\s*(?:#[^\n]*)?\n)*( +)[^\s#-]/m.exec(text)?.[1];
  return {
    lineWidth: 0,
    indent: Math.min(Math.max(indent?.length ?? 2, 1), 8),
    indentSeq: !/^( *)[^\s#-][^\n]*:[ \t]*\n\1- /m.test(text),
    flowCollectionPadding: !/[[{][^\s\]}]/.test(text),
  };
}

/**
 * `before` and `after` are printed alike, so that they differ only where the edit changed something. What lies
 * between two lines that source and print have in common is taken from the source, unless the edit changed it.
 */
function keepOriginalLines(original: string, before: string, after: string): string {
  const ending = original.includes('\r\n') ? '\r\n' : '\n';
  const source = linesOf(original.replaceAll('\r\n', '\n'));
  const printed = linesOf(before);
  const edits = editsOf(printed, linesOf(after));
  const result: string[] = [];
  let [nextSource, nextPrinted] = [0, 0];
  const gap = (toSource: number, toPrinted: number): void => {
    if (edits.leaves(nextPrinted, toPrinted)) {
      if (toPrinted > nextPrinted) result.push(...edits.before(nextPrinted));
      result.push(...source.slice(nextSource, toSource));
    } else {
      for (let at = nextPrinted; at < toPrinted; at++) {
        result.push(...edits.before(at), ...(edits.keeps(at) ? [printed[at] ?? ''] : []));
      }
    }
    [nextSource, nextPrinted] = [toSource, toPrinted];
  };
  for (const line of diffLines(source, printed, sameButForSpace)) {
    if (line.kind !== 'same') continue;
    gap(line.before, line.after);
    result.push(...edits.before(line.after));
    if (edits.keeps(line.after)) result.push(source[line.before] ?? '');
    [nextSource, nextPrinted] = [line.before + 1, line.after + 1];
  }
  gap(source.length, printed.length);
  result.push(...edits.before(printed.length));
  return `${result.join(ending)}${ending}`;
}

/** What the edit did to the printed lines. */
function editsOf(printed: readonly string[], wanted: readonly string[]) {
  const gone = new Set<number>();
  const added = new Map<number, string[]>();
  let position = 0;
  for (const line of diffLines(printed, wanted)) {
    if (line.kind === 'new') {
      added.set(position, [...(added.get(position) ?? []), wanted[line.after] ?? '']);
      continue;
    }
    position = line.before + 1;
    if (line.kind === 'gone') gone.add(line.before);
  }
  return {
    keeps: (index: number): boolean => !gone.has(index),
    before: (index: number): readonly string[] => added.get(index) ?? [],
    /** Whether all lines of the range are kept, and none was added between them. */
    leaves: (from: number, to: number): boolean => {
      for (let at = from; at < to; at++) if (gone.has(at) || (at > from && added.has(at))) return false;
      return true;
    },
  };
}

function sameButForSpace(a: string, b: string): boolean {
  return a.replaceAll(/\s/g, '') === b.replaceAll(/\s/g, '');
}
