import type { ColumnChunk, SchemaElement } from 'hyparquet';
import { ByteWriter, type ColumnSource, type ParquetWriter } from 'hyparquet-writer';
import { nextTurn } from '../../core/turn.ts';

/**
 * Adds a row group to a file, with the same bytes as the writer's own `write`. That would do nothing else for as long as
 * all columns take (a fifth of a second); here others have their turn after each.
 *
 * @param open a writer of the same kind as `file`, of another schema
 * @param columns in the order of the schema, each with as many values; taken one by one
 */
export async function writeRowGroup(
  file: ParquetWriter,
  open: (writer: ByteWriter, schema: SchemaElement[]) => ParquetWriter,
  rows: number,
  columns: Iterable<ColumnSource>,
): Promise<void> {
  const start = file.writer.offset;
  const [root, ...elements] = file.schema;
  const chunks: ColumnChunk[] = [];
  for (const column of columns) {
    const element = elements[chunks.length];
    if (root === undefined || element === undefined) throw new Error(`no column is named ${column.name}`);
    // What every file begins with goes nowhere.
    const alone = open(new ByteWriter(), [{ ...root, num_children: 1 }, element]);
    alone.writer = file.writer;
    alone.write({ columnData: [column], rowGroupSize: rows });
    chunks.push(...alone.row_groups.flatMap((group) => group.columns));
    file.pendingIndexes.push(...alone.pendingIndexes);
    await nextTurn();
  }
  file.num_rows += BigInt(rows);
  file.row_groups.push({
    columns: chunks,
    num_rows: BigInt(rows),
    total_byte_size: chunks.reduce(
      (sum, { meta_data }) => sum + (meta_data?.total_uncompressed_size ?? 0n),
      0n,
    ),
    total_compressed_size: BigInt(file.writer.offset - start),
  });
}
