import type { AsOf, KeyPair } from '../config/join/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { type DataType, type Field, formatType, STRING, sameType, type TableSchema } from '../core/schema.ts';
import { widen } from '../promotion/widen.ts';

/** What a side's columns and manifest say. */
export interface KeyedSide {
  readonly schema: TableSchema;
  readonly primaryKeys: readonly string[];
}

export interface JoinKey {
  readonly left: Field;
  readonly right: Field;
  /** In which both are compared. */
  readonly type: DataType;
}

export interface JoinTimes {
  readonly left: Field;
  readonly from: Field;
  readonly to: Field;
}

/**
 * The key columns of both sides, each pair with the type that keeps the values of both.
 * @throws CFG001 where `auto` finds no declared keys; SCHEMA001 for columns that are not there, and for pairs whose
 * values could never be compared exactly.
 */
export function joinKeys(
  asked: 'auto' | readonly KeyPair[],
  left: KeyedSide,
  right: KeyedSide,
): readonly JoinKey[] {
  const pairs = asked === 'auto' ? declaredPairs(left.primaryKeys, right.primaryKeys) : asked;
  refuseMissing(
    'left',
    pairs.map((pair) => pair.left),
    left.schema,
  );
  refuseMissing(
    'right',
    pairs.map((pair) => pair.right),
    right.schema,
  );
  return pairs.map((pair) => {
    const [a, b] = [fieldOf(left.schema, pair.left), fieldOf(right.schema, pair.right)];
    const type = commonType(a.type, b.type);
    if (type !== undefined) return { left: a, right: b, type };
    throw new FoundryError(
      'SCHEMA001',
      `the key left.${a.name} is ${formatType(a.type)} and right.${b.name} is ${formatType(b.type)}, which cannot be compared`,
      {
        details: { left: `${a.name} ${formatType(a.type)}`, right: `${b.name} ${formatType(b.type)}` },
        hint: 'Give both one type with silver.types, and run Silver again.',
      },
    );
  });
}

/** Names are paired by name where they are the same on both sides, else in their order. */
function declaredPairs(left: readonly string[], right: readonly string[]): readonly KeyPair[] {
  const hint = 'Name the key columns with join_key_pairs or join_keys.';
  const shown = (keys: readonly string[]): string => (keys.length === 0 ? 'none' : keys.join(', '));
  if (left.length === 0 || left.length !== right.length) {
    throw new FoundryError(
      'CFG001',
      `join_keys: auto takes the primary keys that both manifests declare, but the left one declares ${shown(left)} and the right one ${shown(right)}`,
      { hint },
    );
  }
  const isSame = left.every((key) => right.includes(key));
  return left.map((key, index) => ({ left: key, right: isSame ? key : (right[index] ?? key) }));
}

/** @throws SCHEMA001 for columns that are not there, or are no times that can be compared. */
export function joinTimes(asOf: AsOf, left: TableSchema, right: TableSchema): JoinTimes {
  refuseMissing('left', [asOf.left], left);
  refuseMissing('right', [asOf.rightFrom, asOf.rightTo], right);
  const times = {
    left: fieldOf(left, asOf.left),
    from: fieldOf(right, asOf.rightFrom),
    to: fieldOf(right, asOf.rightTo),
  };
  const kinds = [times.left, times.from, times.to];
  const isOrdered = kinds.every(({ type }) => ORDERED.has(type.kind) && sameType(type, times.left.type));
  if (isOrdered) return times;
  throw new FoundryError(
    'SCHEMA001',
    `as_of compares left.${times.left.name}, right.${times.from.name} and right.${times.to.name}, which are ${kinds.map(({ type }) => formatType(type)).join(', ')}: they must be of one type, of dates, timestamps or integers`,
    { hint: 'Give them one type with silver.types, and run Silver again.' },
  );
}

const ORDERED: ReadonlySet<DataType['kind']> = new Set(['timestamp', 'date', 'int32', 'int64']);
const TEXTS: ReadonlySet<DataType['kind']> = new Set(['string', 'uuid']);

function commonType(a: DataType, b: DataType): DataType | undefined {
  if (sameType(a, b)) return a;
  if (TEXTS.has(a.kind) && TEXTS.has(b.kind)) return STRING;
  const wider = widen([a, b]);
  return wider === 'by value' || wider.kind === 'string' ? undefined : wider;
}

function refuseMissing(side: string, names: readonly string[], { fields }: TableSchema): void {
  const known = fields.map(({ name }) => name);
  const missing = names.filter((name) => !known.includes(name));
  if (missing.length === 0) return;
  throw new FoundryError(
    'SCHEMA001',
    `the ${side} input has no column ${missing.map((name) => `"${name}"${didYouMean(name, known)}`).join(' and no column ')}`,
    { details: { missing: missing.join(', ') }, hint: `It has: ${known.join(', ')}.` },
  );
}

function fieldOf({ fields }: TableSchema, name: string): Field {
  return fields.find((field) => field.name === name) ?? { name, type: STRING };
}
