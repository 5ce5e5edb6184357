import type { DatasetSpec } from '../config/spec.ts';
import type { Batch, Batches } from '../core/batch.ts';
import { throwIfStopped } from '../core/errors.ts';
import { formatType, type TableSchema } from '../core/schema.ts';
import { openEngine } from '../engine/duckdb.ts';
import { readParquetRows } from '../engine/parquet-rows.ts';
import { openSource } from '../sources/open.ts';
import type { ReadRequest, Source } from '../sources/source.ts';
import { removeTree, temporaryFolder } from '../storage/durable.ts';
import { textFormat } from '../table/format.ts';
import type { BronzeRunOptions } from './options.ts';
import { sourceContext } from './source-context.ts';

/** The first rows of a source as Bronze would land them. Nothing was written. */
export interface BronzePreview {
  readonly dataset: string;
  readonly layer: 'bronze';
  readonly status: 'preview';
  readonly source: string;
  /** Types that are inferred are those of the rows shown. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** By column, each value as `textFormat` writes it; null is NULL. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** Records that would be kept aside, and why. */
  readonly quarantined?: number;
  readonly quarantine_reasons?: Readonly<Record<string, number>>;
}

/**
 * Reads no more of the source than its first `count` rows need.
 * @throws what the source throws.
 */
export async function previewBronze(
  spec: DatasetSpec,
  count: number,
  options: BronzeRunOptions,
  open: typeof openSource = openSource,
): Promise<BronzePreview> {
  // What lies on an object store is fetched before it is read.
  const spool = await temporaryFolder('foundry-preview-');
  try {
    return await preview(spec, count, spool, options, open);
  } finally {
    await removeTree(spool);
  }
}

async function preview(
  spec: DatasetSpec,
  count: number,
  spool: string,
  options: BronzeRunOptions,
  open: typeof openSource,
): Promise<BronzePreview> {
  const source = await open(spec.bronze.source, sourceContext(spec, options));
  const { description } = await source.plan();
  const reasons: Record<string, number> = {};
  const request: ReadRequest = {
    signal: options.signal,
    spool,
    limitRows: count,
    onBytes: options.progress.bytes,
    ...(spec.bronze.errorHandling !== undefined && {
      onRejected: async ({ reason }) => {
        reasons[reason] = (reasons[reason] ?? 0) + 1;
      },
    }),
  };
  options.progress.step('reading');
  let schema: TableSchema = { fields: [] };
  const rows: (string | null)[][] = [];
  for await (const batch of batchesOf(source, request, options)) {
    throwIfStopped(options.signal);
    schema = batch.schema;
    rows.push(...textRows(batch, count - rows.length));
    if (rows.length >= count) break;
  }
  const quarantined = Object.values(reasons).reduce((sum, times) => sum + times, 0);
  return {
    dataset: spec.name,
    layer: 'bronze',
    status: 'preview',
    source: description,
    columns: schema.fields.map(({ name, type }) => ({ name, type: formatType(type) })),
    rows,
    ...(quarantined > 0 && { quarantined, quarantine_reasons: reasons }),
  };
}

async function* batchesOf(source: Source, request: ReadRequest, options: BronzeRunOptions): Batches {
  if ((await source.engineOnly?.()) !== true) {
    yield* source.read(request);
    return;
  }
  const input = await source.engineInput?.(request);
  if (input?.format !== 'parquet') throw new Error('a source for the engine only gave it nothing to read');
  const engine = await openEngine(options.limits, options.signal);
  try {
    yield* readParquetRows(engine, input);
  } finally {
    await engine.close();
  }
}

function textRows({ schema, columns, length }: Batch, most: number): (string | null)[][] {
  const formats = schema.fields.map(({ type }) => textFormat(type));
  return Array.from({ length: Math.min(length, most) }, (_, row) =>
    columns.map((column, index) => {
      const value = column[row];
      return value === null || value === undefined ? null : (formats[index]?.(value) ?? null);
    }),
  );
}
