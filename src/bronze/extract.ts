import type { BronzeSpec } from '../config/spec.ts';
import type { Batches } from '../core/batch.ts';
import { messageOf, throwIfStopped } from '../core/errors.ts';
import type { TableSchema } from '../core/schema.ts';
import { openEngine } from '../engine/duckdb.ts';
import { landThroughEngine } from '../engine/lane.ts';
import { readParquetRows } from '../engine/parquet-rows.ts';
import type { SpooledPart } from '../lake/lake.ts';
import { partStem } from '../lake/layout.ts';
import { type LateColumn, type PartRoller, rollParts } from '../lake/parts.ts';
import { retrying } from '../resilience/retry.ts';
import { ReadAgain, type ReadRequest, type Source } from '../sources/source.ts';
import { CALM_BESIDE_ENGINE, garbageCollector } from './garbage.ts';
import type { BronzeRunOptions } from './options.ts';
import { rawPages } from './raw-pages.ts';
import { type Rejected, type RejectedRows, rejectedRows } from './rejected.ts';

export interface Extracted {
  readonly parts: readonly SpooledPart[];
  readonly rows: number;
  readonly schema: TableSchema;
  /** Who wrote the parts: the engine, or the row writer. */
  readonly lane: 'engine' | 'rows';
  /** Absent where no row can have been rejected. */
  readonly rejected?: Rejected;
  readonly lateColumns?: readonly LateColumn[];
}

/** What a read that continues earlier ones adds to a request. */
export type ContinuePart = Pick<ReadRequest, 'cursor' | 'onCursor' | 'state' | 'onState'>;

/**
 * Source → part files in the spool. The engine writes them where it can read the source itself and only Parquet
 * is asked for; whenever it declines, the row lane decides, whose errors name the exact place.
 */
export async function extract(
  spec: BronzeSpec,
  source: Source,
  spool: string,
  options: BronzeRunOptions,
  cursor: ContinuePart = {},
): Promise<Extracted> {
  const once = async (): Promise<Extracted> => {
    try {
      return await extractOnce(spec, source, spool, options, cursor);
    } finally {
      await source.close?.();
    }
  };
  if (source.retry === undefined) return once();
  return retrying(once, source.retry, {
    signal: options.signal,
    onRetry: ({ error, waitMs }) =>
      options.log.warn(`${messageOf(error)}; reading all of it again in ${Math.ceil(waitMs / 1000)} s`),
  });
}

async function extractOnce(
  spec: BronzeSpec,
  source: Source,
  spool: string,
  options: BronzeRunOptions,
  cursor: ContinuePart,
): Promise<Extracted> {
  const stem = (n: number): string => partStem(spec.loadPattern, n);
  const limits = {
    ...(spec.maxRowsPerFile === undefined ? {} : { maxRowsPerFile: spec.maxRowsPerFile }),
    ...(spec.maxFileSizeBytes === undefined ? {} : { maxFileSizeBytes: spec.maxFileSizeBytes }),
  };
  const rowDestination = { spool, stem, formats: spec.formats, ...limits };
  const bytes = countOnce(options.progress.bytes);
  if (!spec.formats.csv) {
    const landed = await extractByEngine(
      spec,
      source,
      { spool, stem, ...limits },
      { ...cursor, onBytes: bytes.first },
      options,
    );
    if (landed !== undefined) return landed;
  } else if ((await source.engineOnly?.()) === true) {
    return extractRowsOfEngine(source, rowDestination, options);
  }
  const rows = countOnce(options.progress.rows);
  const raw = rawPages(spool);
  const readRows = (onRows: (count: number) => void): Promise<Extracted> => {
    const rejects = spec.errorHandling === undefined ? undefined : rejectedRows(spool, spec.errorHandling);
    const batches = source.read({
      signal: options.signal,
      spool,
      onBytes: bytes.again,
      onStep: options.progress.step,
      onRawPage: raw.add,
      ...cursor,
      ...(rejects === undefined ? {} : { onRejected: rejects.add }),
    });
    return extractByRows(batches, rowDestination, { ...options, onRows }, rejects);
  };
  try {
    const extracted = await readRows(rows.first).catch((error: unknown) => {
      if (!(error instanceof ReadAgain)) throw error;
      options.log.debug('a column needs a wider type, or appeared late; writing the parts again');
      return readRows(rows.again);
    });
    return { ...extracted, parts: [...extracted.parts, ...(await raw.close())] };
  } catch (error) {
    await raw.abort();
    throw error;
  }
}

