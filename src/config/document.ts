import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import { messageOf } from '../core/errors.ts';
import type { ConfigPath, Position } from './problems.ts';

/** A parsed YAML file: plain values, and where each of them stands. */
export interface ConfigDocument {
  readonly value: unknown;
  /**
   * Where the value (or the key) at `path` stands. For a path that the file does not hold, where its nearest
   * existing parent stands.
   */
  locate(path: ConfigPath, part: 'key' | 'value'): Position;
}

export interface YamlProblem extends Position {
  readonly message: string;
}

const START: Position = { line: 1, column: 1 };

/**
 * Reads one YAML 1.2 document, with merge keys.
 *
 * @returns the document, or all of its syntax problems.
 */
export function parseYaml(
  text: string,
): { readonly document: ConfigDocument } | { readonly problems: readonly YamlProblem[] } {
  const lines = new LineCounter();
  const at = (offset: number | undefined): Position => {
    const { line, col } = lines.linePos(offset ?? 0);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  try {
    const yaml = parseDocument(text, {
      lineCounter: lines,
      merge: true,
      prettyErrors: false,
      logLevel: 'error',
    });
    const problems = [...yaml.errors, ...yaml.warnings].map((error) => ({
      ...at(error.pos[0]),
      message: lowerFirst(explain(error.code, error.message)),
    }));
    if (problems.length === 0) problems.push(...structureProblems(yaml, at));
    if (problems.length > 0) return { problems };
    return { document: { value: yaml.toJS({ maxAliasCount: 100 }), locate: locator(yaml, at) } };
  } catch (error) {
    return { problems: [{ ...START, message: explainCrash(error) }] };
  }
}

function explain(code: string, message: string): string {
  if (code === 'MULTIPLE_DOCS') return 'the file holds several documents (---); a config is one document';
  if (code === 'DUPLICATE_KEY') return 'this key stands twice in its mapping';
  if (code === 'TAB_AS_INDENT') return 'tabs are not allowed as indentation; use spaces';
  return message;
}

function explainCrash(error: unknown): string {
  if (error instanceof RangeError) return 'the file is nested too deeply';
  const message = messageOf(error);
  if (message.startsWith('Excessive alias count')) {
    return 'the aliases (*name) expand to too much; write the values out';
  }
  return lowerFirst(message);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** What the YAML grammar allows and a config does not: other keys than text, and aliases without an end. */
function structureProblems(yaml: Document, at: (offset: number | undefined) => Position): YamlProblem[] {
  const problems: YamlProblem[] = [];
  visit(yaml, {
    Alias(_key, alias, ancestors) {
      const target = alias.resolve(yaml);
      if (target === undefined) {
        problems.push({
          ...at(alias.range?.[0]),
          message: `no anchor &${alias.source} stands before this alias`,
        });
      } else if (ancestors.includes(target)) {
        problems.push({ ...at(alias.range?.[0]), message: `the alias *${alias.source} contains itself` });
      }
    },
    Pair(_key, pair) {
      if (isCollection(pair.key)) {
        problems.push({ ...at(pair.key.range?.[0]), message: 'a key must be text, not a list or a mapping' });
      }
    },
  });
  return problems;
}

function locator(yaml: Document, at: (offset: number | undefined) => Position): ConfigDocument['locate'] {
  const follow = (node: unknown): unknown => (isAlias(node) ? node.resolve(yaml) : node);
  const pairOf = (map: unknown, key: string): Pair | undefined => {
    if (!isMap(map)) return undefined;
    for (const pair of map.items) {
      if (isScalar(pair.key) && String(pair.key.value ?? '') === key) return pair;
    }
    for (const pair of map.items) {
      if (!isScalar(pair.key) || pair.key.source !== '<<') continue;
      const merged = follow(pair.value);
      for (const source of isSeq(merged) ? merged.items.map(follow) : [merged]) {
        const found = pairOf(source, key);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  };

  return (path, part) => {
    let node: unknown = yaml.contents;
    let keyNode: unknown;
    for (const [depth, step] of path.entries()) {
      const parent = follow(node);
      const child = isSeq(parent) ? parent.items[Number(step)] : pairOf(parent, String(step));
      if (child === undefined) return positionOf(keyNode ?? node, at);
      node = isPair(child) ? child.value : child;
      keyNode = isPair(child) ? child.key : child;
      if (depth === path.length - 1 && part === 'key') node = keyNode;
    }
    const empty = isScalar(node) && node.value === null;
    return positionOf(empty || node === null ? (keyNode ?? node) : node, at);
  };
}

function positionOf(node: unknown, at: (offset: number | undefined) => Position): Position {
  const range = (node as Partial<Node> | null | undefined)?.range;
  return range ? at(range[0]) : START;
}
