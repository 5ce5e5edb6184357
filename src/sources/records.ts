import type { Batch, Batches } from '../core/batch.ts';
import { FoundryError } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { type DataType, type Field, sameType, type TableSchema, tableSchema } from '../core/schema.ts';
import { jsonRecordParser } from '../formats/json/json-record.ts';
import { inferColumns } from './json-columns.ts';
import { jsonRows, type RecordBlock, type RecordPlace } from './json-rows.ts';
import { type RecordSpool, recordSpool } from './record-spool.ts';
import { ReadAgain, type ReadRequest } from './source.ts';

const WINDOW_ROWS = 20_000;
const WINDOW_CHARS = 16 * 1024 * 1024;
/** More than any table has; a map of ids taken for a record has as many. */
const MAX_COLUMNS = 10_000;

export interface RecordOptions {
  /** What is read, for messages. */
  readonly name: string;
  readonly place: RecordPlace;
  /** Types by column. One that no record has lands as NULLs. */
  readonly types?: Readonly<Record<string, DataType>>;
  /** The columns to land, in this order; absent: all of them, in the order of their first appearance. */
  readonly columns?: readonly string[];
  readonly warn: (message: string) => void;
  /** How much is looked at before the first row is given. */
  readonly window?: { readonly rows: number; readonly chars: number };
}

/** Records that can be had only once from where they come, as rows. */
export interface Records {
  /**
   * All rows under the schema that keeps every value of every record (`inferJson`, except for declared types). The
   * schema is taken from a first window of records, and rows flow from there on. As soon as a later record needs another
   * one, this throws `ReadAgain`: the second call reads the rest and then gives all rows, so that the result does not
   * depend on the window. Zero records give an empty batch where columns or types are declared, else nothing.
   * @throws DATA001 as `jsonRows`; for a name twice in one record, and more than 10,000 columns.
   */
  batches(request: ReadRequest): Batches;
}

export function openRecords(blocks: AsyncIterable<RecordBlock>, options: RecordOptions): Records {
  const { place } = options;
  const inference = inferColumns();
  const source = blocks[Symbol.asyncIterator]();
  let again = false;
  let spool: RecordSpool | undefined;
  let windowRecords = 0;
  /** The block at hand, and the records before it: a reading may end in the midst of it. */
  let block: RecordBlock | undefined;
  let recordsBefore = 0;

  async function* kept(to: RecordSpool): AsyncGenerator<RecordBlock> {
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      block = next.value;
      recordsBefore = inference.records;
      await to.add(block);
      yield block;
    }
  }

  async function* readFirst(request: ReadRequest): Batches {
    const { held, ended } = await firstWindow(source, request, options, inference);
    windowRecords = inference.records;
    const schema = schemaOf(options, inference);
    if (schema === undefined) return;
    if (ended) {
      warnOfAbsent(options, inference);
      if (inference.records === 0) yield emptyBatch(schema);
      yield* jsonRows(schema, held, request, { place });
      return;
    }
    const opened = recordSpool(request.spool);
    spool = opened;
    for (const first of held) await opened.add(first);
    yield* jsonRows(schema, held, request, { place });
    held.length = 0;
    const rows = jsonRows(schema, kept(opened), request, {
      place,
      onRecord: inference.add,
      onMisfit: (column) => {
        if (!isDeclared(options, column)) throw new ReadAgain();
      },
    });
    for await (const batch of rows) {
      checkColumns(options, inference);
      if (!sameFields(schema, schemaOf(options, inference))) throw new ReadAgain();
      yield batch;
    }
    // What came after the last row may all have been refused, or been records without a value.
    if (!sameFields(schema, schemaOf(options, inference))) throw new ReadAgain();
    warnOfAbsent(options, inference);
  }

  async function* readAgain(request: ReadRequest): Batches {
    if (spool === undefined) throw new Error('records are read again only after a widening');
    const unseen = block?.texts.slice(inference.records - recordsBefore) ?? [];
    look({ origin: block?.origin ?? '', texts: unseen }, place, inference);
    for await (const next of kept(spool)) {
      look(next, place, inference);
      checkColumns(options, inference);
    }
    const schema = schemaOf(options, inference);
    if (schema === undefined) throw new Error('records without a schema are not read again');
    warnOfAbsent(options, inference);
    const late = lateColumns(schema, options, inference, windowRecords);
    yield* jsonRows(schema, spool.read(), request, { place, late });
  }

  return {
    async *batches(request) {
      let interrupted = false;
      try {
        yield* again ? readAgain(request) : readFirst(request);
      } catch (error) {
        interrupted = error instanceof ReadAgain;
        throw error;
      } finally {
        again = interrupted;
        if (!interrupted) {
          await spool?.close();
          await source.return?.();
        }
      }
    },
  };
}

