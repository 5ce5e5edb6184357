import type { BronzeSpec, DatasetSpec, IncrementalSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';
import type { Lake, PartitionWriter } from '../lake/lake.ts';
import type { Cursor } from '../lake/manifest.ts';
import type { Neighbours, Place } from '../lake/neighbours.ts';
import { type CursorCommit, commitsAtEnd, commitsAtStart, cursorNeighbours } from '../lake/watermark.ts';
import type { CursorOutcome, CursorPoint, CursorRequest } from '../sources/cursor.ts';
import type { Source } from '../sources/source.ts';
import { CURSOR_KINDS, type CursorKind, cursorKindOf } from '../table/cursor-order.ts';
import { type Extracted, extract } from './extract.ts';
import type { BronzeRunOptions } from './options.ts';
import { readStateFile } from './state-file.ts';

/** An incremental run's place between the commits around it. */
export interface IncrementalPlan {
  readonly request: CursorRequest;
  /** A later commit began at the very beginning: it holds whatever could be read here. */
  readonly nothingLeft: boolean;
  /** The commits that it continues. */
  readonly continues: readonly CursorCommit[];
}

/**
 * What an incremental run of one partition has to read (decision 10a): from where the nearest earlier commit ended to
 * where the next one began.
 *
 * @throws CFG001 when earlier commits have another cursor column; STATE001 on a broken manifest or state file; STG001.
 */
export async function planIncremental(
  spec: DatasetSpec,
  incremental: IncrementalSpec,
  lake: Lake,
  place: Place,
  options: BronzeRunOptions,
): Promise<IncrementalPlan> {
  if (incremental.recordOnly === true) return recordingPlan(incremental);
  const neighbours = await cursorNeighbours(lake, place);
  const { column } = incremental;
  const earlier = options.fullRefresh === true ? [] : neighbours.earlier;
  const [predecessor] = earlier;
  if (predecessor !== undefined) checkColumn(predecessor, column);
  const continues = commitsAtEnd(earlier.filter(({ cursor }) => cursor.column === column));
  const seed = await seedOf(spec, incremental, neighbours, options);
  const start = seed ?? pointOf(continues) ?? initialPoint(incremental);
  const later = laterPoint(neighbours.later, column, options);
  const kind = kindOf(incremental, [...continues, ...neighbours.later]);
  return {
    nothingLeft: later.nothingLeft,
    continues,
    request: {
      column,
      ...(kind !== undefined && { kind }),
      ...(start !== undefined && { start }),
      ...(predecessor !== undefined &&
        incremental.lookback !== undefined && { lookback: incremental.lookback }),
      ...(later.until !== undefined && { until: later.until }),
      first: predecessor === undefined || holdsNothing(predecessor.cursor),
      nullRows: incremental.nullRows,
    },
  };
}

/** Everything is read, whatever landed before; where it ends is for whoever wants to go on from there. */
function recordingPlan({ column, nullRows }: IncrementalSpec): IncrementalPlan {
  return { nothingLeft: false, continues: [], request: { column, first: true, nullRows, recordOnly: true } };
}

/**
 * Reads what the plan asks for.
 * @throws QUAL001 when a later commit leaves nothing to read in the place of rows that have landed; what the source
 * throws.
 */
export async function readIncrement(
  plan: IncrementalPlan,
  bronze: BronzeSpec,
  source: Source,
  writer: PartitionWriter,
  options: BronzeRunOptions,
): Promise<{ readonly extracted: Extracted; readonly cursor: Cursor }> {
  if (plan.nothingLeft) return nothingToRead(plan, bronze, writer);
  let outcome: CursorOutcome | undefined;
  const extracted = await extract(bronze, source, writer.spool, options, {
    cursor: plan.request,
    onCursor(reported) {
      outcome = reported;
    },
  });
  if (outcome === undefined) throw new Error(`${bronze.source.type} told nothing of its cursor`);
  const { rows, landed } = outcome.nulls;
  if (rows > 0 && !landed) {
    options.log.warn(`rows left out because their cursor ${plan.request.column} is NULL: ${rows}`);
  }
  return { extracted, cursor: cursorRecord(plan, outcome) };
}

function nothingToRead(
  { request }: IncrementalPlan,
  { allowEmpty }: BronzeSpec,
  writer: PartitionWriter,
): { readonly extracted: Extracted; readonly cursor: Cursor } {
  if (writer.holdsData && !allowEmpty) {
    throw new FoundryError(
      'QUAL001',
      `a later commit has read everything from the beginning, so nothing is left to replace the rows of ${writer.path} by`,
      { hint: 'Nothing was changed. To empty the partition all the same, set run.allow_empty: true.' },
    );
  }
  return {
    extracted: { parts: [], rows: 0, schema: { fields: [] }, lane: 'rows' },
    cursor: { column: request.column, start: null, end: null },
  };
}

/** The `cursor` block of the manifest. */
function cursorRecord({ request }: IncrementalPlan, outcome: CursorOutcome): Cursor {
  return {
    column: request.column,
    type: outcome.kind,
    start: request.start?.value ?? null,
    end: outcome.end,
    ...(outcome.startRows.length > 0 && { start_rows: outcome.startRows }),
    ...(outcome.endRows.length > 0 && { end_rows: outcome.endRows }),
    ...{ reread: outcome.reread, repeated: outcome.repeated, outside: outcome.outside },
    null_rows: outcome.nulls.rows,
  };
}

function checkColumn({ path, cursor }: CursorCommit, column: string): void {
  if (cursor.column === column) return;
  throw new FoundryError(
    'CFG001',
    `the cursor column is ${column}, but ${path} was landed by the cursor column ${cursor.column}`,
    {
      details: { column, landed_by: cursor.column },
      hint: `Go back to ${cursor.column}, or run once with --full-refresh: it reads everything, and later runs continue from there.`,
    },
  );
}

function pointOf(commits: readonly CursorCommit[]): CursorPoint | undefined {
  const end = commits[0]?.cursor.end ?? null;
  return end === null
    ? undefined
    : { value: end, rows: commits.flatMap(({ cursor }) => cursor.end_rows ?? []) };
}

/** A commit that read from the beginning and found nothing. */
function holdsNothing({ end, null_rows: nulls }: Cursor): boolean {
  return end === null && (nulls ?? 0) === 0;
}

function initialPoint({ initialValue }: IncrementalSpec): CursorPoint | undefined {
  return initialValue === undefined ? undefined : { value: initialValue, rows: [] };
}

/** Rows at the next commit's start that it, or one after it, holds already are not read again. */
function laterPoint(
  later: readonly CursorCommit[],
  column: string,
  options: BronzeRunOptions,
): { readonly until?: CursorPoint; readonly nothingLeft: boolean } {
  const [next] = later;
  if (next === undefined) return { nothingLeft: false };
  if (next.cursor.column !== column) {
    options.log.warn(`later partitions were landed by the cursor column ${next.cursor.column}: ${next.path}`);
    return { nothingLeft: false };
  }
  const { start } = next.cursor;
  if (start === null) return { nothingLeft: true };
  const holders = commitsAtStart(later.filter(({ cursor }) => cursor.column === column));
  return {
    until: { value: start, rows: holders.flatMap(({ cursor }) => cursor.start_rows ?? []) },
    nothingLeft: false,
  };
}

function kindOf(incremental: IncrementalSpec, commits: readonly CursorCommit[]): CursorKind | undefined {
  if (incremental.type !== undefined) return cursorKindOf(incremental.type);
  const recorded = commits.find(({ cursor }) => cursor.column === incremental.column)?.cursor.type;
  return CURSOR_KINDS.find((kind) => kind === recorded);
}

/** Where a state file of the original says to begin: the one given by `--state`, or the first run's (decision 10a). */
async function seedOf(
  spec: DatasetSpec,
  incremental: IncrementalSpec,
  neighbours: Neighbours<CursorCommit>,
  options: BronzeRunOptions,
): Promise<CursorPoint | undefined> {
  if (options.stateFile !== undefined) {
    const value = await readStateFile(options.stateFile, { required: true });
    return value === undefined ? undefined : { value, rows: [] };
  }
  if (options.fullRefresh === true) return undefined;
  const { system, table } = spec.bronze;
  const file = incremental.stateFile ?? `.state/${system}_${table}_cursor.json`;
  const value = await readStateFile(file, {
    required: incremental.stateFile !== undefined && isFirst(neighbours),
  });
  if (value === undefined) return undefined;
  if (isFirst(neighbours)) {
    options.log.info(`${spec.name}: begins at ${value}, from the state file ${file}`);
    return { value, rows: [] };
  }
  options.log.warn(
    `${spec.name}: the state file ${file} is ignored, since the lake knows where the last run ended; --state ${file} begins there`,
  );
  return undefined;
}

function isFirst({ earlier, later }: Neighbours<CursorCommit>): boolean {
  return earlier.length === 0 && later.length === 0;
}
