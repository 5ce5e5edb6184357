import type { FileSourceSpec } from '../../config/spec.ts';
import type { Batches } from '../../core/batch.ts';
import { FoundryError } from '../../core/errors.ts';
import { formatType, STRING, type TableSchema } from '../../core/schema.ts';
import type { InputFile, ReadOptions } from '../../formats/input.ts';
import { readJsonDocument } from '../../formats/json/document-reader.ts';
import { type JsonRecord, type JsonText, parseJsonRecord } from '../../formats/json/json-record.ts';
import { readJsonLines } from '../../formats/json/jsonl-reader.ts';
import { type BatchBuilder, batchBuilder } from '../../table/batch-builder.ts';
import { inferJson, type JsonInference } from '../../table/infer-json.ts';
import { type JsonCast, jsonCast } from '../../table/json-cast.ts';
import type { ReadRequest } from '../source.ts';
import { checkTypedColumns, declaredType, misfit, projectedSchema } from './columns.ts';

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
    for (const text of texts) {
      addRecord(parseJsonRecord(text, file), file);
      builder.endRow(text.text.length);
      if (builder.full) yield builder.take();
    }
  }
  if (builder.length > 0) yield builder.take();
}

function recordAdder(schema: TableSchema, builder: BatchBuilder): (record: JsonRecord, file: string) => void {
  const slots = new Map(schema.fields.map(({ name }, index) => [name, index]));
  const casts: readonly JsonCast[] = schema.fields.map(({ type }) => jsonCast(type));
  return ({ names, kinds, texts, line }, file) => {
    for (const column of builder.columns) column.push(null);
    const row = builder.length;
    for (let index = 0; index < names.length; index += 1) {
      const slot = slots.get(names[index] ?? '');
      const kind = kinds[index] ?? 'null';
      if (slot === undefined || kind === 'null') continue;
      const text = texts[index] ?? '';
      const value = casts[slot]?.(kind, text);
      const field = schema.fields[slot];
      if (value === undefined)
        throw misfit(file, line, field?.name ?? '', formatType(field?.type ?? STRING), text);
      const column = builder.columns[slot];
      if (column !== undefined) column[row] = value;
    }
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
  const inferences = new Map<string, JsonInference>();
  const lastRecord = new Map<string, number>();
  let records = 0;
  for await (const { file, texts } of recordBlocks(spec, format, inputs, { signal })) {
    for (const text of texts) {
      records += 1;
      const { names, kinds, texts: values } = parseJsonRecord(text, file);
      names.forEach((name, index) => {
        if (lastRecord.get(name) === records) throw nameTwice(file, text.line, name);
        lastRecord.set(name, records);
        let inference = inferences.get(name);
        if (inference === undefined) {
          inference = inferJson();
          inferences.set(name, inference);
        }
        const kind = kinds[index] ?? 'null';
        if (kind !== 'null') inference.add(kind, values[index] ?? '');
      });
    }
  }
  if (records === 0) return undefined;
  const names = [...inferences.keys()];
  if (names.length === 0) {
    throw new FoundryError('DATA001', `${spec.path}: none of its ${records} records has a member`);
  }
  checkTypedColumns(spec.types, names, spec.path);
  return projectedSchema(
    spec,
    names,
    (name) => declaredType(spec.types, name) ?? inferences.get(name)?.type() ?? STRING,
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