/** What is read once more tells no progress until it comes to what had not been read before. */
function countOnce(tell: (count: number) => void) {
  let told = 0;
  let repeated = 0;
  return {
    first(count: number): void {
      told += count;
      tell(count);
    },
    again(count: number): void {
      const known = Math.min(count, told - repeated);
      repeated += known;
      if (count > known) tell(count - known);
    },
  };
}

/** What the engine reads and the row lane writes: Parquet that is to land as CSV. */
async function extractRowsOfEngine(
  source: Source,
  destination: RowDestination,
  options: BronzeRunOptions,
): Promise<Extracted> {
  const input = await source.engineInput?.({
    signal: options.signal,
    spool: destination.spool,
    onBytes: options.progress.bytes,
  });
  if (input?.format !== 'parquet') throw new Error('a source for the engine only gave it nothing to read');
  const engine = await openEngine(options.limits, options.signal);
  try {
    return await extractByRows(readParquetRows(engine, input), destination, {
      ...options,
      onRows: options.progress.rows,
    });
  } finally {
    await engine.close();
  }
}

type Destination = {
  spool: string;
  stem: (n: number) => string;
  maxRowsPerFile?: number;
  maxFileSizeBytes?: number;
};

async function extractByEngine(
  spec: BronzeSpec,
  source: Source,
  destination: Destination,
  request: Omit<ReadRequest, 'signal'>,
  options: BronzeRunOptions,
): Promise<Extracted | undefined> {
  options.progress.step('checking');
  const collectGarbage = garbageCollector(CALM_BESIDE_ENGINE);
  const input = await source.engineInput?.({
    ...request,
    onBytes(count) {
      request.onBytes?.(count);
      collectGarbage();
    },
    spool: destination.spool,
    signal: options.signal,
  });
  if (input === undefined) return undefined;
  throwIfStopped(options.signal);
  options.progress.step('writing');
  const engine = await openEngine(options.limits, options.signal);
  try {
    const landed = await landThroughEngine(engine, input, {
      ...destination,
      compression: spec.formats.compression,
    });
    if (landed === 'declined') {
      options.log.debug('the engine declined this input; reading it row by row');
      return undefined;
    }
    const parts = landed.parts.map(
      (part, index): SpooledPart => ({
        ...part,
        folder: '',
        stem: destination.stem(index + 1),
        format: 'parquet',
        role: 'data',
      }),
    );
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    options.progress.rows(rows);
    return { parts: parts.filter((part) => part.rows > 0), rows, schema: landed.schema, lane: 'engine' };
  } finally {
    await engine.close();
  }
}

type RowDestination = Destination & { formats: BronzeSpec['formats'] };

async function extractByRows(
  batches: Batches,
  destination: RowDestination,
  options: BronzeRunOptions & { readonly onRows: (count: number) => void },
  rejects?: RejectedRows,
): Promise<Extracted> {
  options.progress.step('reading');
  const collectGarbage = garbageCollector();
  let roller: PartRoller | undefined;
  let schema: TableSchema = { fields: [] };
  let rows = 0;
  try {
    for await (const batch of batches) {
      throwIfStopped(options.signal);
      schema = batch.schema;
      roller ??= rollParts({
        ...destination,
        schema,
        onPart: (n) => options.progress.step(`writing part ${n}`),
      });
      await roller.write(batch);
      rows += batch.length;
      options.onRows(batch.length);
      collectGarbage();
    }
    const parts = (await roller?.close()) ?? [];
    const rejected = await rejects?.close(rows);
    return {
      parts: rejected?.part === undefined ? parts : [...parts, rejected.part],
      rows,
      schema,
      lane: 'rows',
      ...((roller?.lateColumns.length ?? 0) > 0 && { lateColumns: roller?.lateColumns ?? [] }),
      ...(rejected === undefined ? {} : { rejected }),
    };
  } catch (error) {
    await roller?.abort();
    await rejects?.abort();
    throw error;
  }
}
