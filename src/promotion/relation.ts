import { FoundryError } from '../core/errors.ts';
import { type DataType, type Field, formatType, type TableSchema } from '../core/schema.ts';
import type { Engine } from '../engine/engine.ts';
import {
  dataTypeOf,
  describe,
  type EngineColumn,
  fileLiteral,
  identifier,
  parquetRows,
  sqlType,
} from '../engine/sql.ts';
import { asNumber, numberType } from './numbers.ts';
import { type United, unite, type Widening } from './widen.ts';

/** One committed Bronze part, as local Parquet. Parts are given in input order. */
export interface InputPart {
  readonly localPath: string;
  /** For messages and quarantine: the path in the lake. */
  readonly name: string;
}

/** The rows of all parts as one relation: columns united by name, plus `__file` and `__row` (both from 0). */
export interface Relation {
  readonly sql: string;
  /** As `sql`, of the parts at these positions only. */
  readonly sqlOf: (positions: readonly number[]) => string;
  readonly schema: TableSchema;
  readonly widened: readonly Widening[];
  /** Columns that some parts lack, each with the first such part. */
  readonly absent: readonly { readonly column: string; readonly part: string }[];
}

/**
 * @param fallback columns where there is no part to take them from.
 * @throws DATA001 for a nested column.
 */
export async function relationOf(
  engine: Engine,
  parts: readonly InputPart[],
  fallback: TableSchema,
): Promise<Relation> {
  if (parts.length === 0) return emptyRelation(fallback);
  const groups = await groupBySchema(engine, parts);
  const empty = await emptyColumns(engine, groups);
  const isEmpty = (group: number, column: string): boolean => empty[group]?.has(column) === true;
  const united = unite(
    groups.map((group) => group.schema),
    isEmpty,
  );
  const { schema, widened } = await decided(engine, groups, united, isEmpty);
  const selectOf = (group: SchemaGroup, index: number, wanted: readonly number[]): string[] => {
    const chosen = group.positions.flatMap((position, at) =>
      wanted.includes(position) ? [{ position, path: group.files[at] ?? '' }] : [],
    );
    if (chosen.length === 0) return [];
    const columns = schema.fields.map((field) => {
      const quoted = identifier(field.name);
      const own = group.schema.fields.find((candidate) => candidate.name === field.name);
      if (own === undefined || isEmpty(index, field.name)) return `NULL::${sqlType(field.type)} AS ${quoted}`;
      if (group.engineTypes.get(field.name) === sqlType(field.type)) return quoted;
      const isByValue = united.numbers.has(field.name);
      return `${isByValue ? asNumber(quoted, own.type, field.type) : `${quoted}::${sqlType(field.type)}`} AS ${quoted}`;
    });
    const isInOrder = chosen.every(({ position }, at) => position === at);
    const positions = `([${chosen.map(({ position }) => position).join(', ')}])[file_index::BIGINT + 1]`;
    const file = isInOrder ? 'file_index' : positions;
    return [
      `SELECT ${columns.join(', ')}, ${file}::BIGINT AS "__file", file_row_number::BIGINT AS "__row" ` +
        `FROM ${scanOf(chosen.map(({ path }) => path))}`,
    ];
  };
  const sqlOf = (positions: readonly number[]): string =>
    groups.flatMap((group, index) => selectOf(group, index, positions)).join(' UNION ALL ');
  const lacks = (group: SchemaGroup, name: string): boolean => !group.engineTypes.has(name);
  const uneven = schema.fields.some(({ name }) => groups.some((group) => lacks(group, name)));
  const filled = uneven ? await withRows(engine, groups) : [];
  const absent = schema.fields.flatMap(({ name }) => {
    const lacking = filled.find((group) => lacks(group, name))?.positions[0];
    return lacking === undefined ? [] : [{ column: name, part: parts[lacking]?.name ?? '' }];
  });
  return { sql: sqlOf([...parts.keys()]), sqlOf, schema, widened, absent };
}

/** The columns of several kinds of numbers in the types that their values ask for. */
async function decided(
  engine: Engine,
  groups: readonly SchemaGroup[],
  { schema, widened, numbers }: United,
  isEmpty: (group: number, column: string) => boolean,
): Promise<Pick<Relation, 'schema' | 'widened'>> {
  if (numbers.size === 0) return { schema, widened };
  const types = new Map<string, DataType>();
  for (const column of numbers.keys()) {
    const scans = groups.flatMap((group, index) => {
      const field = group.schema.fields.find(({ name }) => name === column);
      return field === undefined || isEmpty(index, column)
        ? []
        : [{ type: field.type, from: scanOf(group.files) }];
    });
    types.set(column, await numberType(engine, column, scans));
  }
  const typeOf = ({ name, type }: Field): DataType => types.get(name) ?? type;
  return {
    schema: { fields: schema.fields.map((field) => ({ ...field, type: typeOf(field) })) },
    widened: widened.map((change) => {
      const type = types.get(change.column);
      return type === undefined ? change : { ...change, to: formatType(type) };
    }),
  };
}

