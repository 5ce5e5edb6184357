import type { FileSourceSpec } from '../../config/spec.ts';
import { FoundryError } from '../../core/errors.ts';
import { STRING } from '../../core/schema.ts';
import { scanCsv } from '../../formats/csv/csv-scan.ts';
import { type InputFile, localPathOf } from '../../formats/input.ts';
import { type EngineCsvInput, NOT_TYPED_BY_ENGINE } from '../engine-input.ts';
import type { ReadRequest } from '../source.ts';
import { projectedSchema } from './columns.ts';
import type { DelimitedFiles } from './delimited.ts';

/** Below this, starting the engine costs more than it saves. */
const MIN_BYTES = 4_000_000;

/** Whether it may be worth scanning the files; looks at nothing but types, names and sizes. */
export function mayUseEngine(spec: FileSourceSpec, inputs: readonly InputFile[]): boolean {
  return (
    spec.limitRows === undefined &&
    (typeof spec.types === 'string' ||
      Object.values(spec.types).every(({ kind }) => !NOT_TYPED_BY_ENGINE.has(kind))) &&
    inputs.every((input) => input.packing === 'none' && input.encoding === 'utf-8') &&
    inputs.reduce((sum, input) => sum + input.sizeBytes, 0) > MIN_BYTES
  );
}

/**
 * Describes the files to the engine after one scan of them, where nothing in them leaves room for two readings.
 * @throws EXT001 when a file cannot be read or changed; INT001.
 */
export async function csvForEngine(
  spec: FileSourceSpec,
  opened: DelimitedFiles,
  request: ReadRequest,
  warn: (message: string) => void,
): Promise<EngineCsvInput | undefined> {
  const { dialect, files, names } = opened;
  if (!isOneAscii(dialect.delimiter) || !isOneAscii(dialect.quote) || names.length < 2) return undefined;
  if (
    files.some(
      (file) => file.names.length !== names.length || file.names.some((name, i) => name !== names[i]),
    )
  ) {
    return undefined;
  }
  projectedSchema(spec, names, () => STRING, warn);
  let rows = 0;
  let longestRecordBytes = 0;
  for (const { input } of files) {
    const scan = await scanCsv(input, dialect, request).catch((error: unknown) => {
      // The row reader comes upon the same place, and says more about it.
      if (error instanceof FoundryError && error.code === 'DATA001') return undefined;
      throw error;
    });
    if (scan === undefined || !scan.regular) return undefined;
    rows += scan.records - (spec.hasHeader ? 1 : 0);
    longestRecordBytes = Math.max(longestRecordBytes, scan.longestRecordBytes);
  }
  return {
    format: 'csv',
    files: files.map(({ input }) => localPathOf(input)),
    ...(spec.columns === undefined ? {} : { columns: spec.columns }),
    delimiter: dialect.delimiter,
    quote: dialect.quote,
    hasHeader: spec.hasHeader,
    names,
    nullValues: spec.nullValues,
    types: spec.types,
    rows,
    longestRecordBytes,
  };
}

function isOneAscii(text: string): boolean {
  return text.length === 1 && text.charCodeAt(0) < 128;
}