type Inference = ReturnType<typeof inferColumns>;

/** Records until the window is full, or until there are as many as are wanted. */
async function firstWindow(
  source: AsyncIterator<RecordBlock>,
  request: ReadRequest,
  options: RecordOptions,
  inference: Inference,
): Promise<{ held: RecordBlock[]; ended: boolean }> {
  const window = options.window ?? { rows: WINDOW_ROWS, chars: WINDOW_CHARS };
  const limit = request.limitRows;
  const held: RecordBlock[] = [];
  let chars = 0;
  const isFull = (): boolean =>
    (inference.records >= window.rows || chars >= window.chars) && inference.names().length > 0;
  while (limit !== undefined || !isFull()) {
    const next = limit !== undefined && inference.records >= limit ? undefined : await source.next();
    if (next === undefined || next.done === true) return { held, ended: true };
    const { origin, texts } = next.value;
    const block =
      limit === undefined ? next.value : { origin, texts: texts.slice(0, limit - inference.records) };
    look(block, options.place, inference);
    checkColumns(options, inference);
    held.push(block);
    for (const { text } of block.texts) chars += text.length;
  }
  return { held, ended: false };
}

function look({ origin, texts }: RecordBlock, place: RecordPlace, inference: Inference): void {
  const placeOf = (line: number): string => place(origin, line);
  const parse = jsonRecordParser(origin, placeOf);
  for (const text of texts) inference.add(parse(text), placeOf);
}

function isDeclared({ types }: RecordOptions, name: string): boolean {
  return types !== undefined && Object.hasOwn(types, name);
}

/** Undefined when nothing is known of any column. */
function schemaOf(options: RecordOptions, inference: Inference): TableSchema | undefined {
  const { types = {}, columns } = options;
  const seen = inference.names();
  const known = new Set(seen);
  const names = columns ?? [...seen, ...Object.keys(types).filter((name) => !known.has(name))];
  if (names.length === 0) {
    if (inference.records === 0) return undefined;
    throw new FoundryError(
      'DATA001',
      `${options.name}: none of its ${inference.records} records has a member`,
    );
  }
  const fields = names.map((name): Field => {
    const declared = isDeclared(options, name) ? types[name] : undefined;
    return { name, type: declared ?? inference.typeOf(name) };
  });
  return tableSchema(fields, options.name);
}

function sameFields(a: TableSchema, b: TableSchema | undefined): boolean {
  return (
    b !== undefined &&
    a.fields.length === b.fields.length &&
    a.fields.every(({ name, type }, index) => {
      const other = b.fields[index];
      return other !== undefined && other.name === name && sameType(other.type, type);
    })
  );
}

function emptyBatch(schema: TableSchema): Batch {
  return { schema, columns: schema.fields.map(() => []), length: 0 };
}

function checkColumns({ name, columns }: RecordOptions, inference: Inference): void {
  const found = inference.names();
  if (columns !== undefined || found.length <= MAX_COLUMNS) return;
  throw new FoundryError(
    'DATA001',
    `${name}: its records have more than ${MAX_COLUMNS} different members, such as ${JSON.stringify(found.at(-1))}`,
    {
      hint: 'If the names are ids, the path to the records leads to an object that holds records by id. Name the columns to land otherwise.',
    },
  );
}

function warnOfAbsent(options: RecordOptions, inference: Inference): void {
  if (inference.records === 0) return;
  const names = inference.names();
  const known = new Set(names);
  const wanted = new Set([...(options.columns ?? []), ...Object.keys(options.types ?? {})]);
  for (const name of wanted) {
    if (known.has(name)) continue;
    options.warn(
      `${options.name}: no record has the column "${name}"${didYouMean(name, names)}: it lands as NULLs`,
    );
  }
}

/** By the record in which they appeared: the columns that the first window did not have. */
function lateColumns(
  schema: TableSchema,
  options: RecordOptions,
  inference: Inference,
  windowRecords: number,
): ReadonlyMap<number, readonly string[]> {
  const late = new Map<number, string[]>();
  for (const { name } of schema.fields) {
    const first = inference.firstRecord(name);
    if (first <= windowRecords || options.columns?.includes(name) || isDeclared(options, name)) continue;
    late.set(first, [...(late.get(first) ?? []), name]);
  }
  return late;
}
