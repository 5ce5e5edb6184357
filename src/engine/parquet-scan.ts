import { FoundryError } from '../core/errors.ts';
import type { TableSchema } from '../core/schema.ts';
import type { EngineParquetInput } from '../sources/engine-input.ts';
import { limit } from './csv-scan.ts';
import type { Engine } from './engine.ts';
import { dataTypeOf, describe, type EngineColumn, identifier, literalList, sqlType } from './sql.ts';

/**
 * A query for the rows of flat Parquet files, in file order, each column in the type that keeps it exactly.
 * @throws DATA001 naming the column for nested types and for times finer than microseconds.
 */
export async function parquetScan(
  engine: Engine,
  input: EngineParquetInput,
): Promise<{ readonly sql: string; readonly schema: TableSchema }> {
  const from = `FROM read_parquet(${literalList(input.files)}, union_by_name=true, hive_partitioning=false)`;
  const found = await describe(engine, `SELECT * ${from}`);
  const wanted = input.columns ?? found.map((column) => column.name);
  const columns = wanted.map((name) => columnOf(name, found));
  await refuseLostNanoseconds(engine, input, from, wanted, found);
  return {
    sql: `SELECT ${columns.map((column) => column.sql).join(', ')} ${from}${limit(input)}`,
    schema: { fields: columns.map((column) => column.field) },
  };
}

function columnOf(name: string, found: readonly EngineColumn[]) {
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
      `column "${name}" has the Parquet type ${column.engineType}, which is not flat`,
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
