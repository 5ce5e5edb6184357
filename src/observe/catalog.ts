import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { maskedJson } from '../core/secret.ts';
import { recordOf } from './lineage/datasets.ts';
import { datasetId, type RunFacts, rowsOf } from './outcome.ts';
import type { CommittedStep } from './runs/record.ts';

/** The original's names of what ended (original-behaviour §8.6). */
const EVENTS = { bronze: 'bronze_run', silver: 'silver_promotion', join: 'silver_join' } as const;

/**
 * What a catalog wants to know of a step, one object a line: the event, the run's metadata, and where it committed its
 * columns and its quality. `dataset_id` is `bronze:<system>.<table>` or `silver:<domain>.<entity>`.
 */
export function catalogLines(facts: RunFacts, { outcome, manifest }: CommittedStep): readonly object[] {
  const { layer, startedAt, endedAt, report, failure, spec } = outcome;
  const common = { dataset_id: datasetId(outcome), run_id: facts.runId, run_date: facts.runDate };
  const status = failure === undefined ? 'success' : 'failure';
  const run = {
    type: 'run_metadata',
    ...common,
    status,
    config: spec.configPath,
    started_at: startedAt.toISOString(),
    ended_at: endedAt.toISOString(),
    ...(report !== undefined && {
      outcome: report.status,
      location: report.location,
      record_count: rowsOf(report),
    }),
    ...(failure !== undefined && { error: failure }),
  };
  const event = {
    type: 'event',
    event: `${EVENTS[layer]}_${failure === undefined ? 'completed' : 'failed'}`,
    ...common,
    at: endedAt.toISOString(),
  };
  if (manifest === undefined) return [event, run];
  return [
    event,
    run,
    {
      type: 'schema_snapshot',
      ...common,
      commit_id: manifest.commit_id,
      columns: manifest.schema,
      ...(manifest.artifacts !== undefined && { artifacts: schemasOf(manifest.artifacts) }),
    },
    {
      type: 'quality_snapshot',
      ...common,
      commit_id: manifest.commit_id,
      record_count: manifest.record_count,
      quarantined_rows: manifest.quarantined_rows ?? 0,
      quarantine_reasons: manifest.quarantine_reasons ?? {},
      ...(report?.layer === 'silver' && { rows: report.rows }),
    },
  ];
}

function schemasOf(artifacts: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(recordOf(artifacts)).map(([artifact, described]) => [
      artifact,
      recordOf(described).schema,
    ]),
  );
}

/** Appends a step's lines. Never throws: without them, the run ended as it did. */
export async function appendCatalog(
  file: string,
  facts: RunFacts,
  step: CommittedStep,
  log: Log,
): Promise<void> {
  const lines = catalogLines(facts, step).map((line) => `${maskedJson(line)}\n`);
  try {
    await mkdir(dirname(file), { recursive: true });
    // One write: lines of several processes do not mix.
    await appendFile(file, lines.join(''));
  } catch (error) {
    log.warn(`the catalog file ${file} cannot be written: ${messageOf(error)}`);
  }
}
