import { FoundryError, messageOf } from '../core/errors.ts';
import type { TableSchema } from '../core/schema.ts';
import type { EngineParquetInput } from '../sources/engine-input.ts';
import { limit } from './csv-scan.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './errors.ts';
import { nestedJsonSql } from './nested-json.ts';
import { parseNestedType } from './nested-type.ts';
import { refuseLostInUnion } from './parquet-union.ts';
import { dataTypeOf, describe, type EngineColumn, fileList, identifier, sqlType } from './sql.ts';

/** Names that the engine gives a meaning of its own in a file scan. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set(['file_row_number', 'file_index', 'filename']);

/**
 * A query for the rows of Parquet files, in file order, each column in the type that keeps it exactly; nested ones
 * as JSON text (`nestedJsonSql`).
 * @throws DATA001 naming the column for types that cannot be kept, times finer than microseconds, and ambiguous
 * names.
 */
export async function parquetScan(
  engine: Engine,
  input: EngineParquetInput,
): Promise<{ readonly sql: string; readonly schema: TableSchema }> {
  const from = `FROM read_parquet(${fileList(input.files)}, union_by_name=true, hive_partitioning=false)`;
  const found = await describe(engine, `SELECT * ${from}`);
  const tree = await refuseMisreadColumns(engine, input);
  const wanted = input.columns ?? found.map((column) => column.name);
  const columns = wanted.map((name) => columnOf(name, found, input.files));
  await refuseLostInUnion(
    engine,
    found.filter(({ name }) => wanted.includes(name)),
    tree.flatMap(({ file, path: [name = '', ...below], engineType }) =>
      below.length > 0 || engineType === undefined ? [] : [{ file, name, engineType }],
    ),
  );
  await refuseCutNanoseconds(tree, wanted);
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
  const quoted = identifier(name);
  const type = dataTypeOf(column.engineType);
  if (type === undefined) {
    const nested = parseNestedType(column.engineType);
    const json = nested === undefined || nested.kind === 'leaf' ? undefined : nestedJsonSql(name, nested);
    if (json === undefined) throw notKept(column, files);
    return { field: { name, type: { kind: 'json' } as const }, sql: `${json} AS ${quoted}` };
  }
  const target = sqlType(type);
  return {
    field: { name, type },
    sql: column.engineType === target ? quoted : `${quoted}::${target} AS ${quoted}`,
  };
}

