import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { DatasetSpec } from '../config/spec.ts';
import { FoundryError } from '../core/errors.ts';

/**
 * One run must not land two sources in one partition: the second would replace the rows of the first, and both
 * would be told as done. Datasets of one and the same source may, since they differ above Bronze only.
 *
 * @param batchId `--batch-id`, which all datasets of the run would share
 * @throws CFG001 naming both datasets
 */
export function refuseSamePartition(datasets: readonly DatasetSpec[], batchId: string | undefined): void {
  const landed = new Map<string, DatasetSpec>();
  for (const spec of datasets) {
    const { base, enabled, loadPattern, partition, pathKeys, patternFolder, source, system, table } =
      spec.bronze;
    const batch = batchId ?? partition.batchId;
    // A generated id is unique; a generated stamp is that of its minute.
    const unique = partition.strategy === 'batch_id' && batch === undefined;
    if (!enabled || unique) continue;
    const place = [
      resolve(base),
      pathKeys,
      spec.environment,
      system,
      table,
      patternFolder ?? loadPattern,
      partition.strategy,
      batch,
    ];
    const key = JSON.stringify(place);
    const other = landed.get(key);
    landed.set(key, spec);
    if (other === undefined || isDeepStrictEqual(other.bronze.source, source)) continue;
    throw new FoundryError(
      'CFG001',
      `the datasets "${other.name}" and "${spec.name}" would land different sources in the same partition: system "${system}", table "${table}", pattern "${patternFolder ?? loadPattern}"`,
      {
        details: { dataset: spec.name, other: other.name },
        hint: 'Give each its own table, run one at a time with --source-name, or read both as one source with a glob.',
      },
    );
  }
}
