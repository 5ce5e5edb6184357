import type { Compression } from '../config/spec.ts';
import type { Progress } from '../core/log.ts';
import type { DataType } from '../core/schema.ts';
import { executeEach } from '../engine/each.ts';
import type { Engine } from '../engine/engine.ts';
import { sparing } from '../engine/heavy.ts';
import { copySql, hashFile } from '../engine/parts.ts';
import { identifier, parquetRows } from '../engine/sql.ts';
import { partitionSegment } from '../lake/hive.ts';
import type { SpooledPart } from '../lake/lake.ts';
import type { PartitionColumn } from './partitions.ts';

export interface FoldersRequest {
  /** Local Parquet, its rows sorted by the partition columns. */
  readonly staged: string;
  /** Which of its rows, over the staged columns; absent: all. */
  readonly where?: string;
  readonly partitions: readonly PartitionColumn[];
  /** A select list over the staged columns. */
  readonly columns: (format: 'parquet' | 'csv') => string;
  readonly formats: readonly ('parquet' | 'csv')[];
  readonly compression: Compression;
  /** Private path, to which endings are added. */
  readonly target: string;
  /** For the progress. */
  readonly stem: string;
  readonly progress: Progress;
}

type FolderPart = Omit<SpooledPart, 'stem' | 'role' | 'artifact'>;

interface Group {
  /** Rows [start, end) of the staged file hold its rows, and those of no other group. */
  readonly start: number;
  readonly end: number;
  readonly rows: number;
  readonly values: Readonly<Record<string, string | null>>;
  readonly folder: string;
}

interface Planned extends Group {
  readonly format: 'parquet' | 'csv';
  readonly file: string;
}

/** One file of so many rows is written by all threads. */
const LARGE = 1_000_000;

/**
 * One file per combination of partition values and format, its rows in the staged order. Small files are written
 * several at a time, each on one thread; the bytes of either kind follow from the rows alone.
 */
export async function writeFolders(engine: Engine, request: FoldersRequest): Promise<FolderPart[]> {
  const { formats, progress, stem, target } = request;
  const groups = await groupsOf(engine, request);
  const all: readonly Planned[] = formats.flatMap((format) =>
    groups.map((group, index) => ({ ...group, format, file: `${target}-${index}.${format}.tmp` })),
  );
  const total = all.length.toLocaleString('en');
  let done = 0;
  const told = (): void => {
    done += 1;
    progress.share(done / all.length, `file ${done.toLocaleString('en')} of ${total}`);
  };
  progress.step(`writing ${stem}`);
  for (const large of all.filter(isLarge)) {
    await sparing(engine, () => engine.execute(writeSql(request, large)));
    told();
  }
  await executeEach(
    engine,
    all.filter((each) => !isLarge(each)).map((each) => writeSql(request, each)),
    told,
  );
  progress.step(`hashing ${stem}`);
  done = 0;
  const parts: FolderPart[] = [];
  for (const { file, format, folder, rows, values } of all) {
    parts.push({ file, folder, format, rows, partitionValues: values, ...(await hashFile(file)) });
    told();
  }
  return parts;
}

function isLarge({ rows }: Group): boolean {
  return rows >= LARGE;
}

function writeSql({ staged, where, columns, compression }: FoldersRequest, planned: Planned): string {
  const { start, end, format, file } = planned;
  const chosen = where === undefined ? '' : ` AND ${where}`;
  // Where single rows are left out, how several threads group the others would depend on the threads.
  const order = where !== undefined && isLarge(planned) ? ' ORDER BY file_row_number' : '';
  const select =
    `SELECT ${columns(format)} FROM ${parquetRows(staged)} ` +
    `WHERE file_row_number >= ${start} AND file_row_number < ${end}${chosen}${order}`;
  return copySql(select, file, { format, compression });
}

/** The combinations of values, in the order of their rows. */
async function groupsOf(
  engine: Engine,
  { staged, where, partitions }: FoldersRequest,
): Promise<readonly Group[]> {
  const values = partitions.map(
    ({ name, type }, index) => `${valueText(identifier(name), type)} AS v${index}`,
  );
  const found = await engine.query(
    `SELECT ${values.join(', ')}, min(file_row_number)::BIGINT AS start, max(file_row_number)::BIGINT + 1 AS after, count(*) AS n ` +
      `FROM ${parquetRows(staged)} WHERE ${where ?? 'true'} GROUP BY ${values.map((_, index) => `v${index}`).join(', ')} ORDER BY start`,
  );
  return found.map((row) => {
    const texts = partitions.map((_, index) => {
      const value = row[`v${index}`];
      return value === null ? null : String(value);
    });
    return {
      start: Number(row.start),
      end: Number(row.after),
      rows: Number(row.n),
      values: Object.fromEntries(partitions.map(({ name }, index) => [name, texts[index] ?? null])),
      folder: partitions
        .map(({ name }, index) => `${partitionSegment(name, texts[index] ?? null)}/`)
        .join(''),
    };
  });
}

/** Equal values have one text: of the two zeros of doubles too. */
function valueText(column: string, type: DataType): string {
  if (type.kind === 'binary') return `hex(${column})`;
  return type.kind === 'double' ? `(${column} + 0.0::DOUBLE)::VARCHAR` : `${column}::VARCHAR`;
}
