import type { FileSourceSpec } from '../../config/spec.ts';
import type { SampleColumn } from '../../config/tools/propose.ts';
import { FoundryError } from '../../core/errors.ts';
import type { RunDate } from '../../core/run-date.ts';
import { formatType } from '../../core/schema.ts';
import { openSource } from '../../sources/source.ts';
import { textFormat } from '../../table/format.ts';
import { inferText } from '../../table/infer.ts';

/** Enough to see what a column is; a key that repeats only later is the owner's to know. */
const ROWS = 5000;

export interface Inspected {
  readonly columns: readonly SampleColumn[];
  /** Where the records of a JSON document are, when they are not the document itself. */
  readonly jsonPath?: string;
}

/**
 * The columns of a file, glob or folder, with its first rows.
 * @throws EXT001 when nothing is there; DATA001 when it cannot be read; USE001 when it holds no column.
 */
export async function inspectFile(path: string, runDate: RunDate, signal: AbortSignal): Promise<Inspected> {
  const columns = await columnsOf(path, undefined, runDate, signal);
  const jsonPath = /\.json(?:\.\w+)?$/i.test(path) ? recordsWithin(columns) : undefined;
  if (jsonPath !== undefined) {
    return { columns: await columnsOf(path, jsonPath, runDate, signal), jsonPath };
  }
  if (columns.length > 0) return { columns };
  throw new FoundryError('USE001', `${path} holds no column to describe`, {
    hint: 'Give a source with at least a header line or one record.',
  });
}

/** A document of one object with one list of objects: the list is what its owner calls the records. */
function recordsWithin(columns: readonly SampleColumn[]): string | undefined {
  const lists = columns.filter(({ values }) => values.length === 1 && /^\[\s*\{/.test(values[0] ?? ''));
  const name = lists.length === 1 ? lists[0]?.name : undefined;
  return name !== undefined && /^[\w-]+$/.test(name) ? name : undefined;
}

async function columnsOf(
  path: string,
  jsonPath: string | undefined,
  runDate: RunDate,
  signal: AbortSignal,
): Promise<readonly SampleColumn[]> {
  const { parseConfig } = await import('../../config/load.ts');
  const file = { limit_rows: ROWS, ...(jsonPath !== undefined && { json_path: jsonPath }) };
  const config = {
    system: 'init',
    entity: 'init',
    bronze: { path_pattern: path.replaceAll('${', () => '$${'), options: { file } },
    silver: { entity_kind: 'event', natural_keys: ['_'], event_ts_column: '_' },
  };
  const [dataset] = parseConfig('', JSON.stringify(config), {}).datasets;
  if (dataset === undefined) throw new Error('a config of one dataset gave none');
  return sample(dataset.bronze.source, runDate, signal);
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
