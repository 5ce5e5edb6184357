import type { Batches } from '../core/batch.ts';
import { type Field, STRING, type TableSchema } from '../core/schema.ts';
import { nextTurn } from '../core/turn.ts';
import { jsonRecordParser } from '../formats/json/json-record.ts';
import type { JsonRecord, JsonText } from '../formats/json/record.ts';
import { type BatchBuilder, batchBuilder } from '../table/batch-builder.ts';
import { type JsonCast, jsonCast } from '../table/json-cast.ts';
import { rememberByPlace } from './json-columns.ts';
import { refuse } from './refuse.ts';
import type { ReadRequest } from './source.ts';

/** Consecutive records of one origin: a file, a page. */
export interface RecordBlock {
  readonly origin: string;
  readonly texts: readonly JsonText[];
}

/** How messages name a record. */
export type RecordPlace = (origin: string, line: number) => string;

export interface RowOptions {
  readonly place: RecordPlace;
  /** Sees each record before it becomes a row. */
  readonly onRecord?: (record: JsonRecord, placeOf: (line: number) => string) => void;
  /** Ends the reading at the first value that is not of its column's type; absent: the record is refused. */
  readonly onMisfit?: (column: string) => void;
  /** Columns that appear with a record (its number in the stream, from 1): a batch begins there. */
  readonly late?: ReadonlyMap<number, readonly string[]>;
}

/**
 * JSON records as rows of a schema; members that it lacks are left out.
 * @throws DATA001 naming the record: no JSON, or a value that is not of its declared type and nobody takes it.
 */
export async function* jsonRows(
  schema: TableSchema,
  blocks: AsyncIterable<RecordBlock> | Iterable<RecordBlock>,
  request: Pick<ReadRequest, 'onRejected'>,
  { place, onRecord, onMisfit, late }: RowOptions,
): Batches {
  const builder = batchBuilder(schema);
  const addRecord = recordAdder(schema, builder);
  let records = 0;
  let lateColumns: readonly string[] | undefined;
  const take = () => {
    const batch = builder.take();
    const marked = lateColumns === undefined ? batch : { ...batch, lateColumns };
    lateColumns = undefined;
    return marked;
  };
  for await (const { origin, texts } of blocks) {
    await nextTurn();
    const placeOf = (line: number): string => place(origin, line);
    const parse = jsonRecordParser(origin, placeOf);
    for (const text of texts) {
      records += 1;
      const appearing = late?.get(records);
      if (appearing !== undefined) {
        if (builder.length > 0) yield take();
        lateColumns = [...(lateColumns ?? []), ...appearing];
      }
      const record = parse(text);
      onRecord?.(record, placeOf);
      const misfit = addRecord(record, text.text.length);
      if (misfit !== undefined) {
        onMisfit?.(misfit.field.name);
        const { line, names, kinds } = record;
        const cells = record.texts.map((cell, index) => (kinds[index] === 'null' ? null : cell));
        const rejected = { file: origin, line, names, cells };
        await refuse(request, misfit.field, misfit.text, rejected, placeOf(line));
        continue;
      }
      if (builder.full) yield take();
    }
  }
  if (builder.length > 0) yield take();
}

interface Misfit {
  readonly field: Field;
  readonly text: string;
}

/**
 * Adds records to the columns of a builder, one row each. Gives the first member that is not of its column's type:
 * nothing of the record was added then.
 */
function recordAdder(
  schema: TableSchema,
  builder: BatchBuilder,
): (record: JsonRecord, chars: number) => Misfit | undefined {
  const slots = new Map(schema.fields.map(({ name }, index) => [name, index]));
  const slotAt = rememberByPlace((name) => slots.get(name));
  const casts: readonly JsonCast[] = schema.fields.map(({ type }) => jsonCast(type));
  return ({ names, kinds, texts }, chars) => {
    const { columns, length: row } = builder;
    for (const column of columns) column.push(null);
    for (let index = 0; index < names.length; index += 1) {
      const slot = slotAt(index, names[index] ?? '');
      const kind = kinds[index] ?? 'null';
      if (slot === undefined || kind === 'null') continue;
      const text = texts[index] ?? '';
      const value = casts[slot]?.(kind, text);
      const column = columns[slot];
      if (value === undefined || column === undefined) {
        for (const started of columns) started.pop();
        return { field: schema.fields[slot] ?? { name: '', type: STRING }, text };
      }
      column[row] = value;
    }
    builder.endRow(chars);
    return undefined;
  };
}
