import { FoundryError } from '../core/errors.ts';
import type { Engine } from './engine.ts';
import { dataTypeOf, type EngineColumn, identifier, parquetRows, sqlType } from './sql.ts';

/**
 * Where files have different types for a column, the engine takes one that it thinks holds them all, and rounds to it
 * without a word: whole numbers to doubles, 0.5 to 1 beside decimals of 38 digits.
 * @param common the columns of all files together
 * @param columns those of each file
 * @throws DATA001 naming file, column and value where a value is another one in the common type.
 */
export async function refuseLostInUnion(
  engine: Engine,
  common: readonly EngineColumn[],
  columns: readonly (EngineColumn & { readonly file: string })[],
): Promise<void> {
  const byName = Map.groupBy(columns, ({ name }) => name);
  for (const column of common) {
    const others = (byName.get(column.name) ?? []).filter(
      ({ engineType }) => engineType !== column.engineType,
    );
    for (const [own, group] of Map.groupBy(others, ({ engineType }) => engineType)) {
      await refuseLost(
        engine,
        column,
        own,
        group.map(({ file }) => file),
      );
    }
  }
}

async function refuseLost(
  engine: Engine,
  { name, engineType }: EngineColumn,
  own: string,
  files: readonly string[],
): Promise<void> {
  const target = dataTypeOf(engineType);
  if (target === undefined || dataTypeOf(own) === undefined) return;
  const value = identifier(name);
  const common = `TRY_CAST(${value} AS ${engineType})`;
  const landed = `TRY_CAST(${common} AS ${sqlType(target)})`;
  // Decimals as floats come back as they were, but as the doubles that are landed they are other numbers.
  const asDouble =
    engineType === 'FLOAT' ? ` OR ${landed} IS DISTINCT FROM TRY_CAST(${value} AS DOUBLE)` : '';
  const [row] = await engine.query(
    `SELECT file_index AS file, ${value}::VARCHAR AS text FROM ${parquetRows(...files)} ` +
      `WHERE ${value} IS NOT NULL AND (TRY_CAST(${landed} AS ${own}) IS DISTINCT FROM ${value}${asDouble}) LIMIT 1`,
  );
  if (row === undefined) return;
  const file = files[Number(row.file)] ?? '';
  throw new FoundryError(
    'DATA001',
    `${file}: column "${name}" holds ${row.text} (${own}), which the type of all files together, ${engineType}, does not keep exactly`,
    {
      details: { file, column: name, value: String(row.text), type: own },
      hint: 'Write the column in one type at the source, land the files apart, or leave it out with the file option "columns".',
    },
  );
}
