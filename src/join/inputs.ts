import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { FoundryError } from '../core/errors.ts';
import type { Field, TableSchema } from '../core/schema.ts';
import { csvToParquet } from '../engine/csv-parts.ts';
import type { Engine } from '../engine/engine.ts';
import { fileList, identifier, literal, sqlType } from '../engine/sql.ts';
import { type CommittedPartition, openCommitted } from '../lake/reader.ts';
import { type InputPart, relationOf } from '../promotion/relation.ts';
import type { SpoolBudget } from '../storage/spool-budget.ts';
import type { DescribedInput } from './describe.ts';
import type { JoinRunOptions } from './options.ts';
import { textWidths } from './widths.ts';

/** Rows `[from, to)` of a side, counted over its parts in order. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

/** The verified rows of one side. */
export interface JoinInput extends DescribedInput {
  readonly partition: CommittedPartition;
  readonly schema: TableSchema;
  readonly rows: number;
  /** Local Parquet, to tell the sides apart in the engine's profile. */
  readonly localPaths: readonly string[];
  /** Bytes of a value of each text or binary column, on average; see `textWidths`. */
  readonly widths: ReadonlyMap<string, number>;
  /** A query for all rows, or some of them, with `__id`: their place in the side. */
  readonly sql: (range?: RowRange) => string;
  readonly warnings: readonly string[];
}

/** The files of both sides where they can be read. */
export interface FetchedInputs {
  readonly left: FetchedInput;
  readonly right: FetchedInput;
  /** Rejects with SUM001 where a file is not what was committed. Nothing is to be let out before it is fulfilled. */
  readonly verified: Promise<unknown>;
}

export interface OpenedInputs extends Pick<FetchedInputs, 'verified'> {
  readonly left: JoinInput;
  readonly right: JoinInput;
}

/**
 * Brings both sides' files to where they can be read. Those of a local disk are hashed meanwhile.
 * @param spool private folder of the run
 * @throws EXT001, SUM001, LOCK001, STATE001 as `openCommitted`.
 */
export async function fetchInputs(
  described: { readonly left: DescribedInput; readonly right: DescribedInput },
  spool: string,
  options: Pick<JoinRunOptions, 'signal'> & { readonly budget: SpoolBudget },
): Promise<FetchedInputs> {
  const left = await fetchInput(described.left, join(spool, 'left'), options);
  const right = await fetchInput(described.right, join(spool, 'right'), options);
  const verified = Promise.all([left.partition.verified, right.partition.verified]);
  // Whoever awaits it is told; until then it is no unhandled failure.
  verified.catch(() => undefined);
  return { left, right, verified };
}

/** @throws DATA001 for CSV or columns that cannot be read; SUM001. */
export async function readInputs(
  engine: Engine,
  { left, right, verified }: FetchedInputs,
): Promise<OpenedInputs> {
  return sureOf(verified, async () => ({
    left: await readInput(engine, left),
    right: await readInput(engine, right),
    verified,
  }));
}

/** What goes wrong with files that are not what was committed is told as that. */
export async function sureOf<T>(verified: Promise<unknown>, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await verified;
    throw error;
  }
}

/** The files of one side, not read yet. */
export interface FetchedInput {
  readonly described: DescribedInput;
  readonly partition: CommittedPartition;
  /** Private folder of this side. */
  readonly spool: string;
}

async function fetchInput(
  described: DescribedInput,
  spool: string,
  options: Pick<JoinRunOptions, 'signal'> & { readonly budget: SpoolBudget },
): Promise<FetchedInput> {
  await mkdir(spool, { recursive: true });
  const partition = await openCommitted(described.lake, described.path, {
    verify: 'later',
    only: described.isOfArtifact,
    spool,
    budget: options.budget,
    signal: options.signal,
  });
  if (partition === undefined || (partition.manifest === undefined && partition.files.length === 0)) {
    throw new FoundryError('EXT001', `${described.location} holds no data files`);
  }
  if (partition.manifest?.commit_id !== described.manifest?.commit_id) {
    throw new FoundryError('LOCK001', `${described.location} was replaced while this join began`, {
      hint: 'Run again: it will join what is there now.',
    });
  }
  return { described, partition, spool };
}

