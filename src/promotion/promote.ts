import type { SilverSpec } from '../config/spec.ts';
import { throwIfStopped } from '../core/errors.ts';
import type { Log, Progress } from '../core/log.ts';
import type { RunDate } from '../core/run-date.ts';
import { STRING, type TableSchema } from '../core/schema.ts';
import type { Engine } from '../engine/engine.ts';
import { runHeavy } from '../engine/heavy.ts';
import type { SpooledPart } from '../lake/lake.ts';
import { requireRows } from './account.ts';
import { type WrittenArtifact, writeArtifact } from './artifacts.ts';
import { refuseUnevenParts } from './columns.ts';
import { uselessDeleteMode } from './decide.ts';
import { fillDecided } from './decide-shares.ts';
import type { Snapshots } from './missing.ts';
import { requireTimezone } from './order-type.ts';
import { dataProbe } from './probe.ts';
import { type Promotion, planPromotion } from './promotion.ts';
import { countRefused, type Quarantined, type QuarantineRequest, writeQuarantine } from './quarantine.ts';
import { emptyRelation, type InputPart, relationOf } from './relation.ts';
import { MISFITS, type Shape, SOURCE, shapeOf } from './shape.ts';
import type { PromotionSubject } from './subject.ts';

/** Where every row that was read went; the other numbers add up to `read`. */
export interface RowCounts {
  readonly read: number;
  readonly live: number;
  readonly superseded: number;
  readonly deleted: number;
  /** Equal keys and order value as a later row; `superseded` where only the last row per key is asked for. */
  readonly duplicate: number;
  /** Versions merged into the one before by `collapse_unchanged`. */
  readonly unchanged: number;
  readonly quarantined: number;
}

export interface Promoted {
  readonly promotion: Promotion;
  readonly counts: RowCounts;
  /** How often a newer full snapshot no longer held a key. */
  readonly missing: number;
  readonly quarantine: Quarantined;
  readonly artifacts: readonly WrittenArtifact[];
  readonly parts: readonly SpooledPart[];
}

export interface PromoteOptions {
  readonly runDate: RunDate;
  readonly snapshots?: Snapshots;
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly progress: Progress;
}

const NOTHING_REFUSED: Quarantined = { rows: 0, reasons: {} };

/**
 * Reads local Bronze parts and spools the artifacts' files. Nothing is visible to anybody afterwards.
 * @param knownSchema the columns where there is no part.
 */
export async function promote(
  engine: Engine,
  dataset: PromotionSubject,
  parts: readonly InputPart[],
  knownSchema: TableSchema,
  spool: string,
  options: PromoteOptions,
): Promise<Promoted> {
  const { silver: spec } = dataset;
  options.progress.step('reading');
  const columns = columnsOf(dataset, knownSchema);
  if (parts.length === 0 && columns.fields.length === 0) return nothing();
  const source = await relationOf(engine, parts, columns);
  refuseUnevenParts(spec, source);
  const shape = shapeOf(source, spec);
  if (spec.timezone !== undefined && shapesTimes(spec)) await requireTimezone(engine, spec.timezone);
  if (parts.length > 0) for (const warning of shape.warnings) options.log.warn(warning);
  await engine.execute(`CREATE OR REPLACE TEMP VIEW ${SOURCE} AS ${source.sql}`);
  const { read, faulty } = await countSource(engine, shape, options.progress);
  const relation = shape.relation(faulty > 0);
  await engine.execute(`CREATE OR REPLACE TEMP VIEW bronze_rows AS ${relation.sql}`);
  const promotion = await planPromotion(
    dataset,
    relation,
    dataProbe(engine, spec),
    options.runDate.date,
    options.log.warn,
    options.snapshots && { snapshots: options.snapshots, rows: shape.relation(false).sql },
  );
  const useless = uselessDeleteMode(spec, relation.schema.fields, promotion.decision);
  if (useless !== undefined && parts.length > 0) options.log.warn(useless);
  options.progress.rows(read);

  let counts = passedThrough(read, faulty);
  let missing = 0;
  if (promotion.decision !== undefined) {
    await fillDecided(engine, promotion.decision, read, options.progress);
    ({ counts, missing } = await countDecided(engine, read));
  }
  let quarantine = NOTHING_REFUSED;
  let rejected: SpooledPart | undefined;
  if (counts.quarantined > 0) {
    const request: QuarantineRequest = {
      engine,
      spec,
      faults: faulty > 0 ? shape.faults : [],
      ...(promotion.decision === undefined ? {} : { decision: promotion.decision }),
      parts,
      totalRows: read,
    };
    quarantine = await countRefused(request);
    rejected = await writeQuarantine(request, quarantine, source.schema, spool);
    if (quarantine.rows !== counts.quarantined) {
      throw new Error(`${counts.quarantined} rows were not decided, but ${quarantine.rows} are refused`);
    }
  }
  await engine.execute(`CREATE OR REPLACE TEMP VIEW prepared AS ${promotion.preparedSql}`);

  const artifacts: WrittenArtifact[] = [];
  for (const planned of promotion.artifacts) {
    throwIfStopped(options.signal);
    const staged = (name: string): string =>
      artifacts.find((artifact) => artifact.artifact === name)?.staged ?? name;
    const written = await writeArtifact(engine, planned, spec.formats, spool, staged, options.progress);
    await requireRows(engine, planned, written.rows, promotion.decision ? undefined : counts.live);
    artifacts.push(written);
  }
  return {
    promotion,
    counts,
    missing,
    quarantine,
    artifacts,
    parts: [
      ...artifacts.flatMap((artifact) => artifact.parts),
      ...(rejected === undefined ? [] : [rejected]),
    ],
  };
}

