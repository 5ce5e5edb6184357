import { expect, test } from 'bun:test';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, type ColumnSource, ParquetWriter } from 'hyparquet-writer';
import { writeRowGroup } from './row-group.ts';

const schema: SchemaElement[] = [
  { name: 'schema', num_children: 4 },
  { name: 'id', type: 'INT64', repetition_type: 'OPTIONAL' },
  { name: 'city', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  { name: 'note', type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' },
  { name: 'amount', type: 'DOUBLE', repetition_type: 'OPTIONAL' },
];
const open = (writer: ByteWriter, elements: SchemaElement[]): ParquetWriter =>
  new ParquetWriter({ writer, schema: elements, createdBy: 'foundry' });

/** The notes fill several pages, which get an index behind the row groups. */
function columns(rows: number): ColumnSource[] {
  const all = Array.from({ length: rows }, (_, row) => row);
  return [
    { name: 'id', data: all.map((row) => (row % 7 === 0 ? null : BigInt(row))) },
    { name: 'city', data: all.map((row) => `city ${row % 5}`) },
    { name: 'note', data: all.map((row) => `${row} `.repeat(100)) },
    { name: 'amount', data: all.map((row) => row / 3), statistics: false, encoding: 'PLAIN' },
  ];
}

test('row groups written column by column are those that the library writes at once', async () => {
  const sizes = [10_000, 1];
  const atOnce = new ByteWriter();
  const usual = open(atOnce, schema);
  for (const rows of sizes) usual.write({ columnData: columns(rows), rowGroupSize: rows });
  usual.finish();

  const byColumn = new ByteWriter();
  const file = open(byColumn, schema);
  for (const rows of sizes) await writeRowGroup(file, open, rows, columns(rows));
  file.finish();

  expect(atOnce.offset).toBeGreaterThan(100_000);
  expect(Buffer.from(byColumn.getBytes()).equals(atOnce.getBytes())).toBe(true);
});

test('others have their turn between columns', async () => {
  const file = open(new ByteWriter(), schema);
  let turns = 0;
  const other = (): void => {
    turns += 1;
    waiting = setImmediate(other);
  };
  let waiting = setImmediate(other);
  const seen: number[] = [];
  const source = function* () {
    for (const column of columns(10)) {
      seen.push(turns);
      yield column;
    }
  };
  await writeRowGroup(file, open, 10, source());
  clearImmediate(waiting);
  expect(seen).toEqual([0, 1, 2, 3]);
});
