import type * as v from 'valibot';
import { nearest } from '../../core/nearest.ts';
import { isMapping } from './environment.ts';
import { type ConfigPath, formatPath } from './problems.ts';
import type { Report } from './report.ts';
import { choicesOf, entriesOf, isOptional, notesOf, type Schema, unwrap } from './schema-kit.ts';

/** A longer list of keys helps nobody. */
const MAX_LISTED = 12;

/** Names of the two dialects, and of habit, for one thing. */
const SAME_MEANING: readonly (readonly string[])[] = [
  ['primary_keys', 'primary_key', 'natural_keys', 'natural_key', 'keys', 'key_columns'],
  ['order_column', 'change_ts_column', 'event_ts_column', 'timestamp_column'],
  ['path', 'path_pattern', 'file_path'],
  ['table', 'entity'],
  ['type', 'source_type'],
];

/**
 * The value as the schema expects to see it: without unknown, obsolete and empty optional keys, with choices in
 * their canonical case, and with texts from the environment as texts where a text is wanted. What is left out
 * is reported.
 */
export function prepare(root: Schema, value: unknown, report: Report): unknown {
  const visit = (schema: Schema, given: unknown, path: ConfigPath): unknown => {
    const origin = report.originOf(path);
    const current = origin !== undefined && wantsText(schema) ? origin.text : given;
    const entries = entriesOf(schema);
    if (entries !== undefined)
      return isMapping(current) ? section(entries, current, path) : noSection(current, path);
    const choices = choicesOf(schema);
    if (choices !== undefined) return choiceOf(choices, current);
    const inner = unwrap(schema);
    if (inner.type === 'loose_object' && !isMapping(current)) return noSection(current, path);
    if (inner.type === 'array' && Array.isArray(current)) {
      const item = (inner as unknown as v.ArraySchema<Schema, undefined>).item;
      return current.map((element, index) => visit(item, element, [...path, index]));
    }
    if (inner.type === 'union') return union(inner, current, path);
    if (inner.type === 'record' && isMapping(current)) {
      const values = (inner as unknown as v.RecordSchema<v.StringSchema<undefined>, Schema, undefined>).value;
      return Object.fromEntries(
        Object.entries(current).map(([key, item]) => [key, visit(values, item, [...path, key])]),
      );
    }
    return current;
  };

  const union = (schema: Schema, current: unknown, path: ConfigPath): unknown => {
    const options = (schema as unknown as v.UnionSchema<Schema[], undefined>).options;
    const fits = (type: string) => options.find((option) => unwrap(option).type === type);
    const option = Array.isArray(current)
      ? fits('array')
      : isMapping(current)
        ? fits('record')
        : options.find((candidate) => choicesOf(candidate) !== undefined);
    return option === undefined ? current : visit(option, current, path);
  };

  const section = (
    entries: Readonly<Record<string, Schema>>,
    given: Record<string, unknown>,
    path: ConfigPath,
  ) => {
    const kept: Record<string, unknown> = Object.create(null);
    for (const [key, item] of Object.entries(given)) {
      const here = [...path, key];
      const schema = Object.hasOwn(entries, key) ? entries[key] : undefined;
      if (schema === undefined) {
        unknownKey(entries, key, path);
        continue;
      }
      if (isOptional(schema) && item === null && report.originOf(here) === undefined) continue;
      const notes = notesOf(schema);
      if (notes.moved !== undefined) {
        report.invalid(here, `this belongs in ${notes.moved}`, 'key');
        continue;
      }
      if (notes.obsolete !== undefined) {
        report.warn(here, `'${key}' has no effect: ${notes.obsolete}`);
        continue;
      }
      kept[key] = visit(schema, item, here);
    }
    return kept;
  };

  /** Lists and what tags produce pass for objects in a schema; no section is one. */
  const noSection = (value: unknown, path: ConfigPath): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    report.invalid(path, `${formatPath(path.slice(-1))} must be a mapping, got ${report.show(path, value)}`);
    return undefined;
  };

  const unknownKey = (entries: Readonly<Record<string, Schema>>, key: string, path: ConfigPath): void => {
    if (report.isFull()) return;
    const known = Object.keys(entries).filter((name) => isUsable(entries[name]));
    const close = nearest(key, known) ?? otherName(key, known);
    if (close !== undefined) {
      report.invalid([...path, key], `unknown key (did you mean "${close}"?)`, 'key');
      report.mute([...path, close]);
      return;
    }
    const elsewhere = placesOf(root, key).map((place) => formatPath(place));
    const hint =
      elsewhere.length > 0
        ? ` (did you mean ${elsewhere.slice(0, 3).join(' or ')}?)`
        : known.length > MAX_LISTED
          ? ''
          : `; the keys here are ${known.join(', ')}`;
    report.invalid([...path, key], `unknown key${hint}`, 'key');
  };

  return visit(root, value, []);
}

function wantsText(schema: Schema): boolean {
  const inner = unwrap(schema);
  if (inner.type === 'string' || inner.type === 'picklist') return true;
  return (
    inner.type === 'union' &&
    (inner as unknown as v.UnionSchema<Schema[], undefined>).options.some((option) => wantsText(option))
  );
}

/** The key that says the same in the other dialect: people who know one dialect write its keys in the other. */
function otherName(key: string, known: readonly string[]): string | undefined {
  const names = SAME_MEANING.find((group) => group.includes(key)) ?? [];
  return names.find((name) => known.includes(name));
}

/** Names to choose from may be written in any case, with blanks around them. */
function choiceOf(choices: readonly string[], current: unknown): unknown {
  if (typeof current !== 'string') return current;
  const folded = current.trim().toLowerCase();
  return choices.includes(folded) ? folded : current;
}

function isUsable(schema: Schema | undefined): boolean {
  if (schema === undefined) return false;
  const notes = notesOf(schema);
  return notes.obsolete === undefined && notes.moved === undefined;
}

/** Where in the language a key of this name exists. */
function placesOf(schema: Schema, key: string, path: ConfigPath = []): ConfigPath[] {
  return Object.entries(entriesOf(schema) ?? {}).flatMap(([name, child]) => {
    const here = [...path, name];
    return [...(name === key && isUsable(child) ? [here] : []), ...placesOf(child, key, here)];
  });
}
