import {
  type Alias,
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
} from 'yaml';
import { messageOf } from '../../core/errors.ts';
import type { ConfigPath, Position } from './problems.ts';
import { syntaxProblems } from './syntax.ts';

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

/** No config nests a tenth as deep. */
const MAX_DEPTH = 100;

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
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
    });
    const problems: YamlProblem[] = syntaxProblems(text, yaml).map(({ offset, message }) => ({
      ...at(offset),
      message,
    }));
    problems.push(...structureProblems(yaml, at));
    if (problems.length > 0)
      return { problems: problems.sort((a, b) => a.line - b.line || a.column - b.column) };
    return { document: { value: yaml.toJS({ maxAliasCount: 100 }), locate: locator(yaml, at) } };
  } catch (error) {
    return { problems: [{ ...START, message: explainCrash(error) }] };
  }
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

/**
 * What the YAML grammar allows and a config does not: keys that stand twice or are no text, aliases without an end,
 * depth without reason. (The parser's own check of keys takes minutes on a mapping of many.)
 */
function structureProblems(yaml: Document, at: (offset: number | undefined) => Position): YamlProblem[] {
  const problems: YamlProblem[] = [];
  const tell = (node: unknown, message: string): void => {
    problems.push({ ...at((node as Partial<Node> | null)?.range?.[0]), message });
  };
  const anchors = new Map<string, unknown>();
  const open = new Set<unknown>();

  const walkAlias = (alias: Alias): void => {
    const target = anchors.get(alias.source);
    if (target === undefined)
      tell(
        alias,
        `no anchor &${alias.source} stands before this alias; put a text that begins with * in quotes`,
      );
    else if (open.has(target)) tell(alias, `the alias *${alias.source} contains itself`);
  };
  const walkPair = ({ key, value }: Pair, seen: Set<string>): void => {
    if (isCollection(key)) {
      tell(key, 'a key must be text, not a list or a mapping');
      return;
    }
    const name = String(isScalar(key) ? (key.value ?? '') : key);
    if (seen.has(name)) tell(key, `the key ${name} stands twice in its section`);
    seen.add(name);
    if (isMergeKey(key) && !isMerged(value))
      tell(value ?? key, '<< takes a mapping, an alias of one, or a list of those');
  };
  const isMerged = (value: unknown): boolean => {
    const target = isAlias(value) ? anchors.get(value.source) : value;
    // What is wrong with an unknown alias is told where it stands.
    return target === undefined || isMap(target) || (isSeq(target) && target.items.every(isMerged));
  };
  const walk = (node: unknown): void => {
    if (isAlias(node)) walkAlias(node);
    if ((isScalar(node) || isCollection(node)) && node.anchor !== undefined) anchors.set(node.anchor, node);
    if (!isCollection(node)) return;
    if (open.size >= MAX_DEPTH) {
      tell(node, `the file is nested too deeply: more than ${MAX_DEPTH} levels`);
      return;
    }
    open.add(node);
    const seen = new Set<string>();
    for (const item of node.items) {
      if (!isPair(item)) walk(item);
      else {
        walk(item.key);
        walk(item.value);
        walkPair(item, seen);
      }
    }
    open.delete(node);
  };
  walk(yaml.contents);
  return problems;
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.source === '<<';
}

function locator(yaml: Document, at: (offset: number | undefined) => Position): ConfigDocument['locate'] {
  const follow = (node: unknown): unknown => (isAlias(node) ? node.resolve(yaml) : node);
  const pairOf = (map: unknown, key: string): Pair | undefined => {
    if (!isMap(map)) return undefined;
    for (const pair of map.items) {
      if (isScalar(pair.key) && String(pair.key.value ?? '') === key) return pair;
    }
    for (const pair of map.items) {
      if (!isMergeKey(pair.key)) continue;
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
