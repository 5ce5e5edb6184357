import type { BronzeSpec } from '../config/spec.ts';
import { throwIfStopped } from '../core/errors.ts';
import type { TableSchema } from '../core/schema.ts';
import { openEngine } from '../engine/duckdb.ts';
import { landThroughEngine } from '../engine/lane.ts';
import type { SpooledPart } from '../lake/lake.ts';
import { partStem } from '../lake/layout.ts';
import { type PartRoller, rollParts } from '../lake/parts.ts';
import type { Source } from '../sources/source.ts';
import type { BronzeRunOptions } from './options.ts';

export interface Extracted {
  readonly parts: readonly SpooledPart[];
  readonly rows: number;
  readonly schema: TableSchema;
  /** Who wrote the parts: the engine, or the row writer. */
  readonly lane: 'engine' | 'rows';
}

/**
 * Source → part files in the spool. The engine writes them where it can read the source itself and only Parquet
 * is asked for; whenever it declines, the row lane decides, whose errors name the exact place.
 */
export async function extract(
  spec: BronzeSpec,
  source: Source,
  spool: string,
  options: BronzeRunOptions,
): Promise<Extracted> {
  const stem = (n: number): string => partStem(spec.loadPattern, n);
  const limits = {
    ...(spec.maxRowsPerFile === undefined ? {} : { maxRowsPerFile: spec.maxRowsPerFile }),
    ...(spec.maxFileSizeBytes === undefined ? {} : { maxFileSizeBytes: spec.maxFileSizeBytes }),
  };
  if (!spec.formats.csv) {
    const landed = await extractByEngine(spec, source, { spool, stem, ...limits }, options);
    if (landed !== undefined) return landed;
  }
  return extractByRows(source, { spool, stem, formats: spec.formats, ...limits }, options);
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
  options: BronzeRunOptions,
): Promise<Extracted | undefined> {
  options.progress.step('checking');
  const input = await source.engineInput?.({ signal: options.signal, onBytes: options.progress.bytes });
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

async function extractByRows(
  source: Source,
  destination: Destination & { formats: BronzeSpec['formats'] },
  options: BronzeRunOptions,
): Promise<Extracted> {
  options.progress.step('reading');
  let roller: PartRoller | undefined;
  let schema: TableSchema = { fields: [] };
  let rows = 0;
  try {
    for await (const batch of source.read({ signal: options.signal, onBytes: options.progress.bytes })) {
      throwIfStopped(options.signal);
      schema = batch.schema;
      roller ??= rollParts({
        ...destination,
        schema,
        onPart: (n) => options.progress.step(`writing part ${n}`),
      });
      await roller.write(batch);
      rows += batch.length;
      options.progress.rows(batch.length);
    }
    return { parts: (await roller?.close()) ?? [], rows, schema, lane: 'rows' };
  } catch (error) {
    await roller?.abort();
    throw error;
  }
}
