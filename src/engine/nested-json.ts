import { unreachable } from '../core/errors.ts';
import type { DataType } from '../core/schema.ts';
import type { NestedType } from './nested-type.ts';
import { dataTypeOf, identifier, literal, sqlType } from './sql.ts';

/** SQL that fails the query, naming the column, the problem and the value. */
type Fail = (problem: string, value: string) => string;

/**
 * An expression for a nested value as JSON text that keeps it exactly; NULL gives NULL, an empty list `[]`.
 *
 * Lists and structs are JSON's own, members in the order of the type, NULLs as `null`. Maps are objects whose names
 * are the keys as text. Integers and decimals keep all their digits (decimals their whole scale, so `1.50`); doubles
 * are the shortest number that reads back as the same one, and `"NaN"`, `"Infinity"`, `"-Infinity"`, which JSON has no
 * numbers for. Dates, times and timestamps are ISO 8601 strings (timestamps with six digits of a second, instants
 * with `Z`), binary is base64.
 *
 * The query fails, naming the column, on a value that has no such text: a NULL or repeated key, dates and timestamps
 * outside the years 1 to 9999, times finer than microseconds.
 * @returns undefined where a type within has no JSON text (intervals, nested map keys).
 */
export function nestedJsonSql(column: string, type: NestedType): string | undefined {
  let depth = 0;

  const fail: Fail = (problem, value) =>
    `error(${literal(`column ${JSON.stringify(column)} holds ${problem}: `)} || ${value}::VARCHAR)`;

  const orNull = (json: string): string => `coalesce(${json}, 'null')`;

  const list = (value: string, element: NestedType): string | undefined => {
    depth += 1;
    const variable = `v${depth}`;
    const json = toJson(variable, element);
    return json === undefined
      ? undefined
      : `'[' || array_to_string(list_transform(${value}, lambda ${variable}: ${orNull(json)}), ',') || ']'`;
  };

  const struct = (value: string, fields: Extract<NestedType, { kind: 'struct' }>['fields']) => {
    const members = fields.map((field, index) => {
      const json = toJson(`struct_extract_at(${value}, ${index + 1})`, field.type);
      return json === undefined
        ? undefined
        : `${literal(`${JSON.stringify(field.name)}:`)} || ${orNull(json)}`;
    });
    return members.includes(undefined)
      ? undefined
      : `CASE WHEN ${value} IS NULL THEN NULL ELSE '{' || ${members.join(` || ',' || `)} || '}' END`;
  };

  const map = (value: string, key: NestedType, content: NestedType): string | undefined => {
    depth += 1;
    const entry = `v${depth}`;
    const name = key.kind === 'leaf' ? leafJson(`${entry}.key`, key.engineType, fail) : undefined;
    const json = toJson(`${entry}.value`, content);
    if (name === undefined || json === undefined) return undefined;
    const quoted = `CASE WHEN starts_with(${name}, '"') THEN ${name} ELSE '"' || ${name} || '"' END`;
    const entries = `list_transform(map_entries(${value}), lambda ${entry}: ${quoted} || ':' || ${orNull(json)})`;
    return (
      `CASE WHEN len(map_keys(${value})) <> len(list_distinct(map_keys(${value}))) ` +
      `THEN ${fail('a map with a repeated or NULL key', value)} ` +
      `ELSE '{' || array_to_string(${entries}, ',') || '}' END`
    );
  };

  const toJson = (value: string, nested: NestedType): string | undefined => {
    switch (nested.kind) {
      case 'list':
        return list(value, nested.element);
      case 'struct':
        return struct(value, nested.fields);
      case 'map':
        return map(value, nested.key, nested.value);
      case 'leaf':
        return leafJson(value, nested.engineType, fail);
      default:
        return unreachable(nested);
    }
  };

  return toJson(identifier(column), type);
}

function leafJson(value: string, engineType: string, fail: Fail): string | undefined {
  const leaf = dataTypeOf(engineType);
  if (leaf === undefined) return undefined;
  if (!engineType.endsWith('_NS')) return scalarJson(value, leaf, fail);
  const finer = fail('a time finer than the microseconds that foundry keeps', value);
  return `CASE WHEN epoch_ns(${value}) % 1000 <> 0 THEN ${finer} ELSE ${scalarJson(`${value}::${sqlType(leaf)}`, leaf, fail)} END`;
}

function scalarJson(value: string, leaf: DataType, fail: Fail): string {
  const text = `(${value})::VARCHAR`;
  const unusual = `THEN ${fail('a date outside the years 1 to 9999', value)}`;
  switch (leaf.kind) {
    case 'boolean':
    case 'int32':
    case 'int64':
      return text;
    case 'decimal':
      // The engine leaves out the zero before the point where no digit can stand there.
      return leaf.scale === leaf.precision ? `regexp_replace(${text}, '^(-?)[.]', '\\10.')` : text;
    case 'double': {
      const double = `(${value})::DOUBLE`;
      return (
        `CASE WHEN isfinite(${double}) THEN ${double}::VARCHAR WHEN isnan(${double}) THEN '"NaN"' ` +
        `WHEN ${double} > 0 THEN '"Infinity"' WHEN ${double} < 0 THEN '"-Infinity"' END`
      );
    }
    case 'string':
    case 'json':
    case 'uuid':
      return `to_json(${text})::VARCHAR`;
    case 'binary':
      return `'"' || base64(${value}) || '"'`;
    case 'time':
      return `'"' || (${value})::TIME::VARCHAR || '"'`;
    case 'date':
      return `CASE WHEN ${value} < DATE '0001-01-01' OR ${value} > DATE '9999-12-31' ${unusual} ELSE '"' || ${text} || '"' END`;
    case 'timestamp': {
      const plain = leaf.utc ? `(${value} AT TIME ZONE 'UTC')` : `(${value})::TIMESTAMP`;
      const stamp = `strftime(${plain}, '%Y-%m-%dT%H:%M:%S.%f')`;
      const range = `${plain} < TIMESTAMP '0001-01-01' OR ${plain} >= TIMESTAMP '9999-12-31' + INTERVAL 1 DAY`;
      return `CASE WHEN ${range} ${unusual} ELSE '"' || ${stamp} || '${leaf.utc ? 'Z' : ''}"' END`;
    }
    default:
      return unreachable(leaf);
  }
}
