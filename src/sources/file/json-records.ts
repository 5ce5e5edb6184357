import type { FileSourceSpec } from '../../config/spec.ts';
import type { Batches } from '../../core/batch.ts';
import { FoundryError } from '../../core/errors.ts';
import { type Field, STRING, type TableSchema } from '../../core/schema.ts';
import type { InputFile, ReadOptions } from '../../formats/input.ts';
import { readJsonDocument } from '../../formats/json/document-reader.ts';
import { type JsonRecord, type JsonText, jsonRecordParser } from '../../formats/json/json-record.ts';
import { readJsonLines } from '../../formats/json/jsonl-reader.ts';
import { type BatchBuilder, batchBuilder } from '../../table/batch-builder.ts';
import { inferJson, type JsonInference } from '../../table/infer-json.ts';
import { type JsonCast, jsonCast } from '../../table/json-cast.ts';
import type { ReadRequest } from '../source.ts';
import { checkTypedColumns, declaredType, projectedSchema, refuse } from './columns.ts';

/**
 * The records of JSON or JSON Lines files in file order: read once to find columns and types, once for the rows.
 * No record at all yields nothing.
 * @throws DATA001 naming file and line; whatever the readers of `formats/json` throw.
 */
export async function* readJsonRecords(
  spec: FileSourceSpec,
  format: 'json' | 'jsonl',
  inputs: readonly InputFile[],
  request: ReadRequest,
  warn: (message: string) => void,
): Batches {
  const schema = await jsonSchema(spec, format, inputs, request.signal, warn);
  if (schema === undefined) return;
  const builder = batchBuilder(schema);
  const addRecord = recordAdder(schema, builder);
  for await (const { file, texts } of recordBlocks(spec, format, inputs, request)) {
    const parse = jsonRecordParser(file);
    for (const text of texts) {
      const record = parse(text);
      const misfit = addRecord(record);
      if (misfit !== undefined) {
        for (const column of builder.columns) column.pop();
        const { line, names, kinds } = record;
        const cells = record.texts.map((cell, index) => (kinds[index] === 'null' ? null : cell));
        await refuse(request, misfit.field, misfit.text, { file, line, names, cells });
        continue;
      }
      builder.endRow(text.text.length);
      if (builder.full) yield builder.take();
    }
  }
  if (builder.length > 0) yield builder.take();
}

/** Adds a record to the columns, or gives the first member that is not of its column's type. */
function recordAdder(
  schema: TableSchema,
  builder: BatchBuilder,
): (record: JsonRecord) => { readonly field: Field; readonly text: string } | undefined {
  const slots = new Map(schema.fields.map(({ name }, index) => [name, index]));
  const slotAt = rememberByPlace((name) => slots.get(name));
  const casts: readonly JsonCast[] = schema.fields.map(({ type }) => jsonCast(type));
  return ({ names, kinds, texts }) => {
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
        return { field: schema.fields[slot] ?? { name: '', type: STRING }, text };
      }
      column[row] = value;
    }
    return undefined;
  };
}

/** Looks a name up once for as long as the same string stands at the same place of the records. */
function rememberByPlace<T>(lookUp: (name: string) => T): (place: number, name: string) => T {
  const remembered: { name: string; found: T }[] = [];
  return (place, name) => {
    const last = remembered[place];
    if (last?.name === name) return last.found;
    const found = lookUp(name);
    remembered[place] = { name, found };
    return found;
  };
}

/** Undefined when there is no record. */
async function jsonSchema(
  spec: FileSourceSpec,
  format: 'json' | 'jsonl',
  inputs: readonly InputFile[],
  signal: AbortSignal,
  warn: (message: string) => void,
): Promise<TableSchema | undefined> {
  const members = new Map<string, { readonly inference: JsonInference; lastRecord: number }>();
  const memberAt = rememberByPlace((name) => {
    const member = members.get(name) ?? { inference: inferJson(), lastRecord: 0 };
    members.set(name, member);
    return member;
  });
  let records = 0;
  for await (const { file, texts } of recordBlocks(spec, format, inputs, { signal })) {
    const parse = jsonRecordParser(file);
    for (const text of texts) {
      records += 1;
      const { names, kinds, texts: values } = parse(text);
      for (let index = 0; index < names.length; index += 1) {
        const name = names[index] ?? '';
        const member = memberAt(index, name);
        if (member.lastRecord === records) throw nameTwice(file, text.line, name);
        member.lastRecord = records;
        const kind = kinds[index] ?? 'null';
        if (kind !== 'null') member.inference.add(kind, values[index] ?? '');
      }
    }
  }
  if (records === 0) return undefined;
  const names = [...members.keys()];
  if (names.length === 0) {
    throw new FoundryError('DATA001', `${spec.path}: none of its ${records} records has a member`);
  }
  checkTypedColumns(spec.types, names, spec.path);
  return projectedSchema(
    spec,
    names,
    (name) => declaredType(spec.types, name) ?? members.get(name)?.inference.type() ?? STRING,
    warn,
  );
}

function nameTwice(file: string, line: number, name: string): FoundryError {
  return new FoundryError('DATA001', `${file}:${line}: the name "${name}" stands twice in one record`, {
    details: { file, line, column: name },
  });
}

/** The texts of consecutive records of all files, up to `limitRows`. */
async function* recordBlocks(
  spec: FileSourceSpec,
  format: 'json' | 'jsonl',
  inputs: readonly InputFile[],
  options: ReadOptions,
): AsyncGenerator<{ readonly file: string; readonly texts: readonly JsonText[] }> {
  let left = spec.limitRows ?? Number.POSITIVE_INFINITY;
  for (const input of inputs) {
    const blocks =
      format === 'json' ? readJsonDocument(input, spec.jsonPath, options) : readJsonLines(input, options);
    for await (const block of blocks) {
      const texts = block.slice(0, left);
      left -= texts.length;
      yield { file: input.path, texts };
      if (left === 0) return;
    }
  }
}
