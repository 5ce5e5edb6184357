import { FoundryError } from '../core/errors.ts';
import type { TableSchema } from '../core/schema.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './errors.ts';
import { copyToPart } from './parts.ts';
import { fileLiteral, identifier, literal, sqlType } from './sql.ts';

/** Above the engine's 2 MB, within what its default buffer holds. */
const LONGEST_CSV_RECORD = 16 * 1024 * 1024;

/**
 * CSV as foundry writes it, with its manifest's types, as local Parquet; other CSV as text.
 * @param name for messages
 * @returns `target`. @throws DATA001 for CSV that cannot be read.
 */
export async function csvToParquet(
  engine: Engine,
  csv: string,
  schema: TableSchema | undefined,
  target: string,
  name: string,
): Promise<string> {
  try {
    await copyToPart(engine, csvSelect(csv, schema), target, { format: 'parquet', compression: 'snappy' });
    return target;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new FoundryError('DATA001', `${name} cannot be read as CSV: ${firstLine(error.message)}`, {
      details: { file: name },
      hint: 'Let Bronze write Parquet, which Silver reads whatever the length of a value.',
      cause: error,
    });
  }
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}

function csvSelect(csv: string, schema: TableSchema | undefined): string {
  if (schema === undefined) return csvTextSql(csv);
  const columns = schema.fields.map(({ name }) => `${literal(name)}: 'VARCHAR'`).join(', ');
  const typed = schema.fields.map(({ name, type }) => {
    const column = identifier(name);
    const value = type.kind === 'binary' ? `from_base64(${column})` : `${column}::${sqlType(type)}`;
    return `${value} AS ${column}`;
  });
  return (
    `SELECT ${typed.join(', ')} FROM read_csv(${fileLiteral(csv)}, auto_detect=false, header=true, delim=',', quote='"', ` +
    `escape='"', nullstr='', allow_quoted_nulls=false, hive_partitioning=false, columns={${columns}}, ` +
    `max_line_size=${LONGEST_CSV_RECORD})`
  );
}

/** A query for CSV with a header, every cell as text, NULL where it is empty and has no quotes. */
export function csvTextSql(csv: string): string {
  // Whatever the engine may guess is given, so that a `#` or a line of `---` is no more than text.
  return (
    `SELECT * FROM read_csv(${fileLiteral(csv)}, header=true, all_varchar=true, delim=',', quote='"', escape='"', ` +
    `nullstr='', allow_quoted_nulls=false, skip=0, comment='', null_padding=false, ignore_errors=false, ` +
    `hive_partitioning=false, max_line_size=${LONGEST_CSV_RECORD})`
  );
}
