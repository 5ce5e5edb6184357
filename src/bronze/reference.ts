import type { DatasetSpec, ReferenceSpec } from '../config/spec.ts';
import type { Lake } from '../lake/lake.ts';
import { type ListedPartition, listPartitions } from '../lake/partitions.ts';
import { type ReferenceRecord, referenceOf } from '../lake/reference.ts';
import { tablePath } from './target.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * What this run is in the rotation of references and deltas. Only references of earlier dates count, so that a
 * rerun decides as the first run did, and a delta on the day of a new reference belongs to the one before.
 *
 * @param path the partition that this run writes
 */
export async function decideReference(
  spec: DatasetSpec,
  reference: ReferenceSpec,
  lake: Lake,
  path: string,
  runDate: string,
): Promise<ReferenceRecord> {
  const references = (await listPartitions(lake, tablePath(spec))).filter(
    (partition) => partition.path !== path && referenceOf(partition.manifest)?.type === 'reference',
  );
  const earlier = references.findLast((partition) => dateOf(partition) < runDate);
  const type = reference.role === 'auto' ? rotate(reference, earlier, runDate) : reference.role;
  const belongsTo =
    type === 'reference'
      ? { path, date: runDate }
      : placeOf(earlier ?? references.find((it) => dateOf(it) === runDate));
  return {
    role: reference.role,
    reference_type: type,
    cadence_days: reference.cadenceDays ?? null,
    delta_patterns: [...reference.deltaPatterns],
    delta_mode: reference.deltaMode,
    reference_path: belongsTo?.path ?? null,
    reference_run_date: belongsTo?.date ?? null,
  };
}

function rotate(
  { cadenceDays }: ReferenceSpec,
  earlier: ListedPartition | undefined,
  runDate: string,
): 'reference' | 'delta' {
  if (earlier === undefined) return 'reference';
  if (cadenceDays === undefined) return 'delta';
  const days = (Date.parse(runDate) - Date.parse(dateOf(earlier))) / DAY_MS;
  return days >= cadenceDays ? 'reference' : 'delta';
}

function dateOf({ manifest, address }: ListedPartition): string {
  return manifest?.run_date ?? address?.dt ?? '';
}

function placeOf(partition: ListedPartition | undefined): { path: string; date: string } | undefined {
  return partition === undefined ? undefined : { path: partition.path, date: dateOf(partition) };
}
