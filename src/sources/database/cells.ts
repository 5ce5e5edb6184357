import type { Batch, Batches } from '../../core/batch.ts';
import { FoundryError } from '../../core/errors.ts';
import { type DataType, formatType, type TableSchema, tableSchema } from '../../core/schema.ts';
import { batchBuilder } from '../../table/batch-builder.ts';
import { textCast } from '../../table/cast.ts';
import type { ReadRequest } from '../source.ts';
import type { ResultColumn, TextRow } from './driver.ts';

/** Undefined: the text is no value of the type. */
type CellCast = (text: string) => unknown;

export function cellCast({ type, form }: Pick<ResultColumn, 'type' | 'form'>): CellCast {
  if (form === 'hex') {
    // Decoding ends at the first character that is no digit. A pattern fails on texts of millions of them.
    return (text) => {
      const bytes = Buffer.from(text, 'hex');
      return bytes.length * 2 === text.length ? new Uint8Array(bytes) : undefined;
    };
  }
  return textCast(type);
}

export function schemaOf(columns: readonly ResultColumn[], origin: string): TableSchema {
  return tableSchema(
    columns.map(({ name, type }) => ({ name, type })),
    origin,
  );
}

/**
 * Text rows as batches of one schema; no rows give one batch without rows. A value that its column's type does not
 * hold is refused, or handed to `onRejected` with its row.
 *
 * @throws DATA001 naming column, row and value
 */
export async function* batchesOf(
  columns: readonly ResultColumn[],
  blocks: AsyncIterable<readonly TextRow[]>,
  origin: string,
  request: Pick<ReadRequest, 'onBytes' | 'onRejected'>,
): Batches {
  const schema = schemaOf(columns, origin);
  const casts = columns.map(cellCast);
  const builder = batchBuilder(schema);
  let row = 0;
  let hasGiven = false;
  for await (const block of blocks) {
    let bytes = 0;
    for (const cells of block) {
      row += 1;
      const values = cells.map((cell, index) => (cell === null ? null : casts[index]?.(cell)));
      const misfit = values.indexOf(undefined);
      const chars = cells.reduce((sum, cell) => sum + (cell?.length ?? 0), 0);
      bytes += chars;
      if (misfit >= 0) {
        await reject(columns, cells, misfit, { row, origin }, request.onRejected);
        continue;
      }
      values.forEach((value, index) => {
        builder.columns[index]?.push(value);
      });
      builder.endRow(chars);
      if (builder.full) {
        hasGiven = true;
        yield builder.take();
      }
    }
    request.onBytes?.(bytes);
  }
  if (builder.length > 0 || !hasGiven) yield builder.take();
}

/** One batch of a few rows. @throws DATA001 as `batchesOf` does. */
export function batchOf(columns: readonly ResultColumn[], rows: readonly TextRow[], origin: string): Batch {
  const casts = columns.map(cellCast);
  const values = columns.map((_, index) =>
    rows.map((cells, row) => {
      const cell = cells[index] ?? null;
      const value = cell === null ? null : casts[index]?.(cell);
      if (value === undefined) throw misfitError(columns, cells, index, { row: row + 1, origin });
      return value;
    }),
  );
  return { schema: schemaOf(columns, origin), columns: values, length: rows.length };
}

interface Place {
  readonly row: number;
  readonly origin: string;
}

async function reject(
  columns: readonly ResultColumn[],
  cells: TextRow,
  index: number,
  place: Place,
  onRejected: ReadRequest['onRejected'],
): Promise<void> {
  const column = columns[index];
  if (onRejected === undefined || column === undefined) throw misfitError(columns, cells, index, place);
  await onRejected({
    file: place.origin,
    line: place.row,
    names: columns.map(({ name }) => name),
    cells,
    column: column.name,
    value: cells[index] ?? '',
    reason: `${column.name} is no ${formatType(column.type)}`,
  });
}

const SHOWN = 100;

function misfitError(
  columns: readonly ResultColumn[],
  cells: TextRow,
  index: number,
  { row, origin }: Place,
): FoundryError {
  const column = columns[index];
  const value = cells[index] ?? '';
  const name = column?.name ?? '';
  const shown = value.length <= SHOWN ? value : `${value.slice(0, SHOWN)}…`;
  const [first] = columns;
  const key = first === undefined || index === 0 ? '' : `, ${first.name} = ${cells[0] ?? 'NULL'}`;
  return new FoundryError(
    'DATA001',
    `${origin}: row ${row}${key}: the value of ${name} is ${JSON.stringify(shown)}, which ${formatType(column?.type ?? TEXT)} does not hold`,
    {
      details: { column: name, row, value: shown },
      hint: `To keep the database's own text of this column, set types: {${name}: string} in the db section.`,
    },
  );
}

const TEXT: DataType = { kind: 'string' };