function notKept({ name, engineType }: EngineColumn, files: readonly string[]): FoundryError {
  return new FoundryError(
    'DATA001',
    `${nameFiles(files)}: column "${name}" has the type ${engineType}, which neither Parquet types nor JSON text keep exactly`,
    {
      details: { column: name, type: engineType },
      hint: 'Leave the column out with the file option "columns", or flatten it at the source.',
    },
  );
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

async function refuseCutNanoseconds(tree: readonly NamedColumn[], wanted: readonly string[]): Promise<void> {
  const cut = tree.filter(({ cutsNanos, path: [name = ''] }) => cutsNanos === true && wanted.includes(name));
  if (cut.length === 0) return;
  const { fineTimes } = await import('../formats/parquet/nanoseconds.ts');
  for (const [file, columns] of Map.groupBy(cut, (column) => column.file)) {
    const names = new Set(columns.map(({ path }) => path.join('\0')));
    const fine = (await fineTimes(file)).find(({ path }) => names.has(path.join('\0')));
    if (fine === undefined) continue;
    const [column = ''] = fine.path;
    const value = fine.text;
    throw new FoundryError(
      'DATA001',
      `${file}: column "${column}" holds ${value}, finer than the microseconds that foundry keeps`,
      {
        details: { file, column, value },
        hint: 'Write the column in microseconds at the source, or leave it out with the file option "columns".',
      },
    );
  }
}

/**
 * See `refuseUnreadable`; and the engine folds case, and gives a column that it cannot tell from another one a name of its own making; names
 * that its scans add themselves would hide the file's columns.
 */
async function refuseMisreadColumns(
  engine: Engine,
  { files, columns }: EngineParquetInput,
): Promise<readonly NamedColumn[]> {
  const rows = await engine.query(
    `SELECT file_name AS file, name, num_children AS children, duckdb_type AS type, ${PRECISION} AS precision, ${CUT_NANOS} AS cut ` +
      `FROM parquet_schema(${fileList(files)})`,
  );
  const tree = namedColumns(rows);
  refuseUnreadable(tree, columns);
  const wanted = (columns ?? []).map((name) => ({ path: [name], file: 'the file option "columns"' }));
  const spellings = new Map<string, NamedColumn>();
  for (const column of [...tree, ...wanted]) {
    const { file, path } = column;
    const name = path.join('.');
    const folded = path.join('\0').toLowerCase();
    const other = spellings.get(folded);
    const otherName = other?.path.join('.');
    const reason =
      path.length === 1 && RESERVED_NAMES.has(folded)
        ? `the column name "${name}" is one that the engine gives a meaning of its own`
        : other !== undefined && (otherName !== name || other.file === file)
          ? `the columns "${otherName}" and "${name}" cannot be told apart, since the engine folds case`
          : undefined;
    if (reason !== undefined) {
      throw new FoundryError('DATA001', `${file}: ${reason}`, {
        details: { file, column: name },
        hint: 'Rename the column at the source.',
      });
    }
    spellings.set(folded, column);
  }
  return tree;
}

interface NamedColumn {
  readonly file: string;
  /** Names from the root's child down to the column; those of Parquet's own list and map nodes among them. */
  readonly path: readonly string[];
  /** Of a decimal. */
  readonly precision?: number;
  /** Instants in nanoseconds: the engine reads those of times without a zone whole, but cuts these. */
  readonly cutsNanos?: boolean;
  /** As the engine spells it; absent where there is something below. */
  readonly engineType?: string;
}

/** Of a decimal, wherever the writer noted it. */
const PRECISION = `coalesce(precision, TRY_CAST(regexp_extract(logical_type, 'precision=([0-9]+)', 1) AS INTEGER))`;
const CUT_NANOS = `coalesce(contains(logical_type, 'isAdjustedToUTC=1') AND contains(logical_type, 'NANOS=Nano'), false)`;
const MAX_PRECISION = 38;

/** What the engine reads without a word and gives another value or name: wide decimals as doubles, no name as `C0`. */
function refuseUnreadable(tree: readonly NamedColumn[], columns: readonly string[] | undefined): void {
  for (const { file, path, precision = 0 } of tree) {
    const [column = ''] = path;
    if (columns !== undefined && !columns.includes(column)) continue;
    if (column === '') {
      throw new FoundryError('DATA001', `${file}: a column has no name`, {
        details: { file, column },
        hint: 'Name the column at the source, or land the others with the file option "columns".',
      });
    }
    if (precision <= MAX_PRECISION) continue;
    throw new FoundryError(
      'DATA001',
      `${file}: column "${column}" has decimals of ${precision} digits; ${MAX_PRECISION} is the most that can be kept exactly`,
      {
        details: { file, column, precision },
        hint: 'Leave the column out with the file option "columns", or write it as text at the source.',
      },
    );
  }
}

/** The rows of `parquet_schema` are each file's tree in pre-order: its root, then every node before its children. */
function namedColumns(rows: readonly Record<string, unknown>[]): NamedColumn[] {
  const columns: NamedColumn[] = [];
  let file = '';
  let open: { readonly name: string; left: number }[] = [];
  for (const row of rows) {
    const name = String(row.name);
    const children = Number(row.children ?? 0);
    if (row.file !== file) {
      file = String(row.file);
      open = [{ name: '', left: children }];
      continue;
    }
    while (open.at(-1)?.left === 0) open.pop();
    const parent = open.at(-1);
    if (parent !== undefined) parent.left -= 1;
    const path = [...open.slice(1).map((node) => node.name), name];
    columns.push({
      file,
      path,
      ...(row.precision !== null && { precision: Number(row.precision) }),
      ...(row.cut === true && { cutsNanos: true }),
      ...(row.type !== null && { engineType: String(row.type) }),
    });
    open.push({ name, left: children });
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
