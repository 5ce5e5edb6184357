import type { JoinSpec } from '../config/join/spec.ts';
import type { Committed } from '../lake/lake.ts';
import type { Manifest } from '../lake/manifest.ts';
import type { Joined } from './execute.ts';
import type { Finished } from './finish.ts';
import type { GuardResult } from './guards.ts';
import type { JoinInput } from './inputs.ts';
import { type JoinStats, joinStats } from './manifest-body.ts';
import type { PreparedJoin } from './prepare.ts';

export interface JoinReport {
  readonly dataset: string;
  readonly layer: 'join';
  readonly status: 'complete' | 'unchanged' | 'empty';
  readonly run_date: string;
  readonly location: string;
  readonly model: string;
  readonly requested_model: string;
  readonly join_type: string;
  readonly strategy: string;
  readonly chunk_size: number;
  readonly inputs: readonly {
    readonly side: string;
    readonly location: string;
    readonly artifact: string | null;
    readonly rows: number;
  }[];
  readonly rows: number;
  readonly artifacts: readonly { readonly artifact: string; readonly rows: number }[];
  readonly join_stats: JoinStats;
  readonly guards: readonly GuardResult[];
  readonly files: readonly { readonly path: string; readonly rows: number; readonly size_bytes: number }[];
  readonly replaced_rows?: number;
  /** The chunk that this run began with, where an earlier one had done some. */
  readonly resumed_at_chunk: number | null;
  readonly seconds: number;
}

interface ReportFacts {
  readonly spec: JoinSpec;
  readonly runDate: string;
  readonly location: string;
  readonly inputs: readonly JoinInput[];
  readonly prepared: PreparedJoin;
  readonly joined: Joined;
  readonly finished: Finished;
  readonly guards: readonly GuardResult[];
  readonly committed: Committed;
  readonly previous: Manifest | undefined;
  readonly resumedAt: number | null;
  readonly seconds: number;
}

export function joinReport(facts: ReportFacts): JoinReport {
  const { committed, joined, prepared } = facts;
  const { changed, manifest } = committed;
  const { model, shape, strategy } = prepared;
  const rows = joined.progress.total_records;
  return {
    dataset: facts.spec.name,
    layer: 'join',
    status: manifest.status === 'empty' ? 'empty' : changed ? 'complete' : 'unchanged',
    run_date: facts.runDate,
    location: facts.location,
    model: model.used,
    requested_model: model.requested,
    join_type: shape.joinType,
    strategy: strategy.used,
    chunk_size: strategy.chunkSize,
    inputs: facts.inputs.map(({ artifact, location, rows: read, side }) => ({
      side,
      location,
      artifact: artifact ?? null,
      rows: read,
    })),
    rows,
    artifacts: facts.finished.artifacts.map(({ artifact, rows: written }) => ({ artifact, rows: written })),
    join_stats: joinStats({ joined, prepared }, rows),
    guards: facts.guards,
    files: manifest.files.map(({ path, rows: count, size_bytes }) => ({ path, rows: count, size_bytes })),
    ...(facts.previous === undefined ? {} : { replaced_rows: facts.previous.record_count }),
    resumed_at_chunk: facts.resumedAt,
    seconds: facts.seconds,
  };
}
