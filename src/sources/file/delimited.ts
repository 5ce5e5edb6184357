import type { FileSourceSpec } from '../../config/spec.ts';
import type { Batches } from '../../core/batch.ts';
import { FoundryError } from '../../core/errors.ts';
import { type Field, STRING, type TableSchema, tableSchema } from '../../core/schema.ts';
import { type CsvRows, readCsv } from '../../formats/csv/csv-reader.ts';
import type { CsvDialect } from '../../formats/csv/dialect.ts';
import type { InputFile, ReadOptions } from '../../formats/input.ts';
import { batchBuilder } from '../../table/batch-builder.ts';
import { textCast } from '../../table/cast.ts';
import { inferText, type TextInference } from '../../table/infer.ts';
import { refuse } from '../refuse.ts';
import type { ReadRequest } from '../source.ts';
import { checkTypedColumns, declaredType, projectedSchema, unionNames } from './columns.ts';

/** Delimited files whose headers have been read. */
export interface DelimitedFiles {
  readonly dialect: CsvDialect;
  readonly files: readonly { readonly input: InputFile; readonly names: readonly string[] }[];
  /** Union of the files' columns. */
  readonly names: readonly string[];
}

export function dialectOf(spec: FileSourceSpec, format: 'csv' | 'tsv'): CsvDialect {
  return { delimiter: spec.delimiter ?? (format === 'tsv' ? '\t' : ','), quote: spec.quote };
}

/**
 * Reads the header of every file.
 * @throws DATA001 for an empty file, a repeated name, `fieldnames` of another count, or `types` of an unknown column.
 */
export async function openDelimited(
  spec: FileSourceSpec,
  dialect: CsvDialect,
  inputs: readonly InputFile[],
  signal: AbortSignal,
  warn: (message: string) => void,
): Promise<DelimitedFiles> {
  const files = [];
  for (const input of inputs) {
    const names = await columnNames(spec, dialect, input, signal, warn);
    files.push({
      input,
      names: tableSchema(
        names.map((name) => ({ name, type: STRING })),
        input.path,
      ).fields.map(({ name }) => name),
    });
  }
  const names = unionNames(files.map((file) => file.names));
  checkTypedColumns(spec.types, names, spec.path);
  return { dialect, files, names };
}

async function columnNames(
  spec: FileSourceSpec,
  dialect: CsvDialect,
  input: InputFile,
  signal: AbortSignal,
  warn: (message: string) => void,
): Promise<readonly string[]> {
  if (!spec.hasHeader) {
    if (spec.fieldnames === undefined) {
      throw new FoundryError('CFG001', 'the file option "fieldnames" is required where has_header is false');
    }
    return spec.fieldnames;
  }
  const header = await firstRecord(input, dialect, signal);
  if (header === undefined) {
    throw new FoundryError('DATA001', `${input.path} is empty: it has no header line`, {
      hint: 'A file without a header needs has_header: false and fieldnames.',
    });
  }
  refuseSeparatorLine(input, header);
  if (spec.fieldnames !== undefined) {
    if (spec.fieldnames.length === header.length) return spec.fieldnames;
    throw new FoundryError(
      'DATA001',
      `${input.path}: its header has ${header.length} columns, the file option "fieldnames" ${spec.fieldnames.length}`,
    );
  }
  return header.map((name, index) => {
    if (name !== '') return name;
    warn(`${input.path}: column ${index + 1} has no name: it lands as "column_${index + 1}"`);
    return `column_${index + 1}`;
  });
}

/** The line in which Excel tells itself the delimiter: as a header, it would make one column of everything. */
function refuseSeparatorLine({ path }: InputFile, header: readonly string[]): void {
  const separator = /^sep=(.?)$/i.exec(header[0] ?? '');
  if (separator === null || header.slice(1).some((cell) => cell !== '')) return;
  throw new FoundryError('DATA001', `${path}: its first line is Excel's "sep=", which is no header`, {
    details: { file: path, line: 1 },
    hint: `Remove that line; the delimiter is told by the file option "delimiter"${separator[1] ? ` (here ${JSON.stringify(separator[1])})` : ''}.`,
  });
}

async function firstRecord(
  input: InputFile,
  dialect: CsvDialect,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  for await (const { rows } of readCsv(input, dialect, { signal })) return rows[0];
  return undefined;
}

