import { parseConfig } from '../../config/load.ts';
import type { FileSourceSpec } from '../../config/spec.ts';
import type { SampleColumn } from '../../config/tools/propose.ts';
import { fileKeys, type Reading } from '../../config/tools/reading.ts';
import { FoundryError } from '../../core/errors.ts';
import type { RunDate } from '../../core/run-date.ts';
import { formatType } from '../../core/schema.ts';
import { openSource } from '../../sources/open.ts';
import { textFormat } from '../../table/format.ts';
import { inferText } from '../../table/infer.ts';

/** Enough to see what a column is; a key that repeats only later is the owner's to know. */
const ROWS = 5000;

export interface Inspected {
  readonly columns: readonly SampleColumn[];
  readonly reading: Reading;
}

/**
 * The columns of a file, glob or folder, with its first rows, and how it has to be read where that is not how
 * files of its kind are read without a word.
 * @throws EXT001 when nothing is there; DATA001 when it cannot be read; USE001 when it holds no column.
 */
export async function inspectFile(path: string, runDate: RunDate, signal: AbortSignal): Promise<Inspected> {
  const look = async (reading: Reading): Promise<Inspected> => ({
    columns: await sample(sourceOf(path, reading), runDate, signal),
    reading,
  });
  const encoding = await encodingOf(sourceOf(path, {}), runDate);
  let found = await look(encoding === undefined ? {} : { encoding });
  for (const hint of [delimiterOf, fieldnamesOf, recordsOf]) {
    const more = hint(found.columns, path);
    if (more !== undefined) found = await look({ ...found.reading, ...more });
  }
  if (found.columns.length > 0) return found;
  throw new FoundryError('USE001', `${path} holds no column to describe`, {
    hint: 'Give a source with at least a header line or one record.',
  });
}

const IS_JSON = /\.json(?:\.\w+)?$/i;
const IS_TYPED = /\.(?:jsonl?|ndjson|parquet)(?:\.\w+)?$/i;

/** One column whose name holds what other tools put between cells. */
function delimiterOf(columns: readonly SampleColumn[], path: string): Reading | undefined {
  const [only] = columns;
  if (columns.length !== 1 || only === undefined || IS_TYPED.test(path)) return undefined;
  const delimiter = [';', '\t', '|'].find((candidate) => only.name.includes(candidate));
  return delimiter === undefined ? undefined : { delimiter };
}

/**
 * A header names columns: a number or a date in it is a value of the first row, unless the numbers are years that
 * follow each other behind a name, as `country,2023,2024`.
 */
function fieldnamesOf(columns: readonly SampleColumn[], path: string): Reading | undefined {
  const values = columns
    .map(({ name }) => name)
    .filter((name) => /^-?\d+(?:[.,]\d+)?$|^\d{4}-\d{2}-\d{2}/.test(name));
  if (IS_TYPED.test(path) || values.length === 0) return undefined;
  if (values.length > 1 && values.length < columns.length && areFollowingYears(values)) return undefined;
  return { fieldnames: columns.map((_, index) => `column_${index + 1}`) };
}

function areFollowingYears(values: readonly string[]): boolean {
  return values.every(
    (value, index) =>
      /^(?:19|20)\d{2}$/.test(value) && (index === 0 || Number(value) === Number(values[index - 1]) + 1),
  );
}

/** A document of one object with one list of objects: the list is what its owner calls the records. */
function recordsOf(columns: readonly SampleColumn[], path: string): Reading | undefined {
  if (!IS_JSON.test(path)) return undefined;
  const lists = columns.filter(({ values }) => values.length === 1 && /^\[\s*\{/.test(values[0] ?? ''));
  const name = lists.length === 1 ? lists[0]?.name : undefined;
  return name !== undefined && /^[\w-]+$/.test(name) ? { jsonPath: name } : undefined;
}

/** Only a byte order mark tells it for sure. */
async function encodingOf(spec: FileSourceSpec, runDate: RunDate): Promise<string | undefined> {
  const source = await openSource(spec, { runDate, warn: () => undefined });
  const file = (await source.plan()).inputs[0]?.path;
  if (file === undefined || IS_TYPED.test(file)) return undefined;
  const mark = new Uint8Array(await Bun.file(file).slice(0, 2).arrayBuffer());
  const isUtf16 = (mark[0] === 0xff && mark[1] === 0xfe) || (mark[0] === 0xfe && mark[1] === 0xff);
  return isUtf16 ? 'utf-16' : undefined;
}

function sourceOf(path: string, reading: Reading): FileSourceSpec {
  const config = {
    system: 'init',
    entity: 'init',
    bronze: {
      path_pattern: path.replaceAll('${', () => '$${'),
      options: { file: { limit_rows: ROWS, ...fileKeys(reading) } },
    },
    silver: { entity_kind: 'event', natural_keys: ['_'], event_ts_column: '_' },
  };
  const [dataset] = parseConfig('', JSON.stringify(config), {}).datasets;
  const source = dataset?.bronze.source;
  if (source?.type !== 'file') throw new Error('a config of one file gave no source of files');
  return source;
}

async function sample(
  spec: FileSourceSpec,
  runDate: RunDate,
  signal: AbortSignal,
): Promise<readonly SampleColumn[]> {
  const source = await openSource(spec, { runDate, warn: () => undefined });
  const { inputs, problem } = await source.plan();
  const first = inputs[0];
  if (problem !== undefined || first === undefined) {
    throw new FoundryError('EXT001', problem ?? `${spec.path} matches no file`);
  }
  if ((await source.engineOnly?.()) === true) return parquetColumns(first.path);
  for await (const { schema, columns } of source.read({ signal })) {
    return schema.fields.map(({ name, type }, index) => {
      const write = textFormat(type);
      const values = (columns[index] ?? [])
        .slice(0, ROWS)
        .map((value) => (value === null ? null : write(value)));
      return { name, type: type.kind === 'string' ? inferred(values) : formatType(type), values };
    });
  }
  return [];
}

function inferred(values: readonly (string | null)[]): string {
  const inference = inferText();
  for (const value of values) if (value !== null) inference.add(value);
  return formatType(inference.type());
}

async function parquetColumns(file: string): Promise<readonly SampleColumn[]> {
  const { previewParquet } = await import('../../formats/parquet/parquet-footer.ts');
  const { columns, rows } = await previewParquet(file, ROWS);
  return columns.map(({ name, type }, index) => ({
    name,
    type: type === undefined ? 'json' : formatType(type),
    values: rows.map((row) => row[index] ?? null),
  }));
}