/**
 * By group, the columns that hold no value there, of those that come in several types: nothing has no type, so that
 * an hour without rows, or whose `qty` is always NULL, does not make text of all other hours' numbers.
 */
async function emptyColumns(
  engine: Engine,
  groups: readonly SchemaGroup[],
): Promise<readonly ReadonlySet<string>[]> {
  const names = unite(groups.map((group) => group.schema)).widened.map(({ column }) => column);
  const found: ReadonlySet<string>[] = [];
  for (const { engineTypes, files } of names.length === 0 ? [] : groups) {
    const own = names.filter((name) => engineTypes.has(name));
    const counts = own.map((name, index) => `count(${identifier(name)}) AS c${index}`);
    const [row] =
      own.length === 0 ? [] : await engine.query(`SELECT ${counts.join(', ')} FROM ${scanOf(files)}`);
    found.push(new Set(own.filter((_, index) => Number(row?.[`c${index}`]) === 0)));
  }
  return found;
}

async function withRows(engine: Engine, groups: readonly SchemaGroup[]): Promise<SchemaGroup[]> {
  const filled: SchemaGroup[] = [];
  for (const group of groups) {
    const [row] = await engine.query(`SELECT count(*) AS n FROM ${scanOf(group.files)}`);
    if (Number(row?.n) > 0) filled.push(group);
  }
  return filled;
}

function scanOf(files: readonly string[]): string {
  return parquetRows(...files);
}

/** No rows of the given columns. */
export function emptyRelation(schema: TableSchema): Relation {
  const columns = schema.fields.map(({ name, type }) => `NULL::${sqlType(type)} AS ${identifier(name)}`);
  const sql = `SELECT ${[...columns, '0::BIGINT AS "__file"', '0::BIGINT AS "__row"'].join(', ')} WHERE false`;
  return {
    sql,
    sqlOf: () => sql,
    schema,
    widened: [],
    absent: [],
  };
}

interface SchemaGroup {
  readonly schema: TableSchema;
  readonly engineTypes: ReadonlyMap<string, string>;
  readonly files: string[];
  readonly positions: number[];
}

/** Parts of equal columns are one scan, so that a thousand parts are not a thousand subqueries. */
async function groupBySchema(engine: Engine, parts: readonly InputPart[]): Promise<SchemaGroup[]> {
  const groups = new Map<string, SchemaGroup>();
  for (const [position, part] of parts.entries()) {
    const columns = await describe(engine, `SELECT * FROM ${parquetRows(part.localPath)}`);
    await refuseFoldedNames(engine, columns, part);
    const key = JSON.stringify(columns);
    const group = groups.get(key) ?? {
      schema: { fields: columns.map(({ name, engineType }) => fieldOf(name, engineType, part)) },
      engineTypes: new Map(columns.map(({ name, engineType }) => [name, engineType])),
      files: [],
      positions: [],
    };
    group.files.push(part.localPath);
    group.positions.push(position);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Of two columns that differ by case only, the engine renames the second, `ID` to `ID_1`. */
async function refuseFoldedNames(
  engine: Engine,
  columns: readonly EngineColumn[],
  part: InputPart,
): Promise<void> {
  if (!columns.some(({ name }) => /_\d+$/.test(name))) return;
  const rows = await engine.query(`SELECT name FROM parquet_schema(${fileLiteral(part.localPath)})`);
  const real = new Set(rows.map((row) => String(row.name)));
  const renamed = columns.find(({ name }) => !real.has(name));
  if (renamed === undefined) return;
  throw new FoundryError(
    'SCHEMA001',
    `${part.name}: the column "${renamed.name.replace(/_\d+$/, '')}" differs from another by case only, which SQL engines cannot tell apart`,
    {
      details: { file: part.name },
      hint: 'Rename one of them at the source, or leave it out with the option columns of the source.',
    },
  );
}

function fieldOf(name: string, engineType: string, part: InputPart): Field {
  const type = dataTypeOf(engineType);
  if (type !== undefined) return { name, type };
  throw new FoundryError(
    'DATA001',
    `${part.name}: column "${name}" has the type ${engineType}, which is not flat`,
    {
      details: { file: part.name, column: name, type: engineType },
    },
  );
}
