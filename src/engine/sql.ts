import { unreachable } from '../core/errors.ts';
import type { DataType } from '../core/schema.ts';
import type { Engine } from './engine.ts';

/** `"a ""b"""`: a name in SQL, whatever characters it has. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `'it''s'`: a text value in SQL. A NUL would end the statement, so text that holds one is an expression. */
export function literal(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\0') ? `(${quoted.replaceAll('\0', "' || chr(0) || '")})` : quoted;
}

export function literalList(texts: readonly string[]): string {
  return `[${texts.map(literal).join(', ')}]`;
}

/**
 * The path of one file, for the engine's readers: they take every path for a pattern, in which `data[1].csv` is
 * `data1.csv`, if there is one. (A backslash beside such a character finds no file.) And unless they are told
 * `hive_partitioning=false`, a folder `region=eu` above gives every row that region, whatever the file has.
 */
export function fileLiteral(path: string): string {
  return literal(asPattern(path));
}

export function fileList(paths: readonly string[]): string {
  return literalList(paths.map(asPattern));
}

/** What stands in Parquet files, and nothing that their paths say, to select from. */
export function parquetRows(...paths: readonly string[]): string {
  return `read_parquet(${fileList(paths)}, hive_partitioning=false)`;
}

/** A pattern that matches this path alone. */
export function asPattern(path: string): string {
  return path.replace(/[*?[]/g, '[$&]');
}

/** How the engine holds a type; uuid and json are texts, as in every file that foundry writes. */
export function sqlType(type: DataType): string {
  switch (type.kind) {
    case 'string':
    case 'uuid':
    case 'json':
      return 'VARCHAR';
    case 'boolean':
      return 'BOOLEAN';
    case 'int32':
      return 'INTEGER';
    case 'int64':
      return 'BIGINT';
    case 'double':
      return 'DOUBLE';
    case 'date':
      return 'DATE';
    case 'time':
      return 'TIME';
    case 'binary':
      return 'BLOB';
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'timestamp':
      return type.utc ? 'TIMESTAMP WITH TIME ZONE' : 'TIMESTAMP';
    default:
      return unreachable(type);
  }
}

const ENGINE_TYPES: Readonly<Record<string, DataType>> = {
  VARCHAR: { kind: 'string' },
  UUID: { kind: 'uuid' },
  JSON: { kind: 'json' },
  BOOLEAN: { kind: 'boolean' },
  TINYINT: { kind: 'int32' },
  SMALLINT: { kind: 'int32' },
  INTEGER: { kind: 'int32' },
  UTINYINT: { kind: 'int32' },
  USMALLINT: { kind: 'int32' },
  UINTEGER: { kind: 'int64' },
  BIGINT: { kind: 'int64' },
  UBIGINT: { kind: 'decimal', precision: 20, scale: 0 },
  HUGEINT: { kind: 'decimal', precision: 38, scale: 0 },
  FLOAT: { kind: 'double' },
  DOUBLE: { kind: 'double' },
  DATE: { kind: 'date' },
  TIME: { kind: 'time' },
  TIME_NS: { kind: 'time' },
  'TIME WITH TIME ZONE': { kind: 'time' },
  BLOB: { kind: 'binary' },
  TIMESTAMP: { kind: 'timestamp', unit: 'micros', utc: false },
  TIMESTAMP_S: { kind: 'timestamp', unit: 'micros', utc: false },
  TIMESTAMP_MS: { kind: 'timestamp', unit: 'micros', utc: false },
  TIMESTAMP_NS: { kind: 'timestamp', unit: 'micros', utc: false },
  'TIMESTAMP WITH TIME ZONE': { kind: 'timestamp', unit: 'micros', utc: true },
  '"NULL"': { kind: 'string' },
};

/** The type that keeps every value of an engine type, or undefined where none does (nested, intervals). */
export function dataTypeOf(engineType: string): DataType | undefined {
  if (engineType.endsWith(']')) return undefined;
  if (engineType.startsWith('ENUM(')) return { kind: 'string' };
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(engineType);
  if (decimal !== null) return { kind: 'decimal', precision: Number(decimal[1]), scale: Number(decimal[2]) };
  return ENGINE_TYPES[engineType];
}

export interface EngineColumn {
  readonly name: string;
  /** As the engine spells it: `DECIMAL(38,10)`, `TIMESTAMP_NS`. */
  readonly engineType: string;
}

/** The columns of a query, without running it. */
export async function describe(engine: Engine, selectSql: string): Promise<EngineColumn[]> {
  const rows = await engine.query(`DESCRIBE ${selectSql}`);
  return rows.map((row) => ({ name: String(row.column_name), engineType: String(row.column_type) }));
}
