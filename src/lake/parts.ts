import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutputFormats } from '../config/spec.ts';
import type { Batch } from '../core/batch.ts';
import type { TableSchema } from '../core/schema.ts';
import type { Span } from '../core/span.ts';
import { startSpan } from '../core/trace.ts';
import { openPart } from '../formats/open-part.ts';
import type { PartWriter } from '../formats/part-writer.ts';
import type { SpooledPart } from './lake.ts';

export interface PartLimits {
  readonly maxRowsPerFile?: number;
  /** A part is closed once its file has reached this size, so it exceeds it by one row group at most. */
  readonly maxFileSizeBytes?: number;
}

export interface RollOptions extends PartLimits {
  /** Private folder of the partition's writer. */
  readonly spool: string;
  readonly formats: OutputFormats;
  readonly schema: TableSchema;
  /** Name before the hash of part n (from 1): `full-part-0001`. */
  readonly stem: (n: number) => string;
  readonly onPart?: (n: number) => void;
}

interface OpenPart {
  readonly n: number;
  rows: number;
  readonly writers: readonly { format: 'parquet' | 'csv'; file: string; writer: PartWriter }[];
  readonly span?: Span;
}

/**
 * Writes batches into numbered part files, closing a part at its row or size limit. No file is opened before
 * the first row, so that zero rows leave zero parts. With both formats, a part number holds the same rows in each.
 */
export interface PartRoller {
  write(batch: Batch): Promise<void>;
  close(): Promise<SpooledPart[]>;
  /** Columns that appeared late, each with the part that it opened. */
  readonly lateColumns: readonly LateColumn[];
  /** Removes all parts. */
  abort(): Promise<void>;
}

/** A column of which no row before `firstRow` (from 1, of the partition) holds a value. */
export interface LateColumn {
  readonly column: string;
  /** Stem of its first part: `full-part-0002`. */
  readonly firstPart: string;
  readonly firstRow: number;
}

export function rollParts(options: RollOptions): PartRoller {
  const finished: SpooledPart[] = [];
  const lateColumns: LateColumn[] = [];
  let finishedRows = 0;
  let current: OpenPart | undefined;
  let opened = 0;

  const open = async (): Promise<OpenPart> => {
    opened += 1;
    options.onPart?.(opened);
    const formats = (['parquet', 'csv'] as const).filter((format) => options.formats[format]);
    const writers = [];
    for (const format of formats) {
      const file = join(options.spool, `${options.stem(opened)}.${format}.tmp`);
      const writer = await openPart(format, file, options.schema, options.formats.compression);
      writers.push({ format, file, writer });
    }
    const stem = options.stem(opened);
    const span = startSpan('foundry.part', () => ({ 'foundry.file': stem }));
    return { n: opened, rows: 0, writers, ...(span !== undefined && { span }) };
  };

  const finish = async (part: OpenPart): Promise<void> => {
    for (const { format, file, writer } of part.writers) {
      const closed = await writer.close();
      finished.push({ file, folder: '', stem: options.stem(part.n), format, role: 'data', ...closed });
    }
    finishedRows += part.rows;
    part.span?.set({ 'foundry.rows': part.rows });
    part.span?.end();
    current = undefined;
  };

  const startLate = async (columns: readonly string[]): Promise<void> => {
    if (current !== undefined && current.rows > 0) await finish(current);
    for (const column of columns) {
      lateColumns.push({ column, firstPart: options.stem(opened + 1), firstRow: finishedRows + 1 });
    }
  };

  const isFull = (part: OpenPart): boolean =>
    (options.maxRowsPerFile !== undefined && part.rows >= options.maxRowsPerFile) ||
    (options.maxFileSizeBytes !== undefined &&
      part.writers.some(({ writer }) => writer.sizeBytes >= (options.maxFileSizeBytes ?? 0)));

  return {
    lateColumns,
    async write(batch) {
      if (batch.lateColumns !== undefined) await startLate(batch.lateColumns);
      let from = 0;
      while (from < batch.length) {
        current ??= await open();
        const room = (options.maxRowsPerFile ?? Number.POSITIVE_INFINITY) - current.rows;
        const to = Math.min(batch.length, from + room);
        const slice = sliceBatch(batch, from, to);
        for (const { writer } of current.writers) await writer.write(slice);
        current.rows += slice.length;
        from = to;
        if (isFull(current)) await finish(current);
      }
    },
    async close() {
      if (current !== undefined) await finish(current);
      return finished;
    },
    async abort() {
      for (const { writer } of current?.writers ?? []) await writer.abort();
      const files = [...(current?.writers ?? []), ...finished].map(({ file }) => file);
      current = undefined;
      for (const file of files) await rm(file, { force: true }).catch(() => undefined);
    },
  };
}

function sliceBatch(batch: Batch, from: number, to: number): Batch {
  if (from === 0 && to === batch.length) return batch;
  return {
    schema: batch.schema,
    columns: batch.columns.map((column) => column.slice(from, to)),
    length: to - from,
  };
}
