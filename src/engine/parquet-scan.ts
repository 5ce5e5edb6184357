import { FoundryError, messageOf } from '../core/errors.ts';
import type { TableSchema } from '../core/schema.ts';
import type { EngineParquetInput } from '../sources/engine-input.ts';
import { limit } from './csv-scan.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './errors.ts';
import { dataTypeOf, describe, type EngineColumn, identifier, literalList, sqlType } from './sql.ts';

/** Names that the engine gives a meaning of its own in a file scan. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set(['file_row_number', 'file_index', 'filename']);

/**
 * A query for the rows of flat Parquet files, in file order, each column in the type that keeps it exactly.
 * @throws DATA001 naming the column for nested types, times finer than microseconds, and ambiguous names.
 */
export async function parquetScan(
  engine: Engine,
  input: EngineParquetInput,
): Promise<{ readonly sql: string; readonly schema: TableSchema }> {
  const from = `FROM read_parquet(${literalList(input.files)}, union_by_name=true, hive_partitioning=false)`;
  const found = await describe(engine, `SELECT * ${from}`);
  await refuseAmbiguousNames(engine, input);
  const wanted = input.columns ?? found.map((column) => column.name);
  const columns = wanted.map((name) => columnOf(name, found, input.files));
  await refuseLostNanoseconds(engine, input, from, wanted, found);
  return {
    sql: `SELECT ${columns.map((column) => column.sql).join(', ')} ${from}${limit(input)}`,
    schema: { fields: columns.map((column) => column.field) },
  };
}

function columnOf(name: string, found: readonly EngineColumn[], files: readonly string[]) {
  const column = found.find((candidate) => candidate.name === name);
  if (column === undefined) {
    return {
      field: { name, type: { kind: 'string' } as const },
      sql: `NULL::VARCHAR AS ${identifier(name)}`,
    };
  }
  const type = dataTypeOf(column.engineType);
  if (type === undefined) {
    throw new FoundryError(
      'DATA001',
      `${nameFiles(files)}: column "${name}" has the Parquet type ${column.engineType}, which is not flat`,
      {
        details: { column: name, type: column.engineType },
        hint: 'Leave the column out with source.file.columns, or flatten it at the source.',
      },
    );
  }
  const quoted = identifier(name);
  const target = sqlType(type);
  return {
    field: { name, type },
    sql: column.engineType === target ? quoted : `${quoted}::${target} AS ${quoted}`,
  };
}

async function refuseLostNanoseconds(
  engine: Engine,
  input: EngineParquetInput,
  from: string,
  wanted: readonly string[],
  found: readonly EngineColumn[],
): Promise<void> {
  for (const { name, engineType } of found) {
    if (!wanted.includes(name) || (engineType !== 'TIMESTAMP_NS' && engineType !== 'TIME_NS')) continue;
    const value = identifier(name);
    const [row] = await engine.query(
      `SELECT file, n, value::VARCHAR AS text FROM (SELECT file_index AS file, file_row_number AS n, ${value} AS value ` +
        `${from}${limit(input)}) WHERE epoch_ns(value) % 1000 <> 0 LIMIT 1`,
    );
    if (row === undefined) continue;
    const file = input.files[Number(row.file)] ?? '';
    const at = Number(row.n) + 1;
    throw new FoundryError(
      'DATA001',
      `${file}: row ${at} of column "${name}" holds ${row.text}, finer than the microseconds that foundry keeps`,
      { details: { file, row: at, column: name, value: String(row.text) } },
    );
  }
}

/**
 * The engine folds case, and gives a column that it cannot tell from another one a name of its own making; names
 * that its scans add themselves would hide the file's columns.
 */
async function refuseAmbiguousNames(
  engine: Engine,
  { files, columns = [] }: EngineParquetInput,
): Promise<void> {
  const rows = await engine.query(
    `SELECT file_name AS file, name, num_children AS children FROM parquet_schema(${literalList(files)})`,
  );
  const wanted = columns.map((name) => ({ name, file: 'source.file.columns' }));
  const spellings = new Map<string, { readonly name: string; readonly file: string }>();
  for (const column of [...topLevelColumns(rows), ...wanted]) {
    const { file, name } = column;
    const folded = name.toLowerCase();
    const other = spellings.get(folded);
    const reason = RESERVED_NAMES.has(folded)
      ? `the column name "${name}" is one that the engine gives a meaning of its own`
      : other !== undefined && (other.name !== name || other.file === file)
        ? `the columns "${other.name}" and "${name}" cannot be told apart, since the engine folds case`
        : undefined;
    if (reason !== undefined) {
      throw new FoundryError('DATA001', `${file}: ${reason}`, {
        details: { file, column: name },
        hint: 'Rename the column at the source.',
      });
    }
    spellings.set(folded, column);
  }
}

/** The rows of `parquet_schema` are each file's tree in pre-order: its root, then every node before its children. */
function topLevelColumns(rows: readonly Record<string, unknown>[]): { file: string; name: string }[] {
  const columns: { file: string; name: string }[] = [];
  let file = '';
  let nested = 0;
  for (const row of rows) {
    const children = Number(row.children ?? 0);
    if (row.file !== file) {
      file = String(row.file);
      nested = 0;
    } else if (nested > 0) {
      nested += children - 1;
    } else {
      columns.push({ file, name: String(row.name) });
      nested = children;
    }
  }
  return columns;
}

/** What the engine's refusal to read Parquet means to the user; other errors are given back as they are. */
export function parquetRefusal(error: unknown, files: readonly string[]): unknown {
  const reason = messageOf(error).split('\n', 1)[0] ?? '';
  if (/cannot open file|could not read from file/i.test(reason)) {
    const file = files.find((candidate) => reason.includes(candidate));
    if (file !== undefined)
      return new FoundryError('EXT001', `${file} cannot be read: ${reason}`, { cause: error });
  }
  if (!(error instanceof EngineError)) return error;
  return new FoundryError('DATA001', `${nameFiles(files)} cannot be read as Parquet: ${reason}`, {
    details: { file: files[0] },
    hint: 'Fetch the file again, or write it anew at the source.',
    cause: error,
  });
}

function nameFiles(files: readonly string[]): string {
  return files.length === 1 ? (files[0] ?? '') : `${files[0]} or one of ${files.length - 1} other files`;
}
