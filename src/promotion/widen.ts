import { type DataType, formatType, STRING, sameType, type TableSchema } from '../core/schema.ts';

/** A column that came in several types, and the one that keeps the values of all. */
export interface Widening {
  readonly column: string;
  readonly from: readonly string[];
  readonly to: string;
}

export interface United {
  readonly schema: TableSchema;
  readonly widened: readonly Widening[];
  /** The types of the columns of several kinds of numbers, whose values decide: see `numberType`. */
  readonly numbers: ReadonlyMap<string, readonly DataType[]>;
}

const EXACT_INT_DIGITS = { int32: 10, int64: 19 } as const;
/** How such numbers are shown where no value is looked at; mostly it is what they come to. */
const UNDECIDED: DataType = { kind: 'double' };

/**
 * The columns of all, in order of first appearance, each in the type that keeps every value.
 * @param isEmpty whether a column holds no value in a schema's rows, so that its type there does not count.
 */
export function unite(
  schemas: readonly TableSchema[],
  isEmpty: (schema: number, column: string) => boolean = () => false,
): United {
  const types = new Map<string, { readonly all: DataType[]; readonly held: DataType[] }>();
  for (const [index, { fields }] of schemas.entries()) {
    for (const { name, type } of fields) {
      const known = types.get(name) ?? { all: [], held: [] };
      types.set(name, known);
      known.all.push(type);
      if (!isEmpty(index, name)) known.held.push(type);
    }
  }
  const widened: Widening[] = [];
  const numbers = new Map<string, readonly DataType[]>();
  const fields = [...types].map(([name, { all, held }]) => {
    const known = distinct(held.length > 0 ? held : all);
    const found = widen(known);
    const type = found === 'by value' ? UNDECIDED : found;
    if (found === 'by value') numbers.set(name, known);
    if (known.length > 1) widened.push({ column: name, from: known.map(formatType), to: formatType(type) });
    return { name, type };
  });
  return { schema: { fields }, widened, numbers };
}

/**
 * The type that keeps the values of all exactly: a wider integer or decimal, else text. `by value` where all are
 * numbers, but no type of numbers keeps whatever they may be.
 * @param types at least one.
 */
export function widen(types: readonly DataType[]): DataType | 'by value' {
  const known = distinct(types);
  const [first = STRING] = known;
  if (known.length === 1) return first;
  if (!known.every(isNumber)) return STRING;
  const exact = known.flatMap((type) => exactNumber(type) ?? []);
  if (exact.length < known.length) {
    const areSmall = known.every(({ kind }) => kind === 'double' || kind === 'int32');
    return areSmall ? { kind: 'double' } : 'by value';
  }
  if (known.every(({ kind }) => kind !== 'decimal')) return { kind: 'int64' };
  const scale = Math.max(...exact.map((number) => number.scale));
  const precision = Math.max(...exact.map((number) => number.whole)) + scale;
  return precision > 38 ? 'by value' : { kind: 'decimal', precision, scale };
}

function isNumber({ kind }: DataType): boolean {
  return kind === 'int32' || kind === 'int64' || kind === 'decimal' || kind === 'double';
}

function distinct(types: readonly DataType[]): readonly DataType[] {
  return types.filter((type, index) => types.findIndex((other) => sameType(other, type)) === index);
}

function exactNumber(type: DataType): { readonly whole: number; readonly scale: number } | undefined {
  if (type.kind === 'decimal') return { whole: type.precision - type.scale, scale: type.scale };
  if (type.kind === 'int32' || type.kind === 'int64') return { whole: EXACT_INT_DIGITS[type.kind], scale: 0 };
  return undefined;
}