/** The rows in file order. Every batch has one schema; zero rows give one empty batch. */
export async function* readDelimited(
  spec: FileSourceSpec,
  opened: DelimitedFiles,
  request: ReadRequest,
  warn: (message: string) => void,
): Batches {
  const schema = await delimitedSchema(spec, opened, request.signal, warn);
  const casts = schema.fields.map(({ type }) => (type.kind === 'string' ? undefined : textCast(type)));
  const fieldAt = (index: number): Field => schema.fields[index] ?? { name: '', type: STRING };
  const isNull = nullTest(spec.nullValues);
  const builder = batchBuilder(schema);
  let empty = true;
  for await (const { file, names, rows, lines } of dataBlocks(spec, opened, request)) {
    const slots = schema.fields.map(({ name }) => names.indexOf(name));
    for (let row = 0; row < rows.length; row += 1) {
      const cells = rows[row] ?? [];
      let chars = 0;
      let misfitAt = -1;
      for (let index = 0; index < slots.length; index += 1) {
        const text = cells[slots[index] ?? -1];
        const cast = casts[index];
        let value: unknown = null;
        if (text !== undefined && !isNull(text)) {
          chars += text.length;
          value = cast === undefined ? text : cast(text);
          if (value === undefined) {
            misfitAt = index;
            break;
          }
        }
        builder.columns[index]?.push(value);
      }
      if (misfitAt !== -1) {
        for (const column of builder.columns.slice(0, misfitAt)) column.pop();
        const place = { file, line: lines[row] ?? 0 };
        const text = cells[slots[misfitAt] ?? -1] ?? '';
        await refuse(request, fieldAt(misfitAt), text, { ...place, names, cells });
        continue;
      }
      builder.endRow(chars);
      if (!builder.full) continue;
      empty = false;
      yield builder.take();
    }
  }
  if (empty || builder.length > 0) yield builder.take();
}

/** An empty cell is NULL, quoted or not. */
function nullTest(nullValues: readonly string[]): (text: string) => boolean {
  if (nullValues.length === 0) return (text) => text === '';
  const spellings = new Set(['', ...nullValues]);
  return (text) => spellings.has(text);
}

async function delimitedSchema(
  spec: FileSourceSpec,
  opened: DelimitedFiles,
  signal: AbortSignal,
  warn: (message: string) => void,
): Promise<TableSchema> {
  if (spec.types !== 'infer') {
    return projectedSchema(spec, opened.names, (name) => declaredType(spec.types, name) ?? STRING, warn);
  }
  const inferences = new Map<string, TextInference>(opened.names.map((name) => [name, inferText()]));
  const isNull = nullTest(spec.nullValues);
  for await (const { names, rows } of dataBlocks(spec, opened, { signal })) {
    const columns = names.map((name) => inferences.get(name));
    for (const cells of rows) {
      for (let index = 0; index < cells.length; index += 1) {
        const text = cells[index] ?? '';
        if (!isNull(text)) columns[index]?.add(text);
      }
    }
  }
  return projectedSchema(spec, opened.names, (name) => inferences.get(name)?.type() ?? STRING, warn);
}

interface DataBlock extends CsvRows {
  readonly file: string;
  readonly names: readonly string[];
}

/**
 * Consecutive records of all files, without headers, up to `limitRows`.
 * @throws DATA001 for a record with more or fewer cells than its file has columns.
 */
async function* dataBlocks(
  spec: FileSourceSpec,
  { files, dialect }: DelimitedFiles,
  options: ReadOptions,
): AsyncGenerator<DataBlock> {
  let left = spec.limitRows ?? Number.POSITIVE_INFINITY;
  for (const { input, names } of files) {
    let skip = spec.hasHeader ? 1 : 0;
    for await (const block of readCsv(input, dialect, options)) {
      const rows = block.rows.slice(skip, skip + left);
      const lines = block.lines.slice(skip, skip + left);
      skip = 0;
      const ragged = rows.findIndex((cells) => cells.length !== names.length);
      if (ragged !== -1)
        throw raggedRow(input.path, lines[ragged] ?? 0, names.length, rows[ragged]?.length ?? 0);
      left -= rows.length;
      yield { file: input.path, names, rows, lines };
      if (left === 0) return;
    }
  }
}

function raggedRow(file: string, line: number, expected: number, found: number): FoundryError {
  const cells = (count: number): string => `${count} ${count === 1 ? 'cell' : 'cells'}`;
  return new FoundryError('DATA001', `${file}:${line}: expected ${cells(expected)}, found ${cells(found)}`, {
    details: { file, line, expected, found },
    hint: 'Check the file options "delimiter" and "quote", or correct the line.',
  });
}
