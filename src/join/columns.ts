import type { JoinType, Selected } from '../config/join/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import type { DataType, Field, TableSchema } from '../core/schema.ts';
import { identifier, sqlType } from '../engine/sql.ts';
import type { JoinKey } from './keys.ts';

/** One column of the output, as SQL over the sides `l` and `r`, and where it comes from. */
export interface OutputColumn {
  readonly name: string;
  readonly type: DataType;
  readonly sql: string;
  /** `both`: a key, which has the value of whichever side has the row. */
  readonly source: 'left' | 'right' | 'both';
  /** Its name among all joined columns, before an alias. */
  readonly original: string;
  readonly alias: string | null;
  /** Columns of the sides that it is made of. */
  readonly left?: string;
  readonly right?: string;
}

/** Names that the join's own SQL, and the engine's scans, use beside the data's. */
const RESERVED: ReadonlySet<string> = new Set([
  '__file',
  '__row',
  '__id',
  '__bucket',
  '__n',
  'file_row_number',
  'file_index',
  'filename',
]);

export interface JoinedSides {
  readonly left: TableSchema;
  readonly right: TableSchema;
  readonly keys: readonly JoinKey[];
  readonly joinType: JoinType;
}

/**
 * The columns of the output in order: the projection's, else the left side's and then the right side's without its
 * keys. A right column whose name the left side has too gets `_right`.
 * @throws SCHEMA001 naming every column that cannot be found; CFG001 for names that stand twice or are reserved.
 */
export function outputColumns(
  sides: JoinedSides,
  projection: readonly Selected[] | undefined,
  columnOrder: readonly string[],
): readonly OutputColumn[] {
  for (const side of ['left', 'right'] as const) refuseUnusable(side, sides[side].fields);
  const all = joinedColumns(sides);
  const columns = projection === undefined ? all : projected(projection, all, sides);
  refuseRepeated(columns);
  return inOrder(columns, columnOrder);
}

/** Every joined column under its own name. */
function joinedColumns({ joinType, keys, left, right }: JoinedSides): readonly OutputColumn[] {
  const fromLeft = left.fields.map((field) => {
    const key = keys.find((candidate) => candidate.left.name === field.name);
    return key === undefined ? ofSide('left', field, field.name) : keyColumn(key, joinType);
  });
  if (joinType === 'semi' || joinType === 'anti') return fromLeft;
  const taken = new Set(left.fields.map(({ name }) => name.toLowerCase()));
  const isKey = ({ name }: Field): boolean => keys.some((key) => key.right.name === name);
  const fromRight = right.fields
    .filter((field) => !isKey(field))
    .map((field) =>
      ofSide('right', field, taken.has(field.name.toLowerCase()) ? `${field.name}_right` : field.name),
    );
  return [...fromLeft, ...fromRight];
}

function ofSide(source: 'left' | 'right', field: Field, name: string): OutputColumn {
  return {
    name,
    type: field.type,
    sql: `${source === 'left' ? 'l' : 'r'}.${identifier(field.name)}`,
    source,
    original: name,
    alias: null,
    [source]: field.name,
  };
}

/** Where rows of the right side come out alone, their key stands in the left one's place. */
function keyColumn({ left, right, type }: JoinKey, joinType: JoinType): OutputColumn {
  const takesRight = joinType === 'right' || joinType === 'outer';
  const [l, r] = [`l.${identifier(left.name)}`, `r.${identifier(right.name)}`];
  const cast = (sql: string): string => `${sql}::${sqlType(type)}`;
  return {
    name: left.name,
    type: takesRight ? type : left.type,
    sql: takesRight ? `coalesce(${cast(l)}, ${cast(r)})` : l,
    source: 'both',
    original: left.name,
    alias: null,
    left: left.name,
    right: right.name,
  };
}

