import type { ColumnShaping, SilverSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import { type DataType, type Field, formatType, type TableSchema } from '../core/schema.ts';
import { identifier, literal } from '../engine/sql.ts';
import { castSql, isZoned } from './cast-sql.ts';
import { refuseScanned } from './columns.ts';
import { MODELS } from './models/registry.ts';
import type { Relation } from './relation.ts';
import { newName } from './rename.ts';

/** The rows of all parts as they landed, before their columns are shaped. */
export const SOURCE = 'bronze_source';
/** `__file, __row` of the rows of `bronze_source` that never come into `bronze_rows`, and the number of their fault. */
export const MISFITS = 'bronze_misfits';

/** Why a row of `bronze_source` cannot become one of `bronze_rows`. */
export interface Fault {
  readonly reason: string;
  /** The column of Bronze. */
  readonly column: string;
  /** SQL over the cleaned source; never NULL. */
  readonly condition: string;
  /** Why a value that looks right may not fit. */
  readonly hint?: string;
}

export interface Shape {
  /** `bronze_rows`, without the rows of `bronze_misfits` or, where it has none, with all. */
  readonly relation: (hasMisfits: boolean) => Relation;
  readonly schema: TableSchema;
  /** The first that holds is a row's reason. */
  readonly faults: readonly Fault[];
  /** A query for `bronze_misfits`. */
  readonly misfitsSql: string;
  readonly warnings: readonly string[];
}

/**
 * How Bronze's columns become those that everything else sees: cleaned, typed, renamed and put in order.
 * @param spec with new names (`withNewNames`).
 * @throws SCHEMA001 for two columns of one name, for one that has a name of the scan's own, and for a type that a column's values have no way to.
 */
export function shapeOf(source: Relation, spec: SilverSpec): Shape {
  refuseScanned(source.schema);
  const { shaping } = spec;
  const columns =
    shaping === undefined
      ? source.schema.fields.map(asItIs)
      : shapedColumns(source.schema, shaping, spec.timezone);
  const faults = [
    ...columns.flatMap((column) => column.fault ?? []),
    ...nullKeyFaults(
      spec,
      columns.filter(({ field }) => spec.keys.includes(field.name)),
    ),
  ];
  const schema: TableSchema = { fields: columns.map((column) => column.field) };
  const select = columns.map(({ field, sql }) => `${sql} AS ${identifier(field.name)}`).join(', ');
  const from = cleanedSource(source.schema, shaping);
  const all = shaping === undefined ? '*' : `${select}, "__file", "__row"`;
  return {
    schema,
    faults,
    misfitsSql: misfitsSql(faults, from),
    warnings: [
      ...(shaping === undefined ? [] : absentColumns(source.schema, schema, shaping)),
      ...absentKeys(spec, schema),
    ],
    relation: (hasMisfits) => {
      const without = hasMisfits ? ` ANTI JOIN ${MISFITS} USING ("__file", "__row")` : '';
      return { ...source, schema, sql: `SELECT ${all} FROM ${from}${without}` };
    },
  };
}

function misfitsSql(faults: readonly Fault[], from: string): string {
  const whens = faults.map(({ condition }, index) => `WHEN ${condition} THEN ${index}`);
  const numbered = `SELECT "__file", "__row", CASE ${whens.join(' ')} END AS "__fault" FROM ${from}`;
  return faults.length === 0 ? '' : `SELECT * FROM (${numbered}) WHERE "__fault" IS NOT NULL`;
}

interface ShapedColumn {
  readonly field: Field;
  /** Over the cleaned source. */
  readonly sql: string;
  /** The column of Bronze. */
  readonly source: string;
  readonly fault?: Fault;
}

function asItIs(field: Field): ShapedColumn {
  return { field, sql: identifier(field.name), source: field.name };
}

function shapedColumns(
  source: TableSchema,
  shaping: ColumnShaping,
  timezone: string | undefined,
): readonly ShapedColumn[] {
  const columns = source.fields.map((field) => shapedColumn(field, shaping, timezone));
  refuseEqualNames(columns);
  const place = ({ field }: ShapedColumn): number => {
    const at = shaping.order.indexOf(field.name);
    return at < 0 ? shaping.order.length : at;
  };
  return columns.toSorted((a, b) => place(a) - place(b));
}

function shapedColumn(source: Field, shaping: ColumnShaping, timezone: string | undefined): ShapedColumn {
  const name = newName(shaping, source.name);
  const column = { field: { ...source, name }, sql: identifier(source.name), source: source.name };
  const type = Object.hasOwn(shaping.types, name) ? shaping.types[name] : undefined;
  if (type === undefined) return column;
  const cast = castSql(column.sql, source.type, type, timezone);
  if (cast === undefined) {
    throw new FoundryError(
      'SCHEMA001',
      `the column "${source.name}" holds ${formatType(source.type)}, which does not become ${formatType(type)}`,
      {
        details: { column: source.name, type: formatType(type) },
        ...((isZoned(type) || isZoned(source.type)) && {
          hint: 'Set silver.timezone to the zone in which times without one are.',
        }),
      },
    );
  }
  if (cast === column.sql) return { ...column, field: { name, type } };
  const reason = `value does not fit type ${formatType(type)} in column ${name}`;
  const condition = `${column.sql} IS NOT NULL AND (${cast}) IS NULL`;
  return {
    field: { name, type },
    sql: cast,
    source: source.name,
    fault: { reason, column: source.name, condition, ...zoneHint(type, timezone) },
  };
}

function zoneHint(type: DataType, timezone: string | undefined): { readonly hint?: string } {
  if (type.kind !== 'timestamp') return {};
  if (timezone !== undefined) {
    return { hint: `Times that the clocks of ${timezone} show twice or skip, as they change, do not fit.` };
  }
  return type.utc
    ? { hint: 'Times without a zone fit only where silver.timezone says which zone they are in.' }
    : { hint: 'Times with a zone fit only where silver.timezone says whose clocks they are read from.' };
}

/**
 * The source with its texts cleaned, under its own names. A relation of its own, so that casts, which look at a text
 * several times, do not clean it as often.
 */
function cleanedSource({ fields }: TableSchema, shaping: ColumnShaping | undefined): string {
  if (shaping === undefined || !(shaping.trimStrings || shaping.emptyStringsAsNull)) return SOURCE;
  const texts = fields.filter((field) => field.type.kind === 'string');
  if (texts.length === 0) return SOURCE;
  const replaced = texts.map(({ name }) => `${cleaned(identifier(name), shaping)} AS ${identifier(name)}`);
  return `(SELECT * REPLACE (${replaced.join(', ')}) FROM ${SOURCE})`;
}

/** What `str.strip` of the original takes for white space. */
const WHITE_SPACE = '[\\s\\v\\x1c-\\x1f\\x{85}\\p{Z}]+';

function cleaned(column: string, { trimStrings, emptyStringsAsNull }: ColumnShaping): string {
  const pattern = literal(`^${WHITE_SPACE}|${WHITE_SPACE}$`);
  const trimmed = trimStrings ? `regexp_replace(${column}, ${pattern}, '', 'g')` : column;
  return emptyStringsAsNull ? `nullif(${trimmed}, '')` : trimmed;
}

function refuseEqualNames(columns: readonly ShapedColumn[]): void {
  for (const [index, { field, source }] of columns.entries()) {
    const other = columns.slice(0, index).find((candidate) => candidate.field.name === field.name);
    if (other === undefined) continue;
    const renamed = source === field.name ? other.source : source;
    throw new FoundryError(
      'SCHEMA001',
      `rename_map makes "${renamed}" "${field.name}", but Bronze has a column of that name already`,
      { details: { column: renamed }, hint: 'Choose another name, or rename that column too.' },
    );
  }
}

/**
 * Models that take rows as they are look at no key, so that nothing else would find these. Without error handling
 * they take rows without keys too.
 */
function nullKeyFaults(spec: SilverSpec, keys: readonly ShapedColumn[]): readonly Fault[] {
  if (MODELS[spec.model].preparation !== 'none' || !spec.errorHandling.enabled) return [];
  return keys.map(({ field, sql, source }) => ({
    reason: `null value in key column ${field.name}`,
    column: source,
    condition: `(${sql}) IS NULL`,
  }));
}

function absentKeys(spec: SilverSpec, { fields }: TableSchema): readonly string[] {
  if (MODELS[spec.model].preparation !== 'none' || !spec.errorHandling.enabled || fields.length === 0) {
    return [];
  }
  return spec.keys
    .filter((key) => !fields.some((field) => field.name === key))
    .map((key) => `error_handling: Bronze has no key column "${key}", so that no row is set aside for it`);
}

function absentColumns(source: TableSchema, schema: TableSchema, shaping: ColumnShaping): readonly string[] {
  if (source.fields.length === 0) return [];
  const lacks = ({ fields }: TableSchema, name: string): boolean =>
    !fields.some((field) => field.name === name);
  const told = (key: string, names: readonly string[], among: TableSchema): readonly string[] =>
    names
      .filter((name) => lacks(among, name))
      .map((name) => `${key}: Bronze has no column "${name}", so that it has no effect`);
  return [
    ...told('rename_map', Object.keys(shaping.renames), source),
    ...told('column_order', shaping.order, schema),
    ...told('types', Object.keys(shaping.types), schema),
  ];
}