async function readInput(engine: Engine, { described, partition, spool }: FetchedInput): Promise<JoinInput> {
  const parts: InputPart[] = [];
  for (const [index, file] of partition.files.entries()) {
    const name = `${described.path}/${file.path}`;
    const fields = described.schema?.fields.slice(
      0,
      described.schema.fields.length - described.folderColumns.length,
    );
    const localPath =
      file.format === 'parquet'
        ? file.localPath
        : await csvToParquet(
            engine,
            file.localPath,
            fields && { fields },
            join(spool, `csv-${index}.tmp`),
            name,
          );
    parts.push({ localPath, name });
  }
  const folders = described.folderColumns.map((field) => ({
    field,
    values: partition.files.map((file) => file.partitionValues?.[field.name] ?? null),
  }));
  const relation = await relationOf(engine, parts, described.schema ?? { fields: [] });
  const counts = await rowCounts(engine, parts);
  const withFolders = (sql: string): string => restored(sql, folders);
  return {
    ...described,
    partition,
    schema: { fields: [...relation.schema.fields, ...described.folderColumns] },
    rows: counts.reduce((sum, rows) => sum + rows, 0),
    widths: await textWidths(engine, relation, parts),
    localPaths: parts.map(({ localPath }) => localPath),
    sql: (range) => withFolders(range === undefined ? relation.sql : rangeSql(relation.sqlOf, counts, range)),
    warnings: partition.warnings,
  };
}

/** Files come and go whole; of a file that is cut, only the rows in range are read. */
function rangeSql(
  sqlOf: (positions: readonly number[]) => string,
  counts: readonly number[],
  { from, to }: RowRange,
): string {
  const whole: number[] = [];
  const cut: string[] = [];
  let start = 0;
  for (const [position, rows] of counts.entries()) {
    const [first, last] = [Math.max(from, start) - start, Math.min(to, start + rows) - start];
    if (first === 0 && last === rows && rows > 0) whole.push(position);
    else if (first < last) {
      cut.push(`SELECT * FROM (${sqlOf([position])}) WHERE "__row" >= ${first} AND "__row" < ${last}`);
    }
    start += rows;
  }
  const parts = [...(whole.length === 0 ? [] : [sqlOf(whole)]), ...cut];
  return parts.length === 0
    ? `SELECT * FROM (${sqlOf([...counts.keys()])}) WHERE false`
    : parts.join(' UNION ALL ');
}

/** Adds each row's place, and the columns that its path carries. */
function restored(
  sql: string,
  folders: readonly { readonly field: Field; readonly values: readonly (string | null)[] }[],
): string {
  const columns = folders.map(({ field, values }) => {
    const list = values.map((value) => (value === null ? 'NULL' : literal(value))).join(', ');
    const text = `([${list}]::VARCHAR[])["__file" + 1]`;
    const value = field.type.kind === 'binary' ? `unhex(${text})` : `${text}::${sqlType(field.type)}`;
    return `, ${value} AS ${identifier(field.name)}`;
  });
  return `SELECT *${columns.join('')}, ("__file" << 40) + "__row" AS "__id" FROM (${sql})`;
}

async function rowCounts(engine: Engine, parts: readonly InputPart[]): Promise<number[]> {
  if (parts.length === 0) return [];
  const found = await engine.query(
    `SELECT file_name AS file, num_rows AS n FROM parquet_file_metadata(${fileList(parts.map(({ localPath }) => localPath))})`,
  );
  const rows = new Map(found.map((row) => [String(row.file), Number(row.n)]));
  return parts.map(({ localPath }) => rows.get(localPath) ?? 0);
}