/** No row has ever landed, and nobody says what the columns are: there is no table to write, only its status. */
function nothing(): Promoted {
  const schema = { fields: [] };
  return {
    promotion: {
      relation: emptyRelation(schema),
      kept: [],
      dropped: [],
      undeclared: [],
      partitions: [],
      artifacts: [],
      preparedSql: '',
    },
    counts: passedThrough(0, 0),
    missing: 0,
    quarantine: NOTHING_REFUSED,
    artifacts: [],
    parts: [],
  };
}

/** Where Bronze says nothing about its columns, an intent's config does; their types are then unknown. */
function columnsOf({ silver }: PromotionSubject, known: TableSchema): TableSchema {
  if (known.fields.length > 0 || silver.attributes === undefined) return known;
  const names = new Set([
    ...silver.keys,
    ...(silver.orderColumn === undefined ? [] : [silver.orderColumn]),
    ...(silver.sequenceColumn === undefined ? [] : [silver.sequenceColumn]),
    ...silver.attributes,
    ...(silver.cdc === undefined ? [] : [silver.cdc.operationColumn]),
    ...(silver.partitioning.recordTime === undefined ? [] : [silver.partitioning.recordTime.column]),
  ]);
  return { fields: [...names].map((name) => ({ name, type: STRING })) };
}

function shapesTimes({ shaping }: SilverSpec): boolean {
  return Object.values(shaping?.types ?? {}).some(({ kind }) => kind === 'timestamp');
}

/** Rows whose values do not fit are looked for once, and are then known by their places. */
async function countSource(
  engine: Engine,
  shape: Shape,
  progress: Progress,
): Promise<{ read: number; faulty: number }> {
  const [found] = await engine.query(`SELECT count(*) AS n FROM ${SOURCE}`);
  const read = Number(found?.n ?? 0);
  if (shape.faults.length === 0) return { read, faulty: 0 };
  progress.step('checking values');
  const misfits = `CREATE OR REPLACE TEMP TABLE ${MISFITS} AS ${shape.misfitsSql}`;
  await runHeavy(engine, progress, () => engine.execute(misfits));
  const [bad] = await engine.query(`SELECT count(*) AS n FROM ${MISFITS}`);
  return { read, faulty: Number(bad?.n ?? 0) };
}

function passedThrough(read: number, quarantined: number): RowCounts {
  return {
    read,
    live: read - quarantined,
    superseded: 0,
    deleted: 0,
    duplicate: 0,
    unchanged: 0,
    quarantined,
  };
}

/** Rows that were read but not decided are those to be quarantined; rows that were never read are in no count. */
async function countDecided(
  engine: Engine,
  read: number,
): Promise<{ readonly counts: RowCounts; readonly missing: number }> {
  const found = await engine.query(
    'SELECT "__status" AS status, count(*) FILTER (WHERE "__rows" > 0) AS n, sum("__rows")::BIGINT AS stands_for, ' +
      'count(*) FILTER (WHERE "__rows" = 0 AND "__deleted") AS missing FROM decided GROUP BY 1',
  );
  const count = (...names: string[]): number =>
    found.reduce((sum, row) => sum + (names.includes(String(row.status)) ? Number(row.n) : 0), 0);
  const decided = found.reduce((sum, row) => sum + Number(row.n), 0);
  const accounted = found.reduce((sum, row) => sum + Number(row.stands_for), 0);
  const missing = found.reduce((sum, row) => sum + Number(row.missing), 0);
  const counts = {
    read,
    live: count('live'),
    superseded: count('superseded') + accounted - decided,
    deleted: count('deleted', 'tombstone'),
    duplicate: count('duplicate'),
    unchanged: count('unchanged'),
    quarantined: read - accounted,
  };
  return { counts, missing };
}
