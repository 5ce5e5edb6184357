import type * as v from 'valibot';
import { isMapping } from './yaml/environment.ts';
import type { ConfigPath } from './yaml/problems.ts';
import { choicesOf, entriesOf, notesOf, type Schema, unwrap } from './yaml/schema-kit.ts';

/** A text that no config holds. */
const MARK = '\u0001';

export interface ConfigLeaf {
  readonly path: ConfigPath;
  readonly schema: Schema;
}

/** The keys of a schema that hold values, and not only further keys. */
export function leavesOf(schema: Schema, path: ConfigPath = []): ConfigLeaf[] {
  const entries = entriesOf(schema);
  if (entries === undefined) return [{ path, schema }];
  return Object.entries(entries).flatMap(([key, child]) => {
    const notes = notesOf(child);
    const isRead = notes.obsolete === undefined && notes.moved === undefined;
    return isRead ? leavesOf(child, [...path, key]) : [];
  });
}

/** Values that a key could hold instead, to see what follows from it. They need not be right, only different. */
export function otherValues(schema: Schema, value: unknown): unknown[] {
  if (value === undefined) return sampleValues(schema);
  if (typeof value === 'string') {
    const others = (choicesOf(schema) ?? []).filter((choice) => choice !== value);
    return [...others, `${value}${MARK}`];
  }
  if (typeof value === 'number') return [value + 1];
  if (typeof value === 'boolean') return [!value];
  if (Array.isArray(value)) return [[...value, MARK], value.slice(0, -1)];
  if (isMapping(value)) return [{ ...value, [MARK]: 'string' }, {}];
  return [];
}

function sampleValues(schema: Schema): unknown[] {
  const choices = choicesOf(schema);
  if (choices !== undefined) return [...choices];
  const inner = unwrap(schema);
  switch (inner.type) {
    case 'string':
      return [MARK];
    case 'number':
      return [2, 3];
    case 'boolean':
      return [true, false];
    case 'array':
      return [
        [MARK],
        ...sampleValues((inner as unknown as v.ArraySchema<Schema, undefined>).item).map((item) => [item]),
      ];
    case 'record':
    case 'loose_object':
      return [{ [MARK]: 'string' }];
    case 'union':
      return (inner as unknown as v.UnionSchema<Schema[], undefined>).options.flatMap(sampleValues);
    default:
      return [];
  }
}

export function valueAt(root: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((at, step) => (isMapping(at) ? at[String(step)] : undefined), root);
}

/** A copy of a config with one value set; the sections above it are made where there are none. */
export function withValue(root: unknown, path: ConfigPath, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  const section = isMapping(root) ? root : {};
  return { ...section, [step]: withValue(section[String(step)], rest, value) };
}