function projected(
  projection: readonly Selected[],
  all: readonly OutputColumn[],
  sides: JoinedSides,
): readonly OutputColumn[] {
  const missing: string[] = [];
  const columns = projection.flatMap(({ alias, source }) => {
    const found = resolve(source.trim(), all, sides);
    if (found === undefined) {
      missing.push(`"${source}"${didYouMean(source, spellings(all, sides))}`);
      return [];
    }
    const bare = /^(?:left|source|right|target)\.(.+)$/.exec(source.trim())?.[1];
    const name =
      alias ??
      (all.some(({ name: known }) => known === source.trim()) ? source.trim() : (bare ?? found.name));
    return [{ ...found, name, alias: alias ?? null }];
  });
  if (missing.length === 0) return columns;
  throw new FoundryError(
    'SCHEMA001',
    `select_columns names ${missing.length === 1 ? 'a column' : 'columns'} that the join does not have: ${missing.join(', ')}`,
    {
      details: { missing: missing.join(', ') },
      hint: `The joined columns are: ${all.map(({ name }) => name).join(', ')}.`,
    },
  );
}

/**
 * `left.x` and `right.x` are the columns of a side, whatever their names among the joined ones; `x` is the joined
 * column of that name, else the right side's.
 */
function resolve(
  source: string,
  all: readonly OutputColumn[],
  { joinType, left, right }: JoinedSides,
): OutputColumn | undefined {
  const hasRight = joinType !== 'semi' && joinType !== 'anti';
  const ofRight = (name: string): OutputColumn | undefined => {
    const field = hasRight ? right.fields.find((candidate) => candidate.name === name) : undefined;
    if (field === undefined) return undefined;
    return (
      all.find((column) => column.source === 'right' && column.right === name) ?? ofSide('right', field, name)
    );
  };
  const [, prefix, name = ''] = /^(left|source|right|target)\.(.+)$/.exec(source) ?? [];
  if (prefix === 'left' || prefix === 'source') {
    const field = left.fields.find((candidate) => candidate.name === name);
    if (field !== undefined) return ofSide('left', field, name);
  } else if (prefix !== undefined) {
    const suffixed = name.endsWith('_right') ? ofRight(name.slice(0, -'_right'.length)) : undefined;
    const found = ofRight(name) ?? suffixed;
    if (found !== undefined) return found;
  }
  return all.find((column) => column.name === source) ?? ofRight(source);
}

function spellings(all: readonly OutputColumn[], { left, right }: JoinedSides): readonly string[] {
  return [
    ...all.map(({ name }) => name),
    ...left.fields.map(({ name }) => `left.${name}`),
    ...right.fields.map(({ name }) => `right.${name}`),
  ];
}

function inOrder(columns: readonly OutputColumn[], order: readonly string[]): readonly OutputColumn[] {
  const names = columns.map(({ name }) => name);
  const unknown = order.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new FoundryError(
      'SCHEMA001',
      `column_order names "${unknown}", which the output does not have${didYouMean(unknown, names)}`,
      { details: { column: unknown }, hint: `The output has: ${names.join(', ')}.` },
    );
  }
  const first = order.flatMap((name) => columns.find((column) => column.name === name) ?? []);
  return [...first, ...columns.filter(({ name }) => !order.includes(name))];
}

function refuseUnusable(side: string, fields: readonly Field[]): void {
  const odd = fields.find(({ name }) => RESERVED.has(name.toLowerCase()));
  if (odd === undefined) return;
  throw new FoundryError(
    'SCHEMA001',
    `the ${side} input has a column "${odd.name}", a name that is reserved`,
    {
      hint: 'Rename the column with silver.schema.rename_map, and run Silver again.',
    },
  );
}

/** SQL folds case, so names that differ by it alone are one. */
function refuseRepeated(columns: readonly OutputColumn[]): void {
  const seen = new Map<string, string>();
  for (const { name } of columns) {
    const other = seen.get(name.toLowerCase());
    if (other !== undefined) {
      throw new FoundryError(
        'CFG001',
        other === name
          ? `the output would have two columns "${name}"`
          : `the output columns "${other}" and "${name}" differ by case only, which SQL engines cannot tell apart`,
        { hint: 'Give one of them an alias with select_columns: {source: right.x, alias: y}.' },
      );
    }
    seen.set(name.toLowerCase(), name);
  }
}
