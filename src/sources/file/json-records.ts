import type { FileSourceSpec } from '../../config/spec.ts';
import type { Batches } from '../../core/batch.ts';
import { FoundryError } from '../../core/errors.ts';
import type { TableSchema } from '../../core/schema.ts';
import type { InputFile, ReadOptions } from '../../formats/input.ts';
import { readJsonDocument } from '../../formats/json/document-reader.ts';
import { jsonRecordParser } from '../../formats/json/json-record.ts';
import { readJsonLines } from '../../formats/json/jsonl-reader.ts';
import { inferColumns } from '../json-columns.ts';
import { jsonRows, type RecordBlock, type RecordPlace } from '../json-rows.ts';
import type { ReadRequest } from '../source.ts';
import { checkTypedColumns, declaredType, projectedSchema } from './columns.ts';

const place: RecordPlace = (file, line) => `${file}:${line}`;

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
  yield* jsonRows(schema, recordBlocks(spec, format, inputs, request), request, { place });
}

/** Undefined when there is no record. */
async function jsonSchema(
  spec: FileSourceSpec,
  format: 'json' | 'jsonl',
  inputs: readonly InputFile[],
  signal: AbortSignal,
  warn: (message: string) => void,
): Promise<TableSchema | undefined> {
  const inference = inferColumns();
  for await (const { origin, texts } of recordBlocks(spec, format, inputs, { signal })) {
    const parse = jsonRecordParser(origin);
    const placeOf = (line: number): string => place(origin, line);
    for (const text of texts) inference.add(parse(text), placeOf);
  }
  const { records } = inference;
  if (records === 0) return undefined;
  const names = inference.names();
  if (names.length === 0) {
    throw new FoundryError('DATA001', `${spec.path}: none of its ${records} records has a member`);
  }
  checkTypedColumns(spec.types, names, spec.path);
  return projectedSchema(
    spec,
    names,
    (name) => declaredType(spec.types, name) ?? inference.typeOf(name),
    warn,
  );
}

/** The texts of consecutive records of all files, up to `limitRows`. */
async function* recordBlocks(
  spec: FileSourceSpec,
  format: 'json' | 'jsonl',
  inputs: readonly InputFile[],
  options: ReadOptions,
): AsyncGenerator<RecordBlock> {
  let left = spec.limitRows ?? Number.POSITIVE_INFINITY;
  for (const input of inputs) {
    const blocks =
      format === 'json' ? readJsonDocument(input, spec.jsonPath, options) : readJsonLines(input, options);
    for await (const block of blocks) {
      const texts = block.slice(0, left);
      left -= texts.length;
      yield { origin: input.path, texts };
      if (left === 0) return;
    }
  }
}
